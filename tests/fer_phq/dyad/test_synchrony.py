"""Synchrony of two signals: how often chance passes for it, and how well a known coupling and lag are told."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.dyad.synchrony import LEAST_WINDOWS, synchrony
from training.simulation.behaviour.dyads import simulate_dyads


@pytest.mark.parametrize("minutes", [5.1, 12.0])
def test_of_400_unrelated_pairs_five_percent_seem_to_go_together(minutes: float) -> None:
    signals = simulate_dyads(np.random.default_rng(1), 400, minutes)
    results = [synchrony(*pair) for pair in zip(*signals, strict=True)]
    assert 0.03 <= np.mean([result.p <= 0.05 for result in results]) <= 0.07
    assert 0.03 <= np.mean([result.correlation_p <= 0.05 for result in results]) <= 0.07
    assert np.mean([result.lag_s is not None for result in results]) <= 0.025
    covered = np.mean([result.effect_low <= 0 <= result.effect_high for result in results])
    assert 0.92 <= covered <= 0.98


@pytest.mark.parametrize("lag_s", [0.0, 1.2, -2.5])
def test_a_known_coupling_is_told_with_its_lag(lag_s: float) -> None:
    results = [
        synchrony(*pair) for pair in zip(*simulate_dyads(np.random.default_rng(2), 20, 10.0, 0.7, lag_s), strict=True)
    ]
    assert all(result.correlation_p <= 0.01 for result in results)
    assert all(abs(result.lag_s - lag_s) <= 0.2 for result in results)
    assert np.mean([result.lag_low_s <= lag_s <= result.lag_high_s for result in results]) >= 0.9
    assert np.median([result.effect for result in results]) > 1.64


def test_who_leads_depends_on_whose_signal_is_first() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(3), 1, 10.0, 0.8, 0.7)
    one, other = synchrony(first, second), synchrony(second, first)
    assert one.lag_s == pytest.approx(0.7, abs=0.2)
    assert other.lag_s == pytest.approx(-one.lag_s)
    assert other.strength == pytest.approx(one.strength)


def test_the_correlation_at_a_lag_is_pearsons() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(4), 1, 5.0, 0.9, 0.5)
    result = synchrony(first, second)
    late = round(result.lag_s * 10)
    windows = [(first[i : i + 300], second[i : i + 300]) for i in range(0, 3000, 300)]
    z = [np.arctanh(np.corrcoef(one[: 300 - late], other[late:])[0, 1]) for one, other in windows]
    assert result.correlation == pytest.approx(np.tanh(np.mean(z)), abs=1e-6)


def test_scale_and_offset_change_nothing() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(5), 1, 6.0, 0.6)
    one, other = synchrony(first, second), synchrony(first * 40 + 7, second / 3)
    assert other.strength == pytest.approx(one.strength)
    assert other.lag_s == one.lag_s


def test_gaps_and_windows_without_movement_do_not_count() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(6), 1, 8.0, 0.8)
    first[300:600] = np.nan  # a whole window
    first[910:940] = np.nan  # a tenth of one
    second[1200:1270] = np.nan  # more than a fifth of one
    second[1500:1800] = 0.4
    result = synchrony(first, second)
    assert result.windows == 16 - 3
    assert result.lag_s == pytest.approx(0.0, abs=0.2)
    assert np.isfinite(result.effect)


@pytest.mark.parametrize("people", [1, 2])
def test_gaps_do_not_bring_unrelated_people_together(people: int) -> None:
    rng = np.random.default_rng(10)
    signals = np.stack(simulate_dyads(rng, 200, 8.0))
    for pair in signals.swapaxes(0, 1):
        for window in range(16):
            start = window * 300 + rng.integers(240)
            pair[:people, start : start + 50] = np.nan
    results = [synchrony(*pair) for pair in zip(*signals, strict=True)]
    assert all(result.windows == 16 for result in results)
    assert np.mean([result.p <= 0.05 for result in results]) <= 0.1
    assert np.mean([result.correlation_p <= 0.05 for result in results]) <= 0.1


def test_a_correlation_is_of_the_times_at_which_both_are_seen() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(11), 1, 5.0, 0.9)
    first[100:3000:300] = np.nan
    second[np.arange(3000) % 300 > 260] = np.nan
    result = synchrony(first, second)
    assert result.lag_s == 0.0
    both = np.isfinite(first) & np.isfinite(second)
    windows = [slice(i, i + 300) for i in range(0, 3000, 300)]
    z = [np.arctanh(np.corrcoef(first[w][both[w]], second[w][both[w]])[0, 1]) for w in windows]
    assert result.correlation == pytest.approx(np.tanh(np.mean(z)), abs=1e-6)


def test_a_film_that_repeats_itself_has_no_synchrony() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(12), 1, 0.5)
    assert synchrony(np.tile(first, 12), np.tile(second, 12)) is None


def test_a_lag_beyond_the_longest_is_not_told_as_the_longest() -> None:
    results = [
        synchrony(*pair) for pair in zip(*simulate_dyads(np.random.default_rng(13), 8, 30.0, 0.9, 6.0), strict=True)
    ]
    assert any(result.correlation_p <= 0.01 for result in results)
    assert not any(result.lag_s is not None and abs(result.lag_s) >= 5.0 for result in results)


def test_a_window_without_movement_does_not_count_for_its_gaps() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(14), 1, 6.0)
    first[300:600] = 0.4
    first[330:360] = np.nan
    assert synchrony(first, second).windows == 11


def test_too_few_windows_give_nothing() -> None:
    ((first,), (second,)) = simulate_dyads(np.random.default_rng(7), 1, 5.0)
    assert synchrony(first, second).windows == LEAST_WINDOWS
    assert synchrony(first[:-1], second[:-1]) is None
    assert synchrony(first[:0], second[:0]) is None
    assert synchrony(np.full(6000, np.nan), np.full(6000, np.nan)) is None


def test_signals_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="one length"):
        synchrony(np.zeros(3000), np.zeros(3001))


def test_a_person_and_their_own_mirror_go_together_at_once() -> None:
    ((first,), _) = simulate_dyads(np.random.default_rng(8), 1, 6.0)
    result = synchrony(first, first)
    assert result.lag_s == 0.0
    assert result.p == pytest.approx(1 / 1001)
    assert np.isfinite(result.strength)
