"""Bringing a database to the schema of this code, and telling which schema it has."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL

from db import messages
from db.engine import describe_url, normalise_url, open_engine, sqlite_file, store_errors, writing
from fer_phq.core.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
_LOCK_KEY = 0x6665725F706871  # "fer_phq": PostgreSQL's advisory locks are numbered
_PATIENCE_S = 60.0


def upgrade(url: str | None = None) -> str:
    """Create or migrate a database.

    It is one transaction: either done or untouched. Two processes may call it at once; the second waits and finds
    nothing to do.

    Args:
        url: The database's URL; None for the default.

    Returns:
        The database's revision, which is now this code's.

    Raises:
        StoreError: The database cannot be reached, is locked, or is newer than this code.
    """
    from alembic import command  # only where something is migrated: a program that reads does not wait for it

    parsed = normalise_url(url)
    make_room(parsed)
    with store_errors(parsed):
        # Foreign keys off: altering a SQLite table copies it, and dropping the old one must not cascade.
        engine = open_engine(parsed, lock_timeout_s=_PATIENCE_S, foreign_keys=False)
        try:
            with writing(engine).begin() as connection:
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
                refuse_newer(revision_of(connection), parsed)
                command.upgrade(alembic_config(connection), "head")
                _check_foreign_keys(connection, parsed)
        finally:
            engine.dispose()
    return head_revision()


def current_revision(url: str | None = None) -> str | None:
    """Read the database's schema revision; None when it has none or does not exist yet.

    Args:
        url: The database's URL; None for the default.

    Raises:
        StoreError: The database cannot be reached.
    """
    parsed = normalise_url(url)
    path = sqlite_file(parsed)
    if path is not None and not path.exists():
        return None
    with store_errors(parsed):
        engine = open_engine(parsed)
        try:
            with engine.connect() as connection:
                return revision_of(connection)
        finally:
            engine.dispose()


@cache
def revisions() -> frozenset[str]:
    """Return the revisions that this code knows: the numbers before the names of the migrations."""
    return frozenset(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


@cache
def head_revision() -> str:
    """Return the schema revision that this code needs."""
    return max(revisions())


def check_schema(engine: Engine, url: URL) -> None:
    """Make sure that the database is exactly at this code's revision.

    Args:
        engine: The database's connection pool.
        url: The database, as the error names it.

    Raises:
        StoreError: The database does not exist, is empty, or has an older or newer schema; says what to do.
    """
    path = sqlite_file(url)
    if path is not None and not path.exists():
        raise StoreError(messages.NO_DATABASE(url=describe_url(url)))
    with engine.connect() as connection:
        revision = revision_of(connection)
    refuse_newer(revision, url)
    if revision is None:
        raise StoreError(messages.EMPTY(url=describe_url(url)))
    if revision != head_revision():
        needed = head_revision()
        raise StoreError(messages.OLD_SCHEMA(url=describe_url(url), revision=revision, head_revision=needed))


def refuse_newer(revision: str | None, url: URL) -> None:
    """Refuse a schema that a newer version made.

    Args:
        revision: The schema's revision; None for a database without tables.
        url: The database, as the error names it.

    Raises:
        StoreError: This code does not know the revision.
    """
    if revision is not None and revision not in revisions():
        raise StoreError(messages.NEWER(url=describe_url(url), revision=revision))


def revision_of(connection: Connection) -> str | None:
    """Read the revision of a database's schema; None where it has no tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return revision


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, for migrations over an open connection."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    # Alembic reads its options through ConfigParser, to which a per cent sign in the path would mean something.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def make_room(url: URL) -> None:
    """Create SQLite's folder and file, readable by their owner only, since they will hold health data.

    Raises:
        StoreError: They cannot be created.
    """
    path = sqlite_file(url)
    if path is None:
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A file that is there is not opened: closing it would drop every lock that this process has on it (POSIX), and
        # another process could then remove the write-ahead log of a store that is open here.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreError(messages.CANNOT_CREATE(path=str(path), strerror=str(error.strerror))) from error


def _check_foreign_keys(connection: Connection, url: URL) -> None:
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreError(messages.NOT_MIGRATED(url=describe_url(url), broken=str(broken[0])))
