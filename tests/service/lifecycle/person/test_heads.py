"""Heads that learned from somebody who is erased are named: before, after, by the doctor."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from analysis_samples import MONDAY, sample_recording

from db.records import SessionRecord
from db.store import Store
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import SOURCES, read_sources, write_sources
from service.lifecycle import erasure
from service.lifecycle.doctor import Health, examine
from service.lifecycle.person import heads
from service.settings import AppSettings
from training.phq.data.sessions import LabelledSession, SourceKind
from training.phq.train import sources_of


def new_session(store: Store, subject_id: str, name: str) -> SessionRecord:
    """A session of which no recording is stored."""
    return store.sessions.create(
        subject_id=subject_id,
        recorded_at=MONDAY,
        recording=sample_recording(name),
        original_name=name,
        media_path=None,
    )


def bundle(settings: AppSettings, name: str, sources: dict[str, str]) -> Path:
    """A bundle's folder as far as it says from whom its heads learned."""
    folder = settings.data_dir / "models" / name
    folder.mkdir(parents=True)
    write_sources(folder, sources)
    return folder


def test_erasing_names_the_heads_that_learned(settings: AppSettings, store: Store) -> None:
    first, second = (store.subjects.create(label=label) for label in ("P01", "P02"))
    sessions = [new_session(store, subject.id, subject.label) for subject in (first, second)]
    both = bundle(settings, "both", {session.id: session.subject_id for session in sessions})
    bundle(settings, "other", {sessions[1].id: second.id})
    bundle(settings, "from-a-table", {})
    assert erasure.preview_subject(settings, store, first.id).heads == ("both",)
    assert erasure.erase_subject(settings, store, first.id).heads == ("both",)
    assert heads.heads_with_erased(settings, store) == {"both": 1}
    assert {check.name: check.health for check in examine(settings)}["heads"] is Health.WARNING
    assert erasure.erase_session(settings, store, sessions[1].id).heads == ("both", "other")
    assert heads.count_erased(store, both) == 2


def test_who_was_merged_is_not_erased(settings: AppSettings, store: Store) -> None:
    first, second = (store.subjects.create(label=label) for label in ("P01-again", "P01"))
    sessions = [new_session(store, subject.id, "both") for subject in (first, second)]
    bundle(settings, "both", {session.id: session.subject_id for session in sessions})
    erasure.merge_subjects(settings, store, first.id, second.id)
    assert heads.heads_with_erased(settings, store) == {}
    assert erasure.preview_subject(settings, store, second.id).heads == ("both",)


def labelled(stem: str, subject_id: str, kind: SourceKind = SourceKind.FEATURES) -> LabelledSession:
    return LabelledSession(stem, subject_id, Scale.PHQ8, 3, kind, Path(f"{stem}.npz"))


def test_labels_and_names_of_files_of_a_table_are_not_written_down(tmp_path: Path) -> None:
    session_id, subject_id = str(uuid4()), str(uuid4())
    sessions = [
        labelled(session_id, subject_id),
        labelled("holiday", subject_id),
        labelled(str(uuid4()), "Ottilie"),
        labelled(str(uuid4()), subject_id, SourceKind.RECORDING),
    ]
    assert sources_of(sessions) == {session_id: subject_id}
    write_sources(tmp_path, sources_of(sessions))
    assert read_sources(tmp_path) == {session_id: subject_id}
    write_sources(tmp_path / "nothing", {})
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"sessions": 3}', "\0"])
def test_what_cannot_be_read_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / SOURCES).write_text(text)
    assert read_sources(tmp_path) == {}
