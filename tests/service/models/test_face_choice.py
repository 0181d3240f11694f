"""The subject's faces as a person chose them: the right numbers, from what is stored, without the recording."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import new_session, sample_analysis, sample_recording
from recordings import Recordings

from db.records import AnalysisSummary, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings
from fer_phq.core.errors import ModelError, SettingsError
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.session import analyze
from service.ingest.recordings import add_recording
from service.lifecycle.erasure import remove_recording
from service.models import face_choice
from service.models.face_choice import choose_faces, choose_in_child
from service.models.rescoring import rescore
from service.settings import AppSettings


@pytest.fixture(scope="module")
def model() -> FerPhqModel:
    return load_model()


@pytest.fixture(scope="module")
def path(recordings: Recordings) -> Path:
    """A recording with two people in view."""
    return recordings(seconds=8, fps=4, faces=2, motion="moving", audio=True)


@pytest.fixture(scope="module")
def analysis(path: Path, model: FerPhqModel) -> SessionAnalysis:
    """Its analysis with the settings of an installation."""
    return analyze(path, model, AppSettings(data_dir=path.parent).analysis_settings())


@pytest.fixture
def analysed(
    settings: AppSettings, store: Store, subject: SubjectRecord, path: Path, analysis: SessionAnalysis
) -> AnalysisSummary:
    """The analysis of a session with two people in view, whose recording is removed."""
    added = add_recording(
        settings, store, path, subject_id=subject.id, recorded_at=datetime(2026, 5, 6, tzinfo=UTC), enqueue=False
    )
    everybody = settings.analysis_settings()
    analysis_id = store.analyses.save(session_id=added.session_id, analysis=analysis, settings=everybody)
    assert len(store.faces.list_pictures(analysis_id=analysis_id)) == 2
    assert remove_recording(settings, store, added.session_id)
    assert store.faces.list_pictures(analysis_id=analysis_id) == {}
    return store.analyses.get(analysis_id=analysis_id)


def tracks_of(store: Store, analysis_id: str) -> tuple[list[int], list[int]]:
    """Ids of the subject's tracks and of the others."""
    tracks = store.analyses.load(analysis_id=analysis_id).tracks
    return [t.track for t in tracks if t.is_subject], [t.track for t in tracks if not t.is_subject]


def newest(store: Store, session_id: str) -> AnalysisSummary:
    return store.sessions.get_detail(session_id=session_id).analyses[0]


def test_the_choice_stands_for_the_session_without_its_recording(
    store: Store, analysed: AnalysisSummary, model: FerPhqModel, recordings: Recordings
) -> None:
    subject_ids, others = tracks_of(store, analysed.id)
    chosen_id = choose_faces(store, analysed.id, others, model)
    chosen = newest(store, analysed.session_id)
    assert chosen.id == chosen_id != analysed.id
    assert chosen.choice_at is not None
    assert tracks_of(store, chosen_id) == (others, subject_ids)
    assert "chosen by hand" in str(chosen.warnings[0])
    expected = analyze(
        recordings(seconds=8, fps=4, faces=2, motion="moving", audio=True), model, Settings(tracks=tuple(others))
    )
    assert chosen.coverage == pytest.approx(expected.coverage)
    assert expected.emotion_distribution is not None
    assert chosen.emotions is not None
    np.testing.assert_allclose(list(chosen.emotions.values()), expected.emotion_distribution, atol=2e-3)
    series = store.features.load_series(analysis_id=chosen_id)
    assert series.keys() == store.features.load_series(analysis_id=analysed.id).keys()
    assert series, "the voice is that of the earlier analysis"
    assert store.measures.get(analysis_id=chosen_id)
    assert store.analyses.get(analysis_id=analysed.id) == analysed, "the earlier analysis stays as it is"


def test_the_same_choice_again_shows_the_same_analysis(
    store: Store, analysed: AnalysisSummary, model: FerPhqModel
) -> None:
    (mine,), (other,) = tracks_of(store, analysed.id)
    first = choose_faces(store, analysed.id, [other], model)
    second = choose_faces(store, first, [mine], model)
    assert newest(store, analysed.session_id).id == second
    assert choose_faces(store, second, [other], model) == first
    assert newest(store, analysed.session_id).id == first
    assert len(store.sessions.get_detail(session_id=analysed.session_id).analyses) == 3


def test_what_cannot_be_chosen_is_one_sentence(
    store: Store, analysed: AnalysisSummary, model: FerPhqModel, subject: SubjectRecord
) -> None:
    (mine,), (other,) = tracks_of(store, analysed.id)
    with pytest.raises(SettingsError, match="No face is chosen"):
        choose_faces(store, analysed.id, [], model)
    with pytest.raises(SettingsError, match="so they are two people"):
        choose_faces(store, analysed.id, [mine, other], model)
    with pytest.raises(SettingsError, match="no face track 77"):
        choose_faces(store, analysed.id, [77], model)
    session = new_session(store, subject.id, "older.mp4")
    older = store.analyses.save(session_id=session.id, analysis=sample_analysis(sample_recording("older.mp4")))
    with pytest.raises(SettingsError, match="analyse the recording again"):
        choose_faces(store, older, [0], model)
    assert len(store.sessions.get_detail(session_id=analysed.session_id).analyses) == 1


def test_faces_of_another_network_are_refused(
    store: Store, analysed: AnalysisSummary, model: FerPhqModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "face_kind", "another")
    with pytest.raises(ModelError, match="read by another network"):
        choose_faces(store, analysed.id, [0], model)


def test_another_model_scores_the_faces_that_were_chosen(
    store: Store, analysed: AnalysisSummary, model: FerPhqModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, others = tracks_of(store, analysed.id)
    chosen = store.analyses.get(analysis_id=choose_faces(store, analysed.id, others, model))
    monkeypatch.setattr(FerPhqModel, "model_id", "later-01234567")
    assert rescore(store, model).analyses == 1
    scored = newest(store, analysed.session_id)
    assert scored.model_id == "later-01234567"
    assert scored.choice_at == chosen.choice_at
    assert tracks_of(store, scored.id)[0] == others
    assert store.faces.exist(analysis_id=scored.id)


@pytest.mark.slow
def test_the_dashboard_chooses_in_a_process_of_its_own(
    settings: AppSettings, store: Store, analysed: AnalysisSummary, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mine,), (other,) = tracks_of(store, analysed.id)
    chosen_id = choose_in_child(settings, store, analysed.id, [other])
    assert newest(store, analysed.session_id).id == chosen_id
    assert store.audit.list_newest(object_id=chosen_id)[0].actor == "dashboard"
    monkeypatch.setattr(face_choice, "_run", lambda *_: pytest.fail("there is nothing to compute"))
    assert choose_in_child(settings, store, chosen_id, [other]) == chosen_id
    with pytest.raises(SettingsError, match="so they are two people"):
        choose_in_child(settings, store, analysed.id, [mine, other])
