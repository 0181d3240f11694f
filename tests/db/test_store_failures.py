"""When the database fails: one sentence, nothing half-written; and several writers at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from analysis_samples import new_session, row_counts, sample_analysis, sample_recording
from postgres_server import Server
from sqlalchemy import event, text

from db.engine import normalise_url, open_engine
from db.migrate import upgrade
from db.store import Store
from db.urls import sqlite_url
from fer_phq.core.errors import StoreError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fer-phq.db"
    upgrade(sqlite_url(path))
    return path


def one_sentence(error: StoreError) -> bool:
    words = str(error)
    return "\n" not in words and words.endswith(".") and "sqlalche" not in words.lower() and "Traceback" not in words


def test_locked_database(file: Path) -> None:
    with Store(sqlite_url(file), lock_timeout_s=0.1) as store:
        session = new_session(store, store.subjects.create(label="S").id)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=f"The database {file} is locked by another program") as caught:
            store.analyses.save(session_id=session.id, analysis=sample_analysis())
        assert one_sentence(caught.value)
        assert len(store.subjects.list_all()) == 1, "readers go on"
        other.execute("ROLLBACK")
        other.close()
        store.analyses.save(session_id=session.id, analysis=sample_analysis())


@pytest.mark.postgres
def test_locked_postgres(postgres: Server) -> None:
    url = postgres.new_database()
    upgrade(url)
    engine = open_engine(normalise_url(url))
    with Store(url, lock_timeout_s=0.1) as store, engine.connect() as other:
        other.execute(text("LOCK TABLE subjects IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreError, match="is locked by another program") as caught:
            store.subjects.create(label="S")
        assert one_sentence(caught.value)
        other.rollback()
        store.subjects.create(label="S")
    engine.dispose()


@pytest.mark.postgres
def test_a_connection_notices_that_its_server_is_gone_and_the_server_that_its_client_is(postgres: Server) -> None:
    url = normalise_url(postgres.new_database())
    engine = open_engine(url.update_query_dict({"keepalives_idle": "7"}))
    with engine.connect() as connection:
        parameters = connection.connection.driver_connection.info.get_parameters()
        expected = {"keepalives_idle": "7", "keepalives_interval": "10", "tcp_user_timeout": "60000"}
        assert parameters.items() >= expected.items(), "what the URL says stands"
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10min"
    engine.dispose()


def test_full_disk(file: Path) -> None:
    """SQLite's own limit on pages gives the error of a full disk."""
    with Store(sqlite_url(file)) as store:
        session = new_session(store, store.subjects.create(label="S").id)

        @event.listens_for(store._engine, "checkout")
        def no_more_pages(connection: sqlite3.Connection, *_rest: object) -> None:
            connection.execute("PRAGMA max_page_count = 1")  # never below what it has: no page more

        before = row_counts(sqlite_url(file))
        with pytest.raises(StoreError, match=f"The disk that holds the database {file} is full") as caught:
            store.analyses.save(session_id=session.id, analysis=sample_analysis(frames=2000))
        assert one_sentence(caught.value)
        assert row_counts(sqlite_url(file)) == before
        assert store.sessions.get_detail(session_id=session.id).analyses == ()


def test_file_that_is_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("These are notes, and they go on for more than a hundred bytes. " * 20)
    for call in (upgrade, Store):
        with pytest.raises(StoreError, match="is not a SQLite database") as caught:
            call(sqlite_url(path))
        assert one_sentence(caught.value)
    assert path.read_text().startswith("These are notes")


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created") as caught:
        upgrade(sqlite_url(tmp_path / "file" / "fer-phq.db"))
    assert one_sentence(caught.value)
    with pytest.raises(StoreError, match="cannot be"):
        upgrade(sqlite_url(tmp_path))


def test_read_only_database(file: Path) -> None:
    with Store(sqlite_url(file)) as store:

        @event.listens_for(store._engine, "checkout")
        def read_only(connection: sqlite3.Connection, *_rest: object) -> None:
            connection.execute("PRAGMA query_only = ON")

        with pytest.raises(StoreError, match="is read-only: check its permissions") as caught:
            store.subjects.create(label="S")
        assert one_sentence(caught.value)


def test_server_that_is_not_there() -> None:
    url = "postgresql://someone:s3cret@127.0.0.1:9/none"
    for call in (upgrade, Store):
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:9/none cannot be reached .*FERPHQ_DATABASE_URL") as caught:
            call(url)
        assert one_sentence(caught.value)
        assert "s3cret" not in str(caught.value)


