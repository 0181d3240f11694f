"""A shift between a new site and the training is found, and none where there is none."""

from dataclasses import replace

import numpy as np
import pytest
from labelled_sessions import cohort

from fer_phq.core.phq import Modality, Scale
from fer_phq.features.functionals import mean_and_sd
from training.phq.controls.shift import count_training_people, measure_shift
from training.phq.data.dataset import build_head_data
from training.phq.selection import fit_head

FACE = (Modality.FACE,)


@pytest.fixture(scope="module")
def head():
    """A head of forty people."""
    return fit_head(build_head_data(cohort(40, voice=0), FACE), Scale.PHQ8, quick=True).head


def trained_on(head, data):
    """A head that was trained on other people: what of it a shift is measured by."""
    matrix = build_head_data(data, FACE).matrix
    centre, spread = mean_and_sd(matrix.rows)
    return replace(head, centre=centre, spread=spread, floor=float(matrix.totals.mean()))


def shift_of(head, data, move=0.0, points=0.0):
    """The shift of sessions whose second column was moved, and whose scores were."""
    offset = np.zeros(6, np.float32)
    offset[1] = move
    features = [replace(each, face=replace(each.face, values=each.face.values + offset)) for each in data.features]
    return measure_shift(head, features, data.totals + points, data.subjects, 0)


def test_people_of_the_same_kind_are_seldom_said_to_differ(head):
    values = []
    scores = []
    for seed in range(40):
        other = trained_on(head, cohort(40, voice=0, seed=10_000 + seed))
        new = cohort((10, 30)[seed % 2], voice=0, sessions=1 + seed % 3, seed=20_000 + seed)
        shift = shift_of(other, new)
        values.append(shift.p)
        scores.append(shift.scores.low < 0 < shift.scores.high)
    assert np.mean(np.array(values) < 0.05) <= 0.1
    assert np.mean(np.array(values) < 0.7) > 0.4, "nor is it said too seldom"
    assert np.mean(scores) > 0.85


def test_a_shifted_camera_is_found_and_named(head):
    shift = shift_of(head, cohort(20, voice=0, seed=50), move=1.5)
    assert shift.p < 0.01
    assert (shift.name, shift.subjects) == ("face", 20)
    assert shift.largest[0].startswith("face.level.1.mean +")
    assert shift.distance > shift_of(head, cohort(20, voice=0, seed=50)).distance


def test_sicker_people_are_found_by_their_scores(head):
    new = cohort(40, voice=0, seed=52)
    head = replace(head, floor=float(new.totals.mean()))
    same = shift_of(head, new)
    assert same.scores.low < 0 < same.scores.high
    sicker = shift_of(head, new, points=6)
    assert sicker.scores.low > 0
    assert sicker.scores.value == pytest.approx(same.scores.value + 6)
    assert sicker.p == same.p


def test_too_few_people_and_other_features_are_no_shift(head):
    assert shift_of(head, cohort(4, voice=0, sessions=5)) is None
    other = cohort(20, voice=0, face="of another camera")
    assert measure_shift(head, other.features, other.totals, other.subjects, 0) is None


def test_the_people_of_the_training_are_counted(head):
    assert count_training_people(head) == 40
    several = fit_head(build_head_data(cohort(12, voice=0, sessions=3), FACE), Scale.PHQ8, quick=True).head
    assert count_training_people(several) == 12
    earlier = replace(several, left_out=replace(several.left_out, mass=None, lines=None))
    assert count_training_people(earlier) == 36
