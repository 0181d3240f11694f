"""Smiles, brows and facial activity of made blendshapes whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.behaviour import expression
from fer_phq.behaviour.series import COLUMNS, behaviour_series
from fer_phq.behaviour.spans import spans_above
from fer_phq.core.analysis import display_durations
from fer_phq.core.feature_series import FeatureSeries


def face(rate, *, rest=0.1, gap=None, squint=0.0, seconds=60.0) -> FeatureSeries:
    """A face that smiles for two seconds of every ten; `squint` is how much its eyes narrow in every other smile."""
    time_s = np.arange(0, seconds, 1 / rate)
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    smile = np.interp(time_s % 10, [4, 4.25, 6, 6.25], [0, 1, 1, 0], left=0, right=0)
    for side in ("Left", "Right"):
        values[:, COLUMNS.index(f"mouthSmile{side}")] = rest + 0.6 * smile
        values[:, COLUMNS.index(f"eyeSquint{side}")] = 0.2 + squint * smile * (time_s // 10 % 2)
    if gap is not None:
        values[(time_s >= gap[0]) & (time_s < gap[1])] = np.nan
    return behaviour_series(values, time_s, display_durations(time_s, seconds), rate)


@pytest.mark.parametrize("rate", [5, 15, 30])
@pytest.mark.parametrize("rest", [0.0, 0.3])
def test_smiles_are_those_of_the_face_whatever_it_looks_like_at_rest(rate, rest):
    series = face(rate, rest=rest)
    smiles = expression.smile_spans(series)
    assert [round(smile.onset_s - 0.0625) for smile in smiles] == [4, 14, 24, 34, 44, 54]
    assert expression.smile_duration(series) == pytest.approx(2.125, abs=0.1)
    assert expression.smile_share(series) == pytest.approx(0.2125, abs=0.01)
    assert all(smile.peak == pytest.approx(0.6, abs=5e-4) for smile in smiles)


def test_a_smile_that_is_cut_has_no_duration():
    series = face(30, seconds=10.0, gap=(5.0, 6.0))
    (smile,) = expression.smile_spans(series)  # what is left of it after the gap is shorter than half a second
    assert smile.cut
    assert expression.smile_duration(series) is None
    assert expression.smile_share(series) == pytest.approx(0.94 / 9, abs=0.01)


@pytest.mark.parametrize(("squint", "share"), [(0.0, 0.0), (0.3, 0.5)])
def test_narrowed_eyes_are_those_of_the_smile(squint, share):
    assert expression.narrowed_smile_share(face(30, squint=squint)) == pytest.approx(share, abs=0.04)


def test_a_face_that_does_not_smile_has_no_narrowed_smile():
    still = face(30, seconds=3.5)
    assert expression.smile_spans(still) == ()
    assert expression.smile_share(still) == 0
    assert expression.smile_duration(still) is None
    assert expression.narrowed_smile_share(still) is None


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_facial_activity_is_change_a_second(rate):
    changing = 12 * 0.6 * 2 / 60  # two mouth corners go up and down in each of six smiles
    assert expression.facial_activity(face(rate)) == pytest.approx(changing / len(expression.ACTIVE), rel=0.05)
    assert not any(name.startswith("eye") for name in expression.ACTIVE)


def test_a_short_pause_does_not_part_a_span_and_a_long_one_or_what_is_not_seen_does():
    time_s = np.arange(0, 10, 0.1)

    def found(low_s: float, value: float) -> int:
        values = np.where((time_s >= 5) & (time_s < 5 + low_s), value, 1.0).astype(np.float32)
        return len(spans_above(values, time_s, enter=0.5, leave=0.3, least_s=0.5))

    assert found(0.1, 0.0) == 1
    assert found(0.5, 0.0) == 2
    assert found(0.1, np.nan) == 2


def test_the_face_at_rest_is_that_of_a_tenth_of_the_time_whatever_the_rate():
    time_s = np.r_[np.arange(0, 40, 1 / 5), np.arange(40, 160, 1 / 30)]
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    for side in ("Left", "Right"):
        values[time_s >= 40, COLUMNS.index(f"mouthSmile{side}")] = 0.6
    series = behaviour_series(values, time_s, display_durations(time_s, 160.0), 30.0)
    assert expression.smile_share(series) == pytest.approx(120 / 160, abs=0.003)
