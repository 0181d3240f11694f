"""Where the database is, how it is opened, and what its failures say to a person."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
    StatementError,
    TimeoutError,
)

from db import messages
from db.cipher.files import Cipher, cipher_of, is_driver_error
from db.records import InputError
from db.urls import default_url
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import Message

IDLE_TRANSACTION_MS = 600_000
"""How long a PostgreSQL server keeps a transaction whose client says nothing."""
_WATCHING = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}
"""How libpq watches a connection: in seconds, times and milliseconds."""


class ConflictError(StoreError):
    """A constraint refused the change (a duplicate, a missing parent, a value outside its range)."""


class StoreAwayError(StoreError):
    """The database does not answer now and may again later.

    It restarts, cannot be reached, is locked or busy; or its disk is full or cannot be written, which people put right.
    """


def normalise_url(url: str | None = None) -> URL:
    """Return a SQLAlchemy URL for SQLite or PostgreSQL, the two databases that the store supports.

    Args:
        url: A URL; `postgres://` and `postgresql://` get the psycopg driver. None is `db.urls.default_url`.

    Raises:
        StoreError: The URL cannot be read, is of another database, or is of SQLite in memory. There each connection
            would see contents of its own.
    """
    text = url or default_url()
    if text.startswith("postgres://"):
        text = "postgresql" + text.removeprefix("postgres")
    try:
        parsed = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(messages.URL_UNREADABLE()) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed
    if backend != "sqlite":
        raise StoreError(messages.BACKEND_UNSUPPORTED(backend=backend))
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise StoreError(messages.SQLITE_NOT_A_FILE())
    return parsed.set(drivername="sqlite")


def sqlite_file(url: URL) -> Path | None:
    """Return the database's file; None when the database is a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def describe_url(url: URL) -> str:
    """Return a database as a person recognises it: its file, or its URL without the password."""
    path = sqlite_file(url)
    return str(path) if path is not None else url.set(query={}).render_as_string(hide_password=True)


def open_engine(url: URL, *, lock_timeout_s: float = 10.0, foreign_keys: bool = True) -> Engine:
    """Open a connection pool whose transactions behave alike on both databases.

    SQLite gets a write-ahead log, overwrites erased bytes, and takes its locks as `writing` says; a file that SQLCipher
    encrypts is opened with the installation's key. PostgreSQL returns times in UTC.

    Args:
        url: A URL as `normalise_url` returns it.
        lock_timeout_s: Seconds to wait for another program's lock.
        foreign_keys: Whether SQLite enforces foreign keys.

    Raises:
        StoreError: The database driver is not installed.
        SettingsError: The installation's key cannot be read.
    """
    try:
        path = sqlite_file(url)
        if path is not None:
            cipher = cipher_of(path)
            module = {} if cipher is None else {"module": cipher.driver}
            engine = create_engine(url, connect_args={"timeout": lock_timeout_s}, **module)
            _prepare_sqlite(engine, path, cipher, lock_timeout_s, foreign_keys)
        else:
            timeout = {} if "connect_timeout" in url.query else {"connect_timeout": max(2, round(lock_timeout_s))}
            engine = create_engine(watch_connections(url), connect_args=timeout, pool_pre_ping=True)
            _prepare_postgres(engine, lock_timeout_s)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(messages.DRIVER_MISSING(drivername=url.drivername, error=str(error))) from None
    return engine


def watch_connections(url: URL) -> URL:
    """Return a URL whose connections notice within a minute that the server's machine or the network is gone.

    The system's own time is two hours for a connection that waits, and a quarter of an hour for one that has sent.

    Args:
        url: A URL of either database; SQLite's is returned as it is, and so is what a URL says of this itself.
    """
    if sqlite_file(url) is not None:
        return url
    return url.update_query_dict({name: value for name, value in _WATCHING.items() if name not in url.query})


def reading(engine: Engine) -> Engine:
    """Return the same pool, for transactions that read: each sees the database as it was at its first statement.

    SQLite's do so anyway; PostgreSQL's would see what others commit between two statements.
    """
    if engine.dialect.name != "postgresql":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")


def writing(engine: Engine) -> Engine:
    """Return the same pool, for transactions that write.

    On SQLite they take the write lock when they begin. A transaction that read first and asked for the lock later would
    fail at once, whatever the time-out, if another had written in between.
    """
    return engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")


