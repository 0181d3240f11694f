"""An installation whose database is encrypted as a whole: by command, in a worker, in a backup, and back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from analysis_samples import MONDAY
from recordings import Recordings
from typer.testing import CliRunner

from db.encryption.conversion import is_database_encrypted
from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.encryption.key import create_key_file
from fer_phq.core.errors import FerPhqError, StoreError
from service.cli import app
from service.ingest.recordings import add_recording
from service.jobs import queue
from service.lifecycle.doctor import Health, examine
from service.settings import AppSettings

if TYPE_CHECKING:
    from tests.worker_processes import Workers

LABEL = "Ottilie Canary"
READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM subjects").fetchall()
print("open", flush=True)
input()
"""


@pytest.fixture
def commands(settings: AppSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands on the installation, whose key the environment names."""
    key = tmp_path / "installation.key"
    create_key_file(key)
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(key))
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    return CliRunner()


def run(commands: CliRunner, *arguments: str) -> str:
    result = commands.invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def files_with_label(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and LABEL.encode() in path.read_bytes()}


def test_the_command_encrypts_the_database_and_writes_it_in_plain_again(
    settings: AppSettings, store: Store, commands: CliRunner, tmp_path: Path
) -> None:
    store.subjects.create(label=LABEL)
    store.close()
    assert "labels, questionnaires and scores are in plain" in run(commands, "encryption", "on")
    assert files_with_label(settings.data_dir)
    assert "The database is encrypted as a whole" in run(commands, "encryption", "on", "--database")
    assert files_with_label(settings.data_dir) == set()
    assert "The database is encrypted as a whole" in run(commands, "encryption", "status")
    assert LABEL in run(commands, "subjects", "list")
    checks = [(check.name, check.health, check.message.code) for check in examine(settings)]
    assert ("database_encryption", Health.OK, "lifecycle.database_encrypted") in checks
    assert all(health is not Health.PROBLEM for _, health, _ in checks), checks
    assert "not encrypted as a whole" in run(commands, "encryption", "off", "--yes") + run(
        commands, "encryption", "status"
    )
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db")) as connection:
        assert connection.execute("SELECT label FROM subjects").fetchall() == [(LABEL,)]


def test_a_database_that_is_open_is_left_as_it_is_and_the_sentence_says_so(
    settings: AppSettings, store: Store, commands: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.lifecycle import encryption

    monkeypatch.setattr(encryption, "PAUSE_S", 0.01)
    store.subjects.create(label=LABEL)
    store.close()
    command = [sys.executable, "-c", READER, str(settings.data_dir / "fer-phq.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match="has the database open"):
            encryption.turn_database(settings, on=True, wait_s=0.1)
        assert not is_database_encrypted(settings.database_url)
        reader.communicate(b"\n")
    with Store(settings.database_url) as reopened:
        assert [record.label for record in reopened.subjects.list_all()] == [LABEL]


def test_without_a_key_nothing_is_encrypted(settings: AppSettings, store: Store) -> None:
    from service.lifecycle.encryption import turn_database

    with pytest.raises(FerPhqError) as refusal:
        turn_database(settings, on=True)
    assert refusal.value.message.code == "db.encryption_key_missing"
    assert not is_database_encrypted(settings.database_url)


def test_a_backup_goes_into_an_encrypted_database_where_one_is(
    settings: AppSettings, store: Store, commands: CliRunner, tmp_path: Path
) -> None:
    store.subjects.create(label=LABEL)
    store.close()
    run(commands, "encryption", "on", "--database")
    assert "in plain in it" in run(commands, "backup", str(tmp_path / "backup.zip"))
    with Store(settings.database_url) as reopened:
        reopened.subjects.create(label="Somebody later")
    run(commands, "restore", str(tmp_path / "backup.zip"), "--replace", "--yes")
    assert is_database_encrypted(settings.database_url)
    with Store(settings.database_url) as restored:
        assert [record.label for record in restored.subjects.list_all()] == [LABEL]
    assert files_with_label(settings.data_dir) == set()


@pytest.mark.slow
def test_a_worker_analyses_with_an_encrypted_store_and_an_encrypted_queue(
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    commands: CliRunner,
    recordings: Recordings,
    workers: Workers,
) -> None:
    store.close()
    run(commands, "encryption", "on", "--database")
    with Store(settings.database_url) as reopened:
        added = add_recording(
            settings,
            reopened,
            recordings(seconds=1),
            subject_id=subject.id,
            recorded_at=MONDAY,
            consent_by="AB",
            consent_text="1",
        )
        assert added.job_id is not None
        process = workers.start_program(FERPHQ_ENCRYPTION_KEY_FILE=os.environ["FERPHQ_ENCRYPTION_KEY_FILE"])
        workers.wait(lambda: queue.status(settings, reopened, added.job_id or "").state == "done", "the analysis")
        assert workers.stop(process) == 0
    assert is_database_encrypted(settings.dbos_database_url)
    assert (settings.data_dir / "jobs.db").read_bytes()[:6] != b"SQLite"
