"""The form: who, when, with which consent, for how long."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from dashboard import ui
from dashboard.new_session.batch import Batch, Place, begin
from db.records import SubjectSummary
from service.intake import Details
from service.settings import AppSettings

OWN_DATE, ONE_DATE = "Each file's own date", "One date for all"
KEEP: dict[str, int | None] = {"Until erased by hand": None, "30 days": 30, "1 year": 365, "10 years": 3650}
NEXT = {
    Place.COMPUTER: "Continue to upload",
    Place.FOLDER: "Continue to the folder",
    Place.CAMERA: "Continue to the camera",
}
FIRST_DAY = date(1990, 1, 1)


def details_form(settings: AppSettings, subjects: list[SubjectSummary], place: Place) -> None:
    """Ask; go on once everything is there."""
    with st.form("who", border=False):
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
            keep = retention(settings)
        with right:
            at = None if place is Place.CAMERA else dating()
        agreed, by = consent(settings)
        if not st.form_submit_button(NEXT[place], type="primary"):
            return
    label = (label or "").strip()
    missing = [
        words
        for words, given in (
            ("Choose or type a subject.", bool(label)),
            ("Confirm the consent.", agreed),
            ("Say who recorded the consent.", bool(by)),
        )
        if not given
    ]
    if missing:
        ui.warn(" ".join(missing))
        return
    now = datetime.now(UTC)
    begin(Batch(place, Details(label, min(at, now) if at else None, by, now + keep if keep else None)))


def consent(settings: AppSettings) -> tuple[bool, str]:
    """The consent text with its box, and who recorded it."""
    agreed = st.checkbox(ui.md(settings.consent_text), key="agreed")
    by = st.text_input("Consent recorded by", placeholder="Your name or initials", key="operator_input", max_chars=80)
    return agreed, by.strip()


def retention(settings: AppSettings) -> timedelta | None:
    """How long the recordings are kept; the installation's own choice first."""
    options = dict(KEEP)
    if settings.retention_days not in options.values():
        options = {f"{settings.retention_days} days": settings.retention_days, **options}
    first = list(options.values()).index(settings.retention_days)
    days = options[st.selectbox("Keep the recording", list(options), index=first)]
    return timedelta(days=days) if days else None


def dating() -> datetime | None:
    """One date for all, in the viewer's time zone; None for each file's own."""
    now = datetime.now(ui.zone())
    chosen = st.radio("Date of the recordings", [OWN_DATE, ONE_DATE], horizontal=True)
    day, hour = st.columns(2)
    on: date = day.date_input(
        "Date, if one for all", value=now.date(), min_value=FIRST_DAY, max_value=now.date(), format="YYYY-MM-DD"
    )
    at: time = hour.time_input("Time", value=now.time().replace(second=0, microsecond=0))
    return None if chosen == OWN_DATE else recording_time(on, at)


def recording_time(on: date, at: time) -> datetime:
    """A date and a time in the viewer's zone."""
    return datetime.combine(on, at, tzinfo=ui.zone())


def preselected(subjects: list[SubjectSummary]) -> int | None:
    """The subject named in the address, as an index."""
    wanted = st.query_params.get("subject")
    return next((i for i, subject in enumerate(subjects) if subject.id == wanted), None)
