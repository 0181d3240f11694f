"""An encrypted installation from upload to erasure: nothing of a person is plain in its folder, and all of it works."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from analysis_samples import MONDAY, sample_analysis, sample_voice, sample_words, with_all_faces
from migrated import migrate
from recordings import Recordings
from starlette.applications import Starlette
from starlette.testclient import TestClient
from typer.testing import CliRunner

from db.records import NewTranscript, SessionRecord, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import ProgressHook, Sampling, SessionAnalysis, Settings
from fer_phq.core.encryption.files import is_encrypted
from fer_phq.core.encryption.key import create_key_file
from fer_phq.core.errors import RecordingError, StoreError
from fer_phq.core.sidecar import Sidecar
from fer_phq.video import probe, sample_frames
from fer_phq.words import read_transcript
from service.access.guard import Guard
from service.api.routes import routes
from service.cli import app
from service.ingest import tokens
from service.ingest.media import MediaStore, file_sha256
from service.ingest.recordings import add_recording
from service.ingest.tokens import UploadGrant
from service.ingest.transcripts import save_pending
from service.jobs.runner import JobRunner
from service.lifecycle import backup, erasure
from service.lifecycle.doctor import Health, examine
from service.lifecycle.encryption import count_encrypted, turn_encryption
from service.lifecycle.export import export_subject
from service.lifecycle.task_files import masked_path
from service.settings import AppSettings

WORDS = b"WEBVTT\n\n00:00.100 --> 00:00.900\n<v Ottilie>The canary sings of her sister.\n"
PICTURE = b"picture of a canary's face"
VARIABLE = "FERPHQ_ENCRYPTION_KEY_FILE"


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key outside of the data folder, which the environment names."""
    path = tmp_path / "installation.key"
    create_key_file(path)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


class Reader:
    """Analyses as the product does, but for its networks: every frame and the transcript are read."""

    model_id = "model-a"

    def __init__(self) -> None:
        self.words = ""

    def analyse(
        self, path: Path, settings: Settings, on_progress: ProgressHook, sidecar: Sidecar, display_name: str
    ) -> SessionAnalysis:
        assert sidecar.transcript is not None
        self.words = read_transcript(sidecar.transcript, sidecar.transcript_name).utterances[0].text
        assert len(list(sample_frames(path, Sampling(fps=2), display_name=display_name))) > 1
        return sample(path, sidecar.digest())


def sample(path: Path, digest: str = "") -> SessionAnalysis:
    analysis = sample_analysis(probe(path), voice=sample_voice(), words=sample_words(), beside=digest)
    complete = with_all_faces(analysis)
    assert complete.faces is not None
    return replace(complete, faces=replace(complete.faces, pictures={0: PICTURE}))


