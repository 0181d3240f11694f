"""The behaviour second by second: what PHQ heads read of it.

A series of 30 rows a second and 61 columns is reduced to a row a second and the columns that the literature names:
where the head points and how fast it turns, closed eyes and blinks, looks down and away, smiles, brows, mouth and
lively faces. Each is a mean, a share or a count over a second, of what is measured in seconds or interpolated between
frames. So it hardly depends on how many frames a second the face was looked at, from fifteen on; below, a blink may
fall between two frames, and a session has no such series. Neither has one that was measured before hidden eyes were
missing and before there was a gaze: half of its columns would say something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour import aversion, expression, messages, movement
from fer_phq.behaviour.blinks import BLINK, LEAST_RATE_HZ, LONGEST_BLINK_S, eye_closure
from fer_phq.behaviour.columns import KIND as FRAMES
from fer_phq.behaviour.columns import (
    LONGEST_QUICK_STEP_S,
    LONGEST_STEP_S,
    MEASURED_KINDS,
    column,
    mean_of_sides,
    row_durations,
    row_times,
    seen_durations,
    true_rate_hz,
)
from fer_phq.behaviour.measures import can_see_blinks, closures
from fer_phq.behaviour.spans import Span
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.messages import Message

KIND = "behaviour-1"
"""What made a series' values."""
COLUMNS = (
    *("pitch_deg", "yaw_deg", "roll_deg", "head_speed_deg_s"),
    *("eyes_closed", "blinks", "looking_down", "looking_away"),
    *("smile", "smiling", "smiles", "mouth_open", "brow_lowering", "brow_raising", "facial_activity_per_s"),
)
"""Columns of a series: means over the second, but for shares of it (`eyes_closed`, by more than half, `looking_down`,
`looking_away`, `smiling`), and `blinks` and `smiles`, how many began in it. Smile and brows are above the person's own
face at rest. Looks are the gaze's: NaN in a recording in which it was seen too seldom to tell them."""
LEAST_SEEN = 0.5
"""Share of a second in which something must be seen so that its row says it."""

Float = npt.NDArray[np.float64]


def to_seconds(features: SessionFeatures) -> SessionFeatures:
    """Bring a session's facial behaviour to rows of a second.

    Behaviour that was brought to seconds stays as it is, and so does that of another origin.

    Args:
        features: The session's modalities.

    Returns:
        The same face, voice and words; no behaviour where it was looked at too seldom.
    """
    behaviour = features.behaviour
    if behaviour is None or behaviour.kind not in MEASURED_KINDS:  # seconds, or of other software
        return features
    return replace(features, behaviour=behaviour_seconds(behaviour))


def missing_reason(features: SessionFeatures) -> Message | None:
    """Say why heads read no behaviour of a session that has a series of it; None where they do, or there is none.

    Args:
        features: The session's modalities, as they were measured.
    """
    behaviour = features.behaviour
    if behaviour is None or not len(behaviour) or behaviour.kind not in MEASURED_KINDS:
        return None
    if behaviour.kind != FRAMES:
        return messages.SECONDS_EARLIER()
    if not can_see_blinks(behaviour):
        return messages.SECONDS_TOO_SLOW(rate=true_rate_hz(behaviour), least=LEAST_RATE_HZ)
    return None


def behaviour_seconds(series: FeatureSeries) -> FeatureSeries | None:
    """Reduce a behaviour series to rows of a second.

    Args:
        series: The series, of one of `MEASURED_KINDS`.

    Returns:
        A series of `KIND`; None of an earlier kind than today's, below 15 frames a second, and for recordings of less
        than half a second.
    """
    if not len(series) or series.kind != FRAMES or not can_see_blinks(series):
        return None
    clock = _Clock.of(series)
    if not len(clock.duration_s):
        return None
    columns = _means(series, clock) | _halves(series, clock) | _events(series, clock)
    values = np.stack([columns[name] for name in COLUMNS], axis=1).astype(np.float32)
    times = np.arange(len(values), dtype=np.float64)
    return FeatureSeries(values, times, KIND, COLUMNS, clock.duration_s, true_rate_hz(series))


