"""Training a head from the store as a process of its own, and scoring stored sessions with it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import NO_HEAD, sample_analysis, sample_recording
from labelled_store import fill_labelled, items_of

from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.errors import FerPhqError, ModelError, SettingsError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import Provenance, Scale
from fer_phq.features.files import read_features
from fer_phq.models.checkpoint import SHIPPED, find_bundle, read_sources
from fer_phq.models.head_report import TrainingStep
from fer_phq.voice.kinds import COLUMNS, EARLIER_KIND, KIND
from service.models import head_training, rescoring
from service.models.active_model import KEY, activate
from service.models.head_training import HeadTraining
from service.models.labelled_sessions import find_labelled_sessions
from service.models.task import Task, TaskState
from service.models.training_manifest import write_manifest
from service.settings import AppSettings
from training.phq.data.manifest import read_manifest


@pytest.fixture(autouse=True)
def models_here(settings: AppSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models' folder is the installation's own."""
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    monkeypatch.delenv("FERPHQ_MODEL", raising=False)


def end_of(status: Callable[[AppSettings], Task | None], settings: AppSettings, seconds: float = 500) -> Task:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        task = status(settings)
        assert task is not None
        if task.state is not TaskState.RUNNING:
            return task
        time.sleep(0.2)
    pytest.fail("it did not end")


def test_the_stores_sessions_as_a_manifest(store: Store, tmp_path: Path) -> None:
    fill_labelled(store, find_bundle(), people=3, sessions=2)
    sessions = read_manifest(
        write_manifest(store, tmp_path, find_labelled_sessions(store, find_bundle().face_kind))
    ).sessions
    assert len(sessions) == 6
    assert all(session.items == tuple(items_of(int(session.score))) for session in sessions)


def test_training_does_not_mix_a_voice_of_an_earlier_version(store: Store, tmp_path: Path) -> None:
    bundle = find_bundle()
    session_id = fill_labelled(store, bundle, people=3)[0]
    analysis = sample_analysis(
        sample_recording("0-0.mp4"), frames=40, phq=NO_HEAD, dim=bundle.config.dim, face_kind=bundle.face_kind
    )
    values = np.ones((40, len(COLUMNS)), np.float32)
    for kind in (EARLIER_KIND, KIND):
        voice = FeatureSeries(values, np.arange(40) / 10, kind, COLUMNS)
        settings = Settings(coverage_floor=0.1 if kind == KIND else 0.2)
        store.analyses.save(session_id=session_id, analysis=replace(analysis, voice=voice), settings=settings)
        folder = tmp_path / kind
        folder.mkdir()
        read_manifest(write_manifest(store, folder, find_labelled_sessions(store, bundle.face_kind)))
        assert (read_features(folder / f"{session_id}.npz").voice is not None) == (kind == KIND)


def test_without_the_packages_that_train_nothing_starts(settings: AppSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert head_training.missing_packages() is None
    monkeypatch.setattr(head_training, "PACKAGES", ("a_package_that_nobody_has",))
    with pytest.raises(SettingsError, match=r"pip install 'fer-phq\[train\]'"):
        head_training.start(settings, "clinic")
    assert head_training.status(settings) is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "cannot be a model's name"),
        ("../elsewhere", "cannot be a model's name"),
        (".hidden", "cannot be a model's name"),
        ("two words", "cannot be a model's name"),
        ("x" * 61, "60 letters at most"),
        (SHIPPED.name, "already"),
        ("taken", "already"),
    ],
)
def test_a_name_that_cannot_be_used_is_told_before_anything_starts(
    settings: AppSettings, store: Store, name: str, says: str
) -> None:
    (settings.data_dir / "models" / "taken").mkdir(parents=True)
    with pytest.raises(SettingsError, match=says):
        head_training.start(settings, name)
    assert head_training.status(settings) is None


def test_what_else_cannot_be_started(settings: AppSettings, store: Store) -> None:
    for days in (0, -1, 366, float("nan")):
        with pytest.raises(SettingsError, match="days away"):
            head_training.start(settings, "clinic", within_days=days)
    store.settings.set(key=KEY, value="gone-12345678")
    with pytest.raises(ModelError, match="gone-12345678 is not on this machine any more"):
        head_training.start(settings, "clinic")
    assert head_training.status(settings) is None


