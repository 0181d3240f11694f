"""A head fitted on generated sessions: it finds the signal, covers what it says, and knows what it must not judge."""

import numpy as np
import pytest
from labelled_sessions import cohort

from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality, PhqUnavailable, Scale, UnavailableReason
from fer_phq.models.phq_head import build_head, head_to_arrays, head_to_config
from fer_phq.models.regressors import RegressorInput
from training.phq import selection
from training.phq.data.dataset import LabelledDataset, build_head_data, modality_sets

FACE = (Modality.FACE,)


@pytest.fixture(scope="module")
def fitted():
    return selection.fit_head(build_head_data(cohort(), FACE), Scale.PHQ8, quick=True)


def described(data, modalities=FACE):
    return build_head_data(data, modalities).matrix.described


def test_the_signal_is_found_and_the_floor_beaten(fitted):
    floor, ridge = fitted.validations
    assert (floor.model, ridge.model) == ("floor", "ridge")
    assert ridge.figures.mae < 0.8 * floor.figures.mae
    assert ridge.figures.ccc > 0.6
    assert floor.figures.ccc < 0.05
    assert floor.figures.r2 <= 0
    assert ridge.figures.floor_mae == pytest.approx(floor.figures.mae)
    assert ridge.screening.auc > 0.8


def test_the_judging_can_be_watched_fold_by_fold():
    steps = []
    found = selection.fit_head(build_head_data(cohort(people=12), FACE), Scale.PHQ8, quick=True, on_step=steps.append)
    assert [(step.model, step.folds, step.total_folds) for step in steps] == [
        (model, fold, 5) for model in ("floor", "ridge") for fold in range(1, 6)
    ]
    assert all(step.modalities == ("face",) for step in steps)
    for judged, last in zip(found.validations, (steps[4], steps[9]), strict=True):
        assert last.rmse == pytest.approx(judged.figures.rmse)
        assert last.floor == pytest.approx(found.validations[0].figures.rmse)


def test_the_head_covers_new_people(fitted):
    new = cohort(people=400, seed=7)
    score, low, high = fitted.head.estimate(described(new), 0.9, 24)
    assert ((low >= 0) & (low <= score) & (score <= high) & (high <= 24)).all()
    assert np.corrcoef(score, new.totals)[0, 1] > 0.6
    assert 0.8 < fitted.interval.interval_coverage <= 1
    inside = (fitted.bounds.low <= fitted.data.matrix.totals) & (fitted.data.matrix.totals <= fitted.bounds.high)
    assert fitted.interval.interval_coverage == pytest.approx(inside.mean())
    shares = [_coverage_of_new(seed, new) for seed in range(8)]
    assert 0.86 < np.mean(shares) < 0.96


def _coverage_of_new(seed, new):
    head = selection.fit_head(build_head_data(cohort(seed=seed), FACE), Scale.PHQ8, quick=True).head
    _, low, high = head.estimate(described(new), 0.9, 24)
    return ((low <= new.totals) & (new.totals <= high)).mean()


def test_a_head_survives_being_written(fitted):
    again = build_head(head_to_config(fitted.head), head_to_arrays(fitted.head))
    rows = described(cohort(people=30, seed=5))
    for one, other in zip(again.estimate(rows, 0.9, 24), fitted.head.estimate(rows, 0.9, 24), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.inputs == fitted.head.inputs


def test_what_is_unlike_the_training_is_not_judged(fitted):
    head, usual = fitted.head, cohort(people=12, seed=3).features[0]
    assert isinstance(head.prepare(usual), RegressorInput)

    def changed(values, time_s):
        return head.prepare(SessionFeatures(face=FeatureSeries(values, time_s, "k")))

    short = changed(usual.face.values[:4], usual.face.time_s[:4])
    assert isinstance(short, PhqUnavailable)
    assert short.reason is UnavailableReason.TOO_SHORT
    away = changed(usual.face.values + 40, usual.face.time_s)
    assert isinstance(away, PhqUnavailable)
    assert away.reason is UnavailableReason.OUT_OF_DISTRIBUTION
    assert "unlike those of the training" in str(away.detail)


def test_hardly_anyone_like_the_training_is_sent_away(fitted):
    new = cohort(people=200, seed=11)
    refused = [isinstance(fitted.head.prepare(features), PhqUnavailable) for features in new.features]
    assert np.mean(refused) < 0.05


def test_only_what_the_head_was_trained_on_fits(fitted):
    usual = cohort(people=12).features[0]
    assert fitted.head.select(usual).face is usual.face
    assert (
        fitted.head.select(SessionFeatures(face=FeatureSeries(usual.face.values, usual.face.time_s, "another"))) is None
    )
    assert (
        fitted.head.select(SessionFeatures(face=FeatureSeries(usual.face.values[:, :5], usual.face.time_s, "k")))
        is None
    )
    assert fitted.head.select(SessionFeatures(voice=usual.face)) is None


def test_modality_sets_need_enough_sessions_of_enough_people():
    assert modality_sets(cohort(people=40)) == [FACE, (Modality.VOICE,), (Modality.FACE, Modality.VOICE)]
    assert modality_sets(cohort(people=40, voice=0)) == [FACE]
    assert modality_sets(cohort(people=4, sessions=9)) == []


@pytest.mark.slow
def test_two_modalities_tell_more_than_one():
    both = cohort(people=120, signal=0.35, voice=1)
    errors = {
        chosen: selection.fit_head(build_head_data(both, chosen), Scale.PHQ8, quick=True).validations[1].figures.rmse
        for chosen in modality_sets(both)
    }
    assert errors[(Modality.FACE, Modality.VOICE)] < min(errors[FACE], errors[(Modality.VOICE,)])


def test_many_sessions_of_one_person_are_no_evidence():
    """Faces tell people apart but not their scores: a fold that split a person would look wonderful."""
    data = cohort(people=40, sessions=5, signal=0)
    table = build_head_data(data, FACE).matrix
    found = selection.cross_validate(table, "ridge", Scale.PHQ8, 2, 0)
    assert found.figures.r2 < 0.02
    assert found.figures.ccc < 0.15


def test_with_few_people_only_ridge_is_tried():
    assert selection.models_for(19, quick=False) == ("floor", "ridge")
    assert "boosting" in selection.models_for(20, quick=False)


def test_ridge_is_kept_unless_another_is_clearly_better():
    table = build_head_data(cohort(people=30), FACE).matrix
    ridge = selection.cross_validate(table, "ridge", Scale.PHQ8, 1, 0)

    def like(model, given):
        return selection.CrossValidation(model, given, ridge.figures, ridge.screening)

    same, perfect = like("svr", ridge.estimates + 1e-4), like("boosting", table.totals[None])
    assert selection.select_model([like("floor", table.totals[None]), ridge, same], table) == "ridge"
    assert selection.select_model([ridge, same, perfect], table) == "boosting"


def test_features_of_two_kinds_are_not_mixed():
    one, other = cohort(people=12), cohort(people=12, face="other")
    mixed = LabelledDataset(one.sessions + other.sessions, one.features + other.features)
    with pytest.raises(FerPhqError, match="use one kind"):
        build_head_data(mixed, FACE)
