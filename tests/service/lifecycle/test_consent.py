"""Consent gates analysis, and can be withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording

from db.records import Consent, Exclusion, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.phq import Scale
from service.cli.lifecycle.sessions import withdraw_command
from service.jobs import queue
from service.jobs.runner import JobRunner
from service.lifecycle.consent import ConsentError, check_consent, check_not_withdrawn, withdraw_consent
from service.settings import AppSettings

CONSENT = Consent(at=MONDAY, by="AB", text_version="1")


def test_without_consent_no_analysis_is_queued_or_done(settings: AppSettings, store: Store) -> None:
    session = new_session(store, store.subjects.create(label="P01").id, "one")
    with pytest.raises(ConsentError, match="No consent is recorded for this session"):
        queue.enqueue_analysis(settings, store, session.id)
    job = store.jobs.create(session_id=session.id)  # as an upload's transaction does
    assert JobRunner(settings, store, None, "w").run(job.workflow_id) == "failed"  # type: ignore[arg-type]
    assert "No consent is recorded" in str(store.jobs.get(job_id=job.id).error)
    with pytest.raises(ConsentError):
        queue.retry(settings, store, job.id)
    store.sessions.record_consent(session_id=session.id, consent=CONSENT)
    assert queue.retry(settings, store, job.id).state == JobState.QUEUED


def test_demonstrations_need_none(settings: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="DEMO", is_demo=True)
    session = store.sessions.create(
        subject_id=subject.id,
        recorded_at=MONDAY,
        recording=sample_recording(),
        original_name="a.mp4",
        media_path=None,
        is_demo=True,
    )
    check_consent(store, session.id)


def test_a_withdrawal_stops_jobs_and_refuses_new_ones(settings: AppSettings, store: Store) -> None:
    session = new_session(store, store.subjects.create(label="P01").id, "one")
    store.sessions.record_consent(session_id=session.id, consent=CONSENT)
    queued = queue.enqueue_analysis(settings, store, session.id)
    assert withdraw_consent(store, session.id, "Dr M").consent is None
    assert store.jobs.get(job_id=queued.id).state is JobState.CANCELLED
    with pytest.raises(ConsentError, match="was withdrawn"):
        queue.enqueue_analysis(settings, store, session.id)
    with pytest.raises(ConsentError, match="was withdrawn"):
        check_not_withdrawn(store, session.id)
    line = next(line for line in store.audit.list_newest(object_id=session.id) if line.action == "withdraw_consent")
    assert (line.actor, line.by) == ("dashboard", "Dr M")
    store.sessions.record_consent(session_id=session.id, consent=CONSENT)
    check_consent(store, session.id)
    check_not_withdrawn(store, session.id)


def test_a_running_job_is_asked_to_stop(settings: AppSettings, store: Store) -> None:
    session = new_session(store, store.subjects.create(label="P01").id, "one")
    job = store.jobs.create(session_id=session.id)
    store.jobs.set_state(job_id=job.id, state=JobState.RUNNING)
    withdraw_consent(store, session.id)
    assert store.jobs.get(job_id=job.id).cancel_requested


def test_withdrawn_sessions_are_no_labels_and_are_not_scored_again(store: Store, subject: SubjectRecord) -> None:
    session = new_session(store, subject.id, "one")
    store.analyses.save(session_id=session.id, analysis=sample_analysis(sample_recording("one")))
    store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=session.recorded_at.astimezone(UTC)
    )

    unknown = new_session(store, subject.id, "two")
    store.analyses.save(session_id=unknown.id, analysis=sample_analysis(sample_recording("two"), face_kind=""))

    def counts() -> tuple[int, int, int, int]:
        labels = store.labels.survey(scale=Scale.PHQ8, within_days=14, face_kind="face-a")
        withdrawn = labels.excluded.get(Exclusion.WITHDRAWN, 0)
        rescorable = store.labels.list_rescorable(face_kind="face-a", model_id="another")
        return len(labels.sessions), withdrawn, len(rescorable), store.labels.count_unknown_kind()

    assert counts() == (1, 0, 1, 1)
    withdraw_consent(store, session.id)
    withdraw_consent(store, unknown.id)
    assert counts() == (0, 2, 0, 0)


def test_the_command_says_what_is_left(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = store.subjects.create(label="P01")
    session = store.sessions.create(
        subject_id=subject.id,
        recorded_at=datetime(2026, 3, 2, tzinfo=UTC),
        recording=sample_recording(),
        original_name="a.mp4",
        media_path=None,
        consent=CONSENT,
    )
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    withdraw_command(session.id, by="Dr M")
    said = capsys.readouterr().out
    assert "2026-03-02 of P01 is withdrawn" in said
    assert f"fer-phq subjects erase {subject.id}" in said
    assert store.sessions.is_withdrawn(session_id=session.id)
