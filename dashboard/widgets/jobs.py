"""Jobs as rows with live progress, cancel and retry: on Home, New session and Session alike."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import context
from dashboard.i18n import _, render
from dashboard.widgets import permission, ui
from db.records import AnalysisSummary, JobState, NotFoundError, SessionDetail, SessionSummary
from fer_phq.core.phq import PhqUnavailable
from service.jobs import messages, queue
from service.jobs.queue import JobStatus
from service.views.review import default_analysis
from service.views.speech.samples import asks_for_voice

LIVE_SECONDS = 1.5


def job_row(job: JobStatus, label: str, *, link: bool = True) -> None:
    """Draw a job: what it is about, how far it is, and a button to cancel or retry it.

    Args:
        job: The job.
        label: What it is about.
        link: Whether the label leads to the session.
    """
    if link and job.state == JobState.DONE:
        _result_row(job, label)
        return
    name, state, act = st.columns([0.34, 0.46, 0.2], vertical_alignment="center")
    if link:
        name.page_link(ui.SESSION, label=ui.md(label), query_params={"session": job.session_id})
    else:
        name.markdown(f"**{ui.md(label)}**")
    if job.active:
        # `worker_warning` says above the rows what to do about a missing worker: once is enough.
        text = _("Waiting for a worker.") if job.waits_for_worker else render(job.message)
        state.progress(job.fraction or 0.0, text=ui.md(text))
        stop = _("Stop the analysis of {label}").format(label=ui.md(label))
        if permission.may_change() and act.button(_("Cancel"), key=f"cancel_{job.id}", help=stop):
            queue.cancel(context.settings(), context.store(), job.id)
            st.rerun(scope="fragment")
    elif job.state in ("failed", "cancelled"):
        state.html(
            f'<p class="fp-{"danger" if job.state == "failed" else "warning"}">{ui.text(render(job.message))}</p>'
        )
        again = _("Analyse {label} again").format(label=ui.md(label))
        if permission.may_change() and act.button(_("Retry"), key=f"retry_{job.id}", help=again):
            queue.retry(context.settings(), context.store(), job.id)
            st.rerun()
    else:
        state.html(f'<p class="fp-note">{ui.text(render(job.message))}</p>')


def _result_row(job: JobStatus, label: str) -> None:
    """Draw what an analysis gave: emotions, coverage, estimate, and its warnings."""
    name, result = st.columns([0.34, 0.66], vertical_alignment="center")
    name.page_link(ui.SESSION, label=ui.md(label), query_params={"session": job.session_id})
    result.html(f'<p class="fp-note">{ui.text(render(job.message))}</p>')
    outcome = analysed_session(job.session_id)
    if outcome is None:
        return
    detail, analysis = outcome
    with result:
        ui.result(SessionSummary(detail.session, detail.subject.label, analysis, detail.job))
        if isinstance(analysis.phq, PhqUnavailable):
            ui.note(ui.sentence(render(analysis.phq.message)))
        for warning in analysis.warnings:
            ui.warn(render(warning))
        if asks_for_voice(analysis) and permission.may_change():
            st.page_link(ui.SESSION, label=_("Choose the subject's voice"), query_params={"session": job.session_id})


def analysed_session(session_id: str) -> tuple[SessionDetail, AnalysisSummary] | None:
    """Return a session and the analysis that stands for it.

    Args:
        session_id: The session's UUID.

    Returns:
        None where it is not analysed, or was erased meanwhile.
    """
    try:
        detail = context.store().sessions.get_detail(session_id=session_id)
    except NotFoundError:
        return None
    analysis = default_analysis(detail.analyses, context.preferred_model())
    return None if analysis is None else (detail, analysis)


def live_jobs(session_ids: Sequence[tuple[str, str]], *, key: str, link: bool = True) -> None:
    """Draw the newest job of each session, refreshed while one of them is still worked on.

    Args:
        session_ids: (session's UUID, label) pairs.
        key: Names the part of the page that is refreshed; unique on the page.
        link: Whether the labels lead to the sessions.
    """
    jobs = [queue.session_job(context.settings(), context.store(), session_id) for session_id, _ in session_ids]
    busy = any(job is not None and job.active for job in jobs)

    def draw() -> None:
        rows = [(queue.session_job(context.settings(), context.store(), sid), label) for sid, label in session_ids]
        if busy and not any(job is not None and job.active for job, _ in rows):
            # Before anything says that the job has ended, and invites a click: Streamlit loses one that leads to
            # another page while it begins a run that a script asked for.
            st.rerun()
        for job, label in rows:
            if job is not None:
                job_row(job, label, link=link)

    st.fragment(draw, run_every=LIVE_SECONDS if busy else None, key=key)()


def worker_warning() -> None:
    """Say so when nothing would be analysed because no worker runs."""
    if not queue.workers_alive(context.settings(), context.store()):
        ui.warn(render(messages.NO_WORKER()))
