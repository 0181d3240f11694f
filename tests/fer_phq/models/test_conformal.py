"""Intervals: their bounds by hand, people who weigh the same, and coverage of new people."""

from dataclasses import replace

import numpy as np
import pytest
from labelled_sessions import cohort
from safetensors.numpy import load_file, save_file

from fer_phq.core.errors import ModelError
from fer_phq.core.phq import Modality, Scale
from fer_phq.models.conformal import (
    FoldErrors,
    conformal_bounds,
    cross_conformal,
    expected_errors,
    fit_line,
    scale_errors,
    weigh_sessions,
    weighted_bound,
)
from fer_phq.models.phq_head import load_heads, save_heads
from training.phq.data.dataset import build_head_data
from training.phq.selection import fit_head

FACE = (Modality.FACE,)


@pytest.fixture(scope="module")
def head():
    return fit_head(build_head_data(cohort(24, voice=0), FACE), Scale.PHQ8, quick=True).head


def flat(errors, subjects=None, folds=None):
    """Errors whose expected size is the same everywhere."""
    errors = np.asarray(errors, float)
    subjects = np.arange(len(errors)) if subjects is None else np.asarray(subjects)
    fold_of = np.unique(subjects, return_inverse=True)[1] if folds is None else folds
    lines = np.tile([0.0, 1.0, 0.0], (int(fold_of.max()) + 1, 1))
    return FoldErrors(fold_of, errors, lines, weigh_sessions(subjects))


def test_each_end_misses_half_of_what_may_be_missed():
    """Of 39 people 39/40 reach to the largest error: at 90 % the ends are the second errors from either side."""
    errors = np.r_[np.arange(-10, 20), 21:30].astype(float)
    low, high = conformal_bounds(flat(errors), np.zeros((39, 1)), 0.9)
    assert (low[0], high[0]) == (errors[1], errors[-2])
    lopsided, _ = conformal_bounds(flat(np.abs(errors)), np.zeros((39, 1)), 0.9)
    assert lopsided[0] >= 0, "errors that are never below 0 leave nothing below the estimate"


@pytest.mark.parametrize(("people", "signed"), [(18, False), (19, True)])
def test_with_too_few_people_errors_lose_their_sign(people, signed):
    low, high = conformal_bounds(flat(np.arange(people) + 1.0), np.zeros((people, 1)), 0.9)
    assert high[0] >= people - 1
    assert low[0] == (1 if signed else -high[0])


def test_with_fewer_people_than_the_level_needs_there_is_no_bound():
    low, high = conformal_bounds(flat(np.ones(8)), np.zeros((8, 3)), 0.9)
    assert np.isneginf(low).all()
    assert np.isposinf(high).all()


def test_a_person_weighs_the_same_however_many_sessions_they_have():
    """Forty people with an error of 1 to 40, of whom the first has a thousand sessions more."""
    people = np.arange(40)
    once = conformal_bounds(flat(people + 1.0), np.zeros((40, 1)), 0.9)
    subjects = np.r_[people, np.zeros(1000, int)]
    often = conformal_bounds(flat(subjects + 1.0, subjects), np.zeros((40, 1)), 0.9)
    assert once[1][0] == often[1][0] == 39
    plain = cross_conformal(np.zeros((40, 1)), subjects, subjects + 1.0, 0.9)
    assert plain[1][0] == 1, "counted by session, everybody would be the first person"


def test_weights_leave_one_share_for_the_new_person():
    mass = weigh_sessions(np.array([7, 7, 7, 3]))
    np.testing.assert_allclose(mass, [1 / 9, 1 / 9, 1 / 9, 1 / 3])
    values = np.array([[1.0, 4], [2, 3], [3, 2], [4, 1]])
    np.testing.assert_array_equal(weighted_bound(values, mass, 1 / 3), [3, 1])
    np.testing.assert_array_equal(weighted_bound(values, mass, 0.67), [np.inf, np.inf])