def canaries(source: Path) -> dict[str, bytes]:
    """Bytes of the recording, the transcript and the series, each of which shows where it lies in plain."""
    content = source.read_bytes()
    analysis = sample(source)
    assert analysis.voice is not None
    assert analysis.faces is not None
    return {
        "start of the recording": content[:48],
        "middle of the recording": content[len(content) // 2 :][:48],
        "end of the recording": content[-48:],
        "transcript": b"canary sings",
        "speaker": b"Ottilie",
        "name of the transcript": b"ottilies-talk",
        "embedding": analysis.embeddings[5].astype("<f2").tobytes(),
        "voice": analysis.voice.values[3].astype("<f4").tobytes(),
        "picture": b"canary's face",
        "landmarks": analysis.timeline.landmarks[5].astype("<f4").tobytes(),
        "faces": analysis.faces.embeddings[analysis.faces.track == 4][0].astype("<f2").tobytes(),
    }


def plain_places(folder: Path, needles: dict[str, bytes]) -> set[str]:
    """Which of the canaries some file below a folder holds."""
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return {name for name, needle in needles.items() if any(needle in content for content in contents)}


@pytest.fixture
def client(settings: AppSettings, store: Store) -> Iterator[TestClient]:
    guarded = Guard(Starlette(routes=routes(settings, store)), settings)
    with TestClient(guarded, client=("127.0.0.1", 50000)) as client:
        yield client


def test_nothing_is_plain_from_upload_to_erasure(
    settings: AppSettings,
    store: Store,
    subject: SubjectRecord,
    client: TestClient,
    recordings: Recordings,
    key_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn_encryption(settings, store, on=True)
    source = recordings(seconds=2)
    needles = canaries(source)
    transcript = NewTranscript("ottilies-talk.vtt", WORDS, "Ottilie")
    name = save_pending(settings, transcript, subject.id, key=store.encryption.key())
    assert plain_places(settings.data_dir, needles) == set()
    grant = UploadGrant(subject.id, datetime(2026, 5, 6, tzinfo=UTC), "form", "v1", transcript=name)
    token = tokens.upload_token(settings, grant)
    answer = client.put(
        "/api/uploads?name=a.mp4", content=source.read_bytes(), headers={"X-Upload-Token": token}
    ).json()
    reader = Reader()
    assert JobRunner(settings, store, reader, "w-1").run(answer["job_id"]) == "done"
    assert reader.words == "The canary sings of her sister."
    assert plain_places(settings.data_dir, needles) == set()

    session_id = answer["session_id"]
    check_playing(client, tokens.media_url(settings, session_id), source.read_bytes())
    export_subject(settings, store, subject.id, tmp_path / "export")
    assert next((tmp_path / "export").rglob("recording.mp4")).read_bytes() == source.read_bytes()
    assert next((tmp_path / "export").rglob("transcript.vtt")).read_bytes() == WORDS
    assert next((tmp_path / "export").rglob("0.jpg")).read_bytes() == PICTURE
    check_restoring(settings, needles, tmp_path, monkeypatch)
    states = {check.name: check.health for check in examine(settings, with_hashes=True)}
    assert (states["key"], states["encryption"], states["hashes"]) == (Health.OK, Health.OK, Health.OK)
    erasure.erase_subject(settings, store, subject.id)
    assert list(settings.media_dir.glob("??/*")) == []


def check_playing(client: TestClient, url: str, content: bytes) -> None:
    size = len(content)
    whole = client.get(url)
    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, content, "bytes")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["cache-control"] == "private, no-store"
    spans = {"0-": (0, size), "0-1": (0, 2), "100-70000": (100, 70_001), f"{size - 5}-": (size - 5, size)}
    spans |= {"-9": (size - 9, size), f"5-{size * 2}": (5, size), f"-{size * 2}": (0, size)}
    for span, (start, end) in spans.items():
        answer = client.get(url, headers={"Range": f"bytes={span}"})
        assert (answer.status_code, answer.content) == (206, content[start:end]), span
        assert answer.headers["content-range"] == f"bytes {start}-{min(end, size) - 1}/{size}"
    for span in (f"{size}-", "-0"):
        answer = client.get(url, headers={"Range": f"bytes={span}"})
        assert (answer.status_code, answer.content, answer.headers["content-range"]) == (416, b"", f"bytes */{size}")
    for header in ("bytes=5-3", "bytes=-", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"):
        assert client.get(url, headers={"Range": header}).content == content


def check_restoring(
    settings: AppSettings, needles: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup holds what is encrypted as it is; it is restored where its key is, and nowhere else."""
    path = tmp_path / "b.zip"
    backup.write_backup(settings, path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert plain_places(tmp_path / "unpacked", needles) == set()
    there = AppSettings(data_dir=tmp_path / "elsewhere", min_free_bytes=0)
    with monkeypatch.context() as patch:
        patch.delenv(VARIABLE)
        with pytest.raises(StoreError, match="no key is configured"):
            backup.restore_backup(there, path)
        create_key_file(tmp_path / "other.key")
        patch.setenv(VARIABLE, str(tmp_path / "other.key"))
        with pytest.raises(StoreError, match="another key"):
            backup.restore_backup(there, path)
    assert not list(there.data_dir.rglob("*.mp4"))
    backup.restore_backup(there, path)
    with Store(there.database_url) as store:
        session = all_sessions(store)[0]
        kept = store.transcripts.get(session_id=session.id)
        assert kept is not None
        assert (kept.document, kept.speaker, kept.original_name) == (WORDS, "Ottilie", "ottilies-talk.vtt")
        assert probe(MediaStore(there).path_of(session.media_path or "")).sha256 == session.media_sha256
    assert plain_places(there.data_dir, needles) == set()


@pytest.fixture(scope="module")
def plain_folder(tmp_path_factory: pytest.TempPathFactory, recordings: Recordings) -> tuple[Path, dict[str, bytes]]:
    """A plain installation with two recordings and one of everything, and its canaries."""
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("plain") / "data", min_free_bytes=0)
    settings.prepare()
    migrate(settings.database_url)
    with Store(settings.database_url) as store:
        subject = store.subjects.create(label="S-01")
        for seconds in (1, 2):
            source = recordings(seconds=seconds)
            transcript = NewTranscript("ottilies-talk.vtt", WORDS, "Ottilie")
            added = add_recording(
                settings, store, source, subject_id=subject.id, recorded_at=MONDAY, transcript=transcript
            )
            store.analyses.save(session_id=added.session_id, analysis=sample(source))
            store.notes.add(session_id=added.session_id, words="weeps like a canary at dawn")
        store.events.add(subject_id=subject.id, at=MONDAY, words="canary pills begun")
        save_pending(settings, NewTranscript("ottilies-talk.vtt", WORDS, None), subject.id, key=None)
    return settings.data_dir, canaries(source) | {"note": b"canary at dawn", "event": b"canary pills"}


@pytest.fixture
def filled(settings: AppSettings, plain_folder: tuple[Path, dict[str, bytes]]) -> dict[str, bytes]:
    """The plain installation, a copy of its own; asked for before its store. Returns its canaries."""
    folder, needles = plain_folder
    shutil.rmtree(settings.data_dir)
    shutil.copytree(folder, settings.data_dir)
    return needles


def all_sessions(store: Store) -> list[SessionRecord]:
    return sorted((item.session for item in store.sessions.list_recent()), key=lambda session: session.media_sha256)


def contents(settings: AppSettings, store: Store) -> list[Any]:
    """Everything that may be encrypted, as the store and the media folder give it."""
    values: list[Any] = []
    for session in all_sessions(store):
        analysis_id = store.sessions.get_detail(session_id=session.id).analyses[0].id
        analysis = store.analyses.load_session_analysis(analysis_id=analysis_id)
        assert analysis.voice is not None
        assert analysis.faces is not None
        arrays = (analysis.embeddings, analysis.voice.values, analysis.faces.embeddings, analysis.faces.frame)
        values += [array.tobytes() for array in arrays]
        values += [analysis.faces.pictures, store.transcripts.get(session_id=session.id)]
        values.append(file_sha256(MediaStore(settings).path_of(session.media_path or "")))
    return values


def test_an_installation_is_converted_whatever_kills_it(
    filled: dict[str, bytes], settings: AppSettings, store: Store, key_file: Path
) -> None:
    before = contents(settings, store)
    assert plain_places(settings.data_dir, filled) == set(filled)
    for step in (1, 2, 4):
        convert_and_die(settings, step)
        assert contents(settings, store) == before
    state = store.encryption.state()
    assert state is not None
    assert (state.is_on, state.is_complete) == (True, False)
    checks = {check.name: check for check in examine(settings)}
    assert checks["encryption"].health is Health.WARNING
    counts = turn_encryption(settings, store, on=True)
    assert (counts.plain, counts.plain_uploads, counts.encrypted_files) == (0, 0, 2)
    assert contents(settings, store) == before
    assert plain_places(settings.data_dir, filled) == set()
    turn_encryption(settings, store, on=False)
    assert store.encryption.state() is None
    assert count_encrypted(settings, store).encrypted == 0
    os.environ.pop(VARIABLE)
    assert contents(settings, store) == before
    assert plain_places(settings.data_dir, filled) == set(filled)


def convert_and_die(settings: AppSettings, step: int) -> None:
    """Turn the encryption on in a process that is killed at a line of its progress."""
    process = os.fork()
    if process == 0:
        lines = iter(range(1, step))

        def on_progress(line: str) -> None:
            if next(lines, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        with Store(settings.database_url) as store:
            turn_encryption(settings, store, on=True, on_progress=on_progress)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL


def test_without_its_key_nothing_is_opened_and_nothing_is_written_in_plain(
    filled: dict[str, bytes], settings: AppSettings, store: Store, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_encryption(settings, store, on=True)
    rows = snapshot(settings)
    session_id = all_sessions(store)[0].id
    for variable, sentence in (("", "no key is configured"), (str(key_file.with_name("other.key")), "another key")):
        if variable:
            create_key_file(Path(variable))
        monkeypatch.setenv(VARIABLE, variable)
        with pytest.raises(StoreError, match=sentence):
            Store(settings.database_url)
        with pytest.raises(StoreError, match=sentence):  # of a program that was there before
            store.transcripts.save(session_id=session_id, original_name="x.vtt", document=b"plain")
        with pytest.raises(StoreError, match=sentence):
            turn_encryption(settings, store, on=False)
        checks = {check.name: check for check in examine(settings)}
        assert checks["encryption"].health is Health.PROBLEM
        assert sentence in str(checks["encryption"].message)
        monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
        result = CliRunner().invoke(app, ["subjects", "list"])
        assert isinstance(result.exception, StoreError)
        assert sentence in str(result.exception)
        result = CliRunner().invoke(app, ["backup", str(key_file.with_name("backup.zip"))])
        assert sentence in str(result.exception)
    assert not key_file.with_name("backup.zip").exists(), "what the audit cannot note is not handed out"
    assert snapshot(settings) == rows


def snapshot(settings: AppSettings) -> list[Any]:
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db")) as connection:
        return connection.execute("SELECT * FROM transcripts ORDER BY session_id").fetchall()


def test_what_was_changed_by_hand_is_refused(
    filled: dict[str, bytes], settings: AppSettings, store: Store, key_file: Path
) -> None:
    turn_encryption(settings, store, on=True)
    first, second = (MediaStore(settings).path_of(relative) for relative in MediaStore(settings).list_all())
    whole = first.read_bytes()
    first.write_bytes(second.read_bytes())
    with pytest.raises(RecordingError, match="another recording"):
        probe(first)
    first.write_bytes(whole[:-100])
    with pytest.raises(RecordingError, match="changed"):
        probe(first)
    first.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with pytest.raises(RecordingError, match="changed"):
        list(sample_frames(first, Sampling(fps=2)))
    assert {check.name: check.health for check in examine(settings, with_hashes=True)}["hashes"] is Health.PROBLEM
    first.write_bytes(whole)
    session_id = all_sessions(store)[0].id
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db")) as connection:
        document = connection.execute(
            "SELECT document FROM transcripts WHERE session_id = ?", (session_id,)
        ).fetchone()[0]
        changed = document[:-1] + bytes([document[-1] ^ 1])
        connection.execute("UPDATE transcripts SET document = ? WHERE session_id = ?", (changed, session_id))
        connection.commit()
    with pytest.raises(StoreError, match=r"transcripts\.document"):
        store.transcripts.get(session_id=session_id)


def test_an_upload_that_was_begun_before_is_encrypted_when_it_is_complete(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings, key_file: Path
) -> None:
    source = recordings(seconds=1)
    media = MediaStore(settings)
    masked = masked_path(settings, "a session")
    masked.parent.mkdir()
    masked.write_bytes(b"a masked recording in plain")
    with media.copy_in(source, subject.id, key=None) as copy, media.locked():
        turn_encryption(settings, store, on=True)
        relative = media.move_in(copy.path, probe(source).sha256, key=store.encryption.key())
    assert not masked.exists()
    assert is_encrypted(media.path_of(relative))
    assert media.path_of(relative).suffix == ".mp4"
    assert list(settings.incoming_dir.iterdir()) == []


def test_the_commands_make_a_key_turn_it_on_and_say_how_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = AppSettings(data_dir=tmp_path / "data")
    migrate(settings.database_url)
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    runner = CliRunner()
    assert "not encrypted" in runner.invoke(app, ["encryption", "status"]).output
    assert isinstance(runner.invoke(app, ["encryption", "on"]).exception, StoreError)
    path = tmp_path / "installation.key"
    assert str(path) in runner.invoke(app, ["encryption", "new-key", str(path)]).output
    monkeypatch.setenv(VARIABLE, str(path))
    assert {check.name: check.health for check in examine(settings)}["encryption"] is Health.WARNING
    assert "0 recordings" in runner.invoke(app, ["encryption", "on"]).output
    assert "is encrypted" in runner.invoke(app, ["encryption", "status"]).output
    path.chmod(0o644)
    assert "chmod 600" in str(runner.invoke(app, ["encryption", "status"]).exception)
    path.chmod(0o600)
    inside = settings.data_dir / "installation.key"
    path.rename(inside)
    monkeypatch.setenv(VARIABLE, str(inside))
    assert {check.name: check.health for check in examine(settings)}["key"] is Health.WARNING
    assert "In plain" in runner.invoke(app, ["encryption", "off", "--yes"]).output
    assert "not encrypted" in runner.invoke(app, ["encryption", "status"]).output
