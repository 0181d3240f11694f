"""Batches on their way: stored once, queued behind everybody else's, and followed to their ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recordings import Recordings

from db.records import JobPriority, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.messages import literal
from service.jobs import messages, queue
from service.jobs.batch.queueing import CONSENT_TEXT, End, Outcome, follow, queue_recording
from service.jobs.batch.sources import BatchRecording
from service.lifecycle import erasure
from service.settings import AppSettings


@pytest.fixture
def recording(recordings: Recordings) -> BatchRecording:
    return BatchRecording("P01/a.mp4", recordings(seconds=1), "S-01", None, "Dr Meyer", keep_days=7)


def settle(store: Store, outcome: Outcome, state: JobState) -> None:
    assert outcome.job is not None
    workflow_id = store.jobs.get(job_id=outcome.job.id).workflow_id
    assert store.jobs.claim(workflow_id=workflow_id, worker="w-1", claim="c") is not None
    error = literal("It broke.") if state is JobState.FAILED else None
    assert store.jobs.finish(workflow_id=workflow_id, claim="c", state=state, error=error)


def test_a_recording_is_stored_and_queued_behind_everybody_elses(
    settings: AppSettings, store: Store, recording: BatchRecording
) -> None:
    outcome = queue_recording(settings, store, recording, {"fps": 4})
    assert (outcome.end, outcome.sound) == (End.WAITING, False)
    assert outcome.job is not None
    assert (outcome.job.priority, outcome.job.settings) == (JobPriority.BATCH, {"fps": 4})
    assert outcome.session_id is not None
    session = store.sessions.get(session_id=outcome.session_id)
    assert session.consent is not None
    assert (session.consent.by, session.consent.text_version) == ("Dr Meyer", CONSENT_TEXT)
    assert session.retain_until is not None
    assert session.recorded_at.timestamp() == pytest.approx(recording.path.stat().st_mtime, abs=1)


def test_what_is_stored_is_neither_stored_nor_analysed_again(
    settings: AppSettings, store: Store, recording: BatchRecording
) -> None:
    first = queue_recording(settings, store, recording)
    again = queue_recording(settings, store, recording)
    assert (again.session_id, again.job, again.end) == (first.session_id, first.job, End.WAITING)
    settle(store, first, JobState.FAILED)
    failed = queue_recording(settings, store, recording)
    assert (failed.end, failed.reason) == (End.FAILED, literal("It broke."))
    retried = queue_recording(settings, store, recording, retry_failed=True)
    assert retried.job is not None
    assert (retried.end, retried.job.attempt, retried.job.priority) == (End.WAITING, 2, JobPriority.BATCH)
    assert len(list(settings.media_dir.rglob("*.*"))) == 1


def test_what_cannot_be_stored_is_refused_with_a_reason(
    settings: AppSettings, store: Store, recording: BatchRecording, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no recording")
    missing = queue_recording(settings, store, replace(recording, path=tmp_path / "none.mp4"))
    broken = queue_recording(settings, store, replace(recording, file="P01/text.mp4", path=text))
    without_words = queue_recording(settings, store, replace(recording, transcript=tmp_path / "none.vtt"))
    for outcome in (missing, broken, without_words):
        assert (outcome.end, outcome.session_id, outcome.job) == (End.REFUSED, None, None)
        assert outcome.reason is not None
    assert "P01/text.mp4" in str(broken.reason)
    small = settings.model_copy(update={"max_upload_bytes": 10})
    assert queue_recording(small, store, recording).end is End.REFUSED
    assert store.jobs.list_live() == []
    assert not list(settings.media_dir.rglob("*.*"))


def test_each_end_is_given_once_and_waiting_ends_without_workers(
    settings: AppSettings, store: Store, recordings: Recordings
) -> None:
    settings = settings.model_copy(update={"worker_timeout_s": 0.2})
    ends = (JobState.DONE, JobState.FAILED, None, "cancelled", "erased")
    motions = ("still", "moving", "rotating", "leaving", "crossing")
    outcomes = []
    for end, motion in zip(ends, motions, strict=True):
        faces = 2 if motion == "crossing" else 1
        path = recordings(seconds=1, motion=motion, faces=faces)
        outcomes.append(queue_recording(settings, store, BatchRecording(str(end), path, "S-01", None, "AB")))
    settle(store, outcomes[0], JobState.DONE)
    settle(store, outcomes[1], JobState.FAILED)
    assert outcomes[3].job is not None
    assert outcomes[4].session_id is not None
    queue.cancel(settings, store, outcomes[3].job.id)
    erasure.erase_session(settings, store, outcomes[4].session_id)
    copy = replace(outcomes[0], recording=replace(outcomes[0].recording, file="copy"))
    refused = Outcome(outcomes[0].recording, None, None, End.REFUSED, literal("No."))
    ended = list(follow(settings, store, [refused, copy, *outcomes], poll_s=0.02))
    assert [outcome.end for outcome in ended] == [
        End.REFUSED,
        End.ANALYSED,
        End.ANALYSED,
        End.FAILED,
        End.CANCELLED,
        End.ERASED,
        End.WAITING,
    ]
    assert ended[1].sound
    assert ended[3].reason == literal("It broke.")
    assert ended[-1].reason == messages.NO_WORKER()


def test_a_page_that_asks_for_a_waiting_session_gets_it_before_the_batch(
    settings: AppSettings, store: Store, recordings: Recordings, subject: SubjectRecord
) -> None:
    waiting = [
        queue_recording(settings, store, BatchRecording("a", recordings(seconds=1, motion=motion), "S-01", None, "AB"))
        for motion in ("still", "moving")
    ]
    last = waiting[1].session_id
    assert last is not None
    assert queue.enqueue_analysis(settings, store, last).ahead == 0
    assert waiting[0].job is not None
    assert queue.status(settings, store, waiting[0].job.id).ahead == 1


def test_what_a_subject_has_withdrawn_is_not_queued_again(
    settings: AppSettings, store: Store, recording: BatchRecording
) -> None:
    first = queue_recording(settings, store, recording)
    settle(store, first, JobState.FAILED)
    assert first.session_id is not None
    store.sessions.withdraw_consent(session_id=first.session_id)
    again = queue_recording(settings, store, recording, retry_failed=True)
    assert (again.end, again.reason is None) == (End.REFUSED, False)
    assert store.jobs.list_live() == []
