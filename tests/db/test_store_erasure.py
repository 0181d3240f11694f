"""Erasing on request, down to the bytes on disk, and the trail that stays."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from analysis_samples import (
    HEALTH_TABLES,
    MONDAY,
    new_session,
    row_counts,
    sample_analysis,
    sample_recording,
    sample_voice,
    sample_words,
)
from sqlalchemy import text

from db.engine import normalise_url, open_engine
from db.migrate import upgrade
from db.queries.base import HEALTH_TABLES as VACUUMED
from db.records import JobState, NotFoundError
from db.store import Store
from db.tables import Base
from db.urls import sqlite_url
from fer_phq.core.messages import literal
from fer_phq.core.phq import Scale


def test_erasing_a_subject_leaves_no_row(url: str, store: Store) -> None:
    subject, other, workflows = store.subjects.create(label="A"), store.subjects.create(label="B"), []
    for name in ("one", "two", "shared"):
        session = new_session(store, subject.id, name)
        analysis = sample_analysis(sample_recording(name), voice=sample_voice(), words=sample_words())
        store.analyses.save(session_id=session.id, analysis=analysis)
        job = store.jobs.create(session_id=session.id)
        workflows.append(job.workflow_id)
        store.jobs.set_state(job_id=job.id, state=JobState.RUNNING)
        store.notes.add(session_id=session.id, words="a note", time_s=1.0)
        store.transcripts.save(session_id=session.id, original_name="a.vtt", document=b"WEBVTT")
    store.subjects.set_tags(subject_id=subject.id, tags=["arm A"])
    store.events.add(subject_id=subject.id, at=MONDAY, words="therapy begins")
    kept = new_session(store, other.id, "shared")
    first = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY)
    store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[2] * 8, answered_at=MONDAY, supersedes_id=first.id
    )
    report = store.erasure.erase_subject(subject_id=subject.id)
    assert (report.subjects, report.sessions, report.analyses, report.questionnaires) == (1, 3, 3, 2)
    assert report.media_paths == ("ab/one", "ab/two"), "the shared recording still belongs to the other subject"
    assert sorted(report.workflow_ids) == sorted(workflows)
    assert report.bytes_cleared
    assert row_counts(url) == dict.fromkeys(HEALTH_TABLES, 0) | {"subjects": 1, "sessions": 1}
    assert store.sessions.get(session_id=kept.id) == kept
    with pytest.raises(NotFoundError):
        store.erasure.erase_subject(subject_id=subject.id)
    line = store.audit.list_newest(object_id=subject.id)[0]
    assert (line.actor, line.action, line.object_kind) == ("cli", "erase", "subject")
    assert line.detail == "sessions 3, analyses 3, questionnaires 2"


def test_erasing_a_session_or_an_analysis(url: str, store: Store) -> None:
    subject = store.subjects.create(label="A")
    session, other = new_session(store, subject.id, "one"), new_session(store, subject.id, "two")
    analysis = sample_analysis(sample_recording("one"), voice=sample_voice())
    analysis_id = store.analyses.save(session_id=session.id, analysis=analysis)
    assert store.erasure.erase_analysis(analysis_id=analysis_id).analyses == 1
    assert [row_counts(url)[table] for table in ("frames", "embeddings", "channels")] == [0, 0, 0]
    assert store.analyses.save(session_id=session.id, analysis=analysis) != analysis_id
    report = store.erasure.erase_session(session_id=session.id)
    assert (report.subjects, report.sessions, report.analyses, report.media_paths) == (0, 1, 1, ("ab/one",))
    assert [row.session for row in store.sessions.list_recent()] == [other]


def test_every_table_with_health_data_is_cleared() -> None:
    known = {*Base.metadata.tables} - {
        "workers",
        "audit",
        "audit_head",
        "settings",
        "accounts",
        "logins",
        "attempts",
        "api_tokens",
        "idempotency_keys",
    }
    assert set(VACUUMED.split(", ")) == {*HEALTH_TABLES, "audit_names"} == known


def bytes_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_erased_bytes_are_gone_from_the_sqlite_files(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "fer-phq.db")
    upgrade(url)
    label, name, answers = "Ottilie Secretname", "ottilie-in-march.mov", [3, 1, 2, 3, 1, 2, 3, 1]
    with Store(url) as store, Store(url, actor="dashboard") as reader:
        for n in range(40):
            store.subjects.create(label=f"Other {n}")
        subject = store.subjects.create(label=label)
        session = new_session(store, subject.id, name)
        voice, words = sample_voice(9000), sample_words(700)
        analysis = sample_analysis(sample_recording(name), frames=900, dim=64, voice=voice, words=words)
        store.analyses.save(session_id=session.id, analysis=analysis)
        store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=answers, answered_at=MONDAY)
        said, noted, happened = "my sister never called", "weeps at the window", "lithium begun in March"
        store.transcripts.save(session_id=session.id, original_name="t.vtt", document=said.encode())
        store.notes.add(session_id=session.id, words=noted, tag="tearful-moment")
        store.events.add(subject_id=subject.id, at=MONDAY, words=happened)
        store.subjects.set_tags(subject_id=subject.id, tags=["secret-arm"])
        embeddings = store.features.load_embeddings(
            analysis_id=store.sessions.get_detail(session_id=session.id).analyses[0].id
        ).embeddings
        traces = [label.encode(), name.encode(), str(answers).encode(), embeddings[100].astype("<f2").tobytes()]
        traces += [words.encode() for words in (said, noted, happened, "tearful-moment", "secret-arm")]
        traces += [channel.values[600].astype("<f4").tobytes() for channel in (voice, words)]
        store.subjects.rename(subject_id=subject.id, label="Renamed once")
        store.subjects.rename(subject_id=subject.id, label=label)
        assert len(reader.sessions.list_recent()) == 1
        assert all(trace in bytes_on_disk(tmp_path) for trace in traces)
        report = store.erasure.erase_subject(subject_id=subject.id)
        assert report.bytes_cleared
        left = bytes_on_disk(tmp_path)
        assert not [trace for trace in traces if trace in left]
        assert b"Renamed once" not in left
        assert b"Other 39" in left


def test_erasure_says_when_a_reader_keeps_the_log(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "fer-phq.db")
    upgrade(url)
    with Store(url, lock_timeout_s=0.2) as store:
        subject = store.subjects.create(label="A")
        engine = open_engine(normalise_url(url))
        with engine.connect() as reader:
            reader.execute(text("SELECT * FROM subjects")).all()
            assert not store.erasure.erase_subject(subject_id=subject.id).bytes_cleared
        engine.dispose()
        second = store.subjects.create(label="B")
        assert store.erasure.erase_subject(subject_id=second.id).bytes_cleared


def test_erasing_while_an_analysis_is_saved(store: Store) -> None:
    """Whichever comes first, no orphan stays and the analysis says that its session is gone, or is erased with it."""
    for n in range(4):
        subject = store.subjects.create(label=f"S{n}")
        session = new_session(store, subject.id, f"{n}")
        outcome: list[str] = []

        def save(session_id: str = session.id, n: int = n, outcome: list[str] = outcome) -> None:
            try:
                analysis = sample_analysis(sample_recording(f"{n}"), frames=300)
                outcome.append(store.analyses.save(session_id=session_id, analysis=analysis))
            except NotFoundError as error:
                outcome.append(str(error))

        thread = threading.Thread(target=save)
        thread.start()
        store.erasure.erase_subject(subject_id=subject.id)
        thread.join()
        assert len(outcome) == 1
        assert store.sessions.list_recent() == []


def test_every_write_is_audited_under_its_actor(url: str) -> None:
    with Store(url, actor="worker") as store:
        subject = store.subjects.create(label="Ottilie")
        session = new_session(store, subject.id, "ottilie.mov")
        store.analyses.save(session_id=session.id, analysis=sample_analysis(sample_recording("ottilie.mov")))
        answers = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[3] * 9, answered_at=MONDAY)
        job = store.jobs.create(session_id=session.id)
        store.jobs.set_state(job_id=job.id, state=JobState.FAILED, error=literal("ottilie.mov is truncated"))
        store.settings.set(key="help_line", value="call a friend")
        store.questionnaires.acknowledge(questionnaire_id=answers.id, by="Ottilie's doctor")
        lines = store.audit.list_newest()
    assert [(line.action, line.object_kind) for line in lines[::-1]] == [
        ("create", "subject"),
        ("create", "session"),
        ("save", "analysis"),
        ("create", "questionnaire"),
        ("create", "job"),
        ("set_state", "job"),
        ("set", "setting"),
        ("acknowledge", "questionnaire"),
    ]
    assert {line.actor for line in lines} == {"worker"}
    told = " ".join(line.detail for line in lines).lower()
    assert "ottilie" not in told
    of_answers = [line.detail for line in lines if line.object_kind == "questionnaire"]
    assert not any("27" in detail for detail in of_answers)  # other lines name ids, which may hold any digits
