"""A SQLite file that is encrypted as a whole: it is the same database, and nobody reads it without the key."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from analysis_samples import new_session, sample_analysis
from migrated import migrate

from db.cipher.files import connect, is_encrypted
from db.clearing import Obstacle, empty_log, rewrite_database
from db.encryption import conversion
from db.encryption.conversion import convert_database
from db.store import Store
from db.upkeep.integrity import find_faults
from db.urls import sqlite_url
from fer_phq.core.encryption.key import InstallationKey, create_key_file, installation_key
from fer_phq.core.errors import StoreError

VARIABLE = "FERPHQ_ENCRYPTION_KEY_FILE"
CANARY = "Ottilie Canary"


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallationKey:
    path = tmp_path / "installation.key"
    create_key_file(path)
    monkeypatch.setenv(VARIABLE, str(path))
    key = installation_key()
    assert key is not None
    return key


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database with somebody in it."""
    file = tmp_path_factory.mktemp("filled") / "a.db"
    migrate(sqlite_url(file))
    with Store(sqlite_url(file), actor="test") as store:
        session = new_session(store, store.subjects.create(label=CANARY).id)
        store.analyses.save(session_id=session.id, analysis=sample_analysis())
    assert empty_log(sqlite_url(file)) is None
    return file


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    """A copy of it, alone in its folder."""
    folder = tmp_path / "store"
    folder.mkdir()
    return shutil.copy(filled, folder / "a.db")


@pytest.fixture
def url(path: Path) -> str:
    return sqlite_url(path)


def rows(path: Path) -> dict[str, list[Any]]:
    with closing(connect(path, 1.0)) as connection:
        names = connection.execute("SELECT name, type FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name, kind in names if kind == "table"}


def plain_files(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir() if CANARY.encode() in file.read_bytes()}


def test_the_rows_are_the_same_encrypted_and_in_plain_again(path: Path, url: str, key: InstallationKey) -> None:
    before = rows(path)
    assert plain_files(path) == {"a.db"}
    with path.open("rb") as old:
        assert convert_database(url, key, encrypt=True) is None
        assert not old.read().strip(b"\0")
    assert is_encrypted(path)
    assert plain_files(path) == set()
    assert sorted(file.name for file in path.parent.iterdir()) == ["a.db"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert rows(path) == before
    assert find_faults(url) == []
    assert convert_database(url, key, encrypt=True) is None  # nothing is left to do
    with path.open("rb") as old:
        assert convert_database(url, key, encrypt=False) is None
        assert not old.read().strip(b"\0"), "who had opened it and waits writes into nothing"
    assert not is_encrypted(path)
    assert rows(path) == before


def test_an_encrypted_database_is_written_read_and_cleared_as_any_other(
    path: Path, url: str, key: InstallationKey
) -> None:
    assert convert_database(url, key, encrypt=True) is None
    with Store(url, actor="test") as store:
        subject = store.subjects.create(label="Bertram Canary")
        assert {record.label for record in store.subjects.list_all()} == {CANARY, "Bertram Canary"}
        store.erasure.erase_subject(subject_id=subject.id)
        assert [record.label for record in store.subjects.list_all()] == [CANARY]
        assert b"Canary" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert rewrite_database(url) is None
    assert empty_log(url) is None
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        connection.execute("SELECT * FROM subjects")


def test_a_database_without_its_key_and_with_another_is_refused_in_a_sentence(
    path: Path, url: str, key: InstallationKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert convert_database(url, key, encrypt=True) is None
    content = path.read_bytes()
    other = tmp_path / "other.key"
    create_key_file(other)
    for value, code in ((str(other), "db.sqlite_key_wrong"), ("", "db.sqlite_not_a_database")):
        monkeypatch.setenv(VARIABLE, value)
        with pytest.raises(StoreError) as refusal:
            Store(url, actor="test")
        assert refusal.value.message.code == code
        with pytest.raises(StoreError):
            rewrite_database(url)
    assert path.read_bytes() == content


def test_a_file_that_is_no_database_is_no_encrypted_one_either(tmp_path: Path, key: InstallationKey) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Sir or Madam, " * 500)
    with pytest.raises(StoreError) as refusal:
        Store(sqlite_url(file), actor="test")
    assert refusal.value.message.code == "db.sqlite_key_wrong"
    assert "or is no database" in str(refusal.value)


@pytest.mark.parametrize("encrypt", [True, False])
def test_a_database_that_somebody_has_open_is_left_as_it_is(
    path: Path, url: str, key: InstallationKey, encrypt: bool
) -> None:
    if not encrypt:
        assert convert_database(url, key, encrypt=True) is None
    with _reader_elsewhere(url):
        assert convert_database(url, key, encrypt=encrypt, lock_timeout_s=0.1) is Obstacle.BUSY
        assert is_encrypted(path) is not encrypt
    assert not path.with_name("a.db.draft").exists()
    assert convert_database(url, key, encrypt=encrypt) is None
    assert is_encrypted(path) is encrypt


class _reader_elsewhere:
    """Another process that has a database open."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        ready, said = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            with Store(self._url, actor="test") as store:
                store.subjects.list_all()
                os.write(said, b"1")
                signal.pause()
        os.read(ready, 1)
        os.close(ready)
        os.close(said)

    def __exit__(self, *_: object) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)


@pytest.mark.parametrize(
    ("encrypt", "moment"), [(True, "_copy"), (True, "_overwrite"), (False, "_check_copy"), (False, "_put_into_place")]
)
def test_a_kill_leaves_a_whole_database_and_the_next_call_finishes(
    path: Path, url: str, key: InstallationKey, encrypt: bool, moment: str
) -> None:
    before = rows(path)
    if not encrypt:
        assert convert_database(url, key, encrypt=True) is None
    child = os.fork()
    if child == 0:
        real = getattr(conversion, moment)

        def die_after(*args: Any, **kwargs: Any) -> None:
            if moment != "_overwrite":
                real(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(conversion, moment, die_after)
        convert_database(url, key, encrypt=encrypt)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == signal.SIGKILL
    assert rows(path) == before
    assert convert_database(url, key, encrypt=encrypt) is None
    assert is_encrypted(path) is encrypt
    assert rows(path) == before
    assert not path.with_name("a.db.draft").exists()


@pytest.fixture(autouse=True)
def _no_damage(path: Path, url: str) -> Iterator[None]:
    yield
    with closing(sqlite3.connect(path)) as connection:
        if not is_encrypted(path):
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
