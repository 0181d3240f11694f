"""The recording, and beside it the chosen moment: frame, face, what the model looked at, seven probabilities."""

from __future__ import annotations

import time
from html import escape

import pandas as pd
import streamlit as st

from dashboard import charts, context, loaders
from dashboard.components.player import player
from dashboard.i18n import _, render
from dashboard.i18n.numbers import decimal
from dashboard.review.state import paused_at, slid, wish
from dashboard.widgets import ui
from db.records import SessionDetail
from fer_phq.core.errors import FerPhqError
from service.access.browser import browser_mark
from service.ingest.tokens import MEDIA_SECONDS, media_url
from service.views.face.behaviour import BehaviourView
from service.views.review import emotion_table
from service.views.session import AnalysisView, FrameDetail, SessionView


def show_player(detail: SessionDetail, chart: str = "") -> None:
    """Draw the recording at the chosen moment; where it is paused becomes the chosen moment.

    Args:
        detail: The session.
        chart: The key of its timeline, over which the player moves a line; '' for none.
    """
    session = detail.session
    if loaders.media_path(session) is None:
        with ui.card("no_media"):
            ui.empty(
                _("No recording"),
                _("The recording's file was removed or is not on this machine. Its results are still here."),
            )
        return
    player(
        _source(session.id),
        seek=wish(session.id),
        codec=session.codec,
        chart=chart,
        key=f"player_{session.id}",
        on_pause=lambda time_s: paused_at(session.id, time_s),
        on_expiry=lambda: st.session_state.pop(f"src_{session.id}", None),
    )


def _source(session_id: str) -> str:
    """Return the recording's address for this browser; another one when the last has lost half of its life."""
    key = f"src_{session_id}"
    address, begin = st.session_state.get(key, ("", 0.0))
    if time.time() - begin > MEDIA_SECONDS / 2:
        begin = time.time()
        address = media_url(context.settings(), session_id, browser=browser_mark(st.context.cookies))
        st.session_state[key] = (address, begin)
    return str(address)


def slider(session_id: str, table: pd.DataFrame, frame: FrameDetail) -> None:
    """Draw the chosen moment as a slider over the sampled frames.

    Args:
        session_id: The session's UUID.
        table: A row for each sampled frame, with `time_s`; not empty.
        frame: The frame at the chosen moment.
    """
    first = float(table["time_s"].iloc[0])
    last = float(table["time_s"].iloc[-1])
    if last <= first:
        return
    key = f"slider_{session_id}"
    st.session_state[key] = frame.time_s
    step = max(round((last - first) / max(len(table) - 1, 1), 3), 0.001)
    st.slider(
        _("Moment in seconds"), first, last, step=step, format="%.1f s", key=key,
        on_change=slid, args=(session_id, key), label_visibility="collapsed",
    )  # fmt: skip


def show_frame(view: SessionView, frame: FrameDetail) -> None:
    """Draw the frame nearest to the chosen moment, its face and its seven probabilities.

    Args:
        view: The session under review.
        frame: The frame.
    """
    pictures, values = st.columns([0.48, 0.52], gap="medium")
    with pictures:
        show_pictures(view, frame)
    with values:
        if frame.emotions is None:
            ui.empty(_("No face here"), _("The subject's face was not found in this frame: the timeline has a gap."))
            return
        compared = _compared_at(view.compared, frame.time_s)
        figure = charts.emotion_bars(
            emotion_table(frame.emotions, compared),
            context.colours(),
            label=_("Probability in this frame"),
            reference_label=_("Compared analysis") if compared else None,
        )
        st.plotly_chart(
            figure,
            theme=None,
            config={"displayModeBar": False},
            key=f"bars_{view.analysis.summary.id}",
            alt=_("Emotion probabilities in this frame"),
        )


def _compared_at(compared: AnalysisView | None, time_s: float) -> dict[str, float] | None:
    """Return what a second analysis says of the same moment; None in its gaps."""
    if compared is None or not compared.summary.frames_sampled:
        return None
    frame = compared.frame_at(time_s)
    return frame.emotions if abs(frame.time_s - time_s) <= 1.0 else None


def show_pictures(view: SessionView, frame: FrameDetail) -> None:
    """Draw the frame with the face's box and landmarks, the face, and on request what the model looked at in it.

    Args:
        view: The session under review.
        frame: The frame.
    """
    summary = view.analysis.summary
    path = loaders.media_path(view.session)
    if path is None:
        ui.note(_("The frame cannot be shown without the recording's file."))
        return
    try:
        picture, crop = loaders.pictures(
            str(path), frame.time_s, frame.box, frame.landmarks, context.colours().low, view.session.original_name
        )
    except FerPhqError as error:
        ui.warn(render(error.message))
        return
    mesh = None
    if st.toggle(_("Show the face mesh"), key=f"mesh_{summary.id}", disabled=frame.box is None) and frame.box:
        mesh = load_mesh(view, str(path), frame)
    st.image(
        picture if mesh is None else mesh.picture,
        width="stretch",
        alt=_("The frame at {time}").format(time=charts.clock(frame.time_s)),
    )
    if mesh is not None:
        explain_mesh(view.analysis.behaviour, frame.time_s, mesh)
    if crop is not None and frame.quality is not None:
        face, words = st.columns([0.42, 0.58], vertical_alignment="center")
        face.image(crop, width=140, alt=_("The face, cut out of the frame"))
        with words:
            caption = _("The face, cut out of the frame. Quality {quality} of 1.")
            ui.note(caption.format(quality=decimal(frame.quality, 2)))
        if st.toggle(_("Show what the model looked at"), key=f"look_{summary.id}"):
            show_looked_at(view, str(path), frame)


