"""What is said of measures that are missing."""

from __future__ import annotations

import numpy as np

from fer_phq.behaviour.measures import UNITS, behaviour_measures, behaviour_warnings
from fer_phq.behaviour.reasons import GAZE_SHARE, LEAST_VISIBLE_S, RATE, usable_measures
from fer_phq.behaviour.series import COLUMNS, EYE_COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations
from fer_phq.core.feature_series import FeatureSeries


def face(rate: float, seconds: float, *, far: bool = False) -> FeatureSeries:
    """A face that neither moves nor blinks; of one far away only the head pose is seen."""
    time_s = np.arange(0, seconds, 1 / rate)
    row = np.full(len(COLUMNS), 0.3, np.float32)
    row[4:] = np.nan if far else row[4:]
    return behaviour_series(np.tile(row, (len(time_s), 1)), time_s, display_durations(time_s, seconds), rate)


def test_each_measure_has_a_value_or_a_reason() -> None:
    values, reasons = usable_measures(face(30, 20), 20, 0.3)
    assert not set(values) & set(reasons)
    assert set(values) | set(reasons) == {*UNITS, GAZE_SHARE, RATE}
    assert {name: reason.code for name, reason in reasons.items()} == {
        "blink_duration_s": "behaviour.no_blink",
        "smile_duration_s": "behaviour.no_whole_smile",
        "smile_narrowed_share": "behaviour.no_smile",
    }
    assert values["blink_rate_per_min"] == 0


def test_a_face_far_away_has_a_head_pose_only() -> None:
    values, reasons = usable_measures(face(30, 20, far=True), 20, 0.3)
    assert "head_speed_deg_s" in values
    assert reasons["smile_mean"].code == "behaviour.seen_too_little"
    assert str(reasons["smile_mean"]) == "It was seen for 0 s of the recording; this needs 10 s."


def test_ten_seconds_and_a_share_of_the_recording_are_needed() -> None:
    assert usable_measures(face(30, LEAST_VISIBLE_S - 1), 9, 0.3)[0] == {}
    assert usable_measures(face(30, 20), 100, 0.3)[0] == {}
    assert usable_measures(face(30, 20), 60, 0.3)[0] != {}


def test_a_low_rate_is_said() -> None:
    _, reasons = usable_measures(face(8, 20), 20, 0.3)
    assert str(reasons["blink_rate_per_min"]) == "The face was seen 8 times a second; this needs 15."
    _, reasons = usable_measures(face(14.6, 20), 20, 0.3)
    assert str(reasons["blink_rate_per_min"]) == "The face was seen 14.6 times a second; this needs 15."
    assert reasons["nod_rate_per_min"].code == "behaviour.rate_too_low"


def test_hidden_eyes_are_said_and_nothing_of_them_is_measured() -> None:
    series = face(30, 40)
    series.values[240:, [COLUMNS.index(name) for name in EYE_COLUMNS]] = np.nan
    (warning,) = behaviour_warnings(series)
    assert warning.code == "behaviour.eyes_hidden"
    assert "in 80% of the time" in str(warning)
    values, reasons = usable_measures(series, 40, 0.3)
    assert str(reasons["blink_rate_per_min"]).startswith("The eyes were seen for 8 s, as they are hidden")
    assert reasons["gaze_pitch_mean_deg"].code == "behaviour.eyes_too_brief"
    assert "smile_mean" in values
    series.values[:, [COLUMNS.index(name) for name in EYE_COLUMNS]] = np.nan
    measures = behaviour_measures(series)
    missing = ("blink_rate_per_min", "eyes_closed_share", "eye_open_mean", "gaze_yaw_mean_deg", "smile_narrowed_share")
    assert {measures[name] for name in missing} == {None}
