"""Analysis jobs as a person sees them; the job engine keeps its own list and names ours by `workflow_id`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import messages
from db.engine import ConflictError
from db.queries.base import Queries, database_time, get_row, new_id, stored, utc_now
from db.queries.mapping import is_behind, job_error_columns, job_record
from db.records import LIVE_STATES, JobPriority, JobRecord, JobState, JobView, Position
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

    def create(
        self,
        *,
        session_id: str,
        settings: dict[str, Any] | None = None,
        priority: JobPriority = JobPriority.INTERACTIVE,
    ) -> JobRecord:
        """Queue a job for a session, unless it has a live one already, which is then returned.

        A live one that was queued for later is moved up to the priority of this wish.

        Args:
            session_id: The session's UUID.
            settings: The job's own analysis settings; the installation's apply to what they leave out. None for none.
            priority: How soon it is taken.

        Raises:
            NotFoundError: There is no such session.
        """
        row = queued_job(session_id, settings, priority)
        try:
            with self._writing() as session:
                get_row(session, SessionRow, session_id)
                if (live := _live_job(session, session_id)) is not None:
                    live.priority = min(live.priority, priority)
                    return job_record(stored(session, live))
                date_queueing(session, row)
                session.add(row)
                self._audit(session, "create", "job", row.id, f"session {session_id}")
                return job_record(stored(session, row))
        except ConflictError:
            with self._reading() as session:
                if (live := _live_job(session, session_id)) is not None:
                    return job_record(live)
            raise

    def get(self, *, job_id: str) -> JobRecord:
        """Load a job.

        Raises:
            NotFoundError: There is no such job.
        """
        with self._reading() as session:
            return job_record(get_row(session, JobRow, job_id))

    def list_by_id(self, *, job_ids: Sequence[str]) -> list[JobRecord]:
        """Load several jobs, in any order; those that there are not are left out."""
        query = select(JobRow).where(JobRow.id.in_(job_ids))
        with self._reading() as session:
            return [job_record(row) for row in session.scalars(query)]

    def latest(self, *, session_id: str) -> JobRecord | None:
        """Load the session's newest job; None where it has none."""
        query = select(JobRow).where(JobRow.session_id == session_id).order_by(JobRow.created_at.desc()).limit(1)
        with self._reading() as session:
            row = session.scalar(query)
            return None if row is None else job_record(row)

    def list_newest(self, *, states: Sequence[JobState] | None = None, limit: int = 200) -> list[JobView]:
        """List jobs, newest first, with the words that a list of them shows.

        Args:
            states: Only jobs in these states; None for any.
            limit: The most jobs to return.
        """
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

    def list_page(
        self,
        *,
        states: Sequence[JobState] | None = None,
        session_id: str | None = None,
        after: Position | None = None,
        limit: int = 50,
    ) -> list[JobRecord]:
        """List jobs, newest first.

        Args:
            states: Only jobs in these states; None for any.
            session_id: Only jobs of the session with this UUID; None for any.
            after: The place behind which the page begins; None for the first page.
            limit: The most jobs to return.
        """
        query = select(JobRow).order_by(JobRow.created_at.desc(), JobRow.id).limit(limit)
        if states is not None:
            query = query.where(JobRow.state.in_([str(state) for state in states]))
        if session_id is not None:
            query = query.where(JobRow.session_id == session_id)
        if after is not None:
            query = query.where(is_behind(JobRow.created_at, JobRow.id, after, descending=True))
        with self._reading() as session:
            return [job_record(row) for row in session.scalars(query)]

    def count_by_state(self) -> dict[JobState, int]:
        """Count the jobs in each state that there are any in."""
        query = select(JobRow.state, func.count()).group_by(JobRow.state)
        with self._reading() as session:
            return {JobState(state): number for state, number in session.execute(query)}

    def longest_wait(self) -> float | None:
        """Return for how many seconds the job that waits longest has waited; None where none waits.

        The database's clock tells when a job was queued and what time it is now, as with `WorkerQueries.list_living`:
        on PostgreSQL the clocks of the machines may be wrong by any time.
        """
        query = select(func.min(JobRow.updated_at)).where(JobRow.state == str(JobState.QUEUED))
        with self._reading() as session:
            since = session.scalar(query)
            return None if since is None else max(0.0, (database_time(session) - since).total_seconds())

    def set_state(
        self,
        *,
        job_id: str,
        state: JobState,
        error: Message | None = None,
        priority: JobPriority | None = None,
    ) -> JobRecord:
        """Move a job to another state, as `TRANSITIONS` allows; to the state that it is in changes nothing.

        A move to `queued` is a retry: the attempt grows by one, and progress, error and the request to cancel are
        cleared.

        Args:
            job_id: The job's UUID.
            state: Its new state.
            error: Why it failed; None clears an earlier error.
            priority: How soon it is taken from now on; None keeps its priority.

        Raises:
            NotFoundError: There is no such job.
            StoreError: The move is not allowed, or the session has another live job.
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
                date_queueing(session, row)
                row.priority = int(priority or row.priority)
                self._audit(session, "set_state", "job", job_id, f"{before} to {state}, attempt {row.attempt}")
                return job_record(stored(session, row))
        except ConflictError:
            raise StoreError(messages.LIVE_JOB()) from None

    def request_cancel(self, *, job_id: str) -> JobRecord:
        """Cancel a queued job, or ask a running one to stop; a finished one is returned as it is.

        Raises:
            NotFoundError: There is no such job.
        """
        with self._writing() as session:
            row = get_row(session, JobRow, job_id, lock=True)
            if JobState(row.state) in LIVE_STATES and not row.cancel_requested:
                row.cancel_requested = True
                row.updated_at = utc_now()
                if row.state == JobState.QUEUED:
                    move_job(row, JobState.CANCELLED, None)
                self._audit(session, "request_cancel", "job", job_id)
            return job_record(stored(session, row))


def queued_job(session_id: str, settings: dict[str, Any] | None, priority: JobPriority) -> JobRow:
    """Build the row of a new job; its first attempt has the job's id as workflow id, the n-th `<id>.<n>`.

    Args:
        session_id: The UUID of the session to analyse.
        settings: The job's own analysis settings; None leaves all to the installation's.
        priority: How soon it is taken.
    """
    now = utc_now()
    job_id = new_id()
    return JobRow(
        id=job_id,
        session_id=session_id,
        workflow_id=job_id,
        priority=int(priority),
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
    """Give a job another state and what belongs to it. Whether the move is allowed is the caller's to check.

    Args:
        row: The job, in a transaction that writes.
        state: Its new state; `QUEUED` is a retry.
        error: Why it failed; None clears an earlier error.
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


def date_queueing(session: Session, row: JobRow) -> None:
    """Note since when a job waits by the database's clock, by which `longest_wait` counts; another job stays as it is.

    Args:
        session: The open transaction.
        row: The job.
    """
    if row.state == JobState.QUEUED:
        row.updated_at = database_time(session)


def clear_progress(row: JobRow) -> None:
    """Put a job before its first step."""
    row.stage = None
    row.frames_done = 0
    row.frames_expected = None
    row.step_started_at = None
