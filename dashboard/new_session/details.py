"""The form: who, when, with which consent, for how long."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from dashboard.i18n import _, mark, n_
from dashboard.new_session.batch import Batch, Place, begin
from dashboard.widgets import ui
from db.records import SubjectSummary
from service.ingest.arrival import Details
from service.settings import AppSettings

OWN_DATE = mark("Each file's own date")
ONE_DATE = mark("One date for all")
KEEP: dict[str, int | None] = {
    mark("Until erased by hand"): None,
    mark("30 days"): 30,
    mark("1 year"): 365,
    mark("10 years"): 3650,
}
NEXT = {
    Place.COMPUTER: mark("Continue to upload"),
    Place.FOLDER: mark("Continue to the folder"),
    Place.CAMERA: mark("Continue to the camera"),
}
FIRST_DAY = date(1990, 1, 1)


def details_form(settings: AppSettings, subjects: list[SubjectSummary], place: Place) -> None:
    """Ask; go on once everything is there."""
    with st.form("who", border=False):
        left, right = st.columns(2, gap="large")
        with left:
            label = st.selectbox(
                _("Subject"),
                [subject.label for subject in subjects],
                index=preselected(subjects),
                accept_new_options=True,
                placeholder=_("Choose a subject or type a new code"),
                help=_("Use a code, not a name. Typing one that is not in the list makes a new subject."),
            )
            keep = retention(settings)
        with right:
            at = None if place is Place.CAMERA else dating()
        agreed, by = consent(settings)
        if not st.form_submit_button(_(NEXT[place]), type="primary"):
            return
    label = (label or "").strip()
    missing = [
        words
        for words, given in (
            (_("Choose or type a subject."), bool(label)),
            (_("Confirm the consent."), agreed),
            (_("Say who recorded the consent."), bool(by)),
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
    agreed = st.checkbox(ui.md(_(settings.consent_text)), key="agreed")
    by = st.text_input(
        _("Consent recorded by"), placeholder=_("Your name or initials"), key="operator_input", max_chars=80
    )
    return agreed, by.strip()


def retention(settings: AppSettings) -> timedelta | None:
    """How long the recordings are kept; the installation's own choice first."""
    options = {_(words): days for words, days in KEEP.items()}
    own = settings.retention_days
    if own is not None and own not in options.values():
        options = {n_("{n} day", "{n} days", own): own, **options}
    first = list(options.values()).index(own)
    days = options[st.selectbox(_("Keep the recording"), list(options), index=first)]
    return timedelta(days=days) if days else None


def dating() -> datetime | None:
    """One date for all, in the viewer's time zone; None for each file's own."""
    now = datetime.now(ui.zone())
    chosen = st.radio(_("Date of the recordings"), [OWN_DATE, ONE_DATE], horizontal=True, format_func=_)
    day, hour = st.columns(2)
    on: date = day.date_input(
        _("Date, if one for all"), value=now.date(), min_value=FIRST_DAY, max_value=now.date(), format="YYYY-MM-DD"
    )
    at: time = hour.time_input(_("Time"), value=now.time().replace(second=0, microsecond=0))
    return None if chosen == OWN_DATE else recording_time(on, at)


def recording_time(on: date, at: time) -> datetime:
    """A date and a time in the viewer's zone."""
    return datetime.combine(on, at, tzinfo=ui.zone())


def preselected(subjects: list[SubjectSummary]) -> int | None:
    """The subject named in the address, as an index."""
    wanted = st.query_params.get("subject")
    return next((i for i, subject in enumerate(subjects) if subject.id == wanted), None)
