"""What two people have in common, of behaviour series with known movement, smiles and looks."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.behaviour.columns import KIND
from fer_phq.behaviour.series import COLUMNS
from fer_phq.core.arrays import FloatArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.dyad.answers import returned_smiles
from fer_phq.dyad.measures import measure_dyad
from fer_phq.dyad.signals import face_signal, head_signal, hide_jolts, signal_times
from fer_phq.dyad.synchrony import synchrony
from training.simulation.behaviour.dyads import simulate_dyads, wander

RATE = 30.0
SECONDS = 600.0


def series(rate: float = 30.0, seconds: float = 300.0, **columns: FloatArray) -> FeatureSeries:
    """A behaviour series of a face at rest, but for some columns."""
    n = round(rate * seconds)
    values = np.zeros((n, len(COLUMNS)), np.float32)
    values[:, COLUMNS.index("presence")] = 1.0
    for name, column in columns.items():
        values[:, COLUMNS.index(name)] = column
    time_s = np.arange(n) / rate
    return FeatureSeries(values, time_s, KIND, COLUMNS, np.full(n, 1 / rate), rate)


def turning(speed: FloatArray, rng: np.random.Generator) -> FeatureSeries:
    """A head that turns to and fro as fast as a signal says, measured with a tremble of a tenth of a degree."""
    at_rate = np.interp(np.arange(round(RATE * SECONDS)) / RATE, np.arange(len(speed)) / 10, speed)
    sign = np.sign(np.sin(np.cumsum(at_rate) / 40))
    yaw = np.cumsum(at_rate * sign) / RATE
    return series(RATE, SECONDS, yaw_deg=yaw + 0.1 * rng.normal(size=len(yaw)))


def smiling(onsets: list[float], length_s: float = 2.0) -> FeatureSeries:
    time_s = np.arange(round(RATE * SECONDS)) / RATE
    smile = sum(((time_s >= onset) & (time_s < onset + length_s)).astype(float) for onset in onsets)
    return series(RATE, SECONDS, mouthSmileLeft=0.6 * smile, mouthSmileRight=0.6 * smile)


def test_the_signal_of_a_turning_head_is_its_speed() -> None:
    time_s = np.arange(3000) / RATE
    grid = signal_times(99.0)
    signal = head_signal(series(RATE, 100.0, pitch_deg=6 * time_s, yaw_deg=8 * time_s), grid)
    assert np.nanmin(signal) == pytest.approx(10.0, abs=1e-3)
    assert np.nanmax(signal) == pytest.approx(10.0, abs=1e-3)
    assert np.isnan(signal[:3]).all()
    assert np.isfinite(signal[3:]).sum() >= len(grid) - 6


def test_a_signal_is_missing_around_a_gap_and_below_ten_frames_a_second() -> None:
    yaw = np.zeros(3000)
    yaw[1500:1530] = np.nan
    signal = head_signal(series(RATE, 100.0, yaw_deg=yaw), signal_times(99.0))
    assert np.isnan(signal[498:512]).all()
    assert np.isfinite(signal[480:497]).all()
    assert np.isnan(head_signal(series(5.0, 100.0), signal_times(99.0))).all()
    assert np.isfinite(head_signal(series(10.0, 100.0), signal_times(99.0))[5:-5]).all()


def test_the_eyes_are_no_part_of_the_face_signal() -> None:
    blink = (np.arange(3000) % 90 < 6).astype(float)
    grid = signal_times(99.0)
    assert np.nanmax(face_signal(series(RATE, 100.0, eyeBlinkLeft=blink), grid)) == 0.0
    assert np.nanmax(face_signal(series(RATE, 100.0, jawOpen=blink), grid)) > 0.0


def test_heads_that_follow_each_other_are_told_with_their_lag() -> None:
    rng = np.random.default_rng(1)
    ((first,), (second,)) = simulate_dyads(rng, 1, SECONDS / 60, 0.8, 0.8)
    head = measure_dyad(turning(3 * first, rng), turning(3 * second, rng)).head
    assert head.lag_s == pytest.approx(0.8, abs=0.2)
    assert head.correlation_p <= 0.01


def test_jolts_of_the_camera_do_not_bring_unrelated_heads_together() -> None:
    rng = np.random.default_rng(4)
    ((first,), (second,)) = simulate_dyads(rng, 1, SECONDS / 60)
    jolts = 6.0 * (np.cumsum(rng.random(round(RATE * SECONDS)) < 1 / 450) % 2)  # at any time, every 15 s
    people = [turning(speed, rng) for speed in (first, second)]
    for person in people:
        person.values[:, COLUMNS.index("roll_deg")] += jolts
    grid = signal_times(SECONDS)
    shaken = synchrony(*(head_signal(person, grid) for person in people))
    assert shaken.lag_s == pytest.approx(0.0, abs=0.3), "as it would be told"
    head = measure_dyad(*people).head
    assert head.windows == shaken.windows
    assert head.lag_s is None
    assert head.correlation_p > 0.05


def test_a_head_that_turns_fast_alone_is_no_jolt() -> None:
    roll = np.repeat([0.0, 6.0], 1500)
    grid = signal_times(99.0)
    fast, still = series(RATE, 100.0, roll_deg=roll), series(RATE, 100.0)
    signal = head_signal(fast, grid)
    np.testing.assert_array_equal(hide_jolts(signal, fast, still, grid), signal)
    jolted = hide_jolts(signal, fast, fast, grid)
    assert np.nanmax(signal) > 10
    assert np.nanmax(jolted) < 0.1


def test_returned_smiles_are_counted_one_way_and_beyond_chance() -> None:
    onsets = [20.0 + 53 * i + i**2 % 7 * 4 for i in range(10)]
    answers = [onset + 1.0 for onset in onsets[:8]]
    measures = measure_dyad(smiling(onsets), smiling(answers))
    returned = measures.smiles_returned_by_partner
    assert (returned.cases, returned.share) == (pytest.approx(10), pytest.approx(0.8))
    assert returned.chance < 0.2
    assert returned.p < 0.01
    # While the subject already smiles, nothing can be returned to the other person: no case is left.
    assert measures.smiles_returned_by_subject is None


def test_smiles_at_random_are_returned_as_often_as_chance_says() -> None:
    rng = np.random.default_rng(2)
    p = []
    for _ in range(40):
        one, other = (np.sort(rng.choice(np.arange(5, 590, 5), 40, replace=False)) + rng.random(40) for _ in range(2))
        result = returned_smiles(smiling(list(one), 1.0), smiling(list(other), 1.0), signal_times(SECONDS))
        p.append(result.p)
        assert abs(result.share - result.chance) < 0.35
    assert np.mean(np.array(p) <= 0.05) <= 0.15


def test_a_smile_behind_a_hidden_mouth_is_no_case() -> None:
    onsets = [20.0 + 57 * i for i in range(10)]
    other = smiling([onset + 1.0 for onset in onsets])
    values = other.values.copy()
    values[: round(RATE * 200), 8:] = np.nan  # mouth and blendshapes
    hidden = FeatureSeries(values, other.time_s, other.kind, other.names, other.duration_s, other.rate_hz)
    returned = measure_dyad(smiling(onsets), hidden).smiles_returned_by_partner
    assert returned.cases == pytest.approx(6)
    assert returned.share == pytest.approx(1.0)


def test_fewer_than_five_smiles_have_no_share() -> None:
    measures = measure_dyad(smiling([20.0, 80.0, 140.0, 200.0]), smiling([21.0, 81.0]))
    assert measures.smiles_returned_by_partner is None


def test_people_who_look_ahead_at_the_same_times_are_told_from_chance() -> None:
    rng = np.random.default_rng(3)
    away = np.repeat(wander(rng, 1, 600, 0.5)[0] > 0.7, 30)
    other_away = np.repeat(wander(rng, 1, 600, 0.5)[0] > 0.7, 30)
    one = series(RATE, SECONDS, gaze_yaw_deg=30.0 * away)
    together = measure_dyad(one, series(RATE, SECONDS, gaze_yaw_deg=-30.0 * away)).looking
    apart = measure_dyad(one, series(RATE, SECONDS, gaze_yaw_deg=-30.0 * other_away)).looking
    assert together.share == pytest.approx(1 - away.mean(), abs=0.03)
    assert together.p < 0.01 < apart.p
    assert apart.share == pytest.approx(apart.chance, abs=0.05)
    assert together.cases == pytest.approx(600, abs=1)


def test_empty_and_short_series_have_no_measures() -> None:
    empty = series(RATE, 0.0)
    for one, other in ((empty, empty), (empty, series()), (series(RATE, 1.0), series(RATE, 1.0))):
        measures = measure_dyad(one, other)
        assert not any(vars(measures).values())
