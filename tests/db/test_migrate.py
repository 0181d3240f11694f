"""The schema: up from empty on both databases, the same as the tables in code, and safe with several processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from postgres_server import Server
from sqlalchemy import Connection, inspect, text

from db.engine import default_url, normalise_url, open_engine, sqlite_url
from db.migrate import current_revision, head_revision, upgrade
from db.store import Store
from db.tables import Base
from fer_phq.errors import StoreError


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = open_engine(normalise_url(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def test_up_from_empty_and_again(empty_url: str) -> None:
    assert current_revision(empty_url) is None
    assert upgrade(empty_url) == head_revision() == current_revision(empty_url)
    assert upgrade(empty_url) == head_revision()
    with connected(empty_url) as connection:
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_migrations_give_the_tables_of_the_code(url: str) -> None:
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def schema_of(connection: Connection) -> set[tuple[str, ...]]:
    """Every table, index and constraint as the database words it: compare_metadata does not look at CHECKs."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'"
    else:
        query = (
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            " UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )
    rows = connection.execute(text(query)).all()
    return {(name, normal_ddl(sql)) for name, sql in rows if "alembic_version" not in name and "sqlite_" not in name}


def normal_ddl(sql: str) -> str:
    """A CREATE statement as its sorted parts: columns and constraints in any order, spaces aside."""
    lines = [" ".join(line.split()).rstrip(",") for line in sql.replace('"', "").splitlines()]
    return "\n".join(sorted(line for line in lines if line))


def test_constraints_and_indexes_are_those_of_the_code(
    url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if url.startswith("sqlite"):
        fresh = sqlite_url(tmp_path / "created.db")
    else:
        server: Server = request.getfixturevalue("postgres")
        fresh = server.new_database()
    with connected(fresh) as connection:
        Base.metadata.create_all(connection)
        expected = schema_of(connection)
    with connected(url) as connection:
        assert schema_of(connection) == expected


UPGRADE = """
import os, sys
from db.migrate import upgrade
gate, opener = os.pipe()
children = []
for _ in range(4):
    if not (child := os.fork()):
        os.close(opener)
        os.read(gate, 1)  # returns for all of them together, when the parent closes its end
        print(upgrade(sys.argv[1]), flush=True)
        os._exit(0)
    children.append(child)
os.close(opener)
for child in children:
    os.waitpid(child, 0)
"""


def test_processes_that_upgrade_together(empty_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UPGRADE, empty_url],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split() == [head_revision()] * 4, done.stderr
    with Store(empty_url) as store:
        assert store.list_subjects() == []


def test_failed_migration_leaves_nothing(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(normalise_url(empty_url).database or "").parent.mkdir(parents=True)
    with connected(empty_url) as connection:
        connection.execute(text("CREATE TABLE settings (mine INTEGER)"))
    with pytest.raises(StoreError, match="settings"):
        upgrade(empty_url)
    assert current_revision(empty_url) is None
    with connected(empty_url) as connection:
        assert set(inspect(connection).get_table_names()) <= {"settings"}


def test_newer_database_is_refused_in_one_sentence(url: str) -> None:
    with connected(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"made by a newer fer-phq \(schema 9999\): install that version\.$"):
        Store(url)
    with pytest.raises(StoreError, match="newer fer-phq"):
        upgrade(url)


def test_database_without_migrations_says_what_to_run(empty_url: str) -> None:
    with pytest.raises(StoreError, match="run `fer-phq db upgrade`"):
        Store(empty_url)
    if empty_url.startswith("sqlite"):
        assert not Path(normalise_url(empty_url).database or "").exists()


def test_older_schema_says_what_to_run(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.migrate.head_revision", lambda: "0002")
    with pytest.raises(StoreError, match="has schema 0001 and this fer-phq needs 0002: run `fer-phq db upgrade`"):
        Store(url)


def test_sqlite_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a folder, 100 % new?" / "fer-phq.db"
    upgrade(sqlite_url(path))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    with Store(sqlite_url(path)) as store:
        store.create_subject(label="S1")
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_default_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("FERPHQ_DATABASE_URL", raising=False)
    assert normalise_url().database == str(tmp_path / "fer-phq.db")
    monkeypatch.setenv("FERPHQ_DATABASE_URL", "postgres://someone@host/name")
    assert default_url() == "postgres://someone@host/name"
    assert normalise_url().drivername == "postgresql+psycopg"
    monkeypatch.delenv("FERPHQ_DATA_DIR")
    monkeypatch.delenv("FERPHQ_DATABASE_URL")
    assert "fer-phq" in default_url()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("not a url", "cannot be read"),
        ("mysql://host/name", "'mysql' is not supported"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("postgresql+nodriver://host/name", "driver .* is not installed"),
    ],
)
def test_urls_that_cannot_be_used(url: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence):
        Store(url)
