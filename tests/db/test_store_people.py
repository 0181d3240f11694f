"""Subjects, sessions, consent, retention, duplicates and questionnaires."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from analysis_samples import MONDAY, new_session, sample_recording
from sqlalchemy import update

from db.records import Consent, DuplicateSessionError, NewTranscript, NotFoundError, QuestionnaireSource
from db.store import Store
from db.tables import SubjectRow
from fer_phq.core.errors import StoreError
from fer_phq.core.phq import Band, Scale


def test_subject_labels(store: Store) -> None:
    subject = store.subjects.create(label="  Participant Ä 07 ", is_demo=True)
    assert subject.label == "Participant Ä 07"
    assert subject.is_demo
    assert subject.created_at.utcoffset() == timedelta(0)
    assert store.subjects.get(subject_id=subject.id) == subject
    assert store.subjects.find(label="Participant Ä 07") == subject
    assert store.subjects.find(label="nobody") is None
    assert store.subjects.get_or_create(label="Participant Ä 07") == subject
    with pytest.raises(StoreError, match="already a subject 'Participant Ä 07'"):
        store.subjects.create(label="Participant Ä 07")
    other = store.subjects.get_or_create(label="B")
    with pytest.raises(StoreError, match="choose another label"):
        store.subjects.rename(subject_id=other.id, label=subject.label)
    assert store.subjects.rename(subject_id=other.id, label="C").label == "C"


@pytest.mark.parametrize("label", ["", "   ", "x" * 201, "two\nlines", "nul\0byte"])
def test_labels_that_are_refused(store: Store, label: str) -> None:
    with pytest.raises(StoreError, match="one line of 1 to 200 characters"):
        store.subjects.create(label=label)
    assert store.subjects.list_all() == []


def test_session_comes_back_as_it_went_in(store: Store) -> None:
    subject = store.subjects.create(label="S")
    berlin = timezone(timedelta(hours=1))
    created = store.sessions.create(
        subject_id=subject.id,
        recorded_at=datetime(2026, 3, 2, 10, 30, 0, 250, tzinfo=berlin),
        recording=sample_recording(),
        original_name="Sitzung 1.mov",
        media_path="ab/cd.mov",
        consent=Consent(at=MONDAY, by="Dr. A", text_version="2026-01"),
        retain_until=MONDAY + timedelta(days=30),
    )
    session = store.sessions.get(session_id=created.id)
    assert session == created
    assert session.recorded_at == datetime(2026, 3, 2, 9, 30, 0, 250, tzinfo=UTC)
    assert session.recorded_at.utcoffset() == timedelta(0)
    assert session.consent == Consent(at=MONDAY, by="Dr. A", text_version="2026-01")
    assert (session.width, session.height, session.rotation, session.has_audio) == (320, 240, 90, True)


def test_dates_without_a_zone_are_refused(store: Store) -> None:
    subject = store.subjects.create(label="S")
    with pytest.raises(StoreError, match="has no time zone"):
        new_session(store, subject.id, at=datetime(2026, 3, 2))
    assert store.sessions.list_recent() == []


def test_same_recording_twice(store: Store) -> None:
    first, second = store.subjects.create(label="A"), store.subjects.create(label="B")
    session = new_session(store, first.id)
    with pytest.raises(DuplicateSessionError, match="already a session of this subject") as caught:
        new_session(store, first.id)
    assert caught.value.session_id == session.id
    sha256 = sample_recording().sha256
    assert store.sessions.find_by_media(subject_id=first.id, sha256=sha256) == session
    assert store.sessions.find_by_media(subject_id=second.id, sha256=sha256) is None
    assert new_session(store, second.id).id != session.id


def test_changes_to_a_session(store: Store) -> None:
    session = new_session(store, store.subjects.create(label="S").id)
    assert session.consent is None
    consent = Consent(at=MONDAY, by="clinician", text_version="1")
    assert store.sessions.record_consent(session_id=session.id, consent=consent).consent == consent
    moved = store.sessions.set_recorded_at(session_id=session.id, recorded_at=MONDAY - timedelta(days=1))
    assert moved.recorded_at == MONDAY - timedelta(days=1)
    assert store.sessions.media_in_use(media_path="ab/session.mp4")
    assert store.sessions.set_media_path(session_id=session.id, media_path=None).media_path is None
    assert not store.sessions.media_in_use(media_path="ab/session.mp4")


def test_retention(store: Store) -> None:
    subject = store.subjects.create(label="S")
    kept, late, later = (new_session(store, subject.id, name) for name in ("a", "b", "c"))
    store.sessions.set_retention(session_id=late.id, retain_until=MONDAY)
    store.sessions.set_retention(session_id=later.id, retain_until=MONDAY + timedelta(days=2))
    due = store.sessions.list_past_retention(now=MONDAY + timedelta(days=1))
    assert [session.id for session in due] == [late.id]
    store.sessions.set_retention(session_id=late.id, retain_until=None)
    due = store.sessions.list_past_retention()
    assert [session.id for session in due] == [later.id]
    assert kept.retain_until is None


def test_unknown_ids_are_named(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no subject 'x' in the database"):
        new_session(store, "x")
    for call in (
        lambda: store.sessions.get(session_id="x"),
        lambda: store.sessions.get_detail(session_id="x"),
        lambda: store.analyses.get(analysis_id="x"),
        lambda: store.analyses.load(analysis_id="x"),
        lambda: store.analyses.frames(analysis_id="x"),
        lambda: store.features.load_embeddings(analysis_id="x"),
        lambda: store.features.load_series(analysis_id="x"),
        lambda: store.jobs.get(job_id="x"),
        lambda: store.jobs.create(session_id="x"),
        lambda: store.questionnaires.get(questionnaire_id="x"),
        lambda: store.trends.load(subject_id="x"),
        lambda: store.trends.questionnaires(subject_id="x"),
        lambda: store.erasure.erase_subject(subject_id="x"),
    ):
        with pytest.raises(NotFoundError, match=r"There is no [a-z]+ 'x' in the database"):
            call()
    assert store.audit.list_newest() == []


def test_questionnaire_is_scored(store: Store) -> None:
    subject = store.subjects.create(label="S")
    kept = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ9, items=[2, 1, 3, 0, 2, 1, 1, 0, 1], answered_at=MONDAY
    )
    assert (kept.total, kept.band, kept.item9_flag, kept.superseded) == (11, Band.MODERATE, True, False)
    assert kept.source is QuestionnaireSource.ENTERED
    assert store.questionnaires.get(questionnaire_id=kept.id) == kept
    eight = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=[3] * 8, answered_at=MONDAY)
    assert (eight.total, eight.item9_flag) == (24, False)


@pytest.mark.parametrize("items", [[1] * 8, [1] * 10, [1] * 8 + [4], [1] * 8 + [-1], [1] * 8 + [True], []])
def test_incomplete_questionnaire_is_refused(store: Store, items: list[int]) -> None:
    subject = store.subjects.create(label="S")
    with pytest.raises(StoreError, match="PHQ-9"):
        store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=items, answered_at=MONDAY)
    assert store.questionnaires.list_by_subject(subject_id=subject.id) == []


@pytest.mark.parametrize("difficulty", [None, 0, 3])
def test_the_difficulty_is_kept_beside_the_score(store: Store, difficulty: int | None) -> None:
    subject = store.subjects.create(label="S")
    kept = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, difficulty=difficulty, answered_at=MONDAY
    )
    assert (kept.difficulty, kept.total) == (difficulty, 8)
    assert store.questionnaires.list_by_subject(subject_id=subject.id) == [kept]


@pytest.mark.parametrize(
    ("difficulty", "item", "sentence"),
    [(4, 1, "0, 1, 2 or 3"), (-1, 1, "0, 1, 2 or 3"), (True, 1, "0, 1, 2 or 3"), (1.0, 1, "0, 1, 2 or 3"),
     (0, 0, "only when an item is above 0")],
)  # fmt: skip
def test_a_difficulty_that_cannot_be_is_refused(store: Store, difficulty: int, item: int, sentence: str) -> None:
    subject = store.subjects.create(label="S")
    items = [item] * 9
    with pytest.raises(StoreError, match=sentence):
        store.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ9, items=items, difficulty=difficulty, answered_at=MONDAY
        )
    assert store.questionnaires.list_by_subject(subject_id=subject.id) == []


def test_a_correction_of_the_difficulty_alone_keeps_history(store: Store) -> None:
    subject = store.subjects.create(label="S")
    given = {"subject_id": subject.id, "scale": Scale.PHQ8, "items": [1] * 8, "answered_at": MONDAY}
    first = store.questionnaires.save(**given, difficulty=1)
    second = store.questionnaires.save(**given, difficulty=2, supersedes_id=first.id)
    third = store.questionnaires.save(**given, supersedes_id=second.id)
    history = store.questionnaires.list_by_subject(subject_id=subject.id, include_superseded=True)
    assert [(row.id, row.difficulty) for row in history] == [(third.id, None), (second.id, 2), (first.id, 1)]


def test_item_9_that_was_seen_stays_so_while_the_items_do(store: Store) -> None:
    subject = store.subjects.create(label="S")
    given = {"subject_id": subject.id, "scale": Scale.PHQ9, "answered_at": MONDAY}
    first = store.questionnaires.save(**given, items=[1] * 9)
    seen = store.questionnaires.acknowledge(questionnaire_id=first.id, by="Dr A")
    second = store.questionnaires.save(**given, items=[1] * 9, difficulty=2, supersedes_id=first.id)
    assert (second.acknowledged_at, second.acknowledged_by) == (seen.acknowledged_at, "Dr A")
    assert store.triage.list_items() == []
    third = store.questionnaires.save(**given, items=[1] * 8 + [3], difficulty=2, supersedes_id=second.id)
    assert third.acknowledged_at is None
    assert [item.object_id for item in store.triage.list_items()] == [third.id]


def test_correction_keeps_history(store: Store) -> None:
    subject, other = store.subjects.create(label="S"), store.subjects.create(label="T")
    first = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=[0] * 8, answered_at=MONDAY)
    second = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=MONDAY, supersedes_id=first.id
    )
    assert store.questionnaires.list_by_subject(subject_id=subject.id) == [second]
    history = store.questionnaires.list_by_subject(subject_id=subject.id, include_superseded=True)
    assert [(row.id, row.superseded, row.total) for row in history] == [(second.id, False, 8), (first.id, True, 0)]
    assert store.questionnaires.get(questionnaire_id=first.id).superseded
    with pytest.raises(StoreError, match="already corrected"):
        store.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ8, items=[2] * 8, answered_at=MONDAY, supersedes_id=first.id
        )
    with pytest.raises(StoreError, match="same subject"):
        store.questionnaires.save(
            subject_id=other.id, scale=Scale.PHQ8, items=[2] * 8, answered_at=MONDAY, supersedes_id=second.id
        )
    table = store.trends.questionnaires(subject_id=subject.id)
    assert table.to_dict("records")[0]["total"] == 8
    assert list(table["band"]) == ["mild"]
    assert store.questionnaires.list_by_subject(subject_id=other.id) == []


def test_settings_keep_their_last_value(store: Store) -> None:
    assert store.settings.get(key="help_line") is None
    store.settings.set(key="help_line", value="a")
    store.settings.set(key="help_line", value="b")
    assert store.settings.get(key="help_line") == "b"
    assert store.settings.get(key="other") is None


def test_settings_are_set_together_with_who_did_it(store: Store) -> None:
    store.settings.set_many(values={"fps": "1", "retention_days": ""}, by=" AB ")
    store.settings.set(key="fps", value="2")
    assert store.settings.list_all() == {"fps": "2", "retention_days": ""}
    store.subjects.create(label="S")
    lines = store.audit.list_newest(object_kind="setting")
    assert [(line.object_id, line.detail, line.who) for line in lines[:2]] == [
        ("fps", "2", "cli"),
        ("retention_days", "", "cli, AB"),
    ]
    assert len(lines) == 3


def test_authors_of_questionnaires(store: Store) -> None:
    subject, other = store.subjects.create(label="S"), store.subjects.create(label="T")
    given = {"scale": Scale.PHQ8, "items": [0] * 8, "answered_at": MONDAY}
    first = store.questionnaires.save(subject_id=subject.id, **given, by="AB")
    second = store.questionnaires.save(subject_id=subject.id, **given, supersedes_id=first.id, by="Dr Nguyen, ward 3")
    store.questionnaires.save(subject_id=subject.id, **given)
    store.questionnaires.save(subject_id=other.id, **given, by="EF")
    store.questionnaires.acknowledge(questionnaire_id=first.id, by="GH")
    assert store.questionnaires.authors(subject_id=subject.id) == {first.id: "AB", second.id: "Dr Nguyen, ward 3"}


def test_a_recording_is_found_under_every_subject(store: Store) -> None:
    one, other = store.subjects.create(label="S"), store.subjects.create(label="T")
    first, second = new_session(store, one.id, "one"), new_session(store, other.id, "one")
    new_session(store, one.id, "two")
    found = store.sessions.list_by_recording(sha256=first.media_sha256)
    assert [(session.id, label) for session, label in found] == [(first.id, "S"), (second.id, "T")]
    assert store.sessions.list_by_recording(sha256="0" * 64) == []


def test_sessions_past_retention_with_and_without_their_recording(store: Store) -> None:
    session = new_session(store, store.subjects.create(label="S").id, "one")
    store.sessions.set_retention(session_id=session.id, retain_until=MONDAY)
    store.sessions.set_media_path(session_id=session.id, media_path=None)
    assert store.sessions.list_past_retention() == []
    assert [row.id for row in store.sessions.list_past_retention(with_recording=False)] == [session.id]
    assert store.sessions.list_past_retention(with_recording=False, now=MONDAY - timedelta(days=1)) == []


def test_a_session_comes_with_its_job_and_transcript_or_not_at_all(store: Store) -> None:
    subject = store.subjects.create(label="S")
    given = {
        "subject_id": subject.id,
        "recorded_at": MONDAY,
        "original_name": "one.mp4",
        "media_path": "aa/one.mp4",
    }
    with pytest.raises(StoreError, match="between 1 byte"):
        store.sessions.create_with_job(
            **given, recording=sample_recording("one"), transcript=NewTranscript("a.vtt", b"")
        )
    assert store.sessions.list_recent() == []
    words = NewTranscript("a.vtt", b"WEBVTT", "Client")
    session, _ = store.sessions.create_with_job(**given, recording=sample_recording("one"), transcript=words)
    kept = store.transcripts.get(session_id=session.id)
    assert kept is not None
    assert (kept.original_name, kept.document, kept.speaker) == ("a.vtt", b"WEBVTT", "Client")


def test_one_label_in_two_spellings_is_one_subject(store: Store) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Jos\u00e9") for form in ("NFC", "NFD"))
    subject = store.subjects.create(label=decomposed)
    assert subject.label == composed
    assert store.subjects.find(label=decomposed) == store.subjects.get_or_create(label=composed) == subject
    with pytest.raises(StoreError, match="already a subject"):
        store.subjects.create(label=composed)
    other = store.subjects.create(label="B")
    with pytest.raises(StoreError, match="choose another label"):
        store.subjects.rename(subject_id=other.id, label=decomposed)


def test_a_label_that_was_stored_decomposed_is_found(store: Store) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Jos\u00e9") for form in ("NFC", "NFD"))
    subject = store.subjects.create(label="P01")
    with store.subjects._writing() as session:
        session.execute(update(SubjectRow).values(label=decomposed))
    assert store.subjects.get_or_create(label=composed).id == subject.id
    with pytest.raises(StoreError, match="already a subject"):
        store.subjects.create(label=composed)
    assert store.subjects.rename(subject_id=subject.id, label=composed).label == composed
