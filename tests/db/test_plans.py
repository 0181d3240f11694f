"""What lists look up has an index: read of the plans that the databases make."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording
from sqlalchemy import event

from db.records import CohortFilter, JobState
from db.store import Store
from db.tables import Base
from fer_phq.core.phq import Scale

SMALL = {"logins", "api_tokens"}
"""Tables of people who log in, of whom there are few."""


def plans(store: Store, call: Callable[[], object]) -> str:
    """The plans of all that a call reads, as the database words them; PostgreSQL's where it may use an index."""
    statements = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    call()
    event.remove(store._engine, "before_cursor_execute", note)
    words = []
    with store._engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        for statement, parameters in statements:
            if statement.lstrip().startswith("SELECT"):
                words += [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]
    return "\n".join(words)


def tables_read_whole(plan: str) -> set[str]:
    """The tables that a plan reads without an index."""
    on_sqlite = re.findall(r"^SCAN (\w+)$", plan, re.MULTILINE)
    return {name.rstrip("_0123456789") for name in [*on_sqlite, *re.findall(r"Seq Scan on (\w+)", plan)]}


@pytest.fixture
def session_id(store: Store) -> str:
    subject = store.subjects.create(label="A")
    session = new_session(store, subject.id)
    store.analyses.save(session_id=session.id, analysis=sample_analysis(sample_recording()), measures={"a": 1.0})
    store.jobs.create(session_id=session.id)
    store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    return session.id


def calls(store: Store, session_id: str) -> dict[str, tuple[str, Callable[[], object]]]:
    """What pages and programs ask most, with an index that each needs."""
    session = store.sessions.get(session_id=session_id)
    month = CohortFilter(since=MONDAY - timedelta(days=1), until=MONDAY + timedelta(days=1))
    triage = store.triage.list_items
    return {
        "newest sessions": ("ix_sessions_recorded_at", lambda: store.sessions.list_recent(limit=13)),
        "sessions whose newest job failed": (
            "ix_jobs_state",
            lambda: store.sessions.list_recent(limit=13, state=JobState.FAILED),
        ),
        "the longest wait": ("ix_jobs_state", store.jobs.longest_wait),
        "twins": ("media_sha256", lambda: store.sessions.list_by_recording(sha256=session.media_sha256)),
        "no consent": ("ix_sessions_no_consent", triage),
        "item 9": ("ix_questionnaires_open_flag", triage),
        "failed jobs": ("ix_jobs_state", triage),
        "retention": ("ix_sessions_retain_until", triage),
        "newest jobs": ("ix_jobs_created_at", store.jobs.list_newest),
        "a page of jobs": ("ix_jobs_created_at", lambda: store.jobs.list_page(limit=5)),
        "jobs that wait": ("ix_jobs_state", lambda: store.jobs.list_newest(states=[JobState.QUEUED])),
        "settings": ("ix_audit_settings", lambda: store.audit.list_newest(object_kind="setting")),
        "audit of a session": ("ix_audit_object_id", lambda: store.audit.list_newest(object_id=session_id)),
        "erasure": ("ix_sessions_media_path", lambda: store.erasure.plan_session(session_id=session_id)),
        "trends": ("measures", lambda: store.trends.load(subject_id=session.subject_id, measures=["a"])),
        "cohort of a month": ("measures", lambda: store.cohort.load(cohort=month, measures=["a"])),
    }


def test_what_lists_look_up_has_an_index(store: Store, session_id: str) -> None:
    for name, (index, call) in calls(store, session_id).items():
        plan = plans(store, call)
        if "SEARCH" in plan or "SCAN" in plan:  # SQLite's; PostgreSQL chooses among indexes by the numbers of rows
            assert index in plan, f"{name}:\n{plan}"
        assert not tables_read_whole(plan) - {"audit_names", "subjects"}, f"{name}:\n{plan}"


def test_every_reference_to_a_table_with_many_rows_has_an_index() -> None:
    for table in Base.metadata.sorted_tables:
        keys = [tuple(table.primary_key.columns), *(tuple(index.columns) for index in table.indexes)]
        keys += [tuple(rule.columns) for rule in table.constraints if type(rule).__name__ == "UniqueConstraint"]
        first = {key[0].name for key in keys if key}
        missing = {key.parent.name for key in table.foreign_keys} - first
        assert not missing or table.name in SMALL, f"{table.name} is searched when what {missing} names is erased"