@dataclass(frozen=True, eq=False)
class _Clock:
    """The seconds of a recording, and the parts of a series' rows that fall into them.

    Attributes:
        rows: (k,) the row of each part.
        second: (k,) the second that it falls into.
        part_s: (k,) for how long.
        duration_s: (seconds,) how long each second lasts: the last one may be cut short.
    """

    rows: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    part_s: Float
    duration_s: TimeArray

    @classmethod
    def of(cls, series: FeatureSeries) -> _Clock:
        """Divide rows among the seconds; of a picture that stands for longer, the first half second."""
        time_s = row_times(series)
        end_s = time_s + seen_durations(series)
        end_s[:-1] = np.minimum(end_s[:-1], time_s[1:])
        length_s = float(time_s[-1] + row_durations(series)[-1])
        seconds = int(length_s) + (length_s % 1 >= LEAST_SEEN)
        first = np.floor(time_s).astype(np.int64)
        count = np.maximum(np.ceil(end_s).astype(np.int64) - first, 1)
        rows = np.repeat(np.arange(len(time_s)), count)
        second = np.repeat(first, count) + np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        part_s = np.maximum(np.minimum(end_s[rows], second + 1) - np.maximum(time_s[rows], second), 0)
        inside = (second >= 0) & (second < seconds)
        lasting = np.minimum(np.maximum(length_s - np.arange(seconds), 0), 1)
        return cls(rows[inside], second[inside], part_s[inside], lasting)

    def mean(self, values: FloatArray) -> Float:
        """Average the rows' values (n,) over each second; NaN where they are seen in less than half of it."""
        parts = values[self.rows].astype(np.float64)
        weights = np.where(np.isfinite(parts), self.part_s, 0)
        visible_s = self._sum(weights)
        total = self._sum(weights * np.where(np.isfinite(parts), parts, 0))
        return np.where(visible_s >= LEAST_SEEN * self.duration_s, total / np.maximum(visible_s, 1e-9), np.nan)

    def mean_of_steps(self, stretches: Sequence[tuple[TimeArray, FloatArray]]) -> Float:
        """Average what is measured between times over the seconds that hold the middles; NaN without any."""
        total = np.zeros(len(self.duration_s))
        count = np.zeros(len(self.duration_s))
        for grid, steps in stretches:
            second = ((grid[1:] + grid[:-1]) / 2).astype(np.int64)
            inside = second < len(total)
            np.add.at(total, second[inside], steps[inside])
            np.add.at(count, second[inside], 1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def share(self, spans: Sequence[Span]) -> Float:
        """Return the share of each second that spans take."""
        starts = np.arange(len(self.duration_s))
        covered_s = np.zeros(len(starts))
        for span in spans:
            covered_s += np.clip(np.minimum(span.offset_s, starts + 1) - np.maximum(span.onset_s, starts), 0, None)
        return np.minimum(covered_s / self.duration_s, 1)

    def count(self, times: Sequence[float]) -> Float:
        """Count the times that fall into each second."""
        second = np.asarray(times, np.float64).astype(np.int64)
        return np.bincount(second[second < len(self.duration_s)], minlength=len(self.duration_s)).astype(np.float64)

    def _sum(self, parts: Float) -> Float:
        return np.bincount(self.second, parts, minlength=len(self.duration_s)).astype(np.float64)


def _means(series: FeatureSeries, clock: _Clock) -> dict[str, Float]:
    """Average what is measured in each frame."""
    closure = _quick(series, eye_closure(mean_of_sides(series, "eye_open"), row_times(series)))
    durations = seen_durations(series)
    columns = {name: column(series, name) for name in ("pitch_deg", "yaw_deg", "roll_deg", "mouth_open")}
    columns |= {
        "eyes_closed": np.where(np.isfinite(closure), closure > BLINK, np.nan).astype(np.float32),
        "smile": expression.smile(series),
        "brow_lowering": expression.above_rest(mean_of_sides(series, "browDown"), durations),
        "brow_raising": expression.above_rest(column(series, "browInnerUp"), durations),
    }
    return {name: clock.mean(values) for name, values in columns.items()}


def _halves(series: FeatureSeries, clock: _Clock) -> dict[str, Float]:
    """Average what is measured from one half second to the next."""
    return {
        "head_speed_deg_s": clock.mean_of_steps(movement.speeds(series)),
        "facial_activity_per_s": clock.mean_of_steps(expression.activities(series)),
    }


def _events(series: FeatureSeries, clock: _Clock) -> dict[str, Float]:
    """Count what begins in each second, and measure how long it lasts.

    Where a picture stands for long, nothing is seen to begin or not to begin.
    """
    smiles = expression.smile_spans(series)
    blinks = [closure.onset_s for closure in closures(series) if closure.duration_s <= LONGEST_BLINK_S]
    eyes = _known(clock.mean(_quick(series, mean_of_sides(series, "eye_open"))))
    mouth = _known(clock.mean(_slow(series, expression.smile(series))))
    head = _known(clock.mean(_slow(series, column(series, "pitch_deg"))))
    share = aversion.gaze_share(series)
    looks = head if share is not None and aversion.is_of_gaze(share) else np.full(len(head), np.nan)
    return {
        "looking_down": looks * clock.share(aversion.downward_spans(series)),
        "looking_away": looks * clock.share(aversion.averted_spans(series)),
        "blinks": eyes * clock.count(blinks),
        "smiling": mouth * clock.share(smiles),
        "smiles": mouth * clock.count([smile.onset_s for smile in smiles]),
    }


def _slow(series: FeatureSeries, values: FloatArray) -> FloatArray:
    """Return values without those of rows that stand for longer than half a second."""
    return np.where(row_durations(series) <= LONGEST_STEP_S, values, np.float32(np.nan))


def _quick(series: FeatureSeries, values: FloatArray) -> FloatArray:
    """Return values without those of rows that stand for longer than a blink's step."""
    return np.where(row_durations(series) <= LONGEST_QUICK_STEP_S, values, np.float32(np.nan))


def _known(values: Float) -> Float:
    """Return 1 where a value is known, NaN elsewhere."""
    return np.where(np.isfinite(values), 1.0, np.nan)
