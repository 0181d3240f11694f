"""Jobs as workers see them: what waits, who holds what, and who shows signs of life.

A claim is a fence. Whoever claimed a job last holds it: progress, outcome and giving back count only with the claim
that the row carries, so a worker that was taken for dead cannot disturb its successor.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from db.queries.base import stored, utc_now
from db.queries.jobs.requests import JobRequests, clear_progress, date_queueing, move_job
from db.queries.mapping import job_record
from db.records import LIVE_STATES, JobRecord, JobState
from db.tables import JobRow
from fer_phq.core.analysis import Progress
from fer_phq.core.messages import Message

_ORDER = (JobRow.priority, JobRow.created_at, JobRow.id)
"""In which order jobs are taken."""
_LIVE = [str(state) for state in LIVE_STATES]


class JobQueries(JobRequests):
    """Jobs as people and as workers see them: requests, and claiming, reporting, settling."""

    def list_queued(self, *, limit: int | None = None) -> list[JobRecord]:
        """List the jobs that wait, in the order in which they are taken: by priority, then oldest first.

        Args:
            limit: The most jobs to return; None for all.
        """
        query = _in_order([str(JobState.QUEUED)]).limit(limit)
        with self._reading() as session:
            return [job_record(row) for row in session.scalars(query)]

    def count_ahead(self, *, job_ids: Sequence[str]) -> dict[str, int]:
        """Count, for each of some jobs that waits, those that are taken before it.

        Args:
            job_ids: The jobs' UUIDs; those that do not wait are left out.
        """
        rank = func.row_number().over(order_by=_ORDER)
        queued = select(JobRow.id, rank.label("rank")).where(JobRow.state == str(JobState.QUEUED)).subquery()
        with self._reading() as session:
            ranks = session.execute(select(queued.c.id, queued.c.rank).where(queued.c.id.in_(job_ids)))
            return {job_id: number - 1 for job_id, number in ranks}

    def list_live(self) -> list[JobRecord]:
        """List the jobs that wait or run, in the order in which they are taken."""
        with self._reading() as session:
            return [job_record(row) for row in session.scalars(_in_order(_LIVE))]

    def list_running(self) -> list[JobRecord]:
        """List the jobs that a worker holds, oldest first."""
        with self._reading() as session:
            return [job_record(row) for row in session.scalars(_in_order([str(JobState.RUNNING)]))]

    def claim(self, *, workflow_id: str, worker: str, claim: str) -> JobRecord | None:
        """Take a live job, from whoever holds it.

        A job that a person asked to cancel is cancelled here instead. The same claim once more, because its answer was
        lost, does not count again.

        Args:
            workflow_id: The id of the job's present attempt.
            worker: The id of the worker that takes it.
            claim: A random text by which this claim is recognised later.

        Returns:
            The running job; None when it is erased, finished or cancelled.
        """
        with self._writing() as session:
            row = _find_live(session, workflow_id)
            if row is None:
                return None
            now = utc_now()
            if row.cancel_requested:
                _unassign(row, JobState.CANCELLED)
                self._audit(session, "cancel", "job", row.id)
                return None
            if row.claim == claim:
                return job_record(row)
            row.state = str(JobState.RUNNING)
            row.worker = worker
            row.claim = claim
            row.claims = row.claims + 1
            row.started_at = row.started_at or now
            row.updated_at = now
            clear_progress(row)
            self._audit(session, "claim", "job", row.id, f"worker {worker}, claim {row.claims}")
            return job_record(stored(session, row))

    def set_progress(
        self, *, workflow_id: str, claim: str, progress: Progress, step_started_at: datetime
    ) -> Literal["ok", "cancel", "lost"]:
        """Note how far a running job is. Not audited.

        Args:
            workflow_id: The id of the job's present attempt.
            claim: The claim that its holder took it with.
            progress: The step; done and total are kept as whole numbers.
            step_started_at: Since when the job is at the step.

        Returns:
            'cancel' when the holder should stop, 'lost' when the job is erased or another's, else 'ok'.
        """
        values = {
            "stage": str(progress.step),
            "frames_done": int(progress.done),
            "frames_expected": None if progress.total is None else int(progress.total),
            "step_started_at": step_started_at,
            "updated_at": utc_now(),
        }
        change = (
            update(JobRow)
            .where(JobRow.workflow_id == workflow_id, JobRow.claim == claim, JobRow.state == str(JobState.RUNNING))
            .values(values)
            .returning(JobRow.cancel_requested)
        )
        with self._writing() as session:
            wish = session.scalar(change)
        return "lost" if wish is None else "cancel" if wish else "ok"

    def finish(
        self,
        *,
        workflow_id: str,
        claim: str,
        state: JobState,
        error: Message | None = None,
        analysis_id: str | None = None,
    ) -> bool:
        """Settle a job as done, failed or cancelled.

        Args:
            workflow_id: The id of the job's present attempt.
            claim: The claim that its holder took it with.
            state: How it ended.
            error: Why it failed; None when it did not.
            analysis_id: The UUID of the analysis that it led to; None for none.

        Returns:
            False, and nothing is changed, when the claim does not hold any more.
        """
        with self._writing() as session:
            row = _find_claimed(session, workflow_id, claim)
            if row is None:
                return False
            move_job(row, state, error)
            row.claim = None
            row.analysis_id = analysis_id
            self._audit(session, "set_state", "job", row.id, f"running to {state}, attempt {row.attempt}")
            return True

    def release(self, *, workflow_id: str, claim: str) -> bool:
        """Queue a held job again without counting the claim, because its worker stops.

        A job that a person asked to cancel is cancelled instead.

        Args:
            workflow_id: The id of the job's present attempt.
            claim: The claim that its holder took it with.

        Returns:
            False, and nothing is changed, when the claim does not hold any more.
        """
        with self._writing() as session:
            row = _find_claimed(session, workflow_id, claim)
            if row is None:
                return False
            row.claims -= 1
            _unassign(row, JobState.CANCELLED if row.cancel_requested else JobState.QUEUED)
            date_queueing(session, row)
            self._audit(session, "release", "job", row.id)
            return True

    def requeue_worker(self, *, worker: str) -> int:
        """Queue the running jobs of a worker that has died, and return how many they were."""
        with self._writing() as session:
            query = select(JobRow).where(JobRow.worker == worker, JobRow.state == str(JobState.RUNNING))
            rows = session.scalars(query.with_for_update()).all()
            for row in rows:
                _unassign(row, JobState.CANCELLED if row.cancel_requested else JobState.QUEUED)
                date_queueing(session, row)
                self._audit(session, "requeue", "job", row.id, f"worker {worker} is gone")
            return len(rows)

    def fail(self, *, workflow_id: str, error: Message) -> bool:
        """Fail a live job, whoever holds it, because the job engine has given it up.

        Args:
            workflow_id: The id of the job's present attempt.
            error: Why it failed.

        Returns:
            False, and nothing is changed, when the job is not live.
        """
        with self._writing() as session:
            row = _find_live(session, workflow_id)
            if row is None:
                return False
            move_job(row, JobState.FAILED, error)
            row.claim = None
            self._audit(session, "set_state", "job", row.id, "given up by the job engine")
            return True


def _in_order(states: list[str]) -> Select[JobRow]:
    """Return the jobs in some states, in the order in which they are taken."""
    return select(JobRow).where(JobRow.state.in_(states)).order_by(*_ORDER)


def _find_live(session: Session, workflow_id: str) -> JobRow | None:
    query = select(JobRow).where(JobRow.workflow_id == workflow_id, JobRow.state.in_(_LIVE))
    return session.scalar(query.with_for_update())


def _find_claimed(session: Session, workflow_id: str, claim: str) -> JobRow | None:
    row = _find_live(session, workflow_id)
    return row if row is not None and row.claim == claim and row.state == str(JobState.RUNNING) else None


def _unassign(row: JobRow, state: JobState) -> None:
    """Take the job from its worker; the attempt stays what it is."""
    row.state = str(state)
    row.worker = None
    row.claim = None
    row.updated_at = utc_now()
    clear_progress(row)
    if state is JobState.CANCELLED:
        row.finished_at = row.updated_at
