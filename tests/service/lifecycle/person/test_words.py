"""Words that are removed or replaced leave nothing of themselves in the data folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from analysis_samples import MONDAY, new_session

from db.store import Store
from service.lifecycle import erasure, ledger
from service.lifecycle.person import words
from service.settings import AppSettings

OLD = "Ottilie-canary"
VTT = f"WEBVTT\n\n00:00.000 --> 00:01.000\n{OLD}\n".encode()
Removal = Callable[[AppSettings, Store], object]


def holders(settings: AppSettings) -> list[str]:
    """The files of the data folder that hold the canary."""
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    return [path.name for path in files if OLD.encode() in path.read_bytes()]


def _note(settings: AppSettings, store: Store) -> Removal:
    session = new_session(store, store.subjects.create(label="S").id)
    note = store.notes.add(session_id=session.id, words=f"{OLD} weeps", tag="t")
    return lambda settings, store: words.remove_note(settings, store, note.id)


def _changed_note(settings: AppSettings, store: Store) -> Removal:
    session = new_session(store, store.subjects.create(label="S").id)
    note = store.notes.add(session_id=session.id, words=f"{OLD} weeps")
    return lambda settings, store: words.change_note(settings, store, note.id, "she weeps", None)


def _event(settings: AppSettings, store: Store) -> Removal:
    event = store.events.add(subject_id=store.subjects.create(label="S").id, at=MONDAY, words=f"{OLD} moved")
    return lambda settings, store: words.remove_event(settings, store, event.id)


def _transcript(settings: AppSettings, store: Store) -> Removal:
    session = new_session(store, store.subjects.create(label="S").id)
    store.transcripts.save(session_id=session.id, original_name="t.vtt", document=VTT)
    return lambda settings, store: words.remove_transcript(settings, store, session.id)


def _replaced_transcript(settings: AppSettings, store: Store) -> Removal:
    session = new_session(store, store.subjects.create(label="S").id)
    store.transcripts.save(session_id=session.id, original_name="t.vtt", document=VTT)
    return lambda settings, store: words.save_transcript(settings, store, session.id, "n.vtt", b"WEBVTT\n", None)


def _label(settings: AppSettings, store: Store) -> Removal:
    subject = store.subjects.create(label=OLD)
    return lambda settings, store: words.rename_subject(settings, store, subject.id, "P01")


@pytest.mark.parametrize("plant", [_note, _changed_note, _event, _transcript, _replaced_transcript, _label])
def test_nothing_of_removed_words_is_left(settings: AppSettings, store: Store, plant: Callable[..., Removal]) -> None:
    remove = plant(settings, store)
    assert holders(settings), "the canary was written"
    remove(settings, store)
    assert holders(settings) == []
    assert ledger.list_pending(settings) == []


def test_words_wait_for_a_reader_and_are_cleared_after_it(settings: AppSettings, store: Store) -> None:
    remove = _note(settings, store)
    with closing(sqlite3.connect(settings.data_dir / "fer-phq.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        remove(settings, store)
        (waiting,) = ledger.list_pending(settings)
        assert waiting.kind == erasure.REMAINS
    assert erasure.finish_erasures(settings, store) == 1
    assert holders(settings) == []


def test_a_large_database_is_written_anew_once_an_hour_for_all(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "AT_ONCE_BYTES", 0)
    session = new_session(store, store.subjects.create(label="S").id)
    notes = [store.notes.add(session_id=session.id, words=f"{OLD} {number}") for number in range(3)]
    for note in notes:
        words.remove_note(settings, store, note.id)
    assert len(ledger.list_pending(settings)) == 3
    assert erasure.finish_erasures(settings, store) == 0, "none of them is an hour old"
    count = 0

    def rewrite(*_arguments: object) -> None:
        nonlocal count
        count += 1

    monkeypatch.setitem(erasure.STEPS, ledger.ErasureStep.REWRITE, rewrite)
    hour = erasure.REMAINS_DUE + timedelta(minutes=1)
    for waiting in ledger.list_pending(settings):
        ledger.write(settings, replace(waiting, begun_at=datetime.now(UTC) - hour))
    erasure.finish_erasures(settings, store)
    assert (count, ledger.list_pending(settings)) == (1, [])
