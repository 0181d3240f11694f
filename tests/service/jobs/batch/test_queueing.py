"""Batches on their way: stored once, queued behind everybody else's, and followed to their ends."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from analysis_samples import sample_analysis
from recordings import Recordings

from db.records import JobPriority, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import RecordingInfo, Sampling, SessionAnalysis
from fer_phq.core.messages import Message, literal
from fer_phq.core.sidecar import compute_digest
from service.ingest.media import file_sha256
from service.ingest.messages import ANALYSED_WITHOUT_TRANSCRIPT
from service.jobs import messages, queue
from service.jobs.batch.queueing import CONSENT_TEXT, DateSource, End, Outcome, follow, queue_recording
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


def test_what_was_removed_does_not_come_back_with_the_batch(
    settings: AppSettings, store: Store, recording: BatchRecording
) -> None:
    first = queue_recording(settings, store, recording)
    assert first.session_id is not None
    settle(store, first, JobState.FAILED)
    silent = replace(recording, keep_days=None)
    over = datetime.now(UTC) - timedelta(minutes=1)
    store.sessions.set_retention(session_id=first.session_id, retain_until=over)
    assert erasure.remove_expired(settings, store) == 1
    refused = queue_recording(settings, store, silent)
    assert refused.reason is not None
    assert (refused.end, refused.reason.code) == (End.REFUSED, "ingest.retention_over")
    assert not list(settings.media_dir.rglob("*.*"))
    store.analyses.save(session_id=first.session_id, analysis=analysis_of(recording), measures={})
    assert queue_recording(settings, store, silent).end is End.BEFORE, "nothing is lacking"
    other = queue_recording(settings, store, silent, {"fps": 3})
    assert (other.end, other.session_id) == (End.OTHERWISE, first.session_id)
    store.sessions.set_retention(session_id=first.session_id, retain_until=None)
    assert queue_recording(settings, store, silent).end is End.BEFORE
    assert not list(settings.media_dir.rglob("*.*"))


TWO = b"WEBVTT\n\n00:00.000 --> 00:01.000\n<v Anna>Hello.\n\n00:01.000 --> 00:02.000\n<v Ben>Hello.\n"
WHEN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def analysis_of(recording: BatchRecording) -> SessionAnalysis:
    sha256 = file_sha256(recording.path)
    return sample_analysis(RecordingInfo("a.mp4", sha256, 1.0, 320, 240, "h264", 0, has_audio=False))


def differences(outcome: Outcome) -> list[str]:
    """The codes of what is stored otherwise."""
    assert (outcome.end, outcome.sound, outcome.job) == (End.OTHERWISE, False, None)
    assert outcome.reason is not None
    parts = outcome.reason.params["differences"]
    assert isinstance(parts, tuple)
    return [part.code for part in parts if isinstance(part, Message)]


def test_what_is_stored_otherwise_than_the_batch_says_is_reported(
    settings: AppSettings, store: Store, recording: BatchRecording, tmp_path: Path
) -> None:
    words = tmp_path / "a.vtt"
    words.write_bytes(TWO)
    row = replace(recording, recorded_at=WHEN, transcript=words, speaker="Ben")
    first = queue_recording(settings, store, row, {"fps": 4})
    assert first.session_id is not None
    stored = store.sessions.get(session_id=first.session_id)
    for end in (End.WAITING, End.BEFORE):
        assert queue_recording(settings, store, row, {"fps": 4.0}).end is end
        silent = replace(row, recorded_at=None, keep_days=None, transcript=None, speaker=None)
        assert queue_recording(settings, store, silent).end is end
        later = replace(row, recorded_at=WHEN + timedelta(hours=1), keep_days=8)
        assert differences(queue_recording(settings, store, later)) == ["ingest.other_date", "ingest.other_retention"]
        other = replace(row, speaker="Anna", keep_days=6)
        assert differences(queue_recording(settings, store, other, {"fps": 5}, retry_failed=True)) == [
            "ingest.other_retention",
            "ingest.analysed_otherwise",
            "ingest.other_transcript",
        ]
        if end is End.WAITING:
            way = settings.analysis_settings({"fps": 4})
            words_digest = compute_digest("Ben", TWO)
            analysis = replace(analysis_of(recording), sampling=Sampling(fps=4), sidecar_digest=words_digest)
            store.analyses.save(session_id=first.session_id, analysis=analysis, settings=way, measures={})
            settle(store, first, JobState.DONE)
    assert store.sessions.get(session_id=first.session_id) == stored
    assert len(store.jobs.list_page(session_id=first.session_id)) == 1


def test_a_session_without_words_gets_its_first_transcript_and_is_analysed_with_it(
    settings: AppSettings, store: Store, recording: BatchRecording, tmp_path: Path
) -> None:
    first = queue_recording(settings, store, recording)
    assert first.session_id is not None
    assert first.job is not None
    analysis = analysis_of(recording)
    store.analyses.save(session_id=first.session_id, analysis=analysis, measures={})
    settle(store, first, JobState.DONE)
    before = queue_recording(settings, store, recording)
    assert (before.end, before.job and before.job.id) == (End.BEFORE, first.job.id)
    words = tmp_path / "a.vtt"
    words.write_bytes(TWO)
    row = replace(recording, transcript=words, speaker="Ben")
    again = queue_recording(settings, store, row)
    assert again.job is not None
    assert (again.end, again.job.id == first.job.id) == (End.WAITING, False), "its analysis knows no words"
    assert store.transcripts.exists(session_id=first.session_id)
    store.transcripts.remove(session_id=first.session_id)
    workflow_id = again.job.workflow_id
    assert store.jobs.claim(workflow_id=workflow_id, worker="w-1", claim="c") is not None
    running = queue_recording(settings, store, row)
    assert (running.end, running.reason) == (
        End.OTHERWISE,
        ANALYSED_WITHOUT_TRANSCRIPT(session_id=first.session_id),
    )
    assert store.jobs.finish(workflow_id=workflow_id, claim="c", state=JobState.DONE)
    assert queue_recording(settings, store, row).end is End.WAITING
    with_words = replace(analysis, sidecar_digest=compute_digest("Ben", TWO))
    store.analyses.save(session_id=first.session_id, analysis=with_words, measures={})
    for job in store.jobs.list_queued():
        settle(store, replace(first, job=job), JobState.DONE)
    assert queue_recording(settings, store, row).end is End.BEFORE


def test_the_date_that_is_stored_is_told_with_where_it_comes_from(
    settings: AppSettings, store: Store, recording: BatchRecording, recordings: Recordings, tmp_path: Path
) -> None:
    path = tmp_path / "copy.mp4"
    shutil.copy(recording.path, path)
    os.utime(path, (0, WHEN.timestamp()))
    copy = replace(recording, path=path)
    by_file = queue_recording(settings, store, copy)
    assert (by_file.recorded_at, by_file.date_source) == (WHEN, DateSource.FILE)
    os.utime(path, (0, 0))
    again = queue_recording(settings, store, copy)
    assert (again.end, again.recorded_at, again.date_source) == (End.WAITING, WHEN, DateSource.STORED)
    told = queue_recording(settings, store, replace(copy, recorded_at=WHEN))
    assert (told.recorded_at, told.date_source) == (WHEN, DateSource.TABLE)
    impossible = queue_recording(settings, store, replace(copy, subject="S-02"))
    assert (impossible.end, impossible.reason) == (End.REFUSED, messages.FILE_DATE(date="1970-01-01"))
    os.utime(path, (0, datetime(2999, 1, 1, tzinfo=UTC).timestamp()))
    ahead = queue_recording(settings, store, replace(copy, subject="S-02"))
    assert ahead.recorded_at is not None
    assert (ahead.recorded_at < datetime.now(UTC), ahead.date_source) == (True, DateSource.QUEUEING)
    followed = list(follow(settings.model_copy(update={"worker_timeout_s": 0.1}), store, [by_file], poll_s=0.02))
    assert (followed[0].recorded_at, followed[0].date_source) == (WHEN, DateSource.FILE)


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