def _prepare_sqlite(
    engine: Engine, path: Path, cipher: Cipher | None, lock_timeout_s: float, foreign_keys: bool
) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        if cipher is not None:
            cipher.unlock(connection, path)
        # The driver must not begin or commit on its own: SQLAlchemy's events do (see `begin`).
        connection.isolation_level = None
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA secure_delete = ON")
        _use_write_ahead_log(connection, time.monotonic() + lock_timeout_s)
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _use_write_ahead_log(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch the file to a write-ahead log, which it then keeps.

    SQLite does not wait for its time-out here when two processes open a new file together.
    """
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except Exception as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _prepare_postgres(engine: Engine, lock_timeout_s: float) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {round(lock_timeout_s * 1000)}")
            cursor.execute("SET timezone = 'UTC'")
            # A client that the network has cut off must not keep its locks from others for hours.
            cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_MS}")
        connection.commit()


@contextmanager
def store_errors(url: URL) -> Iterator[None]:
    """Turn every database failure within the block into a message; the only place where that happens.

    Args:
        url: The database, as the messages name it.

    Raises:
        ConflictError: A constraint refused the change.
        InputError: The database cannot hold a value.
        StoreAwayError: The database does not answer now.
        StoreError: Any other failure of the database, or a value that a column's type refuses.
    """
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(messages.CONSTRAINT(url=describe_url(url), error=_first_line(error))) from error
    except DataError as error:  # PostgreSQL: a NUL character, a number out of range
        raise InputError(messages.IMPOSSIBLE_VALUE()) from error
    except DBAPIError as error:
        raise _failure(error.orig, describe_url(url)) from error
    except TimeoutError as error:
        raise StoreAwayError(messages.UNUSABLE(url=describe_url(url), error=_first_line(error))) from error
    except StatementError as error:
        # A value that the store's own types refuse, such as a date without a time zone.
        raise StoreError(str(error.orig)) from error
    except SQLAlchemyError as error:
        raise StoreError(messages.UNUSABLE(url=describe_url(url), error=_first_line(error))) from error
    except Exception as error:
        if not is_driver_error(error):
            raise
        raise _failure(error, describe_url(url)) from error


_SQLITE_CODES = (
    (("SQLITE_BUSY", "SQLITE_LOCKED"), messages.SQLITE_LOCKED),
    (("SQLITE_FULL",), messages.SQLITE_FULL),
    (("SQLITE_CANTOPEN",), messages.SQLITE_CANNOT_OPEN),
    (("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"), messages.SQLITE_READ_ONLY),
    (("SQLITE_NOTADB",), messages.SQLITE_NOT_A_DATABASE),
    (("SQLITE_CORRUPT",), messages.SQLITE_DAMAGED),
    (("SQLITE_IOERR",), messages.SQLITE_IO),
)

_POSTGRES_CODES = (
    (("53100",), messages.SERVER_DISK_FULL),
    (("53300",), messages.SERVER_BUSY),
    (("55P03", "40P01", "40001", "57014"), messages.SERVER_LOCKED),
    (("25006",), messages.SERVER_READ_ONLY),
    (("28",), messages.SERVER_REFUSED_USER),
    (("3D000",), messages.SERVER_NO_DATABASE),
    (("42501",), messages.SERVER_NO_RIGHTS),
    (("42P01",), messages.SERVER_NO_TABLES),
    (("08", "57P"), messages.SERVER_LOST),
)


_AWAY = {
    template.code
    for template in (
        messages.SQLITE_LOCKED,
        messages.SQLITE_FULL,
        messages.SQLITE_CANNOT_OPEN,
        messages.SQLITE_READ_ONLY,
        messages.SQLITE_IO,
        messages.SERVER_DISK_FULL,
        messages.SERVER_READ_ONLY,
        messages.SERVER_BUSY,
        messages.SERVER_LOCKED,
        messages.SERVER_LOST,
        messages.SERVER_UNREACHABLE,
    )
}
"""Codes of the messages of a database that may answer later."""


def _failure(error: BaseException | None, location: str) -> StoreError:
    message = _message(error, location)
    return StoreAwayError(message) if message.code in _AWAY else StoreError(message)


def _message(error: BaseException | None, location: str) -> Message:
    text = _first_line(error)
    code: str = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    for prefixes, template in _SQLITE_CODES if is_driver_error(error) else _POSTGRES_CODES:
        if code and code.startswith(prefixes):
            return template(place=location, text=text) if "text" in template.fields else template(place=location)
    if "no such table" in text:
        return messages.SQLITE_NO_TABLES(place=location)
    if not is_driver_error(error) and not code:
        # libpq gives no code when no session came about, and says why only in words.
        return messages.SERVER_UNREACHABLE(place=location, text=text)
    return messages.FAILED(place=location, text=text)


def _first_line(error: BaseException | None) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__
