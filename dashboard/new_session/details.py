"""The form for a session's details: who, when, with which consent, for how long."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from dashboard.i18n import _, mark, n_
from dashboard.new_session.batch import BATCH, Batch, Origin, start_batch
from dashboard.widgets import ui
from dashboard.widgets.author import author_input
from db.records import SubjectSummary
from service.ingest.session_details import SessionDetails
from service.settings import AppSettings

OWN_DATE = mark("Each file's own date")
ONE_DATE = mark("One date for all")
RETENTION_DAYS: dict[str, int | None] = {
    mark("Until erased by hand"): None,
    mark("30 days"): 30,
    mark("1 year"): 365,
    mark("10 years"): 3650,
}
CONTINUE = {
    Origin.COMPUTER: mark("Continue to upload"),
    Origin.FOLDER: mark("Continue to the folder"),
    Origin.CAMERA: mark("Continue to the camera"),
}
"""The form's button."""
FIRST_DAY = date(1990, 1, 1)


def details_form(
    settings: AppSettings,
    subjects: list[SubjectSummary],
    origin: Origin,
    *,
    proceed: str | None = None,
    key: str = BATCH,
) -> None:
    """Draw the form. Goes on to the recordings once it is complete.

    Args:
        settings: The installation.
        subjects: The subjects to choose from.
        origin: Where the recordings come from.
        proceed: What the form's button says; None for the way to the recordings.
        key: Names the page, for what was entered.
    """
    with st.form("who", border=False):
        left, right = st.columns(2, gap="large")
        with left:
            label = st.selectbox(
                _("Subject"),
                [subject.label for subject in subjects],
                index=preselected_subject(subjects),
                accept_new_options=True,
                placeholder=_("Choose a subject or type a new code"),
                help=_("Use a code, not a name. Typing one that is not in the list makes a new subject."),
            )
            retention = retention_input(settings)
        with right:
            recorded_at = None if origin is Origin.CAMERA else date_input()
        agreed, consent_by = consent_input(settings)
        if not st.form_submit_button(proceed or _(CONTINUE[origin]), type="primary"):
            return
    label = (label or "").strip()
    missing = _missing_inputs(label, agreed, consent_by)
    if missing:
        ui.warn(" ".join(missing))
        return
    now = datetime.now(UTC)
    if recorded_at is not None:
        recorded_at = min(recorded_at, now)
    details = SessionDetails(label, recorded_at, consent_by, now + retention if retention else None)
    start_batch(Batch(origin, details), key)


def _missing_inputs(label: str, agreed: bool, consent_by: str) -> list[str]:
    missing = []
    if not label:
        missing.append(_("Choose or type a subject."))
    if not agreed:
        missing.append(_("Confirm the consent."))
    if not consent_by:
        missing.append(_("Say who recorded the consent."))
    return missing


def consent_input(settings: AppSettings) -> tuple[bool, str]:
    """Draw the consent text with its box. Returns whether it was confirmed, and who recorded the consent.

    Args:
        settings: The installation, whose consent text it is.
    """
    agreed = st.checkbox(ui.md(_(settings.consent_text)), key="agreed")
    return agreed, author_input(_("Consent recorded by"), "operator_input")


def retention_input(settings: AppSettings) -> timedelta | None:
    """Draw the choice of how long recordings are kept, with the installation's own preselected.

    Args:
        settings: The installation.

    Returns:
        The time; None keeps them until they are erased by hand.
    """
    options = {_(label): days for label, days in RETENTION_DAYS.items()}
    default = settings.retention_days
    if default is not None and default not in options.values():
        options = {n_("{n} day", "{n} days", default): default, **options}
    index = list(options.values()).index(default)
    days = options[st.selectbox(_("Keep the recording"), list(options), index=index)]
    return timedelta(days=days) if days else None


def date_input() -> datetime | None:
    """Draw the choice of the recordings' date. Returns it in the viewer's time zone; None for each file's own."""
    now = datetime.now(ui.zone())
    kind = st.radio(_("Date of the recordings"), [OWN_DATE, ONE_DATE], horizontal=True, format_func=_)
    left, right = st.columns(2)
    day: date = left.date_input(
        _("Date, if one for all"), value=now.date(), min_value=FIRST_DAY, max_value=now.date(), format="YYYY-MM-DD"
    )
    hour: time = right.time_input(_("Time"), value=now.time().replace(second=0, microsecond=0))
    return None if kind == OWN_DATE else recording_time(day, hour)


def recording_time(day: date, hour: time) -> datetime:
    """Join a date and a time in the viewer's time zone.

    Args:
        day: The date.
        hour: The time of day.
    """
    return datetime.combine(day, hour, tzinfo=ui.zone())


def preselected_subject(subjects: list[SubjectSummary]) -> int | None:
    """Return the index of the subject that the page's address names.

    Args:
        subjects: The subjects to choose from.
    """
    subject_id = st.query_params.get("subject")
    return next((i for i, subject in enumerate(subjects) if subject.id == subject_id), None)
