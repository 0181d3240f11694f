"""Permutation importance by group: it finds what carries the score, on people left out, for every kind of model."""

import numpy as np
import pytest

from fer_phq.core.phq import Scale
from training.phq.importance import describe_group, importance_rows, permutation_importance
from training.phq.models.candidates import FeatureMatrix


def matrix(people=60, *, twin=False):
    """Scores that follow the first block alone; with a twin, the second block says the same."""
    rng = np.random.default_rng(3)
    signal = rng.normal(size=people)
    totals = np.clip(10 + 4 * signal + rng.normal(size=people), 0, 24)
    noise = rng.normal(size=(people, 2))
    first = signal + 0.4 * rng.normal(size=people) if twin else signal
    second = signal + 0.4 * noise[:, 0] if twin else noise[:, 0]
    rows = np.stack([first, first if twin else -signal + 0.3 * rng.normal(size=people), second, noise[:, 1]], axis=1)
    blocks = ("behaviour.head_movement", "behaviour.head_movement", "voice.prosody", "words.talk")
    lengths = 4 + np.arange(people) % 3
    windows = tuple(np.repeat(row[None].astype(np.float32), n, axis=0) for row, n in zip(rows, lengths, strict=True))
    modalities = ("behaviour", "behaviour", "voice", "words")
    return FeatureMatrix(rows, totals, np.arange(people), blocks, windows, modalities)


@pytest.mark.parametrize("model", ["ridge", pytest.param("boosting", marks=pytest.mark.slow)])
def test_the_group_that_carries_the_score_matters_and_the_others_do_not(model):
    first, *others = permutation_importance(matrix(), model, Scale.PHQ8, 0)
    assert first.name == "behaviour.head_movement"
    assert first.increase > 2
    assert first.spread > 0
    assert {group.name for group in others} == {"voice.prosody", "words.talk"}
    assert all(abs(group.increase) < 0.3 for group in others)


@pytest.mark.parametrize(("people", "sessions"), [(5, 2), (5, 4), (6, 4), (8, 1)])
def test_of_few_people_features_are_exchanged_between_people_and_not_between_sessions_of_one(people, sessions):
    rng = np.random.default_rng(3)
    signal = np.repeat(rng.normal(size=people), sessions)
    totals = np.clip(10 + 4 * signal + 0.3 * rng.normal(size=people * sessions), 0, 24)
    rows = np.stack([signal, rng.normal(size=len(signal))], axis=1)
    few = FeatureMatrix(rows, totals, np.repeat(np.arange(people), sessions), ("voice.prosody", "words.talk"))
    first, second = permutation_importance(few, "ridge", Scale.PHQ8, 0)
    assert first.name == "voice.prosody"
    difference = np.abs(totals[:, None] - totals)[few.subjects[:, None] != few.subjects].mean()
    assert 0.6 * difference < first.increase < 1.4 * difference  # the score is all that the group says
    assert abs(second.increase) < 0.3


def test_groups_that_say_the_same_share_their_importance():
    alone = permutation_importance(matrix(), "ridge", Scale.PHQ8, 0)[0]
    shared = {group.name: group for group in permutation_importance(matrix(twin=True), "ridge", Scale.PHQ8, 0)}
    assert 0.3 < shared["behaviour.head_movement"].increase < 0.8 * alone.increase
    assert shared["voice.prosody"].increase > 0.3


def test_a_model_that_always_answers_the_mean_loses_nothing():
    assert {group.increase for group in permutation_importance(matrix(), "floor", Scale.PHQ8, 0)} == {0.0}


@pytest.mark.slow
def test_a_network_over_windows_loses_whole_modalities():
    groups = permutation_importance(matrix(30), "attention", Scale.PHQ8, 0)
    assert {group.name for group in groups} == {"behaviour", "voice", "words"}
    assert groups[0].name == "behaviour"


def test_names_for_readers():
    assert describe_group("behaviour.brows_and_mouth") == "behaviour: brows and mouth"
    assert describe_group("voice") == "voice"
    rows = importance_rows(permutation_importance(matrix(), "floor", Scale.PHQ8, 0))
    assert rows[0][1:] == ["+0.00", "0.00"]
