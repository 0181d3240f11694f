"""Below a session: its metadata, downloads, consent and retention, re-analysis and erasure."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pandas as pd
import streamlit as st

from dashboard import context, data, ui
from dashboard.charts import clock
from dashboard.downloads import session_downloads
from db.records import AnalysisSummary, Consent, SessionDetail, SessionRecord
from service import jobs
from service.erasure import erase_session

HOME = "app_pages/home.py"


def admin_card(detail: SessionDetail, found: AnalysisSummary | None) -> None:
    """Everything about a session that is not its review."""
    with st.expander("Details of the recording and the analysis"):
        recording_facts(detail.session)
        if found is not None:
            analysis_facts(found)
    with ui.card("admin"), st.container(horizontal=True, vertical_alignment="center"):
        if found is not None:
            session_downloads(detail, found)
            if st.button("Analyse again", help="With the active model; what is stored already is kept."):
                jobs.enqueue_analysis(context.settings(), context.store(), detail.session.id)
                st.rerun()
        with st.popover("Consent and retention"):
            consent(detail.session)
            retention(detail.session)
        if st.button("Erase session", type="tertiary", icon=":material/delete:"):
            confirm_erasure(detail)


def recording_facts(session: SessionRecord) -> None:
    """What the container and the upload said."""
    given = session.consent
    ui.facts(
        [
            ("File", session.original_name),
            ("Picture", f"{session.width} × {session.height}, {session.codec}"),
            ("Length", f"{session.duration_s:.1f} s"),
            ("Rotation", f"{session.rotation}°"),
            ("Sound", "yes" if session.has_audio else "no"),
            ("Consent", f"{ui.day(given.at)}, recorded by {given.by}" if given else "none recorded"),
            ("Keep until", ui.day(session.retain_until) if session.retain_until else "erased by hand"),
            ("Content hash", session.media_sha256[:16] + "…"),
        ]
    )


def analysis_facts(found: AnalysisSummary) -> None:
    """Which model, how sampled, how long it took, and who was in view."""
    record = data.analysis(found.id)
    timing = record.timing
    st.divider()
    ui.facts(
        [
            ("Model", found.model_id),
            ("Sampling", "key frames" if found.sampling.key_frames else f"{found.sampling.fps:g} frames/s"),
            ("Frames", f"{found.frames_with_face} with the face of {found.frames_sampled}"),
            ("Analysed", ui.day_and_time(found.created_at)),
            (
                "Seconds",
                f"decode {timing.decode:.1f}, faces {timing.detect:.1f}, model {timing.embed + timing.heads:.1f}",
            ),
        ]
    )
    if record.tracks:
        people = pd.DataFrame(
            {
                "Person": [f"{t.track}{' (analysed)' if t.is_subject else ''}" for t in record.tracks],
                "Frames": [t.frames for t in record.tracks],
                "First seen": [clock(t.first_s) for t in record.tracks],
                "Last seen": [clock(t.last_s) for t in record.tracks],
                "Share of the picture": [f"{t.mean_area:.1%}" for t in record.tracks],
            }
        )
        st.markdown("**People in view**")
        st.dataframe(people, hide_index=True)


def consent(session: SessionRecord) -> None:
    """Record a consent that was given after the upload."""
    if session.consent is not None:
        ui.note(f"Consent recorded by {session.consent.by} on {ui.day_and_time(session.consent.at)}.")
        return
    by = st.text_input("Consent recorded by", key="late_consent_by", max_chars=80)
    if st.button("The person has agreed", disabled=not by.strip()):
        version = context.settings().consent_version
        now = Consent(at=datetime.now(UTC), by=by.strip(), text_version=version)
        context.store().record_consent(session_id=session.id, consent=now)
        st.rerun()


def retention(session: SessionRecord) -> None:
    """Until when the session may be kept."""
    known = session.retain_until.astimezone(ui.zone()).date() if session.retain_until else None
    until = st.date_input("Keep until", value=known, format="YYYY-MM-DD")
    if st.button("Save", disabled=until == known):
        at = datetime.combine(until, time(23, 59), tzinfo=ui.zone()) if until is not None else None
        context.store().set_retention(session_id=session.id, retain_until=at)
        st.rerun()


@st.dialog("Erase this session?")
def confirm_erasure(detail: SessionDetail) -> None:
    """Ask once more, then erase rows and recording."""
    st.markdown(
        f"The session of **{ui.md(detail.subject.label)}** from {ui.day_and_time(detail.session.recorded_at)}, "
        f"its recording and its {len(detail.analyses)} analyses will be removed for good. Questionnaires are kept."
    )
    sure = st.checkbox("I want to erase it")
    if st.button("Erase", type="primary", disabled=not sure):
        erase_session(context.settings(), context.store(), detail.session.id)
        data.forget()
        st.query_params.clear()
        st.switch_page(HOME)