def test_a_cancelled_training_leaves_nothing(settings: AppSettings, store: Store) -> None:
    half = settings.data_dir / "models" / ".clinic.abcd_123"
    half.mkdir(parents=True)
    fill_labelled(store, find_bundle(SHIPPED), people=40)  # so that it goes on for a while
    head_training.start(settings, "clinic", scale=Scale.PHQ8, within_days=7)
    arguments = json.loads((settings.data_dir / "training" / "state.json").read_text())["arguments"]
    assert {"--from-store", "PHQ-8", "7", str(SHIPPED)} <= set(arguments)
    now = head_training.status(settings)
    assert now is not None
    assert (now.name, now.state, now.bundle) == ("clinic", TaskState.RUNNING, None)
    with pytest.raises(FerPhqError, match="A training runs already"):
        head_training.start(settings, "second")
    head_training.cancel(settings)
    ended = head_training.status(settings)
    assert ended is not None
    assert (ended.state, ended.bundle) == (TaskState.CANCELLED, None)
    assert list(half.parent.iterdir()) == []


@pytest.mark.slow
def test_steps_are_those_of_this_training(settings: AppSettings, store: Store) -> None:
    steps = settings.data_dir / "training" / "steps.jsonl"
    head_training.start(settings, "clinic")
    end_of(head_training.status, settings)
    line = {"modalities": ["face", "voice"], "model": "ridge", "folds": 1, "of": 15, "rmse": 4.5, "floor": 5.0}
    steps.write_text(json.dumps(line) + "\n" + json.dumps(line)[:20])
    task = head_training.status(settings)
    assert task is not None
    assert task.steps == (TrainingStep(("face", "voice"), "ridge", 1, 15, 4.5, 5.0),), "half a line is not read"
    os.utime(steps, (0, 0))
    assert head_training.status(settings).steps == ()  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_training_with_too_little_fails_in_its_own_sentence(settings: AppSettings, store: Store) -> None:
    head_training.start(settings, "clinic")
    failed = end_of(head_training.status, settings)
    assert failed.state is TaskState.FAILED
    assert failed.error is not None
    assert failed.error.code == "service_models.no_labelled_session"
    assert str(failed.error).startswith("No session here has a questionnaire answered within 14 days of it")
    assert not (settings.data_dir / "models" / "clinic").exists()


@pytest.mark.slow
def test_from_stored_sessions_to_a_head_that_scores_them(settings: AppSettings, store: Store) -> None:
    sessions = fill_labelled(store, find_bundle(), people=12)
    head_training.start(settings, "clinic", quick=True)
    done = end_of(head_training.status, settings)
    assert done.state is TaskState.DONE, done.lines
    assert isinstance(done, HeadTraining)
    assert [(step.model, step.folds, step.total_folds) for step in done.steps][-1] == ("ridge", 5, 5)
    assert {step.modalities for step in done.steps} == {("face",)}
    bundle = find_bundle("clinic")
    assert bundle.config.phq is not None
    assert bundle.config.phq.provenance is Provenance.CLINICAL
    assert (bundle.path / "report.json").is_file()
    people = {summary.id for summary in store.subjects.list_all()}
    assert set(read_sources(bundle.path).values()) == people, "it says from whom it learned"
    assert [path.name for path in bundle.path.parent.iterdir()] == ["clinic"]
    assert head_training.status(settings).bundle == bundle.path  # type: ignore[union-attr]
    with pytest.raises(SettingsError, match="already"):
        head_training.start(settings, "clinic")
    activate(settings, "clinic", store)
    assert rescoring.count_waiting(settings, store) == len(sessions)
    rescoring.start(settings)
    scored = end_of(rescoring.status, settings)
    assert (scored.state, scored.name) == (TaskState.DONE, bundle.model_id), scored.lines
    assert rescoring.count_waiting(settings, store) == 0
    models = {found.model_id for found in store.sessions.get_detail(session_id=sessions[0]).analyses}
    assert models == {find_bundle(SHIPPED).model_id, bundle.model_id}
