"""New session: who, when, with which consent; then the recordings, uploaded past Streamlit and followed live."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from dashboard import context, ui
from dashboard.components.upload import Uploaded, uploader
from dashboard.jobs_view import live_jobs, worker_warning
from db.records import SubjectSummary
from service.tokens import UploadGrant

UPLOAD_URL = "/api/uploads"
CONSENT_VERSION = "1"
CONSENT = (
    "The person in the recording (or who may decide for them) knows that facial expressions are analysed by software, "
    "what for, how long the recording is kept and that they may withdraw; and has agreed."
)
OWN_DATE, ONE_DATE = "Each file's own date", "One date for all"
KEEP = {"Until erased by hand": None, "30 days": 30, "1 year": 365, "10 years": 3650}


def choose(subjects: list[SubjectSummary]) -> dict[str, Any] | None:
    """The form; what was entered once it is complete and sent."""
    with ui.card("who", "1. The person and the recording"), st.form("who", border=False):
        left, right = st.columns(2, gap="large")
        with left:
            label = st.selectbox(
                "Subject",
                [subject.label for subject in subjects],
                index=preselected(subjects),
                accept_new_options=True,
                placeholder="Choose a subject or type a new code",
                help="Use a code, not a name. Typing one that is not in the list makes a new subject.",
            )
            keep = st.selectbox("Keep the recording", list(KEEP))
        with right:
            dating = st.radio("Date of the recordings", [OWN_DATE, ONE_DATE], horizontal=True)
            day, hour = st.columns(2)
            on = day.date_input(
                "Date, if one for all", value=datetime.now(ui.zone()).date(), max_value="today", format="YYYY-MM-DD"
            )
            at = hour.time_input("Time", value=datetime.now(ui.zone()).time().replace(second=0, microsecond=0))
        agreed = st.checkbox(CONSENT, key="agreed")
        by = st.text_input(
            "Consent recorded by", placeholder="Your name or initials", key="operator_input", max_chars=80
        )
        if not st.form_submit_button("Continue to upload", type="primary"):
            return None
        missing = [
            words
            for words, given in (
                ("choose or type a subject", bool(label and label.strip())),
                ("confirm the consent", agreed),
                ("say who recorded the consent", bool(by.strip())),
            )
            if not given
        ]
        if missing:
            ui.warn(f"Before recordings can be uploaded, please {' and '.join(missing)}.")
            return None
    own = dating == OWN_DATE
    return {"label": str(label).strip(), "own_date": own, "on": on, "at": at, "by": by.strip(), "keep_days": KEEP[keep]}


def preselected(subjects: list[SubjectSummary]) -> int | None:
    """The subject named in the address, as an index."""
    wanted = st.query_params.get("subject")
    return next((i for i, subject in enumerate(subjects) if subject.id == wanted), None)


def begin(entered: dict[str, Any]) -> None:
    """Keep what was entered, as the grant of an upload."""
    subject = context.store().get_or_create_subject(label=entered["label"])
    at = recording_time(entered["on"], entered["at"])
    now = datetime.now(UTC)
    keep = entered["keep_days"]
    grant = UploadGrant(
        subject_id=subject.id,
        recorded_at=now if entered["own_date"] else min(at, now),
        consent_by=entered["by"],
        consent_text=CONSENT_VERSION,
        retain_until=now + timedelta(days=keep) if keep else None,
    )
    st.session_state.upload = {"grant": grant, "label": subject.label, "own_date": entered["own_date"]}


def recording_time(on: date, at: time) -> datetime:
    """A date and a time in the viewer's zone."""
    return datetime.combine(on, at, tzinfo=ui.zone())


def upload(current: dict[str, Any]) -> None:
    """The drop zone, and what is already decided about its files."""
    grant: UploadGrant = current["grant"]
    with ui.card("files", "2. Recordings"):
        words, again = st.columns([0.8, 0.2], vertical_alignment="center")
        dated = "each file's own date" if current["own_date"] else ui.day_and_time(grant.recorded_at)
        until = f", kept until {ui.day(grant.retain_until)}" if grant.retain_until else ""
        by = ui.md(grant.consent_by or "")
        words.markdown(f"Subject **{ui.md(current['label'])}**, {dated}{until}. Consent recorded by {by}.")
        if again.button("Change", width="stretch"):
            del st.session_state.upload
            st.rerun()
        arrived = uploader(context.settings(), grant, url=UPLOAD_URL, key=f"upload_{grant.subject_id}")
        remember(arrived, current)


def remember(arrived: list[Uploaded], current: dict[str, Any]) -> None:
    """Note what has newly arrived, and give it its own date where that was asked for."""
    seen: dict[str, str] = st.session_state.setdefault("arrived", {})
    for item in arrived:
        if item.session_id not in seen:
            seen[item.session_id] = f"{current['label']} · {item.name}"
            if current["own_date"] and item.modified is not None and not item.duplicate:
                context.store().set_recorded_at(session_id=item.session_id, recorded_at=item.modified)


def progress() -> None:
    """The recordings uploaded on this page and how far their analysis is."""
    arrived: dict[str, str] = st.session_state.get("arrived", {})
    if not arrived:
        return
    with ui.card("progress", "3. Analysis"):
        worker_warning()
        live_jobs(list(reversed(arrived.items())), key="new_jobs")


ui.heading("New session", "Recordings stay on this installation. They are analysed one after the other by its worker.")
if "upload" not in st.session_state:
    entered = choose(context.store().list_subjects(include_demo=False))
    if entered is not None:
        begin(entered)
        st.rerun()
else:
    upload(st.session_state.upload)
progress()
