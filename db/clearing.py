"""Removal of erased bytes from a database's files, and of the job engine's rows about erased jobs.

SQLite leaves copies of erased cells behind where it once moved them between pages, even with `secure_delete`, so only
a rewritten file is sure to hold none. What PostgreSQL's write-ahead log and backups hold is its administrator's matter.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, bindparam, delete, inspect, or_, select
from sqlalchemy.engine import URL

from db.cipher.files import connect
from db.engine import normalise_url, open_engine, sqlite_file, store_errors, writing

ENGINE_TABLES = (
    "notifications",
    "workflow_events",
    "workflow_events_history",
    "streams",
    "operation_outputs",
    "workflow_input",
    "workflow_output",
    "workflow_status",
)
"""The job engine's tables that name a job, each before those that it refers to."""
STATUS_TABLE = "workflow_status"
ENGINE_SCHEMA = "dbos"
"""Where the engine's tables lie on PostgreSQL."""
RUNNING = "PENDING"
"""The engine's word for a job that a worker has begun."""
ROOM_FACTOR = 1.1
LOG_MARGIN = 1 << 20
"""Bytes of free disk that a rewriting needs beside the database's size."""


class Obstacle(StrEnum):
    """What keeps erased bytes in a database's files for now."""

    BUSY = "busy"
    NO_ROOM = "no_room"


def rewrite_database(url: str, *, lock_timeout_s: float = 1.0) -> Obstacle | None:
    """Write a SQLite database anew, so that its file holds nothing but its rows. PostgreSQL is left as it is.

    Args:
        url: The database; one whose file does not exist is left alone.
        lock_timeout_s: Seconds to wait for another program's lock.

    Returns:
        None when it is done, else what kept it from being done.

    Raises:
        StoreError: The database cannot be read or written.
    """
    parsed = normalise_url(url)
    path = sqlite_file(parsed)
    if path is None or not path.is_file():
        return None
    with _sqlite(parsed, path, lock_timeout_s) as connection:
        _empty_log(connection)
        if _bytes_needed(connection, path) > _bytes_free(path):
            return Obstacle.NO_ROOM
        try:
            connection.execute("VACUUM")
        except Exception as error:
            return obstacle_of(error)
        return None


def empty_log(url: str, *, lock_timeout_s: float = 1.0) -> Obstacle | None:
    """Empty a SQLite database's write-ahead log, in which erased pages stay while anybody reads them.

    Args:
        url: The database; one whose file does not exist is left alone, and PostgreSQL is.
        lock_timeout_s: Seconds to wait for another program's lock.

    Returns:
        None when the log is empty, else what kept it from being emptied.

    Raises:
        StoreError: The database cannot be read or written.
    """
    parsed = normalise_url(url)
    path = sqlite_file(parsed)
    if path is None or not path.is_file():
        return None
    with _sqlite(parsed, path, lock_timeout_s) as connection:
        try:
            return None if _empty_log(connection) else Obstacle.BUSY
        except Exception as error:
            return obstacle_of(error)


def log_bytes(url: str) -> int:
    """Return the size of a SQLite database's write-ahead log in bytes; 0 where there is none, as on PostgreSQL."""
    path = sqlite_file(normalise_url(url))
    log = None if path is None else path.with_name(f"{path.name}-wal")
    return log.stat().st_size if log is not None and log.exists() else 0


def database_bytes(url: str) -> int:
    """Return the size of a SQLite database's file in bytes; 0 where there is none, as on PostgreSQL."""
    path = sqlite_file(normalise_url(url))
    return path.stat().st_size if path is not None and path.is_file() else 0


def remove_engine_jobs(url: str, job_ids: Iterable[str], *, running_too: bool) -> int:
    """Remove what the job engine's tables hold of jobs: inputs, outputs, errors, results of steps, messages.

    A job that a worker has begun is left alone unless `running_too`: the worker would write of it again.

    Args:
        url: The job engine's database; one without its tables is left alone.
        job_ids: The jobs' UUIDs.
        running_too: Whether to remove jobs that count as running, as when no worker is there.

    Returns:
        Number of the jobs' runs that are left because they count as running.

    Raises:
        StoreError: The database cannot be read or written.
    """
    ids = list(job_ids)
    parsed = normalise_url(url)
    path = sqlite_file(parsed)
    if not ids or (path is not None and not path.is_file()):
        return 0
    with store_errors(parsed):
        engine = open_engine(parsed)
        try:
            with writing(engine).begin() as connection:
                tables = _engine_tables(connection)
                return sum(_remove_job(connection, tables, job_id, running_too) for job_id in ids) if tables else 0
        finally:
            engine.dispose()


def _engine_tables(connection: Connection) -> list[Table]:
    schema = ENGINE_SCHEMA if connection.dialect.name == "postgresql" else None
    present = set(inspect(connection).get_table_names(schema=schema))
    if STATUS_TABLE not in present:
        return []
    metadata = MetaData()
    names = [name for name in ENGINE_TABLES if name in present]
    return [Table(name, metadata, schema=schema, autoload_with=connection, resolve_fks=False) for name in names]


def _remove_job(connection: Connection, tables: list[Table], job_id: str, running_too: bool) -> int:
    """Remove the runs of a job, which are called `<job>` and `<job>.<attempt>`. Returns how many count as running."""
    status = next(table for table in tables if table.name == STATUS_TABLE)
    names = or_(status.c.workflow_uuid == job_id, status.c.workflow_uuid.like(f"{job_id}.%"))
    running = set(connection.scalars(select(status.c.workflow_uuid).where(names, status.c.status == RUNNING)))
    for table in tables:
        for name in ("workflow_uuid", "destination_uuid"):
            if name in table.c:
                column = table.c[name]
                which = or_(column == job_id, column.like(f"{job_id}.%"))
                spared = column.not_in(bindparam("running", sorted(running), expanding=True))
                connection.execute(delete(table).where(which, *([] if running_too else [spared])))
    return 0 if running_too else len(running)


@contextmanager
def _sqlite(url: URL, path: Path, lock_timeout_s: float) -> Iterator[Any]:
    with store_errors(url):
        connection = connect(path, lock_timeout_s)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            yield connection
        finally:
            connection.close()


def _empty_log(connection: Any) -> bool:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _bytes_needed(connection: Any, path: Path) -> int:
    """Return about how much a rewriting takes: a copy among temporary files, and one in the write-ahead log."""
    counts = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")]
    page = int(connection.execute("PRAGMA page_size").fetchone()[0])  # SQLCipher answers with text
    size = (counts[0] - counts[1]) * page
    temporary = Path(os.environ.get("SQLITE_TMPDIR") or tempfile.gettempdir())
    copies = 2 if temporary.exists() and temporary.stat().st_dev == path.stat().st_dev else 1
    return int(copies * size * ROOM_FACTOR) + LOG_MARGIN


def _bytes_free(path: Path) -> int:
    return shutil.disk_usage(path.parent).free


def obstacle_of(error: Exception) -> Obstacle:
    """Return what an error of SQLite's says of the disk or of others.

    Args:
        error: The error.

    Raises:
        Exception: The error itself, where it says neither.
    """
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Obstacle.BUSY
    if name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR_WRITE"):
        return Obstacle.NO_ROOM
    raise error
