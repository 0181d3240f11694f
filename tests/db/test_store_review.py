"""Notes, transcripts, tags and events: what people add to what was measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from analysis_samples import MONDAY, new_session

from db.records import NotFoundError
from db.store import Store
from fer_phq.core.errors import StoreError


def test_notes_stand_by_their_moment(store: Store) -> None:
    session = new_session(store, store.subjects.create(label="A").id, "one")
    late = store.notes.add(session_id=session.id, time_s=61.5, words="looks away", tag="  avoidance ")
    early = store.notes.add(session_id=session.id, time_s=2.0, words="", tag="smile")
    whole = store.notes.add(session_id=session.id, words=" came late ")
    assert (late.tag, whole.words, whole.time_s, early.words) == ("avoidance", "came late", None, "")
    assert store.notes.list_by_session(session_id=session.id) == [whole, early, late]
    changed = store.notes.change(note_id=late.id, words="looks at the window")
    assert (changed.words, changed.tag, changed.time_s) == ("looks at the window", None, 61.5)
    assert changed.updated_at >= late.updated_at
    store.notes.remove(note_id=early.id)
    assert store.notes.list_by_session(session_id=session.id) == [whole, changed]
    with pytest.raises(NotFoundError):
        store.notes.remove(note_id=early.id)
    assert all("window" not in line.detail for line in store.audit.list_newest())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"words": "  ", "tag": " "}, "words or a tag"),
        ({"words": "x" * 4001}, "at most 4000"),
        ({"words": "x", "tag": "t" * 61}, "1 to 60 characters"),
        ({"words": "x", "tag": "two\nlines"}, "one line"),
        ({"words": "x", "time_s": -0.1}, "0 s or later"),
        ({"words": "x", "time_s": float("nan")}, "0 s or later"),
    ],
)
def test_notes_that_are_refused(store: Store, given: dict[str, object], sentence: str) -> None:
    session = new_session(store, store.subjects.create(label="A").id, "one")
    with pytest.raises(StoreError, match=sentence):
        store.notes.add(session_id=session.id, **given)  # type: ignore[arg-type]
    assert store.notes.list_by_session(session_id=session.id) == []


def test_a_note_of_no_session(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no session 'gone'"):
        store.notes.add(session_id="gone", words="x")


def test_a_transcript_replaces_the_one_before(store: Store) -> None:
    session = new_session(store, store.subjects.create(label="A").id, "one")
    assert store.transcripts.get(session_id=session.id) is None
    store.transcripts.save(session_id=session.id, original_name="a.vtt", document=b"WEBVTT")
    kept = store.transcripts.save(session_id=session.id, original_name="b.srt", document=b"1", speaker="Client")
    assert store.transcripts.get(session_id=session.id) == kept
    assert store.transcripts.exists(session_id=session.id)
    assert (kept.original_name, kept.document, kept.speaker, len(kept.sha256)) == ("b.srt", b"1", "Client", 64)
    store.transcripts.remove(session_id=session.id)
    store.transcripts.remove(session_id=session.id)
    assert store.transcripts.get(session_id=session.id) is None
    assert not store.transcripts.exists(session_id=session.id)
    for document in (b"", b"x" * (16 * 2**20 + 1)):
        with pytest.raises(StoreError, match="between 1 byte and 16 MiB"):
            store.transcripts.save(session_id=session.id, original_name="c.vtt", document=document)


def test_tags_are_replaced_as_a_whole(store: Store) -> None:
    one, other = (store.subjects.create(label=label) for label in "AB")
    assert store.subjects.set_tags(subject_id=one.id, tags=["waitlist", " site 1 ", "waitlist"]) == [
        "site 1",
        "waitlist",
    ]
    store.subjects.set_tags(subject_id=other.id, tags=["site 2"])
    assert store.subjects.tags() == {one.id: ("site 1", "waitlist"), other.id: ("site 2",)}
    with pytest.raises(StoreError, match="A tag must be one line"):
        store.subjects.set_tags(subject_id=one.id, tags=["fine", ""])
    store.subjects.set_tags(subject_id=one.id, tags=[])
    assert store.subjects.tags(subject_ids=[one.id, other.id]) == {other.id: ("site 2",)}


def test_events_in_the_order_they_happened(store: Store) -> None:
    subject = store.subjects.create(label="A")
    later = store.events.add(subject_id=subject.id, at=MONDAY + timedelta(days=7), words="sertraline 50 mg")
    first = store.events.add(subject_id=subject.id, at=MONDAY, words=" therapy begins ")
    assert [event.words for event in store.events.list_by_subject(subject_id=subject.id)] == [
        "therapy begins",
        "sertraline 50 mg",
    ]
    store.events.remove(event_id=later.id)
    assert store.events.list_by_subject(subject_id=subject.id) == [first]
    with pytest.raises(StoreError, match="What happened must be one line"):
        store.events.add(subject_id=subject.id, at=MONDAY, words=" ")
    with pytest.raises(NotFoundError):
        store.events.add(subject_id="gone", at=MONDAY, words="x")
    with pytest.raises(StoreError, match="no time zone"):
        store.events.add(subject_id=subject.id, at=MONDAY.replace(tzinfo=None), words="x")


def test_tags_of_notes_are_offered_again_the_most_used_first(store: Store) -> None:
    session_id = new_session(store, store.subjects.create(label="P-1").id).id
    assert store.notes.list_tags() == []
    for tag in ("pause", "gaze", "gaze", None, "anchor"):
        store.notes.add(session_id=session_id, words="seen", tag=tag)
    assert store.notes.list_tags() == ["gaze", "anchor", "pause"]
    assert store.notes.list_tags(limit=1) == ["gaze"]
