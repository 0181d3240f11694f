"""What the pages load: the views of `service.views`, cached where they cannot change, and pictures.

An analysis is immutable, so its view and its pictures may be cached by its id; lists are read anew at every run.
`forget()` empties the caches after an erasure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image as Picture
from PIL import ImageDraw

from dashboard import context
from dashboard.i18n import _
from dashboard.i18n.numbers import decimal
from dashboard.widgets.subject_voice import voice_sample
from db.records import SessionDetail, SessionRecord, TranscriptRecord
from fer_phq.core.arrays import Image
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.mesh.points import LEFT_IRIS, RIGHT_IRIS
from fer_phq.video import read_frame
from service.ingest.media import MediaStore
from service.jobs.sidecar import digest
from service.views.explain import Explanation, explain_crop
from service.views.review import Window
from service.views.session import (
    AnalysisView,
    Box,
    Points,
    SessionView,
    TranscriptView,
    load_analysis_view,
    load_session_view,
    read_transcript_view,
)

if TYPE_CHECKING:
    from fer_phq.mesh.gaze import Gaze
    from fer_phq.mesh.head_pose import HeadPose


@dataclass(frozen=True, eq=False)
class MeshPicture:
    """A frame with the face mesh drawn in.

    Attributes:
        picture: uint8 RGB.
        pose: The head pose in this frame; None where it cannot be told.
        gaze: The gaze in this frame; None where it cannot be told.
        gaps: What is missing, and why.
    """

    picture: Image
    pose: HeadPose | None
    gaze: Gaze | None
    gaps: tuple[Message, ...]


NOSE_TIP = 4
"""Point of the mesh from which the head's axes are drawn."""
AXIS_WIDTHS = (0.008, 0.008, 0.02)
"""Widths of the lines to the head's left, up and front, in widths of the face."""
CROP_MARGIN = 0.25
"""How much of the box's size is shown around a face crop."""


def analysis(analysis_id: str) -> AnalysisView:
    """Load the view of an analysis, once for each account.

    Args:
        analysis_id: The analysis's UUID.

    Raises:
        NotFoundError: There is no such analysis, or not for the viewer.
    """
    account = context.account()
    if account is not None:
        context.store().analyses.get(analysis_id=analysis_id)  # what was shared when it was cached may not be any more
    return _analysis(analysis_id, "" if account is None else account.id)


@st.cache_resource(show_spinner=False, max_entries=8)
def _analysis(analysis_id: str, account_id: str) -> AnalysisView:
    """Load the view of an analysis as an account sees it."""
    return load_analysis_view(context.store(), analysis_id)


def session(detail: SessionDetail, analysis_id: str, compared_id: str | None = None) -> SessionView:
    """Load the view of a session's analysis; notes and transcript are read anew.

    Args:
        detail: The session with its analyses.
        analysis_id: The UUID of the analysis under review.
        compared_id: The UUID of the analysis that is laid over it; None for none.

    Raises:
        NotFoundError: The session or an analysis is gone.
    """
    return load_session_view(
        context.store(), detail, analysis_id, compared_id, load_analysis=analysis, read_transcript=transcript
    )


def transcript(record: TranscriptRecord) -> TranscriptView:
    """Load the view of a session's transcript, once for its content and speaker."""
    return _transcript(record.session_id, digest(record), record)


@st.cache_resource(show_spinner=False, max_entries=8)
def _transcript(session_id: str, sha256: str, _record: TranscriptRecord) -> TranscriptView:
    """Load the view of the transcript with this digest, which covers the speaker too."""
    return read_transcript_view(_record)


def forget_transcripts() -> None:
    """Empty the cache of transcripts, so that nothing of one that was removed stays in memory."""
    _transcript.clear()


def frames_within(analysis_id: str, smoothing_s: float, window: Window) -> pd.DataFrame:
    """Return the frames within a window for drawing.

    Args:
        analysis_id: The analysis's UUID.
        smoothing_s: Width of the smoothing in seconds; 0 for none.
        window: From when to when.
    """
    return _frames_within(analysis_id, smoothing_s, window, analysis(analysis_id))


@st.cache_data(show_spinner=False, max_entries=32)
def _frames_within(analysis_id: str, smoothing_s: float, window: Window, _view: AnalysisView) -> pd.DataFrame:
    return _view.draw_frames(smoothing_s, window)


def raw(analysis_id: str, window: Window) -> pd.DataFrame:
    """Return the unsmoothed values within a window for drawing.

    Args:
        analysis_id: The analysis's UUID.
        window: From when to when.
    """
    return _raw(analysis_id, window, analysis(analysis_id))


@st.cache_data(show_spinner=False, max_entries=8)
def _raw(analysis_id: str, window: Window, _view: AnalysisView) -> pd.DataFrame:
    return _view.draw_raw(window)


def media_path(record: SessionRecord) -> Path | None:
    """Return where the session's recording lies; None when its file was removed."""
    if record.media_path is None:
        return None
    path = MediaStore(context.settings()).path_of(record.media_path)
    return path if path.is_file() else None


