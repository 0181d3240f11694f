"""Which speaker is the subject in view: the one with whose speech the subject's mouth moves.

The speed at which lips and jaw open and close is compared with when each speaker speaks, over the whole recording. Lips
that move with speech agree with it far better than with the same speech shifted in time. Where they do not, or move
with two speakers alike, nobody is chosen. Nothing is known of the voice or of the face beside that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.columns import LONGEST_QUICK_STEP_S, column, has_rate, row_times, stretches, true_rate_hz
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.speakers import messages
from fer_phq.speakers.turn import Turn

LEAST_RATE_HZ = 15.0
"""Frames a second from which lips are seen to speak: syllables come at 3 to 6 a second."""
LEAST_MOUTH_S = 30.0
"""Seconds in which the mouth must be seen."""
LEAST_SPEECH_S = 5.0
"""Seconds for which a speaker must speak, and must not, while the mouth is seen."""
BARS = ((0.5, 2.5), (0.25, 5.0))
"""Correlation and score of which both must be reached, in any of these pairs. A minute has few independent moments, so
that chance alone gives high scores to middling correlations there; over an hour a small correlation can be sure."""
LEAST_LEAD = 0.2
"""Difference of correlations from which the mouth moves with one speaker's speech rather than with the next one's."""

STEP_S = 0.1
"""Seconds in which movement and speech are added up before they are compared."""
SMOOTHING_STEPS = 5
"""Steps over which both are averaged: between two syllables lips stand still."""
LAG_STEPS = 2
"""Steps by which lips may come before or after the sound: 0.2 s."""
LEAST_SHIFT_S = 5.0
"""Seconds by which speech is shifted at least, so that it is no longer what the mouth moved to."""
SHIFTS = 300
"""The most shifts that are tried."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SubjectChoice:
    """Which speaker is the subject in view.

    Attributes:
        speaker: Its number among the turns; None where nobody is chosen.
        reason: Why nobody is; None where somebody is.
        score: By how many standard deviations of its shifts the likeliest speaker's correlation is above their mean;
            None where nothing could be compared.
        correlation: Of the likeliest speaker's speech with the movement of the mouth, -1 to 1.
        lag_s: Seconds by which the sound comes after the lips there; below 0 where it comes before.
    """

    speaker: int | None
    reason: Message | None
    score: float | None = None
    correlation: float | None = None
    lag_s: float | None = None


@dataclass(frozen=True)
class _Agreement:
    """How well a speaker's speech agrees with the movement of the mouth."""

    speaker: int
    correlation: float
    score: float
    lag_s: float


def choose_subject(turns: Sequence[Turn], behaviour: FeatureSeries | None, duration_s: float) -> SubjectChoice:
    """Choose the speaker with whose speech the subject's mouth moves.

    A single speaker is the subject only where the mouth moves with the speech, too: the voice may be somebody's who is
    not in view.

    Args:
        turns: Everybody's turns, in any order, such as `Diarization.turns`.
        behaviour: The subject's behaviour series; None where there is none.
        duration_s: Length of the recording in seconds.

    Returns:
        The speaker and a score, or the reason why nobody is chosen.
    """
    if not turns:
        return SubjectChoice(None, messages.NO_TURNS())
    if behaviour is None or not len(behaviour) or behaviour.time_s is None:
        return SubjectChoice(None, messages.NO_MOUTH())
    if not has_rate(behaviour, LEAST_RATE_HZ):
        return SubjectChoice(None, messages.MOUTH_TOO_SELDOM(rate=true_rate_hz(behaviour), least=LEAST_RATE_HZ))
    movement = mouth_movement(behaviour, duration_s)
    seen_s = float(np.isfinite(movement).sum()) * STEP_S
    if seen_s < LEAST_MOUTH_S:
        return SubjectChoice(None, messages.MOUTH_TOO_BRIEF(seen=seen_s, least=LEAST_MOUTH_S))
    agreements = [
        _agreement(speaker, movement, speech_activity(turns, speaker, len(movement)))
        for speaker in sorted({turn.speaker for turn in turns})
    ]
    return _choose([agreement for agreement in agreements if agreement is not None])


def mouth_movement(behaviour: FeatureSeries, duration_s: float) -> Floats:
    """Compute how fast lips and jaw open and close in steps of `STEP_S`.

    Args:
        behaviour: The subject's behaviour series.
        duration_s: Length of the recording in seconds.

    Returns:
        (steps,) of no unit: the mean of the ranks of both speeds, 0 to 1, so that a yawn counts no more than a fast
        syllable; NaN where the mouth was not seen.
    """
    count = max(1, int(np.ceil(duration_s / STEP_S)))
    ranks = [_ranks(_speed(behaviour, name, count)) for name in ("mouth_open", "jawOpen")]
    return _smooth(np.mean(ranks, axis=0))


