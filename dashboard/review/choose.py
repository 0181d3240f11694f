"""Which session and which of its analyses are reviewed."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard import charts, context
from dashboard.i18n import _
from dashboard.i18n.vocabulary import analysis_label
from dashboard.widgets import selection, ui
from dashboard.widgets.jobs import job_row, live_jobs, worker_warning
from dashboard.widgets.sound import choice_words
from db.records import AnalysisSummary, SessionDetail
from fer_phq.core.analysis import AUTOMATIC
from fer_phq.core.errors import FerPhqError
from service.jobs import queue
from service.jobs.sound import choice_of
from service.models.active_model import active_bundle
from service.views.review import default_analysis

LISTED = 500
"""The most sessions of a subject that can be chosen from."""


@dataclass(frozen=True)
class AnalysisChoice:
    """The analysis that is reviewed, and the one that is laid over it."""

    summary: AnalysisSummary
    compared: AnalysisSummary | None = None


def choose_session() -> str | None:
    """Choose the session that the address names, else the one shown last, else the newest of the subject on show.

    Returns:
        Its id; None where there is no session at all.
    """
    store = context.store()
    address_id = st.query_params.get("session")
    if address_id is not None:
        return address_id
    subject_id = selection.subject_on_show({subject.id for subject in store.subjects.list_all() if subject.sessions})
    last_id = selection.session_on_show()
    rows = store.sessions.list_recent(subject_id=subject_id, limit=1 if last_id is None else LISTED)
    ids = [row.session.id for row in rows]
    return last_id if last_id in ids else next(iter(ids), None)


def header(detail: SessionDetail) -> None:
    """Draw whose recording it is, from when, and what is special about it."""
    session = detail.session
    badges = [ui.badge(_("Demonstration"), "demo")] if session.is_demo else []
    if detail.is_withdrawn:
        badges.append(ui.badge(_("Consent withdrawn"), "danger"))
    elif session.consent is None and not session.is_demo:
        badges.append(ui.badge(_("No consent recorded"), "danger"))
    if session.has_audio:
        lead = _("Recorded {moment} · {length} min · with sound")
    else:
        lead = _("Recorded {moment} · {length} min · without sound")
    lead = lead.format(moment=ui.day_and_time(session.recorded_at), length=charts.clock(session.duration_s))
    title, boxes = st.columns([0.54, 0.46], vertical_alignment="bottom")
    with title:
        ui.heading(detail.subject.label, lead, badges)
    with boxes:
        pick(detail)
        st.page_link(ui.TRENDS, label=_("See the trend"), query_params={"subject": detail.subject.id})


def pick(detail: SessionDetail) -> None:
    """Draw boxes that lead to another subject or another session of this one."""
    store = context.store()
    subjects = {s.id: s.label for s in store.subjects.list_all() if s.sessions}
    sessions = {
        row.session.id: row.session for row in store.sessions.list_recent(subject_id=detail.subject.id, limit=LISTED)
    }
    sessions.setdefault(detail.session.id, detail.session)
    dates = selection.unique_labels(
        {session_id: ui.day_and_time(session.recorded_at) for session_id, session in sessions.items()},
        {session_id: session.original_name for session_id, session in sessions.items()},
    )
    left, right = st.columns(2)
    subject = left.selectbox(
        _("Subject"), list(subjects), index=list(subjects).index(detail.subject.id), format_func=subjects.__getitem__,
        key=f"subject_of_{detail.session.id}",
    )  # fmt: skip
    session = right.selectbox(
        _("Session"), list(dates), index=list(dates).index(detail.session.id), format_func=dates.__getitem__,
        key=f"pick_{detail.session.id}",
    )  # fmt: skip
    if subject != detail.subject.id:
        newest = store.sessions.list_recent(subject_id=subject, limit=1)
        session = newest[0].session.id if newest else session
    if session != detail.session.id:
        st.query_params.from_dict({"session": session})  # without a moment of the session before
        st.rerun()


def job_state(detail: SessionDetail) -> None:
    """Draw the newest job, unless it simply succeeded."""
    job = queue.session_job(context.settings(), context.store(), detail.session.id)
    if job is None or job.state == "done":
        return
    with ui.card("job", _("Analysis")):
        if job.active:
            worker_warning()
            live_jobs([(detail.session.id, detail.session.original_name)], key=f"job_{detail.session.id}", link=False)
        else:
            job_row(job, detail.session.original_name, link=False)


def choose_analysis(detail: SessionDetail) -> AnalysisChoice | None:
    """Draw a choice among several analyses, and return the chosen one and the one to compare it with."""
    active = _active_id()
    first = default_analysis(detail.analyses, active)
    if first is None:
        return None
    if len(detail.analyses) < 2:
        return AnalysisChoice(first)
    names = selection.unique_labels({summary.id: _name(summary, active) for summary in detail.analyses})
    by_id = {summary.id: summary for summary in detail.analyses}
    left, right = st.columns(2)
    summary = left.selectbox(
        _("Analysis"), list(names), index=list(names).index(first.id), format_func=names.__getitem__,
        key=f"analysis_{detail.session.id}_{first.id}",  # a new analysis is shown, whatever was chosen before it
    )  # fmt: skip
    compared = right.selectbox(
        _("Compare with"), [None, *(option for option in names if option != summary)],
        key=f"compare_{detail.session.id}_{first.id}",
        format_func=lambda option: names[option] if option else _("Nothing"),
    )  # fmt: skip
    if first.model_id == active:
        ui.note(_("Shown first: the newest analysis by the active model."))
    else:
        ui.note(_("Shown first: the newest analysis. The active model has not analysed this session."))
    return AnalysisChoice(by_id[summary], by_id[compared] if compared else None)


def _name(summary: AnalysisSummary, active: str | None) -> str:
    """Name an analysis where one of several is chosen."""
    active_words = [_("active model")] if summary.model_id == active else []
    sound = choice_of(summary)
    sound_words = [] if sound == AUTOMATIC else [choice_words(sound)]
    return " · ".join([analysis_label(summary), *sound_words, *active_words, ui.day_and_time(summary.created_at)])


def _active_id() -> str | None:
    """Return the active model's id; None when it is not on this machine any more."""
    try:
        return active_bundle(context.settings(), context.store()).model_id
    except FerPhqError:
        return None
