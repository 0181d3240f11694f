"""Nods, shakes, speed, range and stillness of made head poses whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_phq.behaviour import movement
from fer_phq.behaviour.reasons import usable_measures
from fer_phq.behaviour.series import COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations
from fer_phq.core.feature_series import FeatureSeries

NOISE_DEG = 0.3  # of a followed mesh, from frame to frame


def head(rate, seconds=60.0, *, pitch=None, yaw=None, noise=NOISE_DEG, gap=None) -> FeatureSeries:
    """A head whose angles are functions of time."""
    time_s = np.arange(0, seconds, 1 / rate)
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    draw = np.random.default_rng(1)
    for name, angle in (("pitch_deg", pitch), ("yaw_deg", yaw), ("roll_deg", None)):
        column = draw.normal(0, noise, len(time_s)) + (0 if angle is None else angle(time_s))
        values[:, COLUMNS.index(name)] = column
    if gap is not None:
        values[(time_s >= gap[0]) & (time_s < gap[1])] = np.nan
    return behaviour_series(values, time_s, display_durations(time_s, seconds), rate)


def swings(time_s, size=8.0, hz=2.0, times=2, every=6.0):
    """A head that swings `times` to and fro, `hz` times a second, every few seconds, and rests in between."""
    phase = (time_s % every - 1) * hz
    return np.where((phase >= 0) & (phase <= times), size * (np.cos(2 * np.pi * phase) - 1) / 2, 0)


@pytest.mark.parametrize("rate", [15, 23.976, 30, 60])
@pytest.mark.parametrize("hz", [1.0, 2.0, 3.0])
def test_nods_are_counted_at_every_rate(rate, hz):
    series = head(rate, pitch=lambda time_s: swings(time_s, hz=hz))
    nods = movement.nods(series)
    assert len(nods) == 10
    assert movement.shakes(series) == ()
    for number, nod in enumerate(nods):
        assert nod.onset_s == pytest.approx(6 * number + 1, abs=0.25)
        assert nod.offset_s == pytest.approx(6 * number + 1 + 2 / hz, abs=0.25)
        assert nod.peak == pytest.approx(8, abs=2)  # and the trembling's extremes


@pytest.mark.parametrize("hz", [2.0, 4.0])
def test_who_nods_twice_a_second_is_not_still(hz):
    series = head(
        30, noise=0.1, pitch=lambda time_s: np.where(time_s % 20 < 10, 5 * np.sin(2 * np.pi * hz * time_s), 0)
    )
    assert movement.still_share(series) == pytest.approx(0.5, abs=0.03)
    assert [round(span.onset_s) for span in movement.still_spans(series)] == [10, 30, 50]


def test_a_head_that_is_seen_for_moments_alone_is_neither_still_nor_not():
    series = head(30, noise=0)
    values = series.values.copy()
    values[np.arange(len(values)) % 60 >= 50] = np.nan  # seen for 1.67 s at a time
    flickering = replace(series, values=values)
    assert movement.still_share(series) == pytest.approx(1)
    assert movement.still_share(flickering) is None
    _, reasons = usable_measures(flickering, 60.0, 0.3)
    assert str(reasons["still_share"]) == "It was never seen for 2 s on end."


def test_shakes_are_not_nods():
    series = head(30, yaw=lambda time_s: swings(time_s, size=12))
    assert len(movement.shakes(series)) == 10
    assert movement.nods(series) == ()


@pytest.mark.parametrize(
    "pitch",
    [
        pytest.param(lambda time_s: swings(time_s, times=1), id="once to and fro"),
        pytest.param(lambda time_s: swings(time_s, size=1.5), id="too small"),
        pytest.param(lambda time_s: 10 * np.sin(2 * np.pi * time_s / 8), id="slow"),
        pytest.param(lambda time_s: 8 * (time_s % 8 < 4), id="quick with rests"),
        pytest.param(None, id="trembling alone"),
    ],
)
def test_what_is_no_nod(pitch):
    assert movement.nods(head(30, pitch=pitch)) == ()


def test_a_head_that_swings_askew_neither_nods_nor_shakes():
    series = head(30, pitch=swings, yaw=swings)
    assert movement.nods(series) == ()
    assert movement.shakes(series) == ()


def test_a_nod_that_is_not_seen_whole_is_not_guessed():
    assert len(movement.nods(head(30, pitch=swings, gap=(7.2, 9.0)))) == 9
    assert movement.nods(head(10, pitch=swings)) == ()


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_stillness_is_between_the_movements(rate):
    turning = lambda time_s: 20 * np.clip((time_s % 10 - 6) / 4, 0, 1) * (-1) ** (time_s // 10)  # noqa: E731
    series = head(rate, pitch=turning, noise=0.1)
    spans = movement.still_spans(series)
    assert [round(span.onset_s) for span in spans] == [0, 10, 20, 30, 40, 50]
    assert all(span.duration_s == pytest.approx(6, abs=1.01) for span in spans)
    assert movement.still_share(series) == pytest.approx(0.6, abs=0.06)
    assert spans[0].cut
    assert not spans[1].cut
    assert movement.still_share(head(rate, noise=0.1)) == pytest.approx(1)


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_speed_and_range_are_those_of_the_head(rate):
    series = head(rate, pitch=lambda t: 10 * (t / 60), yaw=lambda t: 20 * np.abs(t % 20 - 10) / 10, noise=0)
    assert movement.head_speed(series) == pytest.approx(np.hypot(10 / 60, 2), rel=0.05)
    assert movement.head_range(series) == pytest.approx(0.9 * np.hypot(10, 20), rel=0.03)


def test_a_head_that_is_not_seen_has_no_movement():
    series = head(30, seconds=5.0, gap=(0, 5))
    assert movement.head_speed(series) is None
    assert movement.head_range(series) is None
    assert movement.still_share(series) is None
    assert movement.still_spans(series) == ()
