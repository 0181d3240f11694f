"""The behaviour second by second: what it says of made series, at every rate, with gaps, of still pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from behaviour_samples import with_hidden_eyes

from fer_phq.behaviour import messages
from fer_phq.behaviour.seconds.functionals import is_still, measured_seconds
from fer_phq.behaviour.seconds.series import COLUMNS, KIND, behaviour_seconds, missing_reason, to_seconds
from fer_phq.behaviour.series import COLUMNS as FRAME_COLUMNS
from fer_phq.behaviour.series import behaviour_series
from fer_phq.core.analysis import display_durations
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.features.functionals import count_measured, functionals
from training.simulation.behaviour.frames import draw_frames, look_at

BEHAVIOUR = (Modality.BEHAVIOUR,)


def made(rate, seconds=20.0, gap=None, moving=True):
    """A face that turns evenly, blinks every four seconds, talks, and smiles from the sixth second to the ninth."""
    time_s = np.arange(0, seconds, 1 / rate)
    rows = np.zeros((len(time_s), len(FRAME_COLUMNS)), np.float32)
    column = {name: rows[:, i] for i, name in enumerate(FRAME_COLUMNS)}
    column["presence"][:] = 1
    column["pitch_deg"][:] = -4
    for side in ("left", "right"):
        column[f"eye_open_{side}"][:] = 0.28
    if moving:
        column["yaw_deg"][:] = time_s
        blinking = np.interp(time_s % 4, [2, 2.08, 2.16, 2.32], [0, 1, 1, 0], left=0, right=0)
        for side in ("left", "right"):
            column[f"eye_open_{side}"] -= 0.23 * blinking.astype(np.float32)
        column["jawOpen"][:] = (1 + np.sin(5 * time_s)) / 2
        for side in ("Left", "Right"):
            column[f"mouthSmile{side}"][:] = 0.05 + 0.5 * ((time_s >= 6) & (time_s < 9))
    if gap is not None:
        rows[(time_s >= gap[0]) & (time_s < gap[1])] = np.nan
    return behaviour_series(rows, time_s, display_durations(time_s, seconds), rate)


def column_of(series, name):
    return series.values[:, COLUMNS.index(name)]


@pytest.mark.parametrize("rate", [15, 25, 30])
def test_seconds_say_what_the_face_did(rate):
    series = behaviour_seconds(made(rate))
    assert (series.kind, series.names, len(series)) == (KIND, COLUMNS, 20)
    np.testing.assert_array_equal(series.time_s, np.arange(20))
    np.testing.assert_array_equal(series.duration_s, 1)
    np.testing.assert_allclose(column_of(series, "pitch_deg"), -4)
    np.testing.assert_allclose(column_of(series, "yaw_deg"), np.arange(20) + 0.5, atol=0.04)
    np.testing.assert_allclose(column_of(series, "head_speed_deg_s"), 1, atol=0.02)
    np.testing.assert_array_equal(np.flatnonzero(column_of(series, "blinks")), [2, 6, 10, 14, 18])
    assert column_of(series, "blinks").sum() == 5
    assert column_of(series, "eyes_closed").mean() == pytest.approx(0.2 / 4, abs=0.015)
    np.testing.assert_array_equal(np.flatnonzero(column_of(series, "smiles")), [5])  # between two frames it begins
    assert column_of(series, "smiling").sum() == pytest.approx(3, abs=0.1)
    assert column_of(series, "smile")[7] == pytest.approx(0.5, abs=0.01)
    assert column_of(series, "smile")[12] == pytest.approx(0, abs=0.01)


def test_functionals_hardly_depend_on_how_often_the_face_was_looked_at():
    rng = np.random.default_rng(4)
    rows = {rate: [] for rate in (15.0, 25.0, 30.0)}
    for _ in range(8):
        frames = draw_frames(60, rng)
        for rate in rows:
            seconds = behaviour_seconds(look_at(frames, rate))
            row = functionals(SessionFeatures(behaviour=seconds), BEHAVIOUR)
            rows[rate].append(row.values)
    reference = np.array(rows[30.0])
    at_threshold = np.array(
        [name.endswith(("smiles_a_minute", "smiling", "looking_down", "looking_away")) for name in row.names]
    )
    for rate in (15.0, 25.0):
        difference = np.abs(np.array(rows[rate]) - reference)
        moved = difference / reference.std(axis=0)
        assert np.median(moved) < 0.02, rate
        assert moved[:, ~at_threshold].max() < 0.5, (rate, row.names[int(moved.max(axis=0).argmax())])
        assert difference[:, at_threshold].max(axis=0) == pytest.approx(0, abs=1.01), rate  # one smile or look more


def test_below_fifteen_frames_a_second_a_session_has_no_behaviour():
    features = SessionFeatures(voice=FeatureSeries(np.ones((2, 1), np.float32), np.arange(2.0)), behaviour=made(12))
    assert behaviour_seconds(made(12)) is None
    assert to_seconds(features).modalities == (Modality.VOICE,)


def test_a_series_of_before_hidden_eyes_were_missing_is_not_read():
    earlier = replace(made(30), kind="mesh-1")
    assert behaviour_seconds(earlier) is None
    assert to_seconds(SessionFeatures(behaviour=earlier)).behaviour is None


def test_why_behaviour_is_not_read():
    assert missing_reason(SessionFeatures()) is None
    assert missing_reason(SessionFeatures(behaviour=made(30))) is None
    assert missing_reason(SessionFeatures(behaviour=behaviour_seconds(made(30)))) is None
    slow = missing_reason(SessionFeatures(behaviour=made(8)))
    assert slow is not None
    assert str(slow).endswith("the face was seen 8 times a second, and heads need 15")
    assert missing_reason(SessionFeatures(behaviour=replace(made(8), kind="mesh-1"))) == messages.SECONDS_EARLIER()


def test_while_a_picture_stands_nothing_is_seen_to_begin_or_not():
    """A recording of 30 pictures a second that freezes from the ninth second to the thirteenth."""
    series = made(30)
    rows = (series.time_s < 9.01) | (series.time_s >= 13)
    time_s = series.time_s[rows]
    frozen = behaviour_series(series.values[rows], time_s, display_durations(time_s, 20.0), 30.0)
    seconds = behaviour_seconds(frozen)
    for name in ("blinks", "eyes_closed", "smiles", "smiling", "looking_down", "looking_away"):
        assert np.isnan(column_of(seconds, name)[9:13]).all(), name
        assert np.isfinite(column_of(seconds, name)[[8, 13]]).all(), name
    assert np.isnan(column_of(seconds, "pitch_deg")[10:13]).all()
    assert np.isfinite(column_of(seconds, "pitch_deg")[[8, 9, 13]]).all(), "it is seen for the first half second"
    assert count_measured(seconds) == 16


def test_behind_dark_glasses_no_second_is_measured_but_head_and_mouth_are():
    seconds = behaviour_seconds(with_hidden_eyes(made(30)))
    for name in ("blinks", "eyes_closed"):
        assert np.isnan(column_of(seconds, name)).all()
    assert column_of(seconds, "smiling").sum() == pytest.approx(3, abs=0.1)
    assert count_measured(seconds) == 0


def test_looks_are_those_of_the_gaze_or_missing():
    series = made(30)
    seldom = series.values.copy()
    seldom[series.time_s >= 8, FRAME_COLUMNS.index("gaze_pitch_deg")] = np.nan
    seconds = behaviour_seconds(replace(series, values=seldom))
    for name in ("looking_down", "looking_away"):
        assert np.isfinite(column_of(behaviour_seconds(series), name)).all()
        assert np.isnan(column_of(seconds, name)).all(), "looks of the head alone are another measure"


def test_what_is_at_seconds_or_of_another_origin_stays():
    seconds = behaviour_seconds(made(30))
    assert to_seconds(SessionFeatures(behaviour=seconds)).behaviour is seconds
    other = replace(made(30), kind="other-1")
    assert to_seconds(SessionFeatures(behaviour=other)).behaviour is other


def test_a_gap_is_missing_and_measures_nothing_else():
    series = behaviour_seconds(made(30, gap=(9.0, 13.0)))
    assert np.isnan(series.values[9:13]).all()
    assert count_measured(series) == 16
    np.testing.assert_array_equal(measured_seconds(series), [*[True] * 9, *[False] * 4, *[True] * 7])
    assert column_of(series, "blinks")[~np.isnan(column_of(series, "blinks"))].sum() == 4


def test_a_rest_of_half_a_second_and_more_is_a_row():
    assert len(behaviour_seconds(made(30, seconds=10.4))) == 10
    series = behaviour_seconds(made(30, seconds=10.7))
    assert len(series) == 11
    assert series.duration_s[-1] == pytest.approx(0.7)


def test_what_the_store_keeps_gives_the_same_seconds_to_the_bit():
    series = look_at(draw_frames(20, np.random.default_rng(0)), 30.0)
    stored = replace(series, values=series.values.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(behaviour_seconds(series).values, behaviour_seconds(stored).values)


def test_a_still_picture_is_told_from_a_face():
    assert is_still(behaviour_seconds(made(30, moving=False)))
    assert not is_still(behaviour_seconds(made(30)))
    assert not is_still(behaviour_seconds(look_at(draw_frames(30, np.random.default_rng(1)), 30.0)))


def test_without_eyes_and_mouth_the_head_alone_is_no_measured_second():
    series = made(30)
    distant = series.values.copy()
    distant[:, FRAME_COLUMNS.index("eye_open_left") :] = np.nan
    seconds = behaviour_seconds(replace(series, values=distant))
    assert seconds is not None
    assert np.isfinite(column_of(seconds, "yaw_deg")).all()
    assert count_measured(seconds) == 0
