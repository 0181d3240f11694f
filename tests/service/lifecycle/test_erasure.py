"""Erasing a person leaves no byte of them: nor with a reader, nor after a kill, nor on a full disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from analysis_samples import MONDAY, sample_analysis, sample_recording, sample_voice, sample_words, with_all_faces
from dbos import run_dbos_database_migrations
from postgres_server import PostgresMissing, postgres_server

from db.actors import Actor, Role
from db.clearing import empty_log, remove_engine_jobs
from db.migrate import upgrade
from db.records import Consent, ForbiddenError, JobState, NewTranscript, SubjectRecord
from db.store import Store
from fer_phq.core.messages import literal
from fer_phq.core.phq import Scale
from service.access.accounts import add_account
from service.cli.lifecycle.subjects import erase_command
from service.ingest.media import MediaStore
from service.ingest.transcripts import save_pending
from service.lifecycle import erasure, ledger
from service.settings import AppSettings

LABEL = "Zebulon Canary-Label"
CANARIES = {
    "label": LABEL,
    "earlier label": "Zebulon Canary-Before",
    "file name": "canary-in-march.mov",
    "consent": "Dr Canary-Consent",
    "transcript name": "canary-talk.vtt",
    "transcript": "the canary sings of her sister",
    "speaker": "Canary-Speaker",
    "note": "weeps like a canary at dawn",
    "note tag": "canary-moment",
    "event": "canary pills begun",
    "subject tag": "canary-arm",
    "acknowledged": "Nurse Canary-Ack",
    "warning": "a warning of canary",
    "job error": "canary.mov is truncated",
    "voice kind": "prosody-canary",
    "picture": "picture of a canary face",
    "recording": "bytes of the canary film",
    "upload": "half of a canary upload",
    "waiting transcript": "a canary waits here",
    "sidecar": "a canary beside the film",
    "training log": "canary was trained on",
    "engine error": "engine met a canary",
    "engine input": "canary as an input",
    "engine step": "canary as a result",
    "engine message": "canary as a message",
    "engine stream": "canary in a stream",
}


def plant(
    settings: AppSettings, store: Store, label: str = LABEL, canaries: dict[str, str] = CANARIES
) -> SubjectRecord:
    """Put a person into every table and every place where the product writes."""
    of = canaries
    subject = store.subjects.create(label=of["earlier label"])
    store.subjects.rename(subject_id=subject.id, label=label)
    sha256 = sample_recording(of["file name"]).sha256
    media = MediaStore(settings)
    with media.copy_in(_file(settings, of["recording"]), key=None) as copy, media.locked():
        relative = media.move_in(copy.path, sha256, key=None)
    session, job = store.sessions.create_with_job(
        subject_id=subject.id,
        recorded_at=MONDAY,
        recording=sample_recording(of["file name"]),
        original_name=of["file name"],
        media_path=relative,
        consent=Consent(at=MONDAY, by=of["consent"], text_version="1"),
        transcript=NewTranscript(of["transcript name"], of["transcript"].encode(), of["speaker"]),
    )
    voice = replace(sample_voice(900), kind=of["voice kind"])
    analysis = with_all_faces(sample_analysis(sample_recording(of["file name"]), voice=voice, words=sample_words(70)))
    faces = replace(analysis.faces, pictures={0: of["picture"].encode()})
    analysis = replace(analysis, faces=faces, warnings=(literal(of["warning"]),))
    store.analyses.save(session_id=session.id, analysis=analysis)
    store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=literal(of["job error"]))
    store.notes.add(session_id=session.id, words=of["note"], tag=of["note tag"], time_s=1.0)
    store.events.add(subject_id=subject.id, at=MONDAY, words=of["event"])
    store.subjects.set_tags(subject_id=subject.id, tags=[of["subject tag"]])
    answers = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[3] * 9, answered_at=MONDAY)
    store.questionnaires.acknowledge(questionnaire_id=answers.id, by=of["acknowledged"])
    _plant_files(settings, of, subject.id, session.id)
    _plant_engine_rows(settings, of, job.id)
    return subject


def _file(settings: AppSettings, text: str) -> Path:
    path = settings.data_dir.parent / "source.bin"
    path.write_bytes(text.encode() * 50)
    return path


def _plant_files(settings: AppSettings, of: dict[str, str], subject_id: str, session_id: str) -> None:
    upload = MediaStore(settings).incoming(subject_id, key=None)
    upload.write(of["upload"].encode())
    upload.finish()
    save_pending(settings, NewTranscript("w.vtt", of["waiting transcript"].encode(), None), subject_id, key=None)
    (settings.incoming_dir / f"{session_id}.abc.part").write_text(of["sidecar"])
    for name in ("training", "scoring"):
        folder = settings.data_dir / name
        folder.mkdir(exist_ok=True)
        (folder / "lock").touch()
        with (folder / "log.txt").open("a") as file:
            file.write(f"{session_id}.npz: {of['training log']}\n")


def _plant_engine_rows(settings: AppSettings, of: dict[str, str], job_id: str) -> None:
    """What the engine writes of a job, and more than it ever does: in both of its runs."""
    with closing(sqlite3.connect(settings.data_dir / "jobs.db")) as engine, engine:
        for name in (job_id, f"{job_id}.2"):
            engine.execute(
                "INSERT INTO workflow_status (workflow_uuid, status, inputs, error, priority, created_at, updated_at)"
                " VALUES (?, 'ERROR', ?, ?, 0, 1, 1)",
                (name, of["engine input"], of["engine error"]),
            )
            engine.execute(
                "INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output, retention_timestamp)"
                " VALUES (?, 1, 'analyse', ?, 1)",
                (name, of["engine step"]),
            )
            engine.execute(
                "INSERT INTO notifications (destination_uuid, topic, message) VALUES (?, 't', ?)",
                (name, of["engine message"]),
            )
            engine.execute(
                "INSERT INTO streams (workflow_uuid, key, value, \"offset\", function_id) VALUES (?, 'k', ?, 0, 1)",
                (name, of["engine stream"]),
            )


def remains(settings: AppSettings, canaries: dict[str, str] = CANARIES) -> set[str]:
    """The canaries that some file of the data folder holds, in its bytes or in its name."""
    contents = b"\0".join(
        str(path).encode() + b"\0" + path.read_bytes()
        for path in sorted(settings.data_dir.rglob("*"))
        if path.is_file() and path.name != ledger.RESERVE
    )
    return {name for name, text in canaries.items() if text.encode() in contents or _base64(text) in contents}


def _base64(text: str) -> bytes:
    """Every alignment but the ends: enough to be recognised in a file that holds a document in base64."""
    import base64

    return base64.b64encode(text.encode())[:16]


@pytest.fixture
def installation(settings: AppSettings, store: Store) -> AppSettings:
    """An installation with its two databases and somebody else, who stays."""
    run_dbos_database_migrations(settings.dbos_database_url)
    with closing(sqlite3.connect(settings.data_dir / "jobs.db")) as engine:
        engine.execute("PRAGMA journal_mode = WAL")
    others = {name: f"other {text[::-1]}" for name, text in CANARIES.items()}
    plant(settings, store, "Somebody Else", others | {"earlier label": "Somebody"})
    return settings


def test_no_byte_of_an_erased_person_is_left(installation: AppSettings, store: Store) -> None:
    subject = plant(installation, store)
    assert remains(installation) == set(CANARIES), "everything was planted"
    preview = erasure.preview_subject(installation, store, subject.id)
    assert preview.recording_bytes == 50 * len(CANARIES["recording"])
    plan = preview.plan
    assert (plan.sessions, plan.analyses, plan.transcripts, plan.notes, plan.jobs, plan.events) == (1, 1, 1, 1, 1, 1)
    assert (plan.questionnaires, plan.tags, plan.embeddings, plan.series, plan.face_pictures) == (1, 1, 1, 2, 1)
    outcome = erasure.erase_subject(installation, store, subject.id)
    assert (outcome.sessions, outcome.files, outcome.pending) == (1, 1, None)
    assert remains(installation) == set()
    assert ledger.list_pending(installation) == []
    others = {"note": CANARIES["note"][::-1], "engine step": CANARIES["engine step"][::-1]}
    assert remains(installation, others) == set(others), "somebody else's stay"
    actions = [line.action for line in store.audit.list_newest(object_id=subject.id)]
    assert actions[:2] == ["finish_erasure", "erase"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESEARCHER])
def test_who_only_reads_begins_no_erasure_that_a_worker_would_carry_on(
    installation: AppSettings, store: Store, role: Role
) -> None:
    person = store.subjects.create(label="P77")
    add_account(store, "Admin", Role.ADMINISTRATOR, "correct horse battery")
    account = add_account(store, "reader", role, "correct horse battery")
    store.shares.add(subject_id=person.id, account_id=account.id)
    actor = Actor("dashboard", account.name, "", account.id, role)
    with Store(installation.database_url, actor=lambda: actor) as limited, pytest.raises(ForbiddenError):
        erasure.erase_subject(installation, limited, person.id)
    assert ledger.list_pending(installation) == []
    assert erasure.finish_erasures(installation, store) == 0
    assert store.subjects.get(subject_id=person.id).label == "P77"
    assert store.audit.list_newest(limit=1)[0].action == "refuse"


def test_erasing_waits_for_a_reader_and_finishes_later(installation: AppSettings, store: Store) -> None:
    subject = plant(installation, store)
    with closing(sqlite3.connect(installation.data_dir / "fer-phq.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        outcome = erasure.erase_subject(installation, store, subject.id, wait_s=0)
        assert outcome.pending is not None
        assert "another program reads the database" in str(outcome.pending)
        assert [line.object_id for line in ledger.list_pending(installation)] == [subject.id]
        assert remains(installation) != set(), "so it is right to say that it is not finished"
        assert erasure.finish_erasures(installation, store) == 0
        assert store.subjects.find(label=LABEL) is None
    assert erasure.finish_erasures(installation, store) == 1
    assert remains(installation) == set()
    assert ledger.list_pending(installation) == []


KILLED = """
import os, signal, sys
from service.lifecycle import erasure
from service.settings import AppSettings
from db.store import Store
settings = AppSettings(data_dir=sys.argv[1], min_free_bytes=0)
step = erasure.ErasureStep(sys.argv[3])
erasure.STEPS[step] = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
erasure.erase_subject(settings, Store(settings.database_url), sys.argv[2])
"""


@pytest.mark.parametrize(
    "step", ["media", *(pytest.param(step, marks=pytest.mark.slow) for step in ("rows", "engine", "rewrite", "log"))]
)
def test_a_killed_erasure_is_carried_on(step: str, installation: AppSettings, store: Store) -> None:
    subject = plant(installation, store)
    command = [sys.executable, "-c", KILLED, str(installation.data_dir), subject.id, step]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert remains(installation) or step in ("rewrite", "log")
    assert ledger.list_pending(installation)[0].steps[0] == step
    assert erasure.finish_erasures(installation, store) == 1
    assert remains(installation) == set()
    assert store.subjects.find(label=LABEL) is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB; skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    try:
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("a file system can be mounted by root only")
    except FileNotFoundError:
        pytest.skip("there is no mount program")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Write until the disk takes no byte more."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


@pytest.mark.parametrize("with_reserve", [True, False])
def test_erasing_works_on_a_full_disk(with_reserve: bool, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RESERVE_BYTES", 2 << 20)
    settings = AppSettings(data_dir=small_disk / "data", min_free_bytes=0)
    settings.prepare()
    upgrade(settings.database_url)
    run_dbos_database_migrations(settings.dbos_database_url)
    with Store(settings.database_url) as store:
        subject = plant(settings, store)
        (settings.data_dir.parent / "source.bin").unlink()
        for n in range(3):
            session = store.sessions.list_recent(subject_id=subject.id)[0].session
            analysis = sample_analysis(
                sample_recording(CANARIES["file name"]), frames=600, dim=384, model_id=f"m-{n}", seed=n
            )
            store.analyses.save(session_id=session.id, analysis=analysis)
        relative = store.sessions.list_recent(subject_id=subject.id)[0].session.media_path
        assert relative is not None
        with (settings.media_dir / relative).open("ab") as file:
            file.write(b"film" * 1_500_000)  # what a recording takes beside rows
        empty_log(settings.database_url)
        assert ledger.hold_reserve(settings) == with_reserve or not with_reserve
        if not with_reserve:
            ledger.release_reserve(settings)
        fill(small_disk)
        outcome = erasure.erase_subject(settings, store, subject.id, wait_s=1)
        assert outcome.pending is None
    assert remains(settings) == set()


def test_the_command_erases_on_a_full_disk_without_recordings(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even SQLite's own small files need room to be opened: the reserve gives it."""
    monkeypatch.setattr(ledger, "RESERVE_BYTES", 4 << 20)
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(small_disk / "data"))
    settings = AppSettings()
    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url) as store:
        subject = store.subjects.create(label=LABEL)
        recording = sample_recording(CANARIES["file name"])
        session = store.sessions.create(
            subject_id=subject.id,
            recorded_at=MONDAY,
            recording=recording,
            original_name=CANARIES["file name"],
            media_path=None,
        )
        for n in range(6):
            analysis = sample_analysis(recording, frames=600, dim=384, model_id=f"m-{n}", seed=n)
            store.analyses.save(session_id=session.id, analysis=analysis)
    assert ledger.hold_reserve(settings)
    fill(small_disk)
    erase_command(LABEL, yes=True, wait=1.0)
    assert "Nothing of them is left here" in capsys.readouterr().out
    assert remains(settings) == set()
    (small_disk / "ballast").unlink()
    assert ledger.hold_reserve(settings)


