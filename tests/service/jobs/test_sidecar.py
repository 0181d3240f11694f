"""From the transcript that the store keeps to the analysis that is made with it."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recordings import Recordings

from db.records import JobRecord, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import ProgressHook, SessionAnalysis, Settings
from fer_phq.core.errors import RecordingError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.sidecar import Sidecar
from service.ingest.recordings import add_recording
from service.jobs import queue
from service.jobs.runner import JobRunner
from service.jobs.sidecar import digest, sidecar_files
from service.jobs.worker import PipelineAnalyser
from service.models.active_model import active_bundle
from service.settings import AppSettings

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
    return add_recording(
        settings, store, source, subject_id=subject.id, recorded_at=when, consent_by="AB", consent_text="1"
    ).session_id


def queued(settings: AppSettings, store: Store, session_id: str) -> JobRecord:
    return store.jobs.get(job_id=queue.enqueue_analysis(settings, store, session_id).id)


def keep(store: Store, session_id: str, speaker: str | None = None) -> None:
    store.transcripts.save(session_id=session_id, original_name="one.vtt", document=WEBVTT, speaker=speaker)


def test_it_lies_in_a_private_file_for_as_long_as_it_is_needed(
    settings: AppSettings, store: Store, session_id: str
) -> None:
    with sidecar_files(settings, store, session_id) as nothing:
        assert nothing == Sidecar()
    keep(store, session_id, "Client")
    with sidecar_files(settings, store, session_id) as beside:
        assert beside.transcript is not None
        assert beside.transcript.read_bytes() == WEBVTT
        assert stat.S_IMODE(beside.transcript.stat().st_mode) == 0o600
        assert beside.speaker == "Client"
    with pytest.raises(RecordingError), sidecar_files(settings, store, session_id):
        raise RecordingError("The recording is gone.")
    assert list(settings.incoming_dir.iterdir()) == []


def test_an_error_names_the_file_as_its_giver_did(settings: AppSettings, store: Store, session_id: str) -> None:
    store.transcripts.save(session_id=session_id, original_name="one.vtt", document=b"no cues at all")
    job = queued(settings, store, session_id)
    analyser = PipelineAnalyser(lambda: active_bundle(settings, store))
    assert JobRunner(settings, store, analyser, "w-1").run(job.workflow_id) == "failed"
    error = str(store.jobs.get(job_id=job.id).error or "")
    assert "The transcript one.vtt cannot be used" in error
    assert str(settings.incoming_dir) not in error


@pytest.mark.slow
def test_another_transcript_is_another_analysis(settings: AppSettings, store: Store, session_id: str) -> None:
    """The product's own pipeline: without words, with them, and with them again, which is not computed twice."""

    class Counting(PipelineAnalyser):
        runs = 0

        def analyse(
            self, path: Path, settings: Settings, on_progress: ProgressHook, beside: Sidecar, display_name: str
        ) -> SessionAnalysis:
            self.runs += 1
            return super().analyse(path, settings, on_progress, beside, display_name)

    analyser = Counting(lambda: active_bundle(settings, store))
    runner = JobRunner(settings, store, analyser, "w-1")

    def analysed() -> str:
        job = queued(settings, store, session_id)
        assert runner.run(job.workflow_id) == JobState.DONE, store.jobs.get(job_id=job.id).error
        return store.jobs.get(job_id=job.id).analysis_id or ""

    without = analysed()
    keep(store, session_id)
    beside = analysed()
    kept = store.transcripts.get(session_id=session_id)
    assert kept is not None
    assert store.analyses.get(analysis_id=beside).sidecar_digest == digest(kept)
    assert beside != without
    assert analysed() == beside
    assert analyser.runs == 2
    words = store.analyses.load_session_analysis(analysis_id=beside).words
    assert isinstance(words, FeatureSeries)
    assert len(words) == 1, "the client said one thing"
    assert store.analyses.load_session_analysis(analysis_id=without).words is None
    assert store.analyses.get(analysis_id=without).sidecar_digest == ""
    keep(store, session_id, "Therapist")
    assert analysed() not in (beside, without)
    store.transcripts.remove(session_id=session_id)
    assert analysed() == without
