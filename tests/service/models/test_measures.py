"""Measures of analyses that were stored before there were any, and of those that are scored again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from analysis_samples import new_session, sample_analysis, sample_recording
from recordings import Recordings

from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.analysis import ProgressHook, SessionAnalysis, Settings
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.measures import VERSION, VERSION_KEY, session_measures
from fer_phq.models.checkpoint import SHIPPED, read_bundle
from fer_phq.video import probe
from service.ingest.recordings import add_recording
from service.jobs.runner import JobRunner
from service.models.active_model import KEY, preferred_model
from service.models.measures import measure_stored
from service.settings import AppSettings


def test_stored_analyses_are_measured_once(store: Store, subject: SubjectRecord) -> None:
    analyses = {}
    for name, gaps in (("seen", ()), ("unseen", tuple(range(20))), ("other", (1, 2))):
        analysis = sample_analysis(sample_recording(name), gaps=gaps)
        session = new_session(store, subject.id, name)
        analyses[store.analyses.save(session_id=session.id, analysis=analysis)] = analysis
    assert measure_stored(store, limit=2) == 2
    assert measure_stored(store) == 1
    assert measure_stored(store) == 0, "a session in which nothing can be measured is not tried again"
    for analysis_id, analysis in analyses.items():
        found = store.measures.get(analysis_id=analysis_id)
        assert found.pop(VERSION_KEY) == VERSION
        assert found == pytest.approx(session_measures(analysis, Settings()), rel=1e-5)


def test_the_settings_of_then_decide_whether_a_face_may_be_judged(store: Store, subject: SubjectRecord) -> None:
    strict = Settings(coverage_floor=0.95)
    session = new_session(store, subject.id, "one")
    analysis = sample_analysis(sample_recording("one"))
    saved = store.analyses.save(session_id=session.id, analysis=analysis, settings=strict)
    assert measure_stored(store) == 1
    assert store.measures.get(analysis_id=saved) == {VERSION_KEY: VERSION}


def test_whose_analyses_are_preferred(settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = read_bundle(SHIPPED).model_id
    assert preferred_model(settings, store) == shipped
    store.settings.set(key=KEY, value="clinic-01234567")
    assert preferred_model(settings, store) == "clinic-01234567", "its analyses are there even if the bundle is not"
    named = settings.model_copy(update={"model": "fer-vit-convstem"})
    assert preferred_model(named, store) == shipped
    assert preferred_model(settings.model_copy(update={"model": "gone"}), store) is None


class Ready:
    """Hands out an analysis of the recording that it is given."""

    model_id = "model-a"

    def analyse(
        self, path: Path, settings: Settings, on_progress: ProgressHook, beside: Sidecar, display_name: str
    ) -> SessionAnalysis:
        return sample_analysis(probe(path), sampling=settings.sampling)


def test_a_job_stores_measures_with_its_analysis(
    settings: AppSettings, store: Store, subject: SubjectRecord, recordings: Recordings
) -> None:
    added = add_recording(
        settings,
        store,
        recordings(seconds=1),
        subject_id=subject.id,
        recorded_at=datetime(2026, 5, 6, tzinfo=UTC),
        consent_by="Dr M",
        consent_text="1",
    )
    job = store.jobs.get(job_id=added.job_id or "")
    assert JobRunner(settings, store, Ready(), "w-1").run(job.workflow_id) == "done"
    (row,) = store.sessions.list_recent()
    assert row.analysis is not None
    assert store.measures.get(analysis_id=row.analysis.id)["expressivity"] > 0
    assert measure_stored(store) == 0
