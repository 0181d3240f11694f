"""Session: one recording with its player, timeline, estimate and the frame at a chosen moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard import charts, context, data, ui
from dashboard.components.player import player
from dashboard.estimate import estimate_card
from dashboard.jobs_view import job_row, live_jobs, worker_warning
from dashboard.session_admin import admin_card
from db.records import AnalysisSummary, SessionDetail
from fer_phq.errors import FerPhqError
from service import jobs
from service.tokens import media_url

AREA, LINES = "Stacked", "Lines"


def choose_session() -> str | None:
    """The session named in the address, or the newest; a subject and a date can be chosen beside the title."""
    store = context.store()
    wanted = st.query_params.get("session")
    if wanted is None:
        newest = store.recent_sessions(limit=1)
        wanted = newest[0].session.id if newest else None
    return wanted


def pick(detail: SessionDetail) -> None:
    """Boxes that lead to another subject or another session of this one."""
    store = context.store()
    subjects = {s.id: s.label for s in store.list_subjects() if s.sessions}
    rows = store.recent_sessions(subject_id=detail.subject.id, limit=500)
    dates = {row.session.id: ui.day_and_time(row.session.recorded_at) for row in rows}
    dates.setdefault(detail.session.id, ui.day_and_time(detail.session.recorded_at))
    left, right = st.columns(2)
    subject = left.selectbox(
        "Subject", list(subjects), index=list(subjects).index(detail.subject.id), format_func=subjects.__getitem__,
        key=f"subject_of_{detail.session.id}",
    )  # fmt: skip
    session = right.selectbox(
        "Session", list(dates), index=list(dates).index(detail.session.id), format_func=dates.__getitem__,
        key=f"pick_{detail.session.id}",
    )  # fmt: skip
    if subject != detail.subject.id:
        newest = store.recent_sessions(subject_id=subject, limit=1)
        session = newest[0].session.id if newest else session
    if session != detail.session.id:
        st.query_params["session"] = session
        st.rerun()


def header(detail: SessionDetail) -> None:
    """Whose recording it is, from when, and what is special about it."""
    session = detail.session
    badges = [ui.badge("Demonstration", "demo")] if session.is_demo else []
    if session.consent is None and not session.is_demo:
        badges.append(ui.badge("No consent recorded", "danger"))
    sound = "with sound" if session.has_audio else "without sound"
    lead = f"Recorded {ui.day_and_time(session.recorded_at)} · {charts.clock(session.duration_s)} min · {sound}"
    title, boxes = st.columns([0.54, 0.46], vertical_alignment="bottom")
    with title:
        ui.heading(detail.subject.label, lead, badges)
    with boxes:
        pick(detail)


def job_state(detail: SessionDetail) -> None:
    """The newest job, unless it simply succeeded."""
    job = jobs.session_job(context.settings(), context.store(), detail.session.id)
    if job is None or job.state == "done":
        return
    with ui.card("job", "Analysis"):
        if job.active:
            worker_warning()
            live_jobs([(detail.session.id, detail.session.original_name)], key=f"job_{detail.session.id}", link=False)
        else:
            job_row(job, detail.session.original_name, link=False)


def choose_analysis(detail: SessionDetail) -> AnalysisSummary | None:
    """The newest analysis, or the one chosen among several."""
    if len(detail.analyses) < 2:
        return detail.analyses[0] if detail.analyses else None
    chosen: AnalysisSummary = st.selectbox(
        "Analysis", detail.analyses, format_func=analysis_name,
        key=f"analysis_{detail.session.id}",
    )  # fmt: skip
    return chosen


def analysis_name(found: AnalysisSummary) -> str:
    """An analysis where one of several is chosen."""
    return f"{data.analysis_label(found)} · {ui.day_and_time(found.created_at)}"


def show_player(detail: SessionDetail, key: str) -> None:
    """The recording, at the chosen moment; where it is paused becomes the chosen moment."""
    if data.media_path(detail.session) is None:
        with ui.card("no_media"):
            ui.empty(
                "No recording",
                "The recording's file was removed or is not on this machine. Its results are still here.",
            )
        return
    source = st.session_state.setdefault(f"src_{detail.session.id}", media_url(context.settings(), detail.session.id))
    player(
        source,
        seek=st.session_state.get(f"seek_{key}"),
        codec=detail.session.codec,
        key=f"player_{detail.session.id}",
        on_moment=lambda time_s: go_to(key, time_s),
    )


def go_to(key: str, time_s: float) -> None:
    """Make a time the chosen moment, for the page and for the player."""
    st.session_state[f"moment_{key}"] = st.session_state[f"seek_{key}"] = time_s


def clicked(key: str) -> None:
    """A click on the timeline chooses its moment, and the player goes there."""
    points = st.session_state[f"timeline_{key}"].selection.points
    if points:
        go_to(key, float(points[0]["x"]))


def slid(key: str) -> None:
    """The slider chooses the moment, and the player goes there."""
    go_to(key, float(st.session_state[f"slider_{key}"]))


@st.fragment
def review(detail: SessionDetail, found: AnalysisSummary) -> None:
    """Player, estimate, timeline and moment: what follows the chosen moment is redrawn together."""
    table = data.frames(found.id)
    top = st.columns([0.56, 0.44], gap="medium")
    with top[0]:
        show_player(detail, found.id)
    with top[1]:
        estimate_card(found)
    if not len(table):
        ui.warn("The recording has no frames at this sampling; nothing can be drawn.")
        return
    moment = data.moment_at(table, float(st.session_state.get(f"moment_{found.id}", first_face(table))))
    with ui.card("timeline"):
        timeline(table, found, moment)
    left, right = st.columns([0.62, 0.38], gap="medium")
    with left, ui.card("moment", f"At {charts.clock(moment.time_s)}", stretch=True):
        show_moment(detail, found, table, moment)
    with right, ui.card("distribution", "Over the whole session", stretch=True):
        distribution(found)


def first_face(table: Any) -> float:
    """Where the review starts: the first sampled frame with a face, else the first."""
    seen = table.loc[table["state"] != "gap", "time_s"]
    return float(seen.iloc[0] if len(seen) else table["time_s"].iloc[0])


def timeline(table: Any, found: AnalysisSummary, moment: data.Moment) -> None:
    """The emotion timeline above the coverage strip."""
    title, switch = st.columns([0.7, 0.3], vertical_alignment="center")
    title.subheader("Emotion timeline", anchor=False)
    with switch.container(horizontal=True, horizontal_alignment="right"):
        style = st.segmented_control(
            "Draw as", [AREA, LINES], default=AREA, required=True, key=f"style_{found.id}", label_visibility="collapsed"
        )
    figure = charts.emotion_timeline(
        table, context.colours(), stacked=style != LINES, moment_s=moment.time_s, revision=f"{found.id}-{style}"
    )
    st.plotly_chart(
        figure, theme=None, config=charts.CONFIG, key=f"timeline_{found.id}", selection_mode="points",
        on_select=lambda: clicked(found.id),
        alt="Probability of seven emotions over the recording, with a strip that shows where the face was found",
    )  # fmt: skip
    ui.note("Click the chart, move the slider or pause the recording to choose a moment.")


def show_moment(detail: SessionDetail, found: AnalysisSummary, table: Any, moment: data.Moment) -> None:
    """The frame nearest to the chosen moment, its face and its seven probabilities."""
    first, last = float(table["time_s"].iloc[0]), float(table["time_s"].iloc[-1])
    if last > first:
        st.session_state[f"slider_{found.id}"] = moment.time_s
        step = max(round((last - first) / max(len(table) - 1, 1), 3), 0.001)
        st.slider(
            "Moment in seconds", first, last, step=step, format="%.1f s", key=f"slider_{found.id}",
            on_change=slid, args=(found.id,), label_visibility="collapsed",
        )  # fmt: skip
    pictures, values = st.columns([0.5, 0.5], gap="medium")
    with pictures:
        show_pictures(detail, found, moment)
    with values:
        if moment.emotions is None:
            ui.empty("No face here", "The subject's face was not found in this frame: the timeline has a gap.")
            return
        figure = charts.emotion_bars(data.bars(moment.emotions), context.colours(), label="Probability in this frame")
        st.plotly_chart(
            figure,
            theme=None,
            config={"displayModeBar": False},
            key=f"bars_{found.id}",
            alt="Emotion probabilities in this frame",
        )


def show_pictures(detail: SessionDetail, found: AnalysisSummary, moment: data.Moment) -> None:
    """The frame with the face's box, the face, and on request what the model looked at in it."""
    path = data.media_path(detail.session)
    if path is None:
        ui.note("The frame cannot be shown without the recording's file.")
        return
    try:
        frame, crop = data.pictures(str(path), moment.time_s, moment.box, context.colours().low)
    except FerPhqError as error:
        ui.warn(str(error))
        return
    st.image(frame, width="stretch")
    if crop is not None:
        face, words = st.columns([0.42, 0.58], vertical_alignment="center")
        face.image(crop, width="stretch")
        with words:
            ui.note(f"The face, cut out of the frame. Quality {moment.quality:.2f} of 1.")
        if st.toggle("Show what the model looked at", key=f"look_{found.id}"):
            show_looked_at(found, str(path), moment)