def test_a_disk_without_room_to_rewrite_is_told(
    installation: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = plant(installation, store)
    with monkeypatch.context() as patch:
        patch.setattr("db.clearing._bytes_free", lambda path: 0)
        outcome = erasure.erase_subject(installation, store, subject.id, wait_s=0)
    assert outcome.pending is not None
    assert "the disk has too little room" in str(outcome.pending)
    assert erasure.finish_erasures(installation, store) == 1
    assert remains(installation) == set()


def test_a_job_that_runs_keeps_the_engine_rows_until_it_lets_go(installation: AppSettings, store: Store) -> None:
    """The worker writes its step's result when the job stops; that row must not come after the erasing."""
    subject = plant(installation, store)
    job_id = store.erasure.plan_subject(subject_id=subject.id).job_ids[0]
    _set_status(installation, job_id, "PENDING")
    store.workers.heartbeat(worker="w", host="h", pid=1)
    outcome = erasure.erase_subject(installation, store, subject.id, wait_s=0)
    assert outcome.pending is not None
    assert "a worker still holds an analysis" in str(outcome.pending)
    _set_status(installation, job_id, "SUCCESS")
    assert erasure.finish_erasures(installation, store) == 1
    assert remains(installation) == set()


def test_rows_of_a_dead_worker_go_at_once(installation: AppSettings, store: Store) -> None:
    subject = plant(installation, store)
    _set_status(installation, store.erasure.plan_subject(subject_id=subject.id).job_ids[0], "PENDING")
    assert erasure.erase_subject(installation, store, subject.id).pending is None
    assert remains(installation) == set()


def _set_status(settings: AppSettings, job_id: str, status: str) -> None:
    with closing(sqlite3.connect(settings.data_dir / "jobs.db")) as engine, engine:
        engine.execute("UPDATE workflow_status SET status = ? WHERE workflow_uuid = ?", (status, job_id))


def test_a_recording_that_somebody_else_has_too_stays(installation: AppSettings, store: Store) -> None:
    subject, other = plant(installation, store), store.subjects.create(label="Twin")
    session = store.sessions.list_recent(subject_id=subject.id)[0].session
    store.sessions.create(
        subject_id=other.id,
        recorded_at=MONDAY,
        recording=sample_recording(CANARIES["file name"]),
        original_name="twin.mov",
        media_path=session.media_path,
    )
    assert store.erasure.plan_subject(subject_id=subject.id).shared_recordings == 1
    assert erasure.erase_subject(installation, store, subject.id).files == 0
    assert remains(installation) == {"recording"}


def test_erasing_a_session_keeps_the_person(installation: AppSettings, store: Store) -> None:
    subject = plant(installation, store)
    session = store.sessions.list_recent(subject_id=subject.id)[0].session
    assert erasure.erase_session(installation, store, session.id).pending is None
    stays = {"label", "event", "subject tag", "acknowledged", "upload", "waiting transcript"}
    assert remains(installation) == stays


@pytest.mark.postgres
def test_erasing_on_postgresql_removes_the_engine_rows_too(settings: AppSettings) -> None:
    try:
        with postgres_server() as server:
            url = server.new_database()
            upgrade(url)
            run_dbos_database_migrations(url)
            there = AppSettings(data_dir=settings.data_dir, database_url=url, min_free_bytes=0)
            with Store(url) as store:
                subject = store.subjects.create(label=LABEL)
                session = store.sessions.create(
                    subject_id=subject.id,
                    recorded_at=datetime.now(UTC),
                    recording=sample_recording("a.mp4"),
                    original_name="a.mp4",
                    media_path=None,
                )
                job = store.jobs.create(session_id=session.id)
                _postgres(
                    url, f"INSERT INTO dbos.workflow_status (workflow_uuid, status) VALUES ('{job.id}.2', 'ERROR')"
                )
                assert erasure.erase_subject(there, store, subject.id).pending is None
                assert _postgres(url, "SELECT count(*) FROM dbos.workflow_status") == 0
                assert store.subjects.list_all() == []
                assert remove_engine_jobs(url, [job.id], running_too=False) == 0
    except PostgresMissing as missing:
        pytest.skip(str(missing))


def _postgres(url: str, statement: str) -> Any:
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        count = result.scalar() if result.returns_rows else None
    engine.dispose()
    return count
