"""Which measures of a behaviour series may be shown to people, and why the others may not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fer_phq.behaviour import aversion, messages, movement
from fer_phq.behaviour.blinks import LEAST_RATE_HZ
from fer_phq.behaviour.columns import (
    MEASURED_KINDS,
    STEP_S,
    column,
    has_rate,
    row_durations,
    true_rate_hz,
    watched_seconds,
)
from fer_phq.behaviour.measures import (
    LEAST_HIDDEN_SHARE,
    behaviour_measures,
    has_gaze,
    hidden_share,
    misses_hidden_eyes,
)
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message, Template

LEAST_VISIBLE_S = 10.0
"""Seconds from which behaviour is measured: in fewer, one blink more changes their rate by more than six a minute."""
RATE = "rate_hz"
"""Name under which the frames a second stand beside the measures."""
GAZE_SHARE = "gaze_share"
"""Name under which it stands beside the looks in how much of the time they are the gaze's."""

_AVERSION = ("looking_down_share", "looking_down_episodes", "looking_away_share", "looking_away_episodes")
_HEAD = (
    "pitch_mean_deg", "yaw_mean_deg", "roll_mean_deg", "pitch_sd_deg", "yaw_sd_deg", "roll_sd_deg",
    "head_speed_deg_s", "head_range_deg", "still_share", "nod_rate_per_min", "shake_rate_per_min",
    *_AVERSION,
)  # fmt: skip
_GAZE = ("gaze_pitch_mean_deg", "gaze_yaw_mean_deg")
_EYES = ("smile_narrowed_share", "eye_open_mean", "eyes_closed_share", "blink_rate_per_min", "blink_duration_s")
_BROWS = ("brow_lowering_mean", "brow_raising_mean")
_RATES: Mapping[str, float] = {
    **dict.fromkeys(("nod_rate_per_min", "shake_rate_per_min"), movement.LEAST_RATE_HZ),
    **dict.fromkeys(("eyes_closed_share", "blink_rate_per_min", "blink_duration_s"), LEAST_RATE_HZ),
}
_LEAST_S: Mapping[str, float] = {**dict.fromkeys(_AVERSION, aversion.LEAST_S), "still_share": movement.LEAST_STILL_S}
"""Seconds on end for which the head must be seen."""
_WITHOUT_ANY: Mapping[str, Template] = {
    "blink_duration_s": messages.NO_BLINK,
    "smile_duration_s": messages.NO_WHOLE_SMILE,
    "smile_narrowed_share": messages.NO_SMILE,
}


def usable_measures(
    series: FeatureSeries, recording_s: float, coverage_floor: float
) -> tuple[dict[str, float], dict[str, Message]]:
    """Compute the measures that may be shown, and say why the others are missing.

    A signal is measured where it was seen for ten seconds and for the same share of the recording as a face that is
    judged. Where a face is far away its head pose may be seen while its eyes and mouth are not.

    Args:
        series: The series.
        recording_s: The recording's duration in seconds.
        coverage_floor: Share of the recording that must be seen, 0 to 1.

    Returns:
        The values and the reasons by the names of `fer_phq.behaviour.measures.UNITS`; each name is in one of them. The
        values have `RATE` as well where there is any, and `GAZE_SHARE` where there are looks.
    """
    measures = behaviour_measures(series) if series.kind in MEASURED_KINDS else {}
    reasons: dict[str, Message] = {}
    values: dict[str, float] = {}
    for name, value in measures.items():
        reason = _reason(series, name, value, recording_s, coverage_floor)
        if reason is not None:
            reasons[name] = reason
        elif value is not None:
            values[name] = value
    if values:
        values[RATE] = true_rate_hz(series)
    share = aversion.gaze_share(series)
    if share is not None and not values.keys().isdisjoint(_AVERSION):
        values[GAZE_SHARE] = share
    return values, reasons


def _reason(
    series: FeatureSeries, name: str, value: float | None, recording_s: float, coverage_floor: float
) -> Message | None:
    """Return why a measure is missing; None where it is not."""
    if name in (*_AVERSION, *_GAZE) and not has_gaze(series):
        return messages.NO_GAZE()
    if name in _EYES and not misses_hidden_eyes(series):
        return messages.EYES_UNGUARDED()
    visible = np.isfinite(column(series, _visible_column(name)))
    visible_s = float(row_durations(series)[visible].sum())
    least_s = max(LEAST_VISIBLE_S, coverage_floor * recording_s)
    if visible_s < least_s:
        face_s = float(row_durations(series)[np.isfinite(column(series, "_neutral"))].sum())
        if name in (*_EYES, *_GAZE) and face_s >= least_s and hidden_share(series) >= LEAST_HIDDEN_SHARE:
            return messages.EYES_TOO_BRIEF(seen=visible_s, least=least_s)
        of_mouth = _visible_column(name) == "mouth_open"
        if of_mouth and face_s >= least_s and hidden_share(series, "mouth_open") >= LEAST_HIDDEN_SHARE:
            return messages.MOUTH_TOO_BRIEF(seen=visible_s, least=least_s)
        return messages.TOO_BRIEF(seen=visible_s, least=least_s)
    if name in _RATES and not has_rate(series, _RATES[name]):
        return messages.RATE_TOO_LOW(rate=true_rate_hz(series), least=_RATES[name])
    if value is not None:
        return None
    on_end_s = _LEAST_S.get(name, STEP_S)
    if name in _WITHOUT_ANY and watched_seconds(series, visible, least_s=on_end_s) > 0:
        return _WITHOUT_ANY[name]()
    return messages.ONLY_MOMENTS(least=on_end_s)


def _visible_column(name: str) -> str:
    """Return the column that says whether what a measure needs was seen."""
    if name in _HEAD:
        return "pitch_deg"
    if name in _GAZE:
        return "gaze_pitch_deg"
    if name in _EYES:
        return "eye_open_left"
    return "browInnerUp" if name in _BROWS else "mouth_open"