@pytest.mark.postgres
def test_database_that_is_not_on_the_server(postgres: Server) -> None:
    url = postgres.admin_url.set(database="nothing_here").render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="nothing_here") as caught:
        Store(url)
    assert one_sentence(caught.value)


@pytest.mark.postgres
def test_server_that_goes_away_comes_back(postgres: Server) -> None:
    """A pooled connection that the server closed is replaced, not reported."""
    url = postgres.new_database()
    upgrade(url)
    with Store(url) as store:
        store.subjects.create(label="A")
        engine = open_engine(postgres.admin_url)
        with engine.begin() as admin:
            admin.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                {"name": normalise_url(url).database},
            )
        engine.dispose()
        assert [subject.label for subject in store.subjects.list_all()] == ["A"]


KILLED = """
import os, signal, sys
from sqlalchemy import event
from analysis_samples import sample_analysis, sample_voice
from db.store import Store
url, session_id, *tables = sys.argv[1:]
for table in tables:
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        continue
    store = Store(url)
    @event.listens_for(store._engine, "after_cursor_execute")
    def die(connection, cursor, statement, *rest):
        if statement.startswith("INSERT INTO " + table):
            os.kill(os.getpid(), signal.SIGKILL)
    store.analyses.save(session_id=session_id, analysis=sample_analysis(frames=3000, voice=sample_voice()))
    os._exit(0)
"""


@pytest.mark.slow
def test_kill_in_the_middle_of_saving_leaves_no_partial_rows(url: str, store: Store) -> None:
    """Processes of their own, killed right after each of the five inserts of the transaction."""
    session = new_session(store, store.subjects.create(label="S").id)
    before = row_counts(url)
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    arguments = [url, session.id, "analyses", "frames", "embeddings", "channels", "audit"]
    command = [sys.executable, "-c", KILLED, *arguments]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True, timeout=120)
    assert row_counts(url) == before
    assert [line.action for line in store.audit.list_newest()] == ["create", "create"]
    analysis_id = store.analyses.save(session_id=session.id, analysis=sample_analysis(frames=3000))
    assert len(store.analyses.frames(analysis_id=analysis_id)) == 3000


def together(*tasks: Callable[[], object]) -> list[object]:
    """Results of tasks that start at the same moment in threads of their own; an error is a result."""
    start, results = threading.Barrier(len(tasks)), list[object]([None]) * len(tasks)

    def run(place: int, task: Callable[[], object]) -> None:
        start.wait()
        try:
            results[place] = task()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_writers_of_the_same_analysis(url: str) -> None:
    """Two workers with stores of their own finish the same job: one analysis, the same id for both."""
    with Store(url, actor="worker") as one, Store(url, actor="worker") as two:
        session = new_session(one, one.subjects.create(label="S").id)
        analysis = sample_analysis(frames=1500)
        ids = together(
            lambda: one.analyses.save(session_id=session.id, analysis=analysis),
            lambda: two.analyses.save(session_id=session.id, analysis=analysis),
        )
        assert ids[0] == ids[1] == one.sessions.get_detail(session_id=session.id).analyses[0].id
        assert row_counts(url)["frames"] == 1500


def test_writers_of_different_sessions(url: str) -> None:
    with Store(url) as one, Store(url) as two:
        subject = one.subjects.create(label="S")
        names = [f"{n}" for n in range(8)]
        sessions = {name: new_session(one, subject.id, name).id for name in names}

        def save(store: Store, mine: list[str]) -> list[str]:
            return [
                store.analyses.save(session_id=sessions[name], analysis=sample_analysis(sample_recording(name)))
                for name in mine
            ]

        results = together(
            lambda: save(one, names[:4]),
            lambda: save(two, names[4:]),
            lambda: [one.sessions.list_recent() for _ in range(5)],
        )
        assert not [result for result in results if isinstance(result, Exception)]
        assert (row_counts(url)["analyses"], row_counts(url)["frames"]) == (8, 160)


def test_subject_that_several_create(url: str) -> None:
    with Store(url) as store:
        made = together(*[lambda: store.subjects.get_or_create(label="S").id] * 6)
        assert len(set(made)) == 1
        assert len(store.subjects.list_all()) == 1
