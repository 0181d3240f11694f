"""All rows of a database as plain values and back, whatever the database and the schema's revision.

The tables are read as they are in the database, not as this code declares them: so rows of an earlier revision go into
a database of that revision, which is then migrated, and rows of SQLite go into PostgreSQL and back.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alembic import command
from sqlalchemy import JSON, REAL, Connection, DateTime, Integer, MetaData, Table, func, insert, null, select, text
from sqlalchemy.engine import URL

from db import messages
from db.engine import normalise_url, open_engine, store_errors, writing
from db.migrate import alembic_config, make_room, refuse_newer, revision_of
from db.tables import Base
from fer_phq.core.errors import StoreError

SKIPPED = frozenset({"alembic_version", "workers", "logins", "attempts", "idempotency_keys"})
"""Tables that say what runs, who is logged in now, or what was sent within a day."""
ENGINE_TABLE_PREFIX = "dbos"
BATCH = 200
"""Rows that are written at a time."""
Values = dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """One moment of a database, open for reading.

    Attributes:
        revision: Its schema's revision.
        tables: Names of its tables, each after those that it refers to.
    """

    revision: str
    tables: tuple[str, ...]
    _connection: Connection
    _metadata: MetaData

    def rows(self, name: str) -> Iterator[Values]:
        """Read a table's rows as values that JSON can hold.

        Args:
            name: One of `tables`.
        """
        table = self._metadata.tables[name]
        query = select(table).order_by(*table.primary_key.columns)
        for row in self._connection.execution_options(yield_per=BATCH).execute(query).mappings():
            yield {column: _to_json(value, table.c[column].type) for column, value in row.items()}


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """Open one moment of a database, which those who write to it do not change.

    Args:
        url: The database.

    Raises:
        StoreError: The database cannot be read, or has no tables.
    """
    parsed = normalise_url(url)
    with store_errors(parsed):
        engine = open_engine(parsed)
        try:
            options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
            with engine.connect().execution_options(**options) as connection, connection.begin():
                revision = revision_of(connection)
                if revision is None:
                    raise StoreError(messages.EMPTY(url=str(parsed)))
                metadata = _reflect(connection)
                names = tuple(table.name for table in metadata.sorted_tables if table.name not in SKIPPED)
                yield Snapshot(revision, names, connection, metadata)
        finally:
            engine.dispose()


def is_empty(url: str) -> bool:
    """Tell whether a database holds no subject: it does not exist, has no tables, or nobody was stored yet.

    Args:
        url: The database.

    Raises:
        StoreError: The database cannot be read.
    """
    parsed = normalise_url(url)
    with store_errors(parsed):
        engine = open_engine(parsed)
        try:
            with engine.connect() as connection:
                tables = _reflect(connection).tables
                return "subjects" not in tables or not connection.scalar(
                    select(func.count()).select_from(tables["subjects"])
                )
        finally:
            engine.dispose()


def check_revision(url: str, revision: str) -> None:
    """Check that this code knows a schema's revision, which a database or a backup has.

    Args:
        url: What has it, as the error names it.
        revision: The revision.

    Raises:
        StoreError: A newer version made it.
    """
    refuse_newer(revision, normalise_url(url))


def load_rows(
    url: str, revision: str, tables: Mapping[str, Iterable[Values]], *, replace: bool = False
) -> dict[str, int]:
    """Create a database's tables as a revision has them and fill them, in one transaction.

    Args:
        url: The database, without tables of ours or with empty ones of the same revision.
        revision: The schema's revision.
        tables: The rows of each table, as `Snapshot.rows` gives them.
        replace: Whether to remove the tables that are there first, in the same transaction.

    Returns:
        Number of rows of each table.

    Raises:
        StoreError: The database cannot be written, or the rows do not fit it.
    """
    parsed = normalise_url(url)
    make_room(parsed)
    with store_errors(parsed):
        engine = open_engine(parsed, lock_timeout_s=60, foreign_keys=False)
        try:
            with writing(engine).begin() as connection:
                if replace:
                    _drop_tables(connection)
                command.upgrade(alembic_config(connection), revision)
                metadata = _reflect(connection)
                counts = {}
                for table in metadata.sorted_tables:
                    if table.name in tables and table.name not in SKIPPED:
                        connection.execute(table.delete()) if _is_filled(connection, table) else None
                        counts[table.name] = _insert(connection, table, tables[table.name])
                _check_rows(connection, parsed)
                return counts
        finally:
            engine.dispose()


def _drop_tables(connection: Connection) -> None:
    """Remove the tables of this product and what guards them; others in the same database stay."""
    names = {*Base.metadata.tables, *SKIPPED}
    for table in reversed(_reflect(connection).sorted_tables):
        if table.name in names:
            table.drop(connection)
            if connection.dialect.name == "postgresql":
                connection.execute(text(f'DROP FUNCTION IF EXISTS "{table.name}_written_once"() CASCADE'))


def _insert(connection: Connection, table: Table, rows: Iterable[Values]) -> int:
    """Write a table's rows, each after the one that it refers to, and set its counter behind them."""
    count = 0
    batch: list[Values] = []
    for row in _parents_first(table, rows):
        batch.append({name: _from_json(value, table, name) for name, value in row.items()})
        if len(batch) == BATCH:
            count += _write(connection, table, batch)
            batch = []
    count += _write(connection, table, batch)
    key = list(table.primary_key.columns)
    if count and connection.dialect.name == "postgresql" and len(key) == 1 and isinstance(key[0].type, Integer):
        counter = connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": key[0].name}
        )
        if counter is not None:
            connection.execute(select(func.setval(counter, select(func.max(key[0])).scalar_subquery())))
    return count


