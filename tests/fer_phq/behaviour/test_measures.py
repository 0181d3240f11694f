"""Measures of made series: what they are, that rate and gaps do not change them, and when they are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_phq.behaviour.files.tables import BLINK_COLUMNS, closure_table, series_table
from fer_phq.behaviour.measures import UNITS, behaviour_measures, behaviour_warnings, closures, coverage
from fer_phq.behaviour.reasons import usable_measures
from fer_phq.behaviour.series import COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations


def made(rate, seconds=40.0, gap=None):
    """A face that nods slowly, blinks every four seconds and smiles in the second half."""
    time_s = np.arange(0, seconds, 1 / rate)
    rows = []
    for time in time_s:
        row = np.zeros(len(COLUMNS), np.float32)
        row[0] = 1
        row[1:4] = (5 * np.sin(2 * np.pi * time / 10), 8, -2)
        blinking = np.interp(time % 4, [2, 2.08, 2.16, 2.32], [0, 1, 1, 0], left=0, right=0)
        row[4:6] = (-10, 3)
        row[6:8] = 0.28 - 0.23 * blinking
        row[8] = 0.1
        row[COLUMNS.index("mouthSmileLeft")] = row[COLUMNS.index("mouthSmileRight")] = 0.05 + 0.5 * (
            time >= seconds / 2
        )
        rows.append(np.full_like(row, np.nan) if gap and gap[0] <= time < gap[1] else row)
    return behaviour_series(np.stack(rows), time_s, display_durations(time_s, seconds), rate)


@pytest.mark.parametrize("rate", [15, 25, 30])
def test_measures_are_those_of_the_face_at_every_rate(rate):
    measures = behaviour_measures(made(rate))
    assert tuple(measures) == tuple(UNITS)
    assert measures["yaw_mean_deg"] == pytest.approx(8)
    assert measures["roll_mean_deg"] == pytest.approx(-2)
    assert measures["pitch_mean_deg"] == pytest.approx(0, abs=0.05)
    assert measures["pitch_sd_deg"] == pytest.approx(5 / np.sqrt(2), rel=0.02)
    assert (measures["gaze_pitch_mean_deg"], measures["gaze_yaw_mean_deg"]) == pytest.approx((-10, 3))
    assert measures["looking_down_share"] == measures["looking_away_episodes"] == 0
    assert measures["head_speed_deg_s"] == pytest.approx(2, rel=0.05)  # 20 degrees in 10 s
    assert measures["smile_mean"] == pytest.approx(0.25, abs=0.01)
    assert measures["blink_rate_per_min"] == pytest.approx(15, abs=0.1)
    assert measures["blink_duration_s"] == pytest.approx(0.27, abs=1 / rate)
    assert measures["eyes_closed_share"] == pytest.approx(0.1 / 4, abs=0.01)


def test_a_gap_is_not_counted():
    whole, parted = behaviour_measures(made(30)), behaviour_measures(made(30, gap=(9.0, 13.0)))
    assert parted["blink_rate_per_min"] == pytest.approx(60 * 9 / 36, abs=0.1)
    assert parted["head_speed_deg_s"] == pytest.approx(whole["head_speed_deg_s"], rel=0.1)
    assert coverage(made(30, gap=(9.0, 13.0)), 40) == pytest.approx(0.9, abs=0.002)


def test_below_fifteen_frames_a_second_blinks_are_missing_and_the_reason_is_said():
    series = made(10)
    measures = behaviour_measures(series)
    assert measures["blink_rate_per_min"] is None
    assert measures["eyes_closed_share"] is None
    assert closures(series) == []
    (warning,) = behaviour_warnings(series)
    assert warning.code == "behaviour.too_slow_for_blinks"
    assert behaviour_warnings(made(15)) == ()


def test_a_rate_that_falls_counts_no_blinks_where_none_could_be_seen():
    time_s = np.r_[np.arange(0, 60, 1 / 30), np.arange(60, 120, 0.2)]
    measures = behaviour_measures(picked(made(30, seconds=120.0), time_s))
    assert measures["blink_rate_per_min"] == pytest.approx(15, abs=0.3)
    assert measures["eyes_closed_share"] == pytest.approx(0.1 / 4, abs=0.01)


@pytest.mark.parametrize(
    "time_s",
    [
        pytest.param(np.arange(0, 120, 1.0), id="once a second"),
        pytest.param(np.r_[np.arange(0, 119, 16 / 30), 119.9], id="twice a second, hardly"),
        pytest.param(np.add.outer(np.arange(0, 120, 1.0), np.arange(14) / 30).ravel(), id="pictures that freeze"),
    ],
)
def test_where_rows_lie_too_far_apart_smiles_and_looks_are_missing_instead_of_none(time_s):
    series = picked(made(30, seconds=120.0), time_s)
    measures = behaviour_measures(series)
    assert measures["smile_mean"] == pytest.approx(0.25, abs=0.01)
    assert measures["smile_share"] is None
    assert measures["looking_down_share"] is measures["looking_away_episodes"] is None
    _, reasons = usable_measures(series, 120.0, 0.3)
    names = ("smile_share", "smile_duration_s", "smile_narrowed_share", "looking_down_share")
    assert {reasons[name].code for name in names} == {"behaviour.only_moments"}


def picked(series, time_s):
    """The series at some times alone."""
    rows = np.searchsorted(series.time_s, time_s - 1e-9)
    times = series.time_s[rows]
    return replace(series, values=series.values[rows], time_s=times, duration_s=display_durations(times, 120.0))


def test_a_face_that_is_never_seen_has_no_measure():
    series = made(30, seconds=4.0, gap=(0.0, 4.0))
    assert set(behaviour_measures(series).values()) == {None}
    assert coverage(series, 4) == 0
    empty = behaviour_series(np.zeros((0, len(COLUMNS)), np.float32), np.zeros(0), np.zeros(0), 30.0)
    assert set(behaviour_measures(empty).values()) == {None}
    assert coverage(empty, 0) == 0


def test_tables_have_the_columns_that_files_have():
    series = made(30, seconds=5.0, gap=(0.0, 1.0))
    table = series_table(series)
    assert list(table.columns) == ["time_s", "duration_s", *COLUMNS]
    assert table["pitch_deg"].isna().sum() == 30
    blinks = closure_table(closures(series))
    assert list(blinks.columns) == list(BLINK_COLUMNS)
    assert len(blinks) == 1