def show_looked_at(found: AnalysisSummary, path: str, moment: data.Moment) -> None:
    """The face under a heatmap of what the emotion depends on, with its colours explained."""
    try:
        with st.spinner("Asking the model, which takes some seconds …"):
            look = data.looked_at(found.id, path, moment.time_s)
    except FerPhqError as error:
        ui.warn(str(error))
        return
    picture, words = st.columns([0.42, 0.58], vertical_alignment="center")
    picture.image(look.picture, width="stretch")
    with words:
        st.html(
            '<div role="img" aria-label="Colours from dark violet, little, over green to yellow, most" '
            f'style="height:10px;border-radius:5px;background:linear-gradient(90deg,{",".join(look.colours)})"></div>'
            '<p class="fp-note" style="display:flex;justify-content:space-between"><span>little</span>'
            "<span>most</span></p>"
        )
        ui.note(
            f"Where “{look.emotion}” depends on the picture, on a grid of {look.grid[0]} by {look.grid[1]}. It shows "
            "where, not why: it is no reason, and says nothing about what the person feels."
        )


def distribution(found: AnalysisSummary) -> None:
    """The mean probabilities over the session."""
    if found.emotions is None:
        ui.empty("No face found", "No frame of this recording shows a face, so there are no emotion shares.")
        return
    figure = charts.emotion_bars(
        data.bars(dict(found.emotions)), context.colours(), label="Mean over frames with a face"
    )
    st.plotly_chart(
        figure, theme=None, config={"displayModeBar": False}, alt="Mean emotion probabilities over the session"
    )
    ui.facts(
        [
            ("Coverage", ui.percent(found.coverage)),
            ("Frames with the face", f"{found.frames_with_face} of {found.frames_sampled}"),
        ]
    )


def unanalysed(detail: SessionDetail) -> None:
    """What is shown while there is no analysis."""
    show_player(detail, detail.session.id)
    if detail.job is None:
        with ui.card("unanalysed"):
            ui.empty(
                "Not analysed yet", "This recording has not been analysed. Queue it, and a worker will take it up."
            )
            if st.button("Analyse", type="primary"):
                jobs.enqueue_analysis(context.settings(), context.store(), detail.session.id)
                st.rerun()


def page() -> None:
    """Load the session, then draw it."""
    wanted = choose_session()
    if wanted is None:
        ui.heading("Session")
        with ui.card("none"):
            ui.empty("No sessions yet", "A session appears here as soon as a recording was uploaded.")
        st.page_link(ui.NEW_SESSION, label="Upload a recording")
        return
    detail = context.store().session_detail(session_id=wanted)
    header(detail)
    if detail.session.retain_until is not None and detail.session.retain_until < datetime.now(UTC):
        ui.warn(f"This recording should have been erased by {ui.day(detail.session.retain_until)}.")
    job_state(detail)
    found = choose_analysis(detail)
    if found is None:
        unanalysed(detail)
    else:
        for words in found.warnings:
            ui.warn(words)
        review(detail, found)
    admin_card(detail, found)


page()
