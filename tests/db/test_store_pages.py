"""Lists by place, and idempotency keys, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from analysis_samples import MONDAY, sample_recording
from sqlalchemy import event

from db.queries.access.idempotency import LASTS
from db.records import Consent, InputError, JobState, NotFoundError, Position
from db.store import Store


def test_of_requests_with_one_key_at_once_one_is_the_first(store: Store) -> None:
    def begin(_: int) -> bool:
        return store.idempotency.begin(digest="d", request="r") is None

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(begin, range(8))) == 1
    store.idempotency.finish(digest="d", status=201, ids={"subject": "s"})
    record = store.idempotency.begin(digest="d", request="other")
    assert record is not None
    assert (record.request, record.status, record.ids) == ("r", 201, {"subject": "s"})
    store.idempotency.forget(digest="d")
    assert store.idempotency.begin(digest="d", request="other") is None
    assert store.idempotency.forget_expired(now=datetime.now(UTC) + LASTS + timedelta(minutes=1)) == 1


@pytest.mark.parametrize("url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_key_that_is_forgotten_meanwhile_is_new(url: str, store: Store) -> None:
    with Store(url) as other:
        other.idempotency.begin(digest="d", request="r")
        seen = []

        def forget(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("SELECT idempotency_keys") and not seen:
                seen.append(statement)
                other.idempotency.forget(digest="d")

        event.listen(store._engine, "before_cursor_execute", forget)
        assert store.idempotency.begin(digest="d", request="r") is None
        event.remove(store._engine, "before_cursor_execute", forget)
        assert seen
        assert other.idempotency.begin(digest="d", request="r") is not None


def test_a_list_is_read_from_one_view_of_the_database(url: str, store: Store) -> None:
    """A subject that is erased between the two statements is in the page, whole."""
    subjects = [store.subjects.create(label=str(number)) for number in range(3)]
    with Store(url) as other:
        erased: list[str] = []

        def erase(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if "count(*)" in statement and not erased:
                erased.append(subjects[1].id)
                other.erasure.erase_subject(subject_id=subjects[1].id)

        event.listen(store._engine, "before_cursor_execute", erase)
        rows = store.subjects.list_page(limit=10)
        event.remove(store._engine, "before_cursor_execute", erase)
    assert erased
    assert [row.id for row in rows] == [subject.id for subject in subjects]
    assert [row.id for row in store.subjects.list_page(limit=10)] == [subjects[0].id, subjects[2].id]


def test_a_list_goes_on_behind_its_last_row(store: Store) -> None:
    subjects = [store.subjects.create(label=str(number)) for number in range(5)]
    place = Position(subjects[1].created_at, subjects[1].id)
    assert [row.id for row in store.subjects.list_page(limit=2, after=place)] == [row.id for row in subjects[2:4]]
    sessions = [
        store.sessions.create(
            subject_id=subjects[0].id,
            recorded_at=MONDAY + timedelta(days=day // 2),
            recording=sample_recording(str(day)),
            original_name=str(day),
            media_path=None,
        )
        for day in range(4)
    ]
    newest_first = sorted(sessions, key=lambda row: (-row.recorded_at.timestamp(), row.id))
    for n, session in enumerate(newest_first):
        rows = store.sessions.list_recent(after=Position(session.recorded_at, session.id))
        assert [row.session.id for row in rows] == [row.id for row in newest_first[n + 1 :]]
    store.jobs.create(session_id=sessions[0].id)
    assert [row.session.id for row in store.sessions.list_recent(state=JobState.QUEUED)] == [sessions[0].id]
    inside = store.sessions.list_recent(since=MONDAY, until=MONDAY + timedelta(days=1))
    assert {row.session.id for row in inside} == {session.id for session in sessions[:2]}
    summary = store.subjects.get_summary(subject_id=subjects[0].id)
    assert (summary.sessions, summary.last_recorded_at) == (4, newest_first[0].recorded_at)
    store.sessions.withdraw_consent(session_id=sessions[0].id)
    assert store.sessions.list_withdrawn(session_ids=[session.id for session in sessions]) == {sessions[0].id}


def test_a_nul_character_is_no_failure_of_the_database(url: str, store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.subjects.get(subject_id="\0")
    subject = store.subjects.create(label="A")
    consent = Consent(at=MONDAY, by="Dr\0M", text_version="1")
    session = store.sessions.create(
        subject_id=subject.id, recorded_at=MONDAY, recording=sample_recording(), original_name="x", media_path=None
    )
    if url.startswith("postgresql"):
        with pytest.raises(InputError):
            store.sessions.record_consent(session_id=session.id, consent=consent)
