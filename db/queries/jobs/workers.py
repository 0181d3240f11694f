"""Workers and their signs of life."""

from __future__ import annotations

from sqlalchemy import delete, select

from db.queries.base import Queries, utc_now
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
        now = utc_now()
        with self._writing() as session:
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

    def list_all(self) -> list[WorkerRecord]:
        """List the workers that have shown signs of life, by id."""
        with self._reading() as session:
            rows = session.scalars(select(WorkerRow).order_by(WorkerRow.id))
            return [WorkerRecord(row.id, row.host, row.pid, row.started_at, row.seen_at) for row in rows]
