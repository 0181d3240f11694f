"""The doctor sees each thing that can be wrong, says what to do, and changes nothing."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import typer
from analysis_samples import MONDAY, sample_recording

from db.store import Store
from fer_phq.video.decoder.confinement import landlock, syscalls
from service.cli.lifecycle.doctor import doctor_command
from service.ingest.media import MediaStore
from service.lifecycle import doctor, ledger
from service.lifecycle.doctor import Check, Health
from service.settings import AppSettings


@pytest.fixture
def healthy(settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch) -> AppSettings:
    """An installation with a recording."""
    monkeypatch.setattr(doctor, "LOW_DISK_BYTES", 0)
    source = settings.data_dir.parent / "s.bin"
    source.write_bytes(b"film")
    media = MediaStore(settings)
    with media.copy_in(source, key=None) as copy, media.locked():
        relative = media.move_in(copy.path, "e" * 64, key=None)
    store.sessions.create(
        subject_id=store.subjects.create(label="P01").id,
        recorded_at=MONDAY,
        recording=sample_recording(),
        original_name="a.mp4",
        media_path=relative,
    )
    return settings


def states(settings: AppSettings, **options: bool) -> dict[str, Health]:
    return {check.name: check.health for check in complaints(settings, **options)}


def complaints(settings: AppSettings, **options: bool) -> list[Check]:
    """What is not well, apart from what this machine's kernel lacks."""
    checks = doctor.examine(settings, **options)
    return [check for check in checks if check.health is not Health.OK and not check.name.startswith("decoder_")]


def test_a_healthy_installation_has_no_complaint(healthy: AppSettings) -> None:
    assert states(healthy) == {}
    assert states(healthy, with_hashes=True) == {"hashes": Health.PROBLEM}, "its name is not its hash"


def lose_recording(settings: AppSettings) -> None:
    next(settings.media_dir.rglob("*.*")).unlink()


def add_orphan(settings: AppSettings) -> None:
    (settings.media_dir / "ab").mkdir()
    (settings.media_dir / "ab" / f"ab{'0' * 62}.mp4").touch()


def forget_upload(settings: AppSettings) -> None:
    path = settings.incoming_dir / "old.part"
    path.touch()
    os.utime(path, (0, 0))


def orphan_row(settings: AppSettings) -> None:
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE sessions SET subject_id = 'nobody'")


def date_ahead(settings: AppSettings) -> None:
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db")) as connection, connection:
        connection.execute("UPDATE subjects SET created_at = '2199-01-01 00:00:00.000000'")


def open_folder(settings: AppSettings) -> None:
    settings.data_dir.chmod(0o755)


def queue_job(settings: AppSettings) -> None:
    with Store(settings.database_url) as store:
        store.jobs.create(session_id=store.sessions.list_recent()[0].session.id)


def begin_erasure(settings: AppSettings) -> None:
    steps = (ledger.ErasureStep.LOG,)
    at = datetime.now(UTC) - timedelta(hours=1)
    ledger.write(settings, ledger.Erasure("subject", "s", at, steps, (), (), ()))


def old_schema(settings: AppSettings) -> None:
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")


@pytest.mark.parametrize(
    ("harm", "name", "health"),
    [
        (lose_recording, "recordings", Health.PROBLEM),
        (add_orphan, "leftovers", Health.WARNING),
        (forget_upload, "leftovers", Health.WARNING),
        (orphan_row, "database", Health.PROBLEM),
        (date_ahead, "clock", Health.WARNING),
        (open_folder, "folder", Health.WARNING),
        (queue_job, "workers", Health.WARNING),
        (begin_erasure, "erasures", Health.PROBLEM),
        (old_schema, "schema", Health.PROBLEM),
    ],
)
def test_what_is_wrong_is_named(
    harm: Callable[[AppSettings], None], name: str, health: Health, healthy: AppSettings
) -> None:
    harm(healthy)
    checks = complaints(healthy)
    assert [(check.name, check.health) for check in checks] == [(name, health)]
    assert checks[0].advice is not None


def test_a_device_that_does_not_start_is_a_problem(healthy: AppSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERPHQ_DEVICE", "cuda:999")
    (check,) = complaints(healthy)
    assert (check.name, check.health) == ("device", Health.PROBLEM)
    assert "FERPHQ_DEVICE is cuda:999" in str(check.message)
    monkeypatch.setenv("FERPHQ_DEVICE", "cpu")
    assert states(healthy) == {}


def test_a_file_that_is_no_database_is_one_sentence(healthy: AppSettings, store: Store) -> None:
    store.close()
    for path in healthy.data_dir.glob("fer-phq.db*"):
        path.unlink()
    (healthy.data_dir / "fer-phq.db").write_text("no database, and long enough to be taken for a page " * 99)
    assert states(healthy) == {"schema": Health.PROBLEM}


def test_the_command_prints_json_and_exits_with_1(
    healthy: AppSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(healthy.data_dir))
    monkeypatch.setenv("FERPHQ_MIN_FREE_BYTES", "0")
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(typer.Exit) as outcome:
        doctor_command(as_json=True)
    assert outcome.value.exit_code == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["state"] for row in rows if not row["name"].startswith("decoder_")} == {"ok"}
    lose_recording(healthy)
    with pytest.raises(typer.Exit) as outcome:
        doctor_command()
    assert outcome.value.exit_code == 1
    assert "missing from the media" in capsys.readouterr().out


WITHOUT = """
import ctypes, errno, json, platform, sys
from fer_phq.video.decoder.confinement import bpf, syscalls
from service.lifecycle import doctor

processor = platform.machine()
steps = bpf.begin(syscalls.CONVENTIONS[processor], syscalls.END)
refused = {
    "landlock": bpf.refuse(444, errno.ENOSYS),  # as on a kernel before 5.13
    "filter": bpf.require_value(157 if processor == "x86_64" else 167, 0, [4, 38, 15]),  # prctl: not PR_SET_SECCOMP
    "": [],
}
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
assert bpf.install([*steps, *refused[sys.argv[1]]])
checks = doctor._examine_decoder()
print(json.dumps({check.name: [check.health, str(check.message), str(check.advice)] for check in checks}))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in syscalls.CONVENTIONS or not landlock.version(),
    reason="needs Linux with Landlock, on x86_64 or aarch64",
)
@pytest.mark.parametrize(
    ("without", "open_doors"), [("", []), ("landlock", ["decoder_files"]), ("filter", ["decoder_calls"])]
)
def test_what_a_kernel_lacks_is_said_with_what_to_do(without: str, open_doors: list[str]) -> None:
    """As where a kernel has no Landlock, or a container forbids a program its own filter."""
    outcome = subprocess.run(
        [sys.executable, "-c", WITHOUT, without], check=True, stdout=subprocess.PIPE, env=os.environ
    )
    checks = json.loads(outcome.stdout)
    assert checks.keys() == {"decoder_calls", "decoder_files", "decoder_memory"}
    assert [name for name, (health, *_) in checks.items() if health != "ok"] == open_doors
    assert "could read every file" in str(checks) or without != "landlock"
    assert "could open connections, start programs" in str(checks) or without != "filter"
    assert all(("None" in advice) == (name not in open_doors) for name, (*_, advice) in checks.items())
