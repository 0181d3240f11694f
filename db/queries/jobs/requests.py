"""Analysis jobs as a person sees them; the job engine keeps its own books and names ours by `workflow_id`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import messages
from db.engine import ConflictError
from db.queries.base import Queries, get_row, new_id, stored, utc_now
from db.queries.mapping import job_error_columns, job_record
from db.records import LIVE_STATES, JobRecord, JobState, JobView
from db.tables import JobRow, SessionRow, SubjectRow
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import Message

TRANSITIONS: Mapping[JobState, tuple[JobState, ...]] = MappingProxyType(
    {
        JobState.QUEUED: (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED),
        JobState.RUNNING: (JobState.DONE, JobState.FAILED, JobState.CANCELLED),
        JobState.DONE: (),
        JobState.FAILED: (JobState.QUEUED,),
        JobState.CANCELLED: (JobState.QUEUED,),
    }
)
"""Where a job may go from each state; back to `queued` is a retry."""


class JobRequests(Queries):
    """Creating jobs, moving them on, and watching them."""

    def create(self, *, session_id: str, settings: dict[str, Any] | None = None) -> JobRecord:
        """A queued job for this session, or the live one that it already has. Raises NotFoundError.

        `settings` are the job's own analysis settings; the installation's hold for what they leave out.
        """
        row = queued_job(session_id, settings)
        try:
            with self._writing() as session:
                get_row(session, SessionRow, session_id)
                if (live := _live_job(session, session_id)) is not None:
                    return job_record(live)
                session.add(row)
                self._audit(session, "create", "job", row.id, f"session {session_id}")
                return job_record(stored(session, row))
        except ConflictError:
            with self._reading() as session:
                if (live := _live_job(session, session_id)) is not None:
                    return job_record(live)
            raise

    def get(self, *, job_id: str) -> JobRecord:
        """Raises NotFoundError."""
        with self._reading() as session:
            return job_record(get_row(session, JobRow, job_id))

    def latest(self, *, session_id: str) -> JobRecord | None:
        """The session's newest job, or None."""
        query = select(JobRow).where(JobRow.session_id == session_id).order_by(JobRow.created_at.desc()).limit(1)
        with self._reading() as session:
            row = session.scalar(query)
            return None if row is None else job_record(row)

    def list_newest(self, *, states: Sequence[JobState] | None = None, limit: int = 200) -> list[JobView]:
        """Jobs, newest first, in these states (None: in any), with the words a list shows."""
        query = (
            select(JobRow, SubjectRow.id, SubjectRow.label, SessionRow.original_name)
            .join(SessionRow, SessionRow.id == JobRow.session_id)
            .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
            .order_by(JobRow.created_at.desc(), JobRow.id)
            .limit(limit)
        )
        if states is not None:
            query = query.where(JobRow.state.in_([str(state) for state in states]))
        with self._reading() as session:
            return [JobView(job_record(row), *words) for row, *words in session.execute(query)]

    def set_state(self, *, job_id: str, state: JobState, error: Message | None = None) -> JobRecord:
        """Move a job on, as `TRANSITIONS` allows; the state it is in already changes nothing.

        To `queued` it is a retry: the attempt grows by one; progress, error and the wish to cancel are forgotten.
        Raises StoreError for a move that is not allowed, or when the session has another live job.
        """
        state = JobState(state)
        try:
            with self._writing() as session:
                row = get_row(session, JobRow, job_id, lock=True)
                before = JobState(row.state)
                if state is before:
                    return job_record(row)
                if state not in TRANSITIONS[before]:
                    names = {"before": messages.STATES[before](), "state": messages.STATES[state]()}
                    raise StoreError(messages.JOB_TRANSITION(job_id=job_id, **names))
                move_job(row, state, error)
                self._audit(session, "set_state", "job", job_id, f"{before} to {state}, attempt {row.attempt}")
                return job_record(stored(session, row))
        except ConflictError:
            raise StoreError(messages.LIVE_JOB()) from None

    def request_cancel(self, *, job_id: str) -> JobRecord:
        """Cancel a queued job, ask a running one to stop; a finished one is returned as it is."""
        with self._writing() as session:
            row = get_row(session, JobRow, job_id, lock=True)
            if JobState(row.state) in LIVE_STATES and not row.cancel_requested:
                row.cancel_requested = True
                row.updated_at = utc_now()
                if row.state == JobState.QUEUED:
                    move_job(row, JobState.CANCELLED, None)
                self._audit(session, "request_cancel", "job", job_id)
            return job_record(stored(session, row))


def queued_job(session_id: str, settings: dict[str, Any] | None) -> JobRow:
    """A fresh job; its first attempt has the job's id as workflow id, the n-th `<id>.<n>`."""
    now = utc_now()
    job_id = new_id()
    return JobRow(
        id=job_id,
        session_id=session_id,
        workflow_id=job_id,
        settings=settings,
        state=str(JobState.QUEUED),
        frames_done=0,
        cancel_requested=False,
        attempt=1,
        claims=0,
        created_at=now,
        updated_at=now,
    )


def _live_job(session: Session, session_id: str) -> JobRow | None:
    states = [str(state) for state in LIVE_STATES]
    return session.scalar(select(JobRow).where(JobRow.session_id == session_id, JobRow.state.in_(states)))


def move_job(row: JobRow, state: JobState, error: Message | None) -> None:
    """Give a job another state and what belongs to it; whether it may go there is the caller's to know.

    Args:
        row: The job, in a transaction that writes.
        state: Where it goes; `QUEUED` is a retry.
        error: Why it failed; None takes an earlier error away.
    """
    now = utc_now()
    row.state = str(state)
    for column, value in job_error_columns(error).items():
        setattr(row, column, value)
    row.updated_at = now
    if state is JobState.QUEUED:
        row.attempt += 1
        row.workflow_id = f"{row.id}.{row.attempt}"
        row.worker = None
        row.claim = None
        row.claims = 0
        row.analysis_id = None
        clear_progress(row)
        row.cancel_requested = False
        row.started_at = None
        row.finished_at = None
    elif state is JobState.RUNNING:
        row.started_at = now
    else:
        row.finished_at = now


def clear_progress(row: JobRow) -> None:
    """Put a job before its first step."""
    row.stage = None
    row.frames_done = 0
    row.frames_expected = None
    row.step_started_at = None