def load_mesh(view: SessionView, path: str, frame: FrameDetail) -> loaders.MeshPicture | None:
    """Fit the face mesh to the frame, whose points are not stored; where that fails, say why and return None.

    Args:
        view: The session under review.
        path: The recording.
        frame: The frame, which has a face.
    """
    colours = context.colours()
    try:
        return loaders.mesh_picture(
            view.analysis.summary.id, path, frame.time_s, colours.good, colours.low, view.session.original_name
        )
    except FerPhqError as error:
        ui.warn(render(error.message))
        return None


def explain_mesh(behaviour: BehaviourView | None, time_s: float, mesh: loaders.MeshPicture) -> None:
    """Say where the head is turned, or what is missing and why.

    The angles are those of the analysis where it has them, which followed the face through the recording.

    Args:
        behaviour: The facial behaviour; None where it was not measured.
        time_s: The frame's time in seconds.
        mesh: The mesh of the frame.
    """
    for gap in mesh.gaps:
        ui.note(render(gap))
    angles = (None if behaviour is None else behaviour.at(time_s)) or mesh.pose
    if angles is None or mesh.pose is None:
        return
    if mesh.gaze is not None:
        pitch, yaw = round(mesh.gaze.pitch_deg), round(mesh.gaze.yaw_deg)
        gaze = ", ".join(turn_words(pitch, yaw))
        ui.note(_("Gaze: {turns}. The white lines from the eyes lead along it.").format(turns=gaze))
    pitch, yaw, roll = round(angles.pitch_deg), round(angles.yaw_deg), round(angles.roll_deg)
    turns = (
        *turn_words(pitch, yaw),
        (_("tilted {angle}° to its right") if roll >= 0 else _("tilted {angle}° to its left")).format(angle=abs(roll)),
    )
    lines = _("The thick line leads to where the head points, the thin ones to its top and to its left.")
    pose = _("Head: {turns}.").format(turns=", ".join(turns))
    ui.note(f"{pose} {lines}")


def turn_words(pitch: int, yaw: int) -> tuple[str, str]:
    """Write how far up and to its left a head or a gaze is turned, in whole degrees.

    Args:
        pitch: Positive is up.
        yaw: Positive is to the person's left.
    """
    return (
        (_("{angle}° up") if pitch >= 0 else _("{angle}° down")).format(angle=abs(pitch)),
        (_("{angle}° to its left") if yaw >= 0 else _("{angle}° to its right")).format(angle=abs(yaw)),
    )


def show_looked_at(view: SessionView, path: str, frame: FrameDetail) -> None:
    """Draw the face under a heatmap of what the emotion depends on, with its colours explained.

    Args:
        view: The session's analysis.
        path: The recording.
        frame: The frame, which has a face.
    """
    try:
        with st.spinner(_("Asking the model, which takes some seconds …")):
            relevance = loaders.looked_at(view.analysis.summary.id, path, frame.time_s, view.session.original_name)
    except FerPhqError as error:
        ui.warn(render(error.message))
        return
    picture, words = st.columns([0.42, 0.58], vertical_alignment="center")
    picture.image(relevance.picture, width="stretch", alt=_("The face under a heatmap of what the answer depends on"))
    with words:
        scale = _("Colours from dark violet, little, over green to yellow, most")
        little = _("little")
        most = _("most")
        st.html(
            f'<div role="img" aria-label="{escape(scale)}" '
            f'style="height:10px;border-radius:5px;background:linear-gradient(90deg,{",".join(relevance.colours)})"></div>'
            '<p class="fp-note" style="display:flex;justify-content:space-between">'
            f"<span>{escape(little)}</span><span>{escape(most)}</span></p>"
        )
        caption = _(
            "Where “{emotion}” depends on the picture, on a grid of {rows} by {columns}. It shows where, not why: it "
            "is no reason, and says nothing about what the person feels."
        )
        ui.note(caption.format(emotion=_(relevance.emotion), rows=relevance.grid[0], columns=relevance.grid[1]))


def distribution(view: AnalysisView) -> None:
    """Draw the mean probabilities over the session."""
    summary = view.summary
    if view.shares is None:
        ui.empty(_("No face found"), _("No frame of this recording shows a face, so there are no emotion shares."))
        return
    figure = charts.emotion_bars(view.shares, context.colours(), label=_("Mean over the time with a face"))
    st.plotly_chart(
        figure, theme=None, config={"displayModeBar": False}, alt=_("Mean emotion probabilities over the session")
    )
    share = _("{part} of {whole}").format(part=summary.frames_with_face, whole=summary.frames_sampled)
    ui.facts(
        [
            (_("Coverage"), ui.percent(summary.coverage)),
            (_("Frames with the face"), share),
        ]
    )