@st.cache_data(show_spinner=False, max_entries=24)
def pictures(
    path: str,
    time_s: float,
    box: Box | None,
    landmarks: Points | None,
    colour: str,
    name: str | None = None,
) -> tuple[Image, Image | None]:
    """Read the recording's frame at a time, with the face's box and landmarks drawn in, and the face.

    Args:
        path: The recording.
        time_s: Seconds from its start.
        box: The face's box, in pixels of the analysed frame; None without a face.
        landmarks: The face's landmarks, in pixels of the analysed frame; None without a face.
        colour: '#RRGGBB' of box and landmarks.
        name: What errors call the recording; its path when omitted.

    Returns:
        uint8 RGB of the frame, and of the face with its surroundings; None for the face without a box.

    Raises:
        RecordingError: The frame cannot be read, or the box lies outside it.
    """
    frame = read_frame(path, time_s, display_name=name)
    picture = Picture.fromarray(frame.rgb)
    if box is None:
        return frame.rgb, None
    x0, y0, x1, y1 = (value / frame.scale for value in box)
    margin = CROP_MARGIN * max(x1 - x0, y1 - y0)
    around = (
        max(x0 - margin, 0),
        max(y0 - margin, 0),
        min(x1 + margin, picture.width),
        min(y1 + margin, picture.height),
    )
    if around[2] - around[0] < 1 or around[3] - around[1] < 1:
        words = _("The face's box at {time} s lies outside the picture; analyse the recording again.")
        raise RecordingError(words.format(time=decimal(time_s)))
    crop = picture.crop(tuple(round(value) for value in around))  # type: ignore[arg-type]
    width = max(2, round(max(picture.size) / 240))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((x0, y0, x1, y1), outline=colour, width=width)
    for x, y in landmarks or ():
        draw.circle((x / frame.scale, y / frame.scale), 1.6 * width, fill=colour, outline="black")
    return np.asarray(picture), np.asarray(crop.resize((256, max(1, round(256 * crop.height / crop.width)))))


@st.cache_data(show_spinner=False, max_entries=24)
def mesh_picture(
    analysis_id: str, path: str, time_s: float, points_colour: str, axes_colour: str, name: str | None = None
) -> MeshPicture:
    """Fit the face mesh to the subject's face in the frame nearest to a time, and draw it in.

    Args:
        analysis_id: The analysis's UUID.
        path: The recording.
        time_s: Seconds from its start; a frame with a face is nearest to them.
        points_colour: '#RRGGBB' of the points.
        axes_colour: '#RRGGBB' of the head's axes.
        name: What errors call the recording; its path when omitted.

    Raises:
        RecordingError: The frame cannot be read.
    """
    from service.views.face.mesh import head_axes, measure_frame  # brings the mesh's runtime, which no other page needs

    view = analysis(analysis_id)
    detail = view.frame_at(time_s)
    frame = read_frame(path, detail.time_s, display_name=name)
    geometry = measure_frame(frame, view.record.timeline, detail.row)
    picture = Picture.fromarray(frame.rgb)
    if geometry.points is not None:
        draw = ImageDraw.Draw(picture)
        size = float(np.ptp(geometry.points[:, 0]))
        for x, y in geometry.points[:, :2]:
            draw.circle((x, y), max(0.6, size / 160), fill=points_colour)
        if geometry.head_pose is not None:
            tip = geometry.points[NOSE_TIP, :2]
            for axis, width in zip(head_axes(geometry.head_pose), AXIS_WIDTHS, strict=True):
                end = tip + 0.7 * size * axis[:2] * (1, -1)
                draw.line([tuple(tip), tuple(end)], fill="black", width=round(size * width) + 3)
                draw.line([tuple(tip), tuple(end)], fill=axes_colour, width=max(1, round(size * width)))
        if geometry.gaze is not None:
            pitch, yaw = np.radians([geometry.gaze.pitch_deg, geometry.gaze.yaw_deg])
            along = 0.5 * size * np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
            for iris in (RIGHT_IRIS, LEFT_IRIS):
                start = geometry.points[iris, :2]
                draw.line([tuple(start), tuple(start + along)], fill="white", width=max(2, round(size / 80)))
    return MeshPicture(np.asarray(picture), geometry.head_pose, geometry.gaze, geometry.gaps)


@st.cache_data(show_spinner=False, max_entries=24)
def looked_at(analysis_id: str, path: str, time_s: float, name: str | None = None) -> Explanation:
    """Compute where the analysis's own model looked in the frame nearest to a time, for its most probable emotion.

    The face is cut out as it was for the model, not with its surroundings as in `pictures`.

    Args:
        analysis_id: The analysis's UUID.
        path: The recording.
        time_s: Seconds from its start.
        name: What errors call the recording; its path when omitted.

    Raises:
        RecordingError: The frame cannot be read or has no face.
        ModelError: The model is gone or cannot be explained.
    """
    from fer_phq.faces import align_crop  # brings the detector's runtime, which no other page needs

    view = analysis(analysis_id)
    detail = view.frame_at(time_s)
    if detail.emotions is None:
        words = _("The subject's face was not found at {time} s, so there is nothing to look at.")
        raise RecordingError(words.format(time=decimal(time_s)))
    frame = read_frame(path, detail.time_s, display_name=name)
    landmarks = view.record.timeline.landmarks[detail.row]
    return explain_crop(
        align_crop(frame.rgb, landmarks / frame.scale),
        view.summary.model_id,
        emotion=max(EMOTIONS, key=detail.emotions.__getitem__),
        configured=context.settings().model,
    )


def forget() -> None:
    """Empty every cache, so that nothing of an erased session stays in memory."""
    for cached in (_analysis, _transcript, _frames_within, _raw, voice_sample, pictures, mesh_picture, looked_at):
        cached.clear()
