"""A masked recording that a page asks for, made by a process of its own."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import sounds
from analysis_samples import MONDAY, sample_recording
from typer.testing import CliRunner

from db.records import Consent, SessionRecord
from db.store import Store
from fer_phq.core.encryption.key import FILE_VARIABLE, create_key_file
from fer_phq.core.errors import FerPhqError
from fer_phq.masking.options import MaskOptions, PictureMask
from service.cli import app
from service.ingest.media import MediaStore, file_sha256
from service.jobs import masking
from service.lifecycle.masking import mask_session
from service.models.task import TaskState
from service.settings import AppSettings


@pytest.fixture
def session(settings: AppSettings, store: Store) -> SessionRecord:
    source = sounds.write_wav(settings.data_dir.parent / "voice.wav", sounds.talk(120, 0.5)[0])
    digest = file_sha256(source)
    relative = f"{digest[:2]}/{digest}.wav"
    (settings.media_dir / relative).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, settings.media_dir / relative)
    return store.sessions.create(
        subject_id=store.subjects.get_or_create(label="P-1").id,
        recorded_at=MONDAY,
        recording=sample_recording("P-1"),
        original_name="voice.wav",
        media_path=relative,
        consent=Consent(at=MONDAY, by="AB", text_version="1"),
    )


@pytest.mark.slow
def test_it_is_made_in_a_process_of_its_own_and_waits(
    settings: AppSettings, store: Store, session: SessionRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert masking.result(settings, session.id) is None
    masking.start(settings, store, session, MaskOptions(PictureMask.NONE))
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    refusal = CliRunner().invoke(app, ["encryption", "on"]).exception
    assert isinstance(refusal, FerPhqError)
    assert refusal.message.code == "jobs.mask_runs"
    deadline = time.monotonic() + 120
    while (task := masking.status(settings)) is not None and task.state is TaskState.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert task is not None
    assert (task.state, task.error) == (TaskState.DONE, None), task
    assert masking.share(task) == 1
    path = masking.result(settings, session.id)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    assert [sentence.code for sentence in masking.report(path)] == ["masking.limits"]
    assert masking.result(settings, "00000000-0000-0000-0000-000000000000") is None
    entries = store.audit.list_newest(object_id=session.id, object_kind="recording")
    assert {(entry.action, entry.detail) for entry in entries} == {("export", "masked, begun"), ("export", "masked")}


def test_long_recordings_are_left_to_the_command(settings: AppSettings, store: Store, session: SessionRecord) -> None:
    long = replace(session, duration_s=masking.LONGEST_S + 1)
    with pytest.raises(FerPhqError, match=f"fer-phq sessions mask {session.id}"):
        masking.start(settings, store, long, MaskOptions())
    assert masking.status(settings) is None


def test_an_encrypted_recording_is_masked_by_the_command_alone(
    settings: AppSettings, store: Store, session: SessionRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = tmp_path / "installation.key"
    create_key_file(key_file)
    monkeypatch.setenv(FILE_VARIABLE, str(key_file))
    store.encryption.begin(on=True)
    key = store.encryption.key()
    assert key is not None
    assert session.media_path is not None
    assert MediaStore(settings).convert(session.media_path, key)
    with pytest.raises(FerPhqError, match="encrypted here"):
        masking.start(settings, store, session, MaskOptions())
    out = tmp_path / "masked.mp4"
    mask_session(settings, store, session.id, out, MaskOptions(PictureMask.NONE))
    assert out.stat().st_size > 1000
