"""A transcript from the file a person gives to the analysis that is made with it."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recordings import Recordings

from db.records import JobRecord, JobState, SubjectRecord
from db.store import Store
from fer_phq.analysis import ProgressHook, SessionAnalysis, Settings
from fer_phq.beside import Beside
from fer_phq.channels import Channel
from fer_phq.errors import FerPhqError, RecordingError, StoreError
from service import jobs
from service.active import active_bundle
from service.ingest import add_recording
from service.runner import JobRunner
from service.settings import AppSettings
from service.beside import beside_of, keep_transcript
from service.worker import PipelineAnalyser

WEBVTT = b"""WEBVTT

00:00.100 --> 00:00.900
<v Therapist>How are you?

00:01.000 --> 00:01.900
<v Client>Rather tired, thank you.
"""


@pytest.fixture
def session_id(settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings) -> str:
    when = datetime(2026, 5, 6, tzinfo=UTC)
    source = recordings(seconds=2, audio=True)
    return add_recording(settings, store, source, subject_id=subject.id, recorded_at=when).session_id


def queued(settings: AppSettings, store: Store, session_id: str) -> JobRecord:
    return store.get_job(job_id=jobs.enqueue_analysis(settings, store, session_id).id)


def test_a_transcript_is_read_before_it_is_kept(store: Store, session_id: str) -> None:
    kept = keep_transcript(store, session_id, document=WEBVTT, original_name="C:\\talks\\one.vtt", speaker="client")
    assert (kept.original_name, kept.document, kept.speaker) == ("one.vtt", WEBVTT, "client")
    with pytest.raises(FerPhqError, match=r"The transcript two\.vtt cannot be used: it holds no cues"):
        keep_transcript(store, session_id, document=b"no cues at all", original_name="two.vtt")
    with pytest.raises(FerPhqError, match="has no speaker 'Nobody'"):
        keep_transcript(store, session_id, document=WEBVTT, original_name="two.vtt", speaker="Nobody")
    with pytest.raises(FerPhqError, match="it is empty"):
        keep_transcript(store, session_id, document=b"", original_name="two.vtt")
    again = store.get_transcript(session_id=session_id)
    assert again is not None
    assert again.original_name == "one.vtt", "what was refused has taken the place of what was kept"


def test_it_lies_in_a_private_file_for_as_long_as_it_is_needed(
    settings: AppSettings, store: Store, session_id: str
) -> None:
    with beside_of(settings, store, session_id) as nothing:
        assert nothing == Beside()
    keep_transcript(store, session_id, document=WEBVTT, original_name="one.vtt", speaker="Client")
    with beside_of(settings, store, session_id) as beside:
        assert beside.transcript is not None
        assert beside.transcript.read_bytes() == WEBVTT
        assert stat.S_IMODE(beside.transcript.stat().st_mode) == 0o600
        assert beside.speaker == "Client"
    with pytest.raises(RecordingError), beside_of(settings, store, session_id):
        raise RecordingError("The recording is gone.")
    assert list(settings.incoming_dir.iterdir()) == []


def test_an_error_names_the_file_as_its_giver_did(settings: AppSettings, store: Store, session_id: str) -> None:
    store.set_transcript(session_id=session_id, original_name="one.vtt", document=b"no cues at all")
    job = queued(settings, store, session_id)
    analyser = PipelineAnalyser(lambda: active_bundle(settings, store))
    assert JobRunner(settings, store, analyser, "w-1").run(job.workflow_id) == "failed"
    error = store.get_job(job_id=job.id).error or ""
    assert "The transcript one.vtt cannot be used" in error
    assert str(settings.incoming_dir) not in error


def test_another_transcript_is_another_analysis(settings: AppSettings, store: Store, session_id: str) -> None:
    """The product's own pipeline: without words, with them, and with them again, which is not computed twice."""

    class Counting(PipelineAnalyser):
        runs = 0

        def analyse(self, path: Path, settings: Settings, on_progress: ProgressHook, beside: Beside) -> SessionAnalysis:
            self.runs += 1
            return super().analyse(path, settings, on_progress, beside)

    analyser = Counting(lambda: active_bundle(settings, store))
    runner = JobRunner(settings, store, analyser, "w-1")

    def analysed() -> str:
        job = queued(settings, store, session_id)
        assert runner.run(job.workflow_id) == JobState.DONE, store.get_job(job_id=job.id).error
        return store.get_job(job_id=job.id).analysis_id or ""

    without = analysed()
    keep_transcript(store, session_id, document=WEBVTT, original_name="one.vtt")
    beside = analysed()
    assert beside != without
    assert analysed() == beside
    assert analyser.runs == 2
    words = store.load_session_analysis(analysis_id=beside).words
    assert isinstance(words, Channel)
    assert len(words) == 1, "the client said one thing"
    assert store.load_session_analysis(analysis_id=without).words is None
    assert store.get_analysis(analysis_id=without).beside == ""
    assert len(store.get_analysis(analysis_id=beside).beside) == 64
    keep_transcript(store, session_id, document=WEBVTT, original_name="one.vtt", speaker="Therapist")
    assert analysed() not in (beside, without)
    store.remove_transcript(session_id=session_id)
    assert analysed() == without


def test_a_transcript_that_is_too_large_is_refused_by_the_store(
    store: Store, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.queries.review.MAX_TRANSCRIPT", 10)
    with pytest.raises(StoreError, match="must hold between"):
        keep_transcript(store, session_id, document=WEBVTT, original_name="one.vtt")