def speech_activity(turns: Sequence[Turn], speaker: int, count: int) -> Floats:
    """Compute in how much of each step of `STEP_S` a speaker speaks: (count,) 0 to 1.

    Args:
        turns: Everybody's turns.
        speaker: Whose speech it is.
        count: Number of steps.
    """
    edges = np.arange(count + 1) * STEP_S
    speech_s = np.zeros(count + 1)
    for turn in turns:
        if turn.speaker == speaker:
            speech_s += np.clip(edges - turn.start_s, 0, turn.duration_s)
    return _smooth(np.clip(np.diff(speech_s) / STEP_S, 0, 1))


def _speed(behaviour: FeatureSeries, name: str, count: int) -> Floats:
    """Return the mean absolute speed of a column in each step, (count,); NaN where it was not seen."""
    values = column(behaviour, name)
    time_s = row_times(behaviour)
    distance = np.zeros(count)
    seen_s = np.zeros(count)
    for first, last in stretches(np.isfinite(values), time_s, LONGEST_QUICK_STEP_S):
        step_s = np.diff(time_s[first : last + 1])
        moved = np.abs(np.diff(values[first : last + 1].astype(np.float64)))
        middle_s = time_s[first:last] + step_s / 2
        step = np.minimum((middle_s / STEP_S).astype(np.int64), count - 1)
        np.add.at(distance, step, moved)
        np.add.at(seen_s, step, step_s)
    speed: Floats = np.divide(distance, seen_s, out=np.full(count, np.nan), where=seen_s > 0)
    return speed


def _ranks(values: Floats) -> Floats:
    """Return the place of each value among all, 0 to 1; equal values share theirs, and NaN stays."""
    is_seen = np.isfinite(values)
    _, rank, counts = np.unique(values[is_seen], return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts + 1) / 2
    ranks = np.full(len(values), np.nan)
    ranks[is_seen] = middles[rank] / max(1, is_seen.sum() - 1)
    return ranks


def _smooth(values: Floats) -> Floats:
    """Average over `SMOOTHING_STEPS` of what is seen; NaN stays."""
    is_seen = np.isfinite(values)
    window = np.ones(SMOOTHING_STEPS)
    total = np.convolve(np.where(is_seen, values, 0.0), window, "same")[: len(values)]
    weight = np.convolve(is_seen.astype(np.float64), window, "same")[: len(values)]
    return np.where(is_seen, total / np.maximum(weight, 1), np.nan)


def _agreement(speaker: int, movement: Floats, activity: Floats) -> _Agreement | None:
    """Compare a speaker's speech with the movement; None where too little is spoken, or not spoken, to compare."""
    is_seen = np.isfinite(movement)
    speech_s = float(activity[is_seen].sum()) * STEP_S
    silent_s = float(is_seen.sum()) * STEP_S - speech_s
    if min(speech_s, silent_s) < LEAST_SPEECH_S:
        return None
    lags = range(-LAG_STEPS, LAG_STEPS + 1)
    correlations = [_correlation(movement, np.roll(activity, -lag), is_seen) for lag in lags]
    best = int(np.argmax(correlations))
    least = round(LEAST_SHIFT_S / STEP_S)
    shifts = np.unique(np.linspace(least, len(activity) - least, SHIFTS).astype(np.int64))
    shifted = np.array([_correlation(movement, np.roll(activity, shift), is_seen) for shift in shifts])
    score = (correlations[best] - shifted.mean()) / max(float(shifted.std()), 1e-6)
    return _Agreement(speaker, correlations[best], float(score), lags[best] * STEP_S)


def _correlation(movement: Floats, activity: Floats, is_seen: npt.NDArray[np.bool_]) -> float:
    """Return Pearson's correlation over the steps in which the mouth is seen; 0 where one of both never changes."""
    moved = movement[is_seen] - movement[is_seen].mean()
    speech = activity[is_seen] - activity[is_seen].mean()
    size = np.sqrt((moved @ moved) * (speech @ speech))
    return float(moved @ speech / size) if size > 1e-9 else 0.0


def _choose(agreements: Sequence[_Agreement]) -> SubjectChoice:
    """Choose the speaker who agrees best, where that is sure."""
    if not agreements:
        return SubjectChoice(None, messages.TOO_LITTLE_SPEECH(least=LEAST_SPEECH_S))
    ordered = sorted(agreements, key=lambda agreement: agreement.correlation, reverse=True)
    best = ordered[0]
    evidence = {"score": best.score, "correlation": best.correlation, "lag_s": best.lag_s}
    if not any(best.correlation >= correlation and best.score >= score for correlation, score in BARS):
        reason = messages.MOUTH_STILL(correlation=best.correlation, score=best.score)
        return SubjectChoice(None, reason, **evidence)
    if len(ordered) > 1 and best.correlation - ordered[1].correlation < LEAST_LEAD:
        return SubjectChoice(None, messages.MOUTH_WITH_TWO(first=best.speaker, second=ordered[1].speaker), **evidence)
    return SubjectChoice(best.speaker, None, **evidence)
