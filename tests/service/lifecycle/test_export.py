"""An export holds everything of one person and nothing of another, and explains itself."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import (
    MONDAY,
    sample_analysis,
    sample_recording,
    sample_transcription,
    sample_turns,
    with_all_faces,
)
from behaviour_samples import sample_behaviour

from db.records import Consent, NewTranscript
from db.store import Store
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import Scale
from fer_phq.voice.kinds import COLUMNS, EARLIER_KIND
from service.cli.lifecycle.subjects import export_command
from service.ingest.media import MediaStore
from service.settings import AppSettings


def plant(settings: AppSettings, store: Store, label: str) -> str:
    """A person of whom there is something of every kind."""
    subject = store.subjects.create(label=label)
    source = settings.data_dir.parent / "s.bin"
    source.write_bytes(f"film of {label}".encode())
    media = MediaStore(settings)
    recording = sample_recording(label)
    with media.copy_in(source, key=None) as copy, media.locked():
        relative = media.move_in(copy.path, recording.sha256, key=None)
    session, _ = store.sessions.create_with_job(
        subject_id=subject.id,
        recorded_at=MONDAY,
        recording=recording,
        original_name=f"{label}.mp4",
        media_path=relative,
        consent=Consent(at=MONDAY, by="AB", text_version="1"),
        transcript=NewTranscript("../../t.vtt", f"words of {label}".encode(), None),
    )
    voice = FeatureSeries(np.ones((30, len(COLUMNS)), np.float32), np.arange(30) / 10, EARLIER_KIND, COLUMNS)
    analysis = with_all_faces(sample_analysis(recording, voice=voice))
    analysis = replace(analysis, behaviour=sample_behaviour(30.0, 10.0), turns=sample_turns(2))
    analysis = replace(analysis, transcription=sample_transcription())
    store.analyses.save(session_id=session.id, analysis=analysis)
    store.notes.add(session_id=session.id, words=f"=note of {label}", time_s=1.0)
    store.events.add(subject_id=subject.id, at=MONDAY, words=f"event of {label}")
    store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    return subject.id


def test_everything_of_a_person_is_exported_and_nothing_of_another(
    settings: AppSettings,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plant(settings, store, "Ottilie")
    plant(settings, store, "Zebulon")
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    out = tmp_path / "export"
    export_command("Ottilie", out=out)
    assert "open index.html" in capsys.readouterr().out
    contents = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    everything = b"".join(contents.values())
    for words in (
        "film of Ottilie",
        "words of Ottilie",
        "note of Ottilie",
        "event of Ottilie",
        "picture of the subject",
    ):
        assert words.encode() in everything, words
    assert b"Zebulon" not in everything
    assert b"not a diagnosis" in contents["index.html"]
    manifest = json.loads(contents["manifest.json"])["files"]
    assert manifest.keys() == contents.keys() - {"manifest.json"}
    assert all(hashlib.sha256(contents[name]).hexdigest() == facts["sha256"] for name, facts in manifest.items())
    notes = next(path for path in out.rglob("notes.csv"))
    assert next(csv.DictReader(notes.open()))["words"] == "'=note of Ottilie", "no spreadsheet calculates it"
    with np.load(next(out.rglob("features.npz")), allow_pickle=False) as arrays:
        assert arrays["visual"].shape[0] == len(arrays["time_s"])
        is_missing = np.isnan(arrays["voice"]).all(axis=0)
        assert [*np.array(COLUMNS)[is_missing]] == ["f0_semitones"], "it may be an octave off"
    behaviour = list(csv.DictReader(next(out.rglob("behaviour.csv")).open()))
    assert len(behaviour) == 300
    assert behaviour[0]["eye_open_left"] == "0.3"
    assert len(list(csv.DictReader(next(out.rglob("blinks.csv")).open()))) == 2
    turns = list(csv.DictReader(next(out.rglob("turns.csv")).open()))
    assert [(turn["speaker"], turn["is_subject"]) for turn in turns] == [("1", "False"), ("2", "True"), ("1", "False")]
    words = [list(csv.DictReader(path.open())) for path in out.rglob("transcript.csv")]
    assert [row["text"] for row in next(rows for rows in words if "source" in rows[0])] == [
        "I have been sleeping badly",
        "(?) =Yes",
        "(?)",
    ]
    questionnaire = next(csv.DictReader((out / "questionnaires.csv").open()))
    assert (questionnaire["total"], questionnaire["item_9"]) == ("9", "1")
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(FerPhqError, match="holds something already"):
        export_command("Ottilie", out=out)
