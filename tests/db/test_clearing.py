"""What SQLite keeps of erased rows, and that writing the file anew removes it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db.clearing import Obstacle, empty_log, log_bytes, rewrite_database
from db.urls import sqlite_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database of twenty people's rows, of which those of the even ones were erased with `secure_delete`."""
    draw = random.Random(2)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE notes (id TEXT PRIMARY KEY, person INTEGER, words TEXT)")
        connection.execute("CREATE INDEX by_words ON notes (words)")
        connection.execute("BEGIN")
        for n in range(3000):
            person = draw.randrange(20)
            row = (draw.randbytes(8).hex(), person, f"CANARY{person:02d}_{'x' * draw.randrange(1, 900)}")
            connection.execute("INSERT INTO notes VALUES (?, ?, ?)", row)
            if n % 30 == 0:
                connection.execute("UPDATE notes SET words = words || 'yyyy' WHERE person = ?", (person,))
        connection.execute("COMMIT")
        for person in range(0, 20, 2):
            connection.execute("DELETE FROM notes WHERE person = ?", (person,))
    return sqlite_url(tmp_path / "a.db")


def erased_people(folder: Path) -> set[int]:
    """Whose erased rows some file still holds."""
    contents = b"".join(path.read_bytes() for path in folder.iterdir())
    return {person for person in range(0, 20, 2) if f"CANARY{person:02d}_".encode() in contents}


def test_a_file_that_is_written_anew_holds_no_copies_of_moved_cells(url: str, tmp_path: Path) -> None:
    assert erased_people(tmp_path), "with `secure_delete` alone copies stay where SQLite moved cells between pages"
    assert rewrite_database(url) is None
    assert empty_log(url) is None
    assert erased_people(tmp_path) == set()
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute("SELECT count(DISTINCT person) FROM notes").fetchone() == (10,)


def test_a_reader_or_a_writer_is_an_obstacle(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM notes").fetchone()
        assert rewrite_database(url, lock_timeout_s=0.1) is None
        assert log_bytes(url) > 0
        assert empty_log(url, lock_timeout_s=0.1) is Obstacle.BUSY
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        assert rewrite_database(url, lock_timeout_s=0.1) is Obstacle.BUSY
        connection.execute("COMMIT")
    assert empty_log(url) is None
    assert log_bytes(url) == 0


def test_a_disk_without_room_is_an_obstacle(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 100, 0))
    assert rewrite_database(url) is Obstacle.NO_ROOM


def test_a_database_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "none.db")
    assert rewrite_database(url) is None
    assert empty_log(url) is None
    assert not list(tmp_path.iterdir())
