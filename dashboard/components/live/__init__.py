"""The component of the page Live: the camera's picture with what is measured in it, over the API's live door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard import context
from dashboard.components.upload import Grants, UploadedRecording, camera_labels, mount, read_part, upload_labels
from dashboard.i18n import _
from dashboard.i18n.numbers import size
from fer_phq.core.emotions import EMOTIONS
from fer_phq.mesh import messages as mesh_messages
from service.access.guard import LIVE_PATH
from service.ingest.tokens import UploadGrant
from service.settings import AppSettings

PARTS = ("sending.js", "recording.js", "live/line.js", "live/drawing.js", "live/live.js")
HTML = """
<div class="frame" data-unnamed><div class="live" data-stage="off" data-shown="no" data-may="look">
<div><div class="stage"><video class="camera" muted playsinline data-label="camera"></video>
<canvas role="img" width="640" height="480" data-label="picture"></canvas></div>
<div class="controls"><button type="button" class="on main" data-say="open"></button>
<button type="button" class="off" data-say="close"></button><span class="rate"></span></div>
<p class="say" role="status"></p>
<fieldset><legend data-say="layers"></legend>
<label><input type="checkbox" checked data-layer="boxes"><span data-say="boxes"></span></label>
<label><input type="checkbox" checked data-layer="mesh"><span data-say="mesh"></span></label>
<label><input type="checkbox" checked data-layer="pose"><span data-say="pose"></span></label>
<label class="of-gaze"><input type="checkbox" checked data-layer="gaze"><span data-say="gaze"></span></label>
</fieldset></div>
<div><h3 data-say="emotions"></h3><ul class="bars" data-label="emotions"></ul>
<h3 data-say="angles"></h3><dl><dt data-say="pitch"></dt><dd data-figure="pitch">–</dd>
<dt data-say="yaw"></dt><dd data-figure="yaw">–</dd><dt data-say="roll"></dt><dd data-figure="roll">–</dd>
<dt class="of-gaze" data-say="gazeAngles"></dt><dd class="of-gaze" data-figure="gaze">–</dd></dl>
<p class="gaps"></p></div>
<div class="whole capture" data-stage="ready"><video class="look" controls playsinline data-label="look"></video>
<div class="controls"><button type="button" class="picture" data-say="picture_button"></button>
<button type="button" class="start" data-say="start"></button>
<button type="button" class="halt main" data-say="halt"></button><span class="clock" role="timer">0:00</span>
<button type="button" class="use main" data-say="use"></button>
<button type="button" class="discard" data-say="discard"></button></div><p class="kept" role="status"></p>
<ul class="uploads" data-label="uploads"></ul></div></div></div>
"""


@dataclass(frozen=True)
class Capture:
    """What may be kept of a live picture.

    Attributes:
        grant: What a recording is for.
        subject: The subject's label, for a picture's caption.
        consent_by: Who recorded the consent, for a picture's caption.
    """

    grant: UploadGrant
    subject: str
    consent_by: str


def live_camera(
    settings: AppSettings, capture: Capture | None, *, url: str, key: str, on_picture: Callable[[], None]
) -> list[UploadedRecording]:
    """Draw the camera with what is measured. Returns every recording that was made with it and uploaded.

    Args:
        settings: The installation.
        capture: What may be kept; None for nothing.
        url: The upload route.
        key: Key of the component.
        on_picture: Called before the rerun after the browser kept a picture.
    """
    component = st.components.v2.component(
        "fer_phq_live",
        html=HTML,
        css=read_part("upload.css") + read_part("live/live.css"),
        js="".join(map(read_part, PARTS)),
    )
    colours = context.colours()
    emotions = [{"name": name, "label": _(name.capitalize()), "colour": colours.emotion(name)} for name in EMOTIONS]
    labels = upload_labels(size(settings.max_upload_bytes)) | camera_labels() | _labels() | _sentences()
    more = {
        "door": LIVE_PATH,
        "emotions": emotions,
        "gaps": _gap_sentences(),
        "subject": capture.subject if capture else "",
        "consent": capture.consent_by if capture else "",
    }

    return mount(
        component,
        settings,
        Grants(capture.grant if capture else None),
        url,
        key,
        labels,
        more,
        on_picture_change=on_picture,
    )


def _labels() -> dict[str, str]:
    return {
        "picture": _("The camera's picture with what is measured in it"),
        "look": _("The recording that was made"),
        "close": _("Turn off the camera"),
        "layers": _("Drawn over it"),
        "boxes": _("Boxes"),
        "mesh": _("Mesh"),
        "pose": _("Head pose"),
        "gaze": _("Gaze"),
        "emotions": _("Emotions of the largest face"),
        "angles": _("Angles of the largest face"),
        "pitch": _("Pitch (positive: up)"),
        "yaw": _("Yaw (positive: to the person's left)"),
        "roll": _("Roll (positive: to the person's right shoulder)"),
        "gazeAngles": _("Gaze, up / to the person's left"),
        "picture_button": _("Keep a picture"),
        "rate": _("{answered} of {camera} pictures a second · {delay} ms behind"),
    }


def _sentences() -> dict[str, str]:
    return {
        "NotAllowedError": _(
            "The browser was not allowed to use the camera; allow it for this page and turn the camera on again."
        ),
        "old": _("This browser cannot show live pictures; use a current Chromium, Firefox or Safari."),
        "otherTab": _("Another tab of this browser shows live pictures; turn the camera off there first."),
        "unplugged": _("The camera has gone: it was unplugged or taken away; connect it and turn it on again."),
        "connecting": _("Connecting with the server…"),
        "firstAnswer": _("Waiting for the first answer; the model is loaded with it…"),
        "noFace": _("No face is found in the picture."),
        "faces": _("{n} faces are found; the figures are of the largest."),
        "slow": _("The line or the server is slow: pictures are dropped, and what is shown is more than a second old."),
        "silentServer": _("The server does not answer at present: pictures are dropped until it does."),
        "busy": _("The server shows as many live pictures as it can; this page tries again every few seconds."),
        "gone": _(
            "The server cannot be reached; this page tries again by itself. Reload it if this lasts: the login may "
            "have ended."
        ),
        "broken": _("The server cannot measure at present; this page tries again by itself."),
        "triesAgain": _("This page tries again by itself."),
        "unreadable": _("The server could not read this browser's pictures; turn the camera on again."),
        "waitingForMicrophone": _("Waiting for the microphone…"),
        "cameraFirst": _("Turn the camera on and wait for the first measured picture."),
        "noRecorder": _("This browser cannot record; use a current Chromium, Firefox or Safari."),
        "silent": _("Recording without sound: no microphone was found or allowed."),
        "pictureKept": _("The browser keeps {file} among its downloads; this installation keeps no copy."),
        "severalFaces": _(
            "No picture is kept: {n} faces are in view, and only one person has agreed; keep it when they are alone."
        ),
        "otherSubject": _("This recording was made for {subject}: enter that subject again to use it, or discard it."),
        "consent": _("Consent recorded by {by}"),
        "notDiagnosis": _("An expression is not a feeling; not a diagnosis"),
    }


def _gap_sentences() -> dict[str, str]:
    """Return why something is missing, by the code of the message, in the page's language."""
    return {
        mesh_messages.FACE_TOO_SMALL.code: _("The face is too small for its mesh: come nearer."),
        mesh_messages.NO_MESH.code: _("The mesh does not fit the face: it may be covered, cut off or turned too far."),
        mesh_messages.FACE_ON_ITS_SIDE.code: _("The face lies on its side: turn the camera or sit up."),
        mesh_messages.FACE_UPSIDE_DOWN.code: _("The face is upside down: turn the camera."),
        mesh_messages.TURNED_TOO_FAR.code: _("The head is turned too far for its pose."),
        mesh_messages.TOO_SMALL_FOR_BLENDSHAPES.code: _("The face is too small for its blendshapes: come nearer."),
        mesh_messages.BLURRED.code: _("The face is too blurred for its mesh."),
        mesh_messages.BLURRED_FOR_BLENDSHAPES.code: _("The face is too blurred for its blendshapes and gaze."),
        mesh_messages.TOO_SMALL_FOR_GAZE.code: _("The eyes are too small for the gaze: come nearer."),
        mesh_messages.TURNED_TOO_FAR_FOR_GAZE.code: _("The head is turned too far for the gaze."),
        mesh_messages.EYES_CLOSED.code: _("The eyes are closed."),
        mesh_messages.EYES_HIDDEN.code: _("The eyes are hidden, or too small or blurred."),
        mesh_messages.MOUTH_HIDDEN.code: _("The mouth is hidden or blurred."),
    }
