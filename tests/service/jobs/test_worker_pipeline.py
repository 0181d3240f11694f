"""The worker with the product's own pipeline and the model that ships."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recordings import Recordings

from db.records import SubjectRecord
from db.store import Store
from fer_phq.models.checkpoint import SHIPPED, find_bundle, read_bundle
from service.ingest.media import MediaStore
from service.ingest.recordings import add_recording
from service.jobs import queue
from service.jobs.runner import JobRunner
from service.jobs.worker import PipelineAnalyser
from service.models.active_model import active_bundle
from service.settings import AppSettings

WHEN = datetime(2026, 5, 6, tzinfo=UTC)


def _queue(settings: AppSettings, store: Store, subject: SubjectRecord, source: Path) -> str:
    job_id = add_recording(
        settings, store, source, subject_id=subject.id, recorded_at=WHEN, consent_by="AB", consent_text="1"
    ).job_id
    assert job_id is not None
    return job_id


@pytest.mark.usefixtures("default_face_rate")
def test_a_job_measures_the_behaviour_in_every_frame(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    job_id = _queue(settings, store, subject, recordings(seconds=2, fps=25, motion="moving"))
    assert JobRunner(settings, store, PipelineAnalyser(lambda: active_bundle(settings, store)), "w-1").run(job_id) == (
        "done"
    )
    analysis_id = queue.status(settings, store, job_id).analysis_id
    assert analysis_id is not None
    analysis = store.analyses.load_session_analysis(analysis_id=analysis_id)
    assert analysis.behaviour is not None
    assert len(analysis.behaviour) == 50
    assert not any(warning.code.startswith("pipeline.no_behaviour") for warning in analysis.warnings)


def test_a_job_may_have_a_rate_of_its_own_and_none(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    added = add_recording(
        settings,
        store,
        recordings(seconds=2, fps=25, motion="moving"),
        subject_id=subject.id,
        recorded_at=WHEN,
        consent_by="AB",
        consent_text="1",
        analysis={"face_rate": 5},
    )
    assert added.job_id is not None
    runner = JobRunner(settings, store, PipelineAnalyser(lambda: active_bundle(settings, store)), "w-1")
    assert runner.run(added.job_id) == "done"
    analysis_id = queue.status(settings, store, added.job_id).analysis_id
    assert analysis_id is not None
    series = store.features.load_behaviour(analysis_id=analysis_id)
    assert series is not None
    assert (series.rate_hz, len(series)) == (5, 12)  # the frames at half seconds are looked at, too
    assert settings.face_rate == settings.analysis_settings({"face_rate": None}).face_rate == 0


def test_a_recording_of_a_face_is_analysed(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    job_id = _queue(settings, store, subject, recordings(seconds=2))
    analyser = PipelineAnalyser(lambda: active_bundle(settings, store))
    assert JobRunner(settings, store, analyser, "w-1").run(job_id) == "done"
    status = queue.status(settings, store, job_id)
    assert (status.fraction, status.frames_per_s) == (1.0, None)
    assert status.done > 0
    assert status.analysis_id is not None
    analysis = store.analyses.get(analysis_id=status.analysis_id)
    assert analysis.model_id == analyser.model_id
    assert analysis.coverage > 0.5
    assert analysis.emotions is not None


def test_a_recording_that_breaks_is_named_as_the_person_named_it(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    added = add_recording(
        settings,
        store,
        recordings(seconds=2, audio=True),
        subject_id=subject.id,
        recorded_at=WHEN,
        consent_by="AB",
        consent_text="1",
        original_name="Tuesday, second visit.mp4",
    )
    session = store.sessions.get(session_id=added.session_id)
    assert session.media_path is not None
    path = MediaStore(settings).path_of(session.media_path)
    path.chmod(0o600)
    path.write_bytes(b"no video any more")
    job_id = added.job_id or ""
    runner = JobRunner(settings, store, PipelineAnalyser(lambda: active_bundle(settings, store)), "w-1")
    assert runner.run(job_id) == "failed"
    error = str(store.jobs.get(job_id=job_id).error)
    assert "Tuesday, second visit.mp4" in error
    assert path.name not in error
    assert str(settings.data_dir) not in error


def test_a_model_that_is_not_there_fails_the_job_in_words(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings, tmp_path: Path
) -> None:
    job_id = _queue(settings, store, subject, recordings(seconds=1))
    analyser = PipelineAnalyser(lambda: find_bundle(tmp_path / "none"))
    assert JobRunner(settings, store, analyser, "w-1").run(job_id) == "failed"
    assert "number" not in str(queue.status(settings, store, job_id).error or "number")


def test_another_model_is_used_from_the_next_job_on(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(SHIPPED, other)
    (other / "phq.safetensors").unlink()
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"name": "other", "phq": None}))
    in_use = [SHIPPED]
    analyser = PipelineAnalyser(lambda: read_bundle(in_use[0]))
    first = analyser.model_id
    in_use[0] = other
    assert analyser.model_id == read_bundle(other).model_id != first


@pytest.mark.slow
def test_the_worker_process_analyses_and_stops(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    job_id = _queue(settings, store, subject, recordings(seconds=2))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "FERPHQ_DATA_DIR": str(settings.data_dir),
        "FERPHQ_DATABASE_URL": settings.database_url,
    }
    process = subprocess.Popen([sys.executable, "-m", "service.jobs.worker"], env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while queue.status(settings, store, job_id).active and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert queue.status(settings, store, job_id).state == "done", log.decode()
    assert process.returncode == 0