def _write(connection: Connection, table: Table, batch: list[Values]) -> int:
    # Row by row where values differ in kind: a null in a JSON column is an expression and no parameter.
    for row in batch:
        connection.execute(insert(table).values(row))
    return len(batch)


def _parents_first(table: Table, rows: Iterable[Values]) -> Iterator[Values]:
    """Order rows of a table that refers to itself, such as a questionnaire that corrects another."""
    links = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    if not links:
        yield from rows
        return
    waiting = list(rows)
    written: set[Any] = set()
    while waiting:
        ready = [row for row in waiting if all(row.get(link) is None or row[link] in written for link in links)]
        if not ready:
            raise StoreError(messages.ROWS_UNRELATED(table=table.name))
        yield from ready
        written |= {row["id"] for row in ready}
        waiting = [row for row in waiting if row["id"] not in written]


def _is_filled(connection: Connection, table: Table) -> bool:
    """Tell whether a table has rows that its migration put there, such as the head of the audit."""
    return connection.execute(select(table).limit(1)).first() is not None


def _check_rows(connection: Connection, url: URL) -> None:
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreError(messages.ROWS_UNRELATED(table=str(url.database)))


def _reflect(connection: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: not name.startswith(ENGINE_TABLE_PREFIX))
    return metadata


def _to_json(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, JSON):
        return {"json": value}
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, datetime):
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return {"time": utc.isoformat()}
    if isinstance(kind, REAL) and isinstance(value, float):
        # PostgreSQL tells a single number by its shortest decimals, SQLite by those of the double: here both are one.
        return struct.unpack("<f", struct.pack("<f", value))[0]
    return value


def _from_json(value: Any, table: Table, name: str) -> Any:
    if name not in table.c:
        raise StoreError(messages.ROWS_UNRELATED(table=table.name))
    kind = table.c[name].type
    if value is None:
        return null()
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        return base64.b64decode(value["bytes"], validate=True)
    if "time" in value:
        utc = datetime.fromisoformat(value["time"])
        return utc if isinstance(kind, DateTime) and kind.timezone else utc.replace(tzinfo=None)
    return value["json"]
