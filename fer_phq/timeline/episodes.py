"""Expression episodes of a timeline: onset, peak and offset of each expression.

The parts of an expression over time are those of Ekman & Friesen (1982, J Nonverbal Behav 6:238-252): onset, apex
(here: peak) and offset. An episode lasts half a second or longer, after Matsumoto & Hwang (2011, Motiv Emot
35:181-191): ordinary expressions last 0.5 to 4 s; shorter ones are micro-expressions, which need more frames a second
than a session is usually sampled at. The signal is the probability that a model gives an expression, not a muscle: as
in Girard et al. (2014, Image Vis Comput 32:641-647), it measures automatically how long and how often.

An episode begins where the probability rises above `LEAVE` on its way to at least `ENTER`, and ends where it falls
below `LEAVE` again. The two thresholds keep one expression that flickers around either of them from becoming many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import TimeArray
from fer_phq.core.emotions import EMOTIONS, emotion_index
from fer_phq.timeline.gaps import row_edges, run_ids

ENTER = 0.5
"""An episode reaches this probability: the expression is likelier than all others together."""
LEAVE = 0.35
"""An episode lasts while the probability stays at or above this."""
MIN_DWELL_S = 0.5
"""Seconds that an episode lasts at least."""
EXPRESSIONS: tuple[str, ...] = tuple(name for name in EMOTIONS if name != "neutral")
"""The emotions that have episodes: a neutral face is the lack of an expression."""

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Episode:
    """One expression from onset to offset.

    Attributes:
        emotion: One of `EXPRESSIONS`.
        onset_s: Seconds from the recording's start.
        peak_s: When the probability was highest, in seconds.
        offset_s: When the expression ended, in seconds.
        peak: The highest probability, 0 to 1.
        cut: Whether a gap, or the recording's start or end, cuts the episode short: it may have lasted longer.
    """

    emotion: str
    onset_s: float
    peak_s: float
    offset_s: float
    peak: float
    cut: bool

    @property
    def dwell_s(self) -> float:
        """Seconds from onset to offset."""
        return self.offset_s - self.onset_s


def find_episodes(
    time_s: TimeArray,
    emotions: npt.NDArray[np.floating],
    *,
    duration_s: TimeArray | None = None,
    enter: float = ENTER,
    leave: float = LEAVE,
    min_dwell_s: float = MIN_DWELL_S,
    names: Sequence[str] = EXPRESSIONS,
) -> tuple[Episode, ...]:
    """Find the episodes of some emotions.

    Between two frames the probability is taken to change linearly: onset and offset are where it crosses `leave`. A
    frame next to a gap stands for half a step towards it. With durations a frame stands for the time in which it was on
    display, and a picture that was held is no gap: the probability changes in the last step before the next one.

    Args:
        time_s: (n,) seconds, ascending.
        emotions: (n, 7) probabilities in the order of `EMOTIONS`; a row with NaN is a gap, which ends every episode.
        duration_s: (n,) seconds for which each frame was on display, where that is known.
        enter: Probability that an episode reaches, `leave` to 1.
        leave: Probability at or above which it lasts, above 0.
        min_dwell_s: Seconds that it lasts at least.
        names: The emotions.

    Returns:
        The episodes in the order of their onsets.

    Raises:
        ValueError: Not 0 < leave <= enter.
    """
    if not 0 < leave <= enter:
        raise ValueError(f"The thresholds must be 0 < leave <= enter, got {leave:g} and {enter:g}.")
    values = np.asarray(emotions, np.float64)
    is_measured = np.asarray(~np.isnan(values).any(axis=1))
    if duration_s is None:
        runs = run_ids(time_s, is_measured)
        bounds = _bounds(time_s)
        holds_s = time_s
    else:
        runs = np.r_[0, np.cumsum(np.diff(is_measured.astype(np.int64)) != 0)][: len(time_s)]
        bounds = np.column_stack([time_s, time_s + duration_s])
        holds_s = np.maximum(time_s, time_s + duration_s - np.median(duration_s)) if len(time_s) else time_s
    episodes = []
    for name in names:
        probability = values[:, emotion_index(name)]
        for first, last in _row_ranges(is_measured & (probability >= leave), runs):
            peak = first + int(probability[first : last + 1].argmax())
            if probability[peak] < enter:
                continue
            has_previous = first > 0 and runs[first - 1] == runs[first]
            has_next = last + 1 < len(time_s) and runs[last + 1] == runs[last]
            onset = _crossing_s(time_s, holds_s, probability, first - 1, leave) if has_previous else bounds[first, 0]
            offset = _crossing_s(time_s, holds_s, probability, last, leave) if has_next else bounds[last, 1]
            episode = Episode(
                emotion=name,
                onset_s=float(onset),
                peak_s=float(time_s[peak]),
                offset_s=float(offset),
                peak=float(probability[peak]),
                cut=not (has_previous and has_next),
            )
            if episode.dwell_s >= min_dwell_s - 1e-9:
                episodes.append(episode)
    return tuple(sorted(episodes, key=lambda episode: (episode.onset_s, episode.emotion)))


def _row_ranges(is_active: npt.NDArray[np.bool_], runs: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the first and last row of each range of neighbouring active rows of one run."""
    rows = np.flatnonzero(is_active)
    if not len(rows):
        return
    breaks = np.flatnonzero((np.diff(rows) != 1) | (np.diff(runs[rows]) != 0))
    for first, last in zip(np.r_[0, breaks + 1], np.r_[breaks, len(rows) - 1], strict=True):
        yield int(rows[first]), int(rows[last])


def _crossing_s(time_s: TimeArray, holds_s: TimeArray, probability: Float, row: int, level: float) -> float:
    """Return when the probability crosses a level between a row and the next, in seconds.

    holds_s (n,) is until when the probability of each row stays as it is.
    """
    left = probability[row]
    right = probability[row + 1]
    share = (level - left) / (right - left) if left != right else 0.5
    return float(holds_s[row] + share * (time_s[row + 1] - holds_s[row]))


def _bounds(time_s: TimeArray) -> Float:
    """(n, 2) seconds: the time that each row stands for, at most half a median step to either side, not before 0."""
    if not len(time_s):
        return np.zeros((0, 2))
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    edges_s = row_edges(time_s)
    starts_s = np.maximum(np.maximum(edges_s[:-1], time_s - step / 2), 0.0)
    return np.column_stack([starts_s, np.minimum(edges_s[1:], time_s + step / 2)])
