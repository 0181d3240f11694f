"""Whether a database is whole: damaged pages, rows without their parents, recordings that rows name, newest times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from db.engine import normalise_url, open_engine, store_errors
from db.tables import AnalysisRow, AuditRow, JobRow, SessionRow, SubjectRow


def find_faults(url: str) -> list[str]:
    """Have SQLite check its file and its foreign keys. PostgreSQL checks both itself, at every read and write.

    Args:
        url: The database.

    Returns:
        What is wrong, a line each; nothing where all is well.

    Raises:
        StoreError: The database cannot be read at all.
    """
    with _connected(url) as connection:
        if connection.dialect.name != "sqlite":
            return []
        lines = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
        orphans = [
            f"{row[0]}: {row[2]}" for row in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20)
        ]
        return [line for line in lines if line != "ok"] + orphans


def recordings_of_rows(url: str) -> set[str]:
    """Read which recordings sessions name, relative to the media folder.

    Args:
        url: The database.

    Raises:
        StoreError: The database cannot be read.
    """
    query = select(SessionRow.media_path).where(SessionRow.media_path.is_not(None)).distinct()
    with _connected(url) as connection:
        return {path for path in connection.scalars(query) if path}


def newest_times(url: str) -> dict[str, datetime]:
    """Read when the newest row of each table was written, with a time zone; empty tables have none.

    Args:
        url: The database.

    Raises:
        StoreError: The database cannot be read.
    """
    columns = (SubjectRow.created_at, SessionRow.created_at, AnalysisRow.created_at, JobRow.updated_at, AuditRow.at)
    with _connected(url) as connection:
        newest = {column.class_.__tablename__: connection.scalar(select(func.max(column))) for column in columns}
    return {table: at.astimezone(UTC) for table, at in newest.items() if at is not None}


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    parsed = normalise_url(url)
    with store_errors(parsed):
        engine = open_engine(parsed)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()
