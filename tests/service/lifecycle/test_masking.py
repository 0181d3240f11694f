"""A session's masked recording: who may have it made, what notes it, and what removes it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
import sounds
from analysis_samples import MONDAY, sample_recording

from db.actors import Actor, Role
from db.records import Consent, ForbiddenError, NotFoundError, SessionRecord
from db.store import Store
from fer_phq.core.errors import RecordingError
from fer_phq.masking.options import MaskOptions, PictureMask
from service import cli
from service.ingest.media import file_sha256
from service.lifecycle.consent import ConsentError, withdraw_consent
from service.lifecycle.erasure import erase_session, merge_subjects, remove_recording
from service.lifecycle.masking import mask_session
from service.lifecycle.task_files import KEEP_MASKED_S, MASKING, masked_path, remove_masked
from service.settings import AppSettings

SOUND_ONLY = MaskOptions(PictureMask.NONE)
CONSENT = Consent(at=MONDAY, by="AB", text_version="1")


def plant(settings: AppSettings, store: Store, consent: Consent | None = CONSENT, label: str = "P-1") -> SessionRecord:
    """A session whose recording holds half a second of a voice."""
    source = sounds.write_wav(settings.data_dir.parent / f"{label}.wav", sounds.talk(120, 0.5)[0])
    digest = file_sha256(source)
    relative = f"{digest[:2]}/{digest}.wav"
    (settings.media_dir / relative).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, settings.media_dir / relative)
    return store.sessions.create(
        subject_id=store.subjects.get_or_create(label=label).id,
        recorded_at=MONDAY,
        recording=sample_recording(label),
        original_name="secret-name.wav",
        media_path=relative,
        consent=consent,
    )


def test_the_command_makes_it_and_the_audit_says_so(
    settings: AppSettings,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = plant(settings, store)
    out = tmp_path / "masked.mp4"
    options = ["--out", str(out), "--force", "--picture", "none", "--voice", "masked"]
    options += ["--report", str(tmp_path / "masked.report")]
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(sys, "argv", ["fer-phq", "sessions", "mask", session.id, *options])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert out.stat().st_size > 1000
    assert [row["code"] for row in json.loads((tmp_path / "masked.report").read_text())] == ["masking.limits"]
    printed = capsys.readouterr()
    assert "This is not anonymity" in printed.out
    assert printed.err.splitlines()[-1] == "100%"
    entry = store.audit.list_newest(limit=1)[0]
    assert (entry.action, entry.object_kind, entry.object_id) == ("export", "recording", session.id)


def test_without_consent_nothing_is_handed_on(settings: AppSettings, store: Store, tmp_path: Path) -> None:
    out = tmp_path / "masked.mp4"
    without = plant(settings, store, None, "P-1")
    with pytest.raises(ConsentError, match="No consent is recorded"):
        mask_session(settings, store, without.id, out, SOUND_ONLY)
    withdrawn = plant(settings, store, CONSENT, "P-2")
    withdraw_consent(store, withdrawn.id, "AB")
    with pytest.raises(ConsentError, match="was withdrawn"):
        mask_session(settings, store, withdrawn.id, out, SOUND_ONLY)
    assert not out.exists()


def test_who_does_not_see_a_recording_gets_none(settings: AppSettings, store: Store, tmp_path: Path) -> None:
    session = plant(settings, store)
    other = store.accounts.create(name="Dr Other", role=Role.CLINICIAN)
    researcher = store.accounts.create(name="Researcher", role=Role.RESEARCHER)
    answers = []
    viewer = store.accounts.create(name="Viewer", role=Role.VIEWER)
    store.shares.add(subject_id=session.subject_id, account_id=viewer.id)
    refusals = ((other, NotFoundError), (researcher, RecordingError), (viewer, ForbiddenError))
    for account, error in refusals:
        actor = Actor("dashboard", account.name, "", account.id, account.role)
        with Store(settings.database_url, actor=lambda actor=actor: actor) as limited, pytest.raises(error) as refusal:
            mask_session(settings, limited, session.id, tmp_path / "x.mp4", SOUND_ONLY)
        answers.append(str(refusal.value))
    assert "no recording of this session" in answers[1]
    assert not any("secret-name" in answer for answer in answers)
    assert not (tmp_path / "x.mp4").exists()


@pytest.mark.parametrize("check_s", [0.0, 1e9], ids=["while it runs", "at its end"])
def test_work_stops_where_the_recording_is_removed(
    settings: AppSettings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check_s: float
) -> None:
    session = plant(settings, store)
    monkeypatch.setattr("service.lifecycle.masking.CHECK_S", check_s)
    with pytest.raises(RecordingError, match="no recording of this session"):
        mask_session(
            settings,
            store,
            session.id,
            tmp_path / "x.mp4",
            SOUND_ONLY,
            on_progress=lambda share: bool(remove_recording(settings, store, session.id)) or None,
        )
    assert not list(tmp_path.glob("*x.mp4*"))


def test_an_erasure_leaves_no_name_where_masking_failed(settings: AppSettings, store: Store) -> None:
    session = plant(settings, store)
    other = plant(settings, store, label="P-2")
    folder = settings.data_dir / MASKING
    folder.mkdir()
    (folder / "log.txt").write_text("Error: 'secret-name.wav' is cut short")
    (folder / "state.json").write_text(json.dumps({"name": session.id, "error": {"file": "secret-name.wav"}}))
    erase_session(settings, store, other.id)
    assert {path.name for path in folder.iterdir()} == {"log.txt", "state.json"}
    erase_session(settings, store, session.id)
    assert not any(b"secret-name" in path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())


def test_a_merging_leaves_no_masked_recording_of_a_session_that_goes(settings: AppSettings, store: Store) -> None:
    stays = plant(settings, store)
    goes, moves = (
        store.sessions.create(
            subject_id=store.subjects.get_or_create(label="P-2").id,
            recorded_at=MONDAY,
            recording=sample_recording(name),
            original_name="secret-name.wav",
            media_path=stays.media_path,
            consent=CONSENT,
        )
        for name in ("P-1", "P-3")
    )
    folder = settings.data_dir / MASKING
    folder.mkdir()
    for session in (stays, goes, moves):
        masked_path(settings, session.id).write_bytes(b"masked")
    (folder / "log.txt").write_text("Error: 'secret-name.wav' is cut short")
    (folder / "state.json").write_text(json.dumps({"name": goes.id}))
    assert merge_subjects(settings, store, goes.subject_id, stays.subject_id).twins == 1
    assert {path.stem for path in folder.iterdir()} == {stays.id, moves.id}


def test_the_end_of_a_recording_is_the_end_of_its_masked_one(settings: AppSettings, store: Store) -> None:
    sessions = [plant(settings, store, CONSENT, label) for label in ("P-1", "P-2", "P-3")]
    for session in sessions:
        path = masked_path(settings, session.id)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"masked")
    (path.parent / "state.json").write_text(json.dumps({"name": sessions[0].id}))
    erase_session(settings, store, sessions[0].id)
    remove_recording(settings, store, sessions[1].id)
    assert [masked_path(settings, session.id).exists() for session in sessions] == [False, False, True]
    assert remove_masked(settings) == 0
    past = time.time() - KEEP_MASKED_S - 1
    os.utime(path, (past, past))
    assert remove_masked(settings) == 1


def test_work_stops_where_the_consent_is_withdrawn(
    settings: AppSettings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = plant(settings, store)
    monkeypatch.setattr("service.lifecycle.masking.CHECK_S", 0.0)

    def withdraw(share: float) -> None:
        if store.sessions.get(session_id=session.id).consent is not None:
            withdraw_consent(store, session.id, "AB")

    with pytest.raises(ConsentError):
        mask_session(settings, store, session.id, tmp_path / "x.mp4", SOUND_ONLY, on_progress=withdraw)
    assert not list(tmp_path.glob("*x.mp4*"))