def test_the_line_finds_errors_that_grow_and_never_falls_to_nothing():
    rng = np.random.default_rng(0)
    estimates = rng.uniform(0, 20, 500)
    errors = (0.5 + 0.3 * estimates) * rng.choice([-1, 1], 500)
    line = fit_line(estimates, errors, np.ones(500))
    assert line[2] == pytest.approx(0.3, abs=0.02)
    expected = expected_errors(line[None].repeat(2, 0), np.array([[0.0, 20], [-90, 10]]))
    assert expected[0] == pytest.approx([0.3 * line[1], 6.5], abs=0.3)
    assert expected[1, 0] == pytest.approx(0.3 * line[1])
    few = fit_line(estimates[:5], errors[:5], np.ones(5))
    assert abs(few[2]) < 0.3, "few people pull the slope to nothing"
    assert fit_line(np.ones(4), np.ones(4), np.ones(4)).tolist() == [1, 1, 0]
    assert (expected_errors(fit_line(np.arange(4.0), np.zeros(4), np.ones(4))[None], np.arange(4.0)) > 0).all()


def test_a_folds_own_errors_do_not_scale_it():
    estimates = np.arange(6.0)
    scores = np.array([1.0, 0, 4, 1, 54, -45])
    fold_of = np.array([0, 0, 1, 1, 2, 2])
    left_out = scale_errors(estimates, scores, fold_of, np.arange(6))
    line = fit_line(estimates[:4], (scores - estimates)[:4], weigh_sessions(np.arange(6))[:4])
    np.testing.assert_allclose(left_out.lines[2], line)
    assert left_out.errors[4] == pytest.approx(50 / expected_errors(line[None], estimates[4:5])[0])


def test_new_people_are_covered_as_often_as_it_says():
    """Forty cohorts of forty; errors are skewed and grow with the estimate."""
    rng = np.random.default_rng(1)
    shares, high_shares, plain_shares = [], [], []
    for _ in range(40):
        estimates = rng.uniform(0, 15, 540)
        scores = estimates + (1 + 0.3 * estimates) * (rng.gamma(1.5, 1, 540) - 1.5)
        fold_of = np.arange(40)
        left_out = scale_errors(estimates[:40], scores[:40], fold_of, fold_of)
        low, high = conformal_bounds(left_out, np.tile(estimates[40:], (40, 1)), 0.9)
        plain = cross_conformal(np.tile(estimates[40:], (40, 1)), fold_of, np.abs(scores - estimates)[:40], 0.9)
        covered = (low <= scores[40:]) & (scores[40:] <= high)
        shares.append(covered.mean())
        is_high = estimates[40:] > 10
        high_shares.append(covered[is_high].mean())
        plain_shares.append(((plain[0] <= scores[40:]) & (scores[40:] <= plain[1]))[is_high].mean())
    assert 0.89 < np.mean(shares) < 0.97
    assert np.mean(high_shares) > max(0.85, np.mean(plain_shares) + 0.03)


def test_heads_of_an_earlier_version_keep_their_interval(head, tmp_path):
    rng = np.random.default_rng(2)
    old = replace(head, left_out=FoldErrors(head.left_out.fold_of, rng.uniform(0, 5, 24)))
    for each in (head, old):
        facts = save_heads([each], tmp_path / "phq.safetensors")
        (again,) = load_heads(facts, tmp_path / "phq.safetensors")
        for name, value in vars(each.left_out).items():
            np.testing.assert_array_equal(getattr(again.left_out, name), value)
    fold_estimates = rng.normal(size=(len(old.fold_regressors), 3))
    expected = cross_conformal(fold_estimates, old.left_out.fold_of, old.left_out.errors, 0.9)
    np.testing.assert_array_equal(conformal_bounds(old.left_out, fold_estimates, 0.9), expected)


def test_scaled_errors_are_not_read_as_errors_in_points(head, tmp_path):
    """A version from before them finds no errors, and says so, in place of computing with multiples."""
    facts = save_heads([head], tmp_path / "phq.safetensors")
    arrays = load_file(tmp_path / "phq.safetensors")
    assert "0/errors" not in arrays
    for name in ("0/mass", "0/lines"):
        save_file({key: value for key, value in arrays.items() if key != name}, tmp_path / "damaged.safetensors")
        with pytest.raises(ModelError, match=name.removeprefix("0/")):
            load_heads(facts, tmp_path / "damaged.safetensors")
