"""Measures of a behaviour series: integrals over the time in which the face was followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fer_phq.behaviour import aversion, expression, messages, movement
from fer_phq.behaviour.blinks import LEAST_RATE_HZ, LONGEST_BLINK_S, Blink, closed_seconds, detect_closures, eye_closure
from fer_phq.behaviour.columns import (
    LONGEST_QUICK_STEP_S,
    column,
    has_rate,
    mean_of_sides,
    moments,
    row_durations,
    row_times,
    seen_durations,
    true_rate_hz,
    watched_seconds,
)
from fer_phq.behaviour.spans import Span
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message

UNITS: Mapping[str, str] = {
    "pitch_mean_deg": "degrees; positive looks up",
    "yaw_mean_deg": "degrees; positive turns to the person's left",
    "roll_mean_deg": "degrees; positive tilts to the right shoulder",
    "pitch_sd_deg": "degrees",
    "yaw_sd_deg": "degrees",
    "roll_sd_deg": "degrees",
    "head_speed_deg_s": "degrees a second, over half seconds",
    "head_range_deg": "degrees that hold the middle nine tenths of the time, over pitch, yaw and roll",
    "still_share": "share of the time in which the head pose was seen",
    "nod_rate_per_min": "nods a minute in which the head pose was seen",
    "shake_rate_per_min": "shakes of the head a minute in which the head pose was seen",
    "gaze_pitch_mean_deg": "degrees; positive looks up",
    "gaze_yaw_mean_deg": "degrees; positive looks to the person's left",
    "looking_down_share": "share of the time in which the head pose was seen",
    "looking_down_episodes": "times of a second and more",
    "looking_away_share": "share of the time in which the head pose was seen",
    "looking_away_episodes": "times of a second and more",
    "eye_open_mean": "lid distance over the eye's width",
    "mouth_open_mean": "lip distance over the distance between the eyes' outer corners",
    "smile_mean": "blendshapes mouthSmile, mean of both sides, above the person's own face at rest",
    "smile_share": "share of the time in which the mouth was seen",
    "smile_duration_s": "seconds, median of the smiles that were seen whole",
    "smile_narrowed_share": "share of the smiling time in which the eyes are narrowed",
    "brow_lowering_mean": "blendshapes browDown, mean of both sides, above the person's own face at rest",
    "brow_raising_mean": "blendshape browInnerUp above the person's own face at rest",
    "facial_activity_per_s": "change a second of the blendshapes of brows, nose, cheeks, mouth and jaw, mean",
    "eyes_closed_share": "share of the time in which the eyes were seen",
    "blink_rate_per_min": "blinks a minute in which the eyes were seen",
    "blink_duration_s": "seconds from onset to offset, median",
}
"""Measures in their order, with units."""


BEHAVIOUR_WARNINGS = (
    messages.PICTURES_REPEATED,
    messages.TOO_SLOW_FOR_BLINKS,
    messages.EYES_HIDDEN,
    messages.MOUTH_HIDDEN,
)
"""What is said of a behaviour series, and of no other."""
LEAST_HIDDEN_SHARE = 0.1
"""Share of the time from which it is said that the eyes, or the mouth, were hidden."""

STILL = "still"
SMILE = "smile"
LOOKING_DOWN = "looking_down"
LOOKING_AWAY = "looking_away"


@dataclass(frozen=True)
class BehaviourEpisode:
    """A stretch of time in which the head is still, the mouth smiles, or the person looks down or away.

    Attributes:
        kind: `STILL`, `SMILE`, `LOOKING_DOWN` or `LOOKING_AWAY`.
        span: When it was.
    """

    kind: str
    span: Span


def coverage(series: FeatureSeries, recording_s: float) -> float:
    """Compute the share of a recording in which the face mesh was followed, 0 to 1.

    Args:
        series: The series.
        recording_s: The recording's duration in seconds.
    """
    seen = np.isfinite(column(series, "presence"))
    return min(1.0, float(row_durations(series)[seen].sum()) / recording_s) if recording_s > 0 else 0.0


def closures(series: FeatureSeries) -> list[Blink]:
    """Find the closures of the eyes, blinks and longer ones.

    Args:
        series: The series.

    Returns:
        The closures; none below 15 frames a second, and none of a series in which hidden eyes are not missing.
    """
    if not can_see_blinks(series) or not misses_hidden_eyes(series):
        return []
    time_s = row_times(series)
    return detect_closures(eye_closure(mean_of_sides(series, "eye_open"), time_s), time_s)


def has_gaze(series: FeatureSeries) -> bool:
    """Return whether the gaze was looked for: those of the kind `mesh-1` have none.

    Args:
        series: The series.
    """
    return "gaze_pitch_deg" in series.names


def misses_hidden_eyes(series: FeatureSeries) -> bool:
    """Return whether eyes are missing where they are hidden: those of the kind `mesh-1` have what the mesh invents.

    Args:
        series: The series.
    """
    return series.kind != "mesh-1"


def can_see_blinks(series: FeatureSeries) -> bool:
    """Return whether a series has enough frames a second for blinks.

    Args:
        series: The series.
    """
    return has_rate(series, LEAST_RATE_HZ)


def behaviour_warnings(series: FeatureSeries) -> tuple[Message, ...]:
    """Return what a behaviour series cannot say.

    Args:
        series: The series.
    """
    if not len(series):
        return ()
    warnings: list[Message] = []
    if not can_see_blinks(series):
        warnings.append(messages.TOO_SLOW_FOR_BLINKS(rate=true_rate_hz(series), least=LEAST_RATE_HZ))
    share = hidden_share(series)
    if share >= LEAST_HIDDEN_SHARE:
        warnings.append(messages.EYES_HIDDEN(share=share))
    mouth_share = hidden_share(series, "mouth_open")
    if mouth_share >= LEAST_HIDDEN_SHARE:
        warnings.append(messages.MOUTH_HIDDEN(share=mouth_share))
    return tuple(warnings)


def hidden_share(series: FeatureSeries, name: str = "eye_open_left") -> float:
    """Compute the share of the time with a face that is large enough in which its eyes are hidden.

    Args:
        series: The series.
        name: A column that is missing there; `mouth_open` for the mouth.
    """
    durations, visible = row_durations(series), np.isfinite(column(series, "_neutral"))
    visible_s = float(durations[visible].sum())
    hidden_s = float(durations[visible & np.isnan(column(series, name))].sum())
    return hidden_s / visible_s if visible_s > 0 else 0.0


def behaviour_episodes(series: FeatureSeries) -> list[BehaviourEpisode]:
    """Find the episodes of a series, in order of their onsets; none of looks where the gaze was not looked for.

    Args:
        series: The series.
    """
    kinds = {STILL: movement.still_spans(series), SMILE: expression.smile_spans(series)}
    if has_gaze(series):
        kinds |= {LOOKING_DOWN: aversion.downward_spans(series), LOOKING_AWAY: aversion.averted_spans(series)}
    episodes = [BehaviourEpisode(kind, span) for kind, spans in kinds.items() for span in spans]
    return sorted(episodes, key=lambda episode: (episode.span.onset_s, episode.kind))


def behaviour_measures(series: FeatureSeries) -> dict[str, float | None]:
    """Compute the measures of a behaviour series, None where nothing can be said.

    Args:
        series: The series.
    """
    measures: dict[str, float | None] = dict.fromkeys(UNITS)
    if not len(series):
        return measures
    return (
        measures
        | _head_measures(series)
        | _gaze_measures(series)
        | _eye_measures(series)
        | _expression_measures(series)
    )


def _head_measures(series: FeatureSeries) -> dict[str, float | None]:
    durations = row_durations(series)
    measures: dict[str, float | None] = {}
    for angle in ("pitch", "yaw", "roll"):
        mean, deviation = moments(column(series, f"{angle}_deg"), durations)
        measures[f"{angle}_mean_deg"] = mean
        measures[f"{angle}_sd_deg"] = deviation
    measures["head_speed_deg_s"] = movement.head_speed(series)
    measures["head_range_deg"] = movement.head_range(series)
    measures["still_share"] = movement.still_share(series)
    visible_s = watched_seconds(series, np.isfinite(column(series, "pitch_deg")), longest_s=LONGEST_QUICK_STEP_S)
    if visible_s > 0 and has_rate(series, movement.LEAST_RATE_HZ):
        measures["nod_rate_per_min"] = 60 * len(movement.nods(series)) / visible_s
        measures["shake_rate_per_min"] = 60 * len(movement.shakes(series)) / visible_s
    return measures


def _gaze_measures(series: FeatureSeries) -> dict[str, float | None]:
    if not has_gaze(series):
        return {}
    durations = row_durations(series)
    measures: dict[str, float | None] = {
        "gaze_pitch_mean_deg": moments(column(series, "gaze_pitch_deg"), durations)[0],
        "gaze_yaw_mean_deg": moments(column(series, "gaze_yaw_deg"), durations)[0],
    }
    for name, spans in (
        ("looking_down", aversion.downward_spans(series)),
        ("looking_away", aversion.averted_spans(series)),
    ):
        share = aversion.span_share(series, spans)
        measures[f"{name}_share"] = share
        measures[f"{name}_episodes"] = None if share is None else float(len(spans))
    return measures


def _eye_measures(series: FeatureSeries) -> dict[str, float | None]:
    if not misses_hidden_eyes(series):
        return {}
    durations = row_durations(series)
    openness = mean_of_sides(series, "eye_open")
    measures: dict[str, float | None] = {"eye_open_mean": moments(openness, durations)[0]}
    visible_s = watched_seconds(series, np.isfinite(openness), longest_s=LONGEST_QUICK_STEP_S)
    if visible_s > 0 and can_see_blinks(series):
        time_s = row_times(series)
        closure = eye_closure(openness, time_s)
        blinks = [blink for blink in detect_closures(closure, time_s) if blink.duration_s <= LONGEST_BLINK_S]
        measures["eyes_closed_share"] = closed_seconds(closure, time_s) / visible_s
        measures["blink_rate_per_min"] = 60 * len(blinks) / visible_s
        measures["blink_duration_s"] = float(np.median([blink.duration_s for blink in blinks])) if blinks else None
    return measures


def _expression_measures(series: FeatureSeries) -> dict[str, float | None]:
    durations = row_durations(series)
    brow_down = expression.above_rest(mean_of_sides(series, "browDown"), seen_durations(series))
    brow_up = expression.above_rest(column(series, "browInnerUp"), seen_durations(series))
    return {
        "mouth_open_mean": moments(column(series, "mouth_open"), durations)[0],
        "smile_mean": moments(expression.smile(series), durations)[0],
        "smile_share": expression.smile_share(series),
        "smile_duration_s": expression.smile_duration(series),
        "smile_narrowed_share": expression.narrowed_smile_share(series) if misses_hidden_eyes(series) else None,
        "brow_lowering_mean": moments(brow_down, durations)[0],
        "brow_raising_mean": moments(brow_up, durations)[0],
        "facial_activity_per_s": expression.facial_activity(series),
    }
