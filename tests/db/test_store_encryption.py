"""Encrypted values of rows, on both databases: what is written, what is converted, and that it reads the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording, sample_voice, with_all_faces
from sqlalchemy import text

from db.engine import normalise_url, open_engine
from db.store import Store
from fer_phq.core.encryption.key import create_key_file
from fer_phq.core.encryption.values import MAGIC, TEXT_MAGIC


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    create_key_file(tmp_path / "installation.key")
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(tmp_path / "installation.key"))
    return tmp_path / "installation.key"


def fill(store: Store, label: str) -> str:
    """Store a session with a transcript and an analysis. Returns the session's id."""
    session = new_session(store, store.subjects.create(label=label).id, f"{label}.mp4")
    store.transcripts.save(session_id=session.id, original_name="Grüße.vtt", document=b"WEBVTT", speaker="Ottilie")
    store.notes.add(session_id=session.id, words="\U0001f600" * 4000, tag="tag")
    store.notes.add(session_id=session.id, words="", tag="tag alone")
    store.events.add(subject_id=session.subject_id, at=MONDAY, words="\U0001f600" * 200)
    analysis = with_all_faces(sample_analysis(sample_recording(f"{label}.mp4"), voice=sample_voice()))
    store.analyses.save(session_id=session.id, analysis=analysis)
    return session.id


def contents(store: Store, session_ids: list[str]) -> list[Any]:
    values: list[Any] = []
    for session_id in session_ids:
        analysis_id = store.sessions.get_detail(session_id=session_id).analyses[0].id
        analysis = store.analyses.load_session_analysis(analysis_id=analysis_id)
        assert analysis.voice is not None
        assert analysis.faces is not None
        values += [array.tobytes() for array in (analysis.embeddings, analysis.voice.values, analysis.faces.embeddings)]
        values += [analysis.faces.pictures, store.transcripts.get(session_id=session_id)]
        values.append(store.notes.list_by_session(session_id=session_id))
        subject_id = store.sessions.get(session_id=session_id).subject_id
        values.append(store.events.list_by_subject(subject_id=subject_id))
        values.append(store.analyses.frames(analysis_id=analysis_id).to_csv())
        blocks = [store.analyses.frames(analysis_id=analysis_id, rows=range(i, i + 8)) for i in (0, 8, 16)]
        assert "".join(block.to_csv(header=False, index=False) for block in blocks) == store.analyses.frames(
            analysis_id=analysis_id
        ).to_csv(header=False, index=False)
    return values


def first_bytes(url: str) -> set[bytes]:
    """How the values begin that may be encrypted."""
    columns = ("embeddings.time_s", "faces.track", "face_pictures.picture", "channels.numbers", "transcripts.document")
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection:
        tables = [(name, *name.split(".")) for name in columns]
        values = [
            bytes(row[0])
            for _, table, column in tables
            for row in connection.execute(text(f"SELECT {column} FROM {table}"))
        ]
        texts = ("speaker FROM transcripts", "words FROM notes", "words FROM events")
        speakers = [str(row[0]).encode() for name in texts for row in connection.execute(text(f"SELECT {name}"))]
    engine.dispose()
    return {value[: len(MAGIC)] for value in values} | {speaker[:10] for speaker in speakers}


def test_rows_are_written_and_converted_and_read_the_same(store: Store, url: str, key_file: Path) -> None:
    before = [fill(store, "before")]
    plain = contents(store, before)
    assert MAGIC not in first_bytes(url)
    store.encryption.begin(on=True)
    assert contents(store, before) == plain
    sessions = [*before, fill(store, "after")]
    mixed = contents(store, sessions)
    assert all(store.encryption.count_rows())
    assert not store.encryption.finish(), "a plain row is left"
    while store.encryption.convert_rows(most=1):
        assert contents(store, sessions) == mixed
    assert store.encryption.finish()
    assert store.encryption.count_rows()[1] == 0
    assert first_bytes(url) == {MAGIC, "\N{NO-BREAK SPACE}fer-phq 1 ".encode()[:10]}
    store.encryption.begin(on=False)
    while store.encryption.convert_rows():
        pass
    assert store.encryption.finish()
    assert store.encryption.state() is None
    key_file.unlink()
    assert contents(store, sessions) == mixed
    assert MAGIC not in first_bytes(url)


def test_a_text_that_begins_as_an_encrypted_one_is_read_again(store: Store, url: str, key_file: Path) -> None:
    session_id = fill(store, "hostile")
    hostile = f"{TEXT_MAGIC}AAAA"
    save = {"session_id": session_id, "original_name": hostile, "document": b"WEBVTT", "speaker": hostile}
    for is_encrypted in (False, True):
        if is_encrypted:
            store.encryption.begin(on=True)
        store.transcripts.save(**save)
        record = store.transcripts.get(session_id=session_id)
        assert record is not None
        assert {record.original_name.strip(), record.speaker.strip() if record.speaker else ""} == {hostile.strip()}
    store.encryption.begin(on=False)
    while store.encryption.convert_rows():
        pass
    assert store.transcripts.get(session_id=session_id) is not None
