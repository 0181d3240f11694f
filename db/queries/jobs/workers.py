"""Workers and their signs of life, which the database's clock dates and compares."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from db.queries.base import Queries, database_time
from db.records import WorkerRecord
from db.tables import WorkerRow


class WorkerQueries(Queries):
    """Signs of life of the workers."""

    def heartbeat(self, *, worker: str, host: str, pid: int) -> None:
        """Note that a worker lives. Not audited.

        Args:
            worker: The worker's id.
            host: The name of its machine.
            pid: Its process id; another host or pid counts as a restart.
        """
        with self._writing() as session:
            now = database_time(session)
            row = session.get(WorkerRow, worker)
            if row is None:
                session.add(WorkerRow(id=worker, host=host, pid=pid, started_at=now, seen_at=now))
                return
            if (row.host, row.pid) != (host, pid):
                row.host = host
                row.pid = pid
                row.started_at = now
            row.seen_at = now

    def forget(self, *, worker: str) -> None:
        """Take a worker off the list; it comes back with its next sign of life."""
        with self._writing() as session:
            session.execute(delete(WorkerRow).where(WorkerRow.id == worker))

    def list_living(self, *, timeout_s: float) -> set[str]:
        """List the ids of the workers that show signs of life.

        On PostgreSQL a worker's clock, and the reader's, may be wrong by any time. On SQLite the machine's clock may
        jump: then nobody lives until the next sign of life. A sign that lies ahead of the clock counts no longer than
        one behind it, so a clock that is set back keeps no dead worker alive.

        Args:
            timeout_s: Seconds without a sign of life after which a worker counts as dead.
        """
        with self._reading() as session:
            now = database_time(session)
            timeout = timedelta(seconds=timeout_s)
            query = select(WorkerRow.id).where(WorkerRow.seen_at.between(now - timeout, now + timeout))
            return set(session.scalars(query))

    def list_all(self) -> list[WorkerRecord]:
        """List the workers that have shown signs of life, by id."""
        with self._reading() as session:
            rows = session.scalars(select(WorkerRow).order_by(WorkerRow.id))
            return [WorkerRecord(row.id, row.host, row.pid, row.started_at, row.seen_at) for row in rows]
