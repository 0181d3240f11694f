"""Stores on SQLite and on PostgreSQL (marker `postgres`), migrated, empty, one a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from migrated import migrate
from postgres_server import PostgresMissing, Server, postgres_server
from sqlalchemy import create_engine, text

from db.migrate import head_revision, upgrade
from db.store import Store
from db.tables import Base
from db.urls import sqlite_url

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server for the whole run; skips when there is none."""
    try:
        with postgres_server() as server:
            yield server
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_migrated(postgres: Server) -> str:
    """A migrated database that the tests use one after the other, emptied in between: quicker than one each."""
    url = postgres.new_database()
    upgrade(url)
    return url


def emptied(url: str) -> str:
    """The database as a migration left it, without anybody's connection."""
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(others))
        connection.execute(text(f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY"))
        connection.execute(text("INSERT INTO audit_head (id, entries, digest) VALUES (1, 0, '')"))
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head_revision()})
    engine.dispose()
    return url


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "data" / "fer-phq.db")
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated, empty database."""
    if request.param == "sqlite":
        file = sqlite_url(tmp_path / "fer-phq.db")
        migrate(file)
        return file
    return emptied(request.getfixturevalue("postgres_migrated"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, empty store."""
    with Store(url, actor="cli") as opened:
        yield opened
