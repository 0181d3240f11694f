"""Change within a person: the papers' numbers, their boundaries, and what partial pooling does at its limits."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fer_phq.core.phq import Provenance, Scale
from fer_phq.longitudinal.change import (
    ASSUMED,
    RELIABLE,
    SD,
    Change,
    Direction,
    Estimate,
    NoBaseline,
    PersonalBaseline,
    Score,
    Spread,
    changes_since_baseline,
    changes_since_previous,
    difference_sd,
    pair_estimates,
    partial_pooling,
    personal_baseline,
    reliable_change_index,
    reliable_points,
    total_on_scale,
)

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def score(total: int, day: float = 0, scale: Scale = Scale.PHQ9) -> Score:
    return Score(START + timedelta(days=day), total, scale)


def estimate(
    value: float,
    day: float = 0,
    scale: Scale = Scale.PHQ9,
    provenance: Provenance = Provenance.CLINICAL,
    model_id: str = "model-a",
) -> Estimate:
    return Estimate(START + timedelta(days=day), value, scale, provenance, model_id)


# ------------------------------------------------------------------------------------------------ questionnaires


def test_the_index_of_jacobson_and_truax_own_example():
    # From 32.5 to 47.5 with SD 7.5 and reliability 0.80: SE 3.35, S_diff 4.74, RC 3.16.
    assert difference_sd(sd=7.5, retest=0.8) == pytest.approx(4.74, abs=0.005)
    assert reliable_change_index(32.5, 47.5, sd=7.5, retest=0.8) == pytest.approx(3.16, abs=0.005)


def test_the_sd_is_that_of_the_published_groups():
    n, mean, sd = np.array([[41, 17.1, 6.1], [65, 10.4, 5.4], [474, 3.3, 3.8]]).T
    overall = (n * mean).sum() / n.sum()
    squares = ((n - 1) * sd**2 + n * (mean - overall) ** 2).sum()
    assert overall == pytest.approx(5.08, abs=0.02)  # the mean that the paper gives for all 580
    assert math.sqrt(squares / (n.sum() - 1)) == pytest.approx(SD, abs=0.05)


def test_seven_points_are_reliable_on_the_phq9():
    assert difference_sd() == pytest.approx(math.sqrt(2) * 5.8 * 0.4)  # 3.281
    assert reliable_change_index(14, 7) == pytest.approx(-7 / 3.281, abs=1e-3)
    assert reliable_points() == 7
    assert abs(reliable_change_index(14, 8)) < RELIABLE < abs(reliable_change_index(14, 7))


@pytest.mark.parametrize("wrong", [{"sd": 0}, {"sd": math.nan}, {"retest": 1}, {"retest": -0.1}])
def test_an_index_needs_a_sd_and_a_correlation_below_one(wrong):
    with pytest.raises(ValueError, match="The index needs"):
        reliable_change_index(1, 2, **wrong)


@pytest.mark.parametrize(
    ("total", "reliable", "direction"),
    [
        (14, False, Direction.NONE),
        (10, False, Direction.NONE),
        (18, False, Direction.NONE),
        (9, False, Direction.NONE),
        (19, False, Direction.NONE),
        (8, False, Direction.NONE),
        (20, False, Direction.NONE),
        (7, True, Direction.IMPROVED),
        (21, True, Direction.WORSENED),
    ],
)
def test_only_a_reliable_change_has_a_direction(total, reliable, direction):
    _, change = changes_since_baseline([score(14), score(total, 14)])
    assert (change.difference, change.reliable) == (total - 14, reliable)
    assert change.direction is direction


def test_a_more_precise_scale_makes_smaller_changes_reliable():
    _, change = changes_since_baseline([score(14), score(11, 14)], retest=0.95)
    assert change.reliable is False
    _, change = changes_since_baseline([score(14), score(11, 14)], sd=2, retest=0.8)
    assert (change.reliable, change.direction) == (True, Direction.IMPROVED)


def test_one_questionnaire_is_its_own_baseline():
    (only,) = changes_since_baseline([score(14)])
    assert only.is_baseline
    assert (only.difference, only.rci, only.direction) == (0, 0.0, Direction.NONE)
    assert changes_since_baseline([]) == ()


def test_the_first_in_time_is_the_baseline_whatever_the_order():
    changes = changes_since_baseline([score(6, 28), score(14, 0), score(11, 14)])
    assert [one.score.total for one in changes] == [14, 11, 6]
    assert {one.baseline.total for one in changes} == {14}
    assert [one.is_baseline for one in changes] == [True, False, False]


def test_two_answered_at_once_keep_their_order():
    assert [one.score.total for one in changes_since_baseline([score(9), score(3)])] == [9, 3]


def test_scales_are_never_compared_with_one_another():
    changes = changes_since_baseline([score(14), score(20, 7, Scale.PHQ8), score(6, 14), score(19, 21, Scale.PHQ8)])
    assert [(one.score.scale, one.difference) for one in changes] == [
        (Scale.PHQ9, 0),
        (Scale.PHQ8, 0),
        (Scale.PHQ9, -8),
        (Scale.PHQ8, -1),
    ]
    with pytest.raises(ValueError, match="PHQ-8 total cannot be compared with a PHQ-9 total"):
        Change(score(3, 0, Scale.PHQ8), score(3), 0.0)


def test_a_phq9_without_item_9_is_a_phq8_and_never_the_reverse():
    assert total_on_scale(Scale.PHQ8, [1] * 8 + [3]) == 8
    assert total_on_scale(Scale.PHQ9, [1] * 8 + [3]) == 11
    assert total_on_scale(Scale.PHQ8, [2] * 8) == 16
    assert total_on_scale(Scale.PHQ9, [2] * 8) is None


def test_a_relapse_shows_against_the_questionnaire_before():
    scores = [score(19), score(6, 14), score(8, 21, Scale.PHQ8), score(16, 28)]
    since_first, since_previous = changes_since_baseline(scores)[-1], changes_since_previous(scores)[-1]
    assert since_first.direction is Direction.NONE
    assert (since_previous.direction, since_previous.difference) == (Direction.WORSENED, 10)
    assert since_previous.baseline == scores[1], "the one before on the same scale"
    assert since_previous.rci == reliable_change_index(6, 16)
    assert [change.is_baseline for change in changes_since_previous(scores)] == [True, False, True, False]


# ------------------------------------------------------------------------------------- a person's own baseline


def test_partial_pooling_by_hand():
    # n = 3, tau = 2, sigma = 4: weight 3*4 / (3*4 + 16) = 3/7; variance 1 / (3/16 + 1/4) = 16/7.
    mean, weight, error = partial_pooling([1, 2, 6], Spread(within=4, between=2))
    assert mean == 3
    assert weight == pytest.approx(3 / 7)
    assert error == pytest.approx(math.sqrt(16 / 7))


def test_without_a_spread_between_people_nobody_has_an_offset():
    mean, weight, error = partial_pooling([5, 6, 7], Spread(within=4, between=0))
    assert (mean, weight, error) == (6, 0, 0)


def test_many_pairs_give_their_own_mean_and_its_own_standard_error():
    n = 1_000_000
    mean, weight, error = partial_pooling(np.full(n, 2.5), Spread(within=4, between=2))
    assert weight * mean == pytest.approx(2.5, rel=1e-5)
    assert error == pytest.approx(4 / math.sqrt(n), rel=1e-5)


def test_an_offset_lies_between_zero_and_the_raw_mean_and_is_surer_than_either_alone():
    rng = np.random.default_rng(4)
    for _ in range(200):
        spread = Spread(within=float(rng.uniform(0.1, 8)), between=float(rng.uniform(0, 8)))
        differences = rng.normal(rng.normal(0, 5), 4, int(rng.integers(1, 30)))
        mean, weight, error = partial_pooling(differences, spread)
        assert 0 <= weight < 1
        assert min(0, mean) <= weight * mean <= max(0, mean)
        assert error <= min(spread.between, spread.within / math.sqrt(len(differences))) + 1e-12


def test_the_assumption_weighs_as_much_as_one_pair():
    assert [partial_pooling([1.0] * n, ASSUMED)[1] for n in (1, 3, 9)] == pytest.approx([1 / 2, 3 / 4, 9 / 10])
    assert ASSUMED.within**2 + ASSUMED.between**2 == pytest.approx(SD**2)


def test_pooling_recovers_offsets_better_than_their_raw_means():
    rng = np.random.default_rng(11)
    spread = Spread(within=4, between=3)
    truth = rng.normal(0, spread.between, 4000)
    seen = truth[:, None] + rng.normal(0, spread.within, (4000, 3))
    pooled = np.array([mean * weight for mean, weight, _ in (partial_pooling(row, spread) for row in seen)])
    error = partial_pooling(seen[0], spread)[2]
    assert np.sqrt(((pooled - truth) ** 2).mean()) == pytest.approx(error, rel=0.05)
    assert ((pooled - truth) ** 2).mean() < ((seen.mean(axis=1) - truth) ** 2).mean()


def test_nonsense_cannot_be_pooled():
    with pytest.raises(ValueError, match="at least one difference"):
        partial_pooling([], ASSUMED)
    for within, between in ((0, 1), (-1, 1), (1, -1), (math.nan, 1), (1, math.nan)):
        with pytest.raises(ValueError, match="A spread needs"):
            Spread(within=within, between=between)


def test_pairs_are_the_nearest_and_used_once():
    estimates = [estimate(9, 0), estimate(8, 1), estimate(7, 30)]
    scores = [score(11, 0.5 + 1e-3), score(10, 15), score(6, 44)]
    pairs = {(e.score, s.total) for e, s in pair_estimates(estimates, scores)}
    # The first score is nearer to the second session; the first session's only other one is 15 days away.
    assert pairs == {(8, 11), (7, 6)}
    assert len(pair_estimates(estimates, scores, days=15)) == 3


def test_pairs_need_the_same_scale_and_an_estimate():
    assert pair_estimates([estimate(9, 0, Scale.PHQ8)], [score(9)]) == []
    assert pair_estimates([estimate(math.nan)], [score(9)]) == []
    assert len(pair_estimates([estimate(9, 0)], [score(9, 14)])) == 1
    assert pair_estimates([estimate(9, 0)], [score(9, 14.01)]) == []


def test_three_pairs_make_a_baseline():
    estimates = [estimate(8, 0), estimate(math.nan, 7), estimate(6, 14), estimate(10, 28)]
    scores = [score(12, 27), score(11, 1), score(10, 15)]
    found = personal_baseline(estimates, scores)
    assert isinstance(found, PersonalBaseline)
    assert (found.pairs, found.mean, found.weight, found.scale) == (3, 3.0, 0.75, Scale.PHQ9)
    assert found.phq_model_id == "model-a"
    assert found.offset == pytest.approx(2.25)
    assert found.error == pytest.approx(SD / math.sqrt(2) / 2)


def test_a_baseline_is_of_one_model():
    with pytest.raises(ValueError, match="one model"):
        personal_baseline([estimate(8), estimate(8, 14, model_id="model-b")], [score(11)])


def test_a_known_spread_takes_the_place_of_the_assumption():
    pairs = [estimate(8, day) for day in (0, 14, 28)], [score(11, day) for day in (0, 14, 28)]
    found = personal_baseline(*pairs, spread=Spread(within=3, between=0))
    assert isinstance(found, PersonalBaseline)
    assert (found.offset, found.weight) == (0, 0)


@pytest.mark.parametrize(("n", "words"), [(0, "there are none."), (1, "there is 1."), (2, "there are 2.")])
def test_fewer_than_three_pairs_make_none(n, words):
    found = personal_baseline([estimate(8, 14 * k) for k in range(5)], [score(11, 14 * k) for k in range(n)])
    assert isinstance(found, NoBaseline)
    assert "needs 3 sessions with a PHQ-9 score within 14 days" in found.text
    assert found.text.endswith(words)


def test_a_simulated_head_has_no_baseline_however_many_pairs():
    days = range(0, 70, 14)
    simulated = [estimate(8, day, provenance=Provenance.SIMULATED) for day in days]
    found = personal_baseline(simulated, [score(11, day) for day in days])
    assert isinstance(found, NoBaseline)
    assert "simulated labels" in found.text
    mixed = personal_baseline([*simulated, estimate(8, 0)], [score(11, day) for day in days])
    assert isinstance(mixed, NoBaseline)
    assert "there is 1." in mixed.text


def test_no_estimates_and_two_scales_are_told_apart():
    nothing = personal_baseline([estimate(math.nan)], [score(9)])
    assert isinstance(nothing, NoBaseline)
    assert "no estimate yet" in nothing.text
    two = personal_baseline([estimate(8), estimate(8, 14, Scale.PHQ8)], [score(9)])
    assert isinstance(two, NoBaseline)
    assert "two scales" in two.text
