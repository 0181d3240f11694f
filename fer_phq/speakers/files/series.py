"""Turns as a feature series, a row each, as analyses hold and store them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.speakers.turn import Turn

BY_VOICES = "turns-1-voices"
BY_PART = "turns-1-parts"
"""Kinds of turns: speakers told by their voices; tracks or channels of the sound that have a speaker each."""
COLUMNS = ("speaker", "is_subject", "confidence")
"""speaker: who it is, from 1. is_subject: 1 for the subject, 0 for somebody else, NaN where that is not known.
confidence: how sure it is that this speaker speaks there, 0 to 1."""


def turn_series(turns: Sequence[Turn], subject: int | None, kind: str) -> FeatureSeries:
    """Return turns as a series: times are their starts, durations how long they last.

    Args:
        turns: Turns in the order of their starts.
        subject: The subject's speaker; None where it is not known.
        kind: `BY_VOICES` or `BY_PART`.
    """
    values = np.array([(turn.speaker, _is_subject(turn, subject), turn.confidence) for turn in turns], np.float32)
    return FeatureSeries(
        values.reshape(-1, len(COLUMNS)),
        np.array([turn.start_s for turn in turns], np.float64),
        kind,
        COLUMNS,
        duration_s=np.array([turn.duration_s for turn in turns], np.float64),
    )


def turns_of(series: FeatureSeries) -> tuple[Turn, ...]:
    """Return the turns of a series of `turn_series`."""
    if series.time_s is None or series.duration_s is None:
        return ()
    numbers = series.values[:, [COLUMNS.index("speaker"), COLUMNS.index("confidence")]].tolist()
    times = zip(series.time_s.tolist(), series.duration_s.tolist(), strict=True)
    return tuple(
        Turn(start_s, start_s + duration_s, int(speaker), confidence)
        for (start_s, duration_s), (speaker, confidence) in zip(times, numbers, strict=True)
    )


def is_by_part(series: FeatureSeries) -> bool:
    """Tell whether the speakers of a series of `turn_series` are tracks or channels of the sound."""
    return series.kind == BY_PART


def subject_of(series: FeatureSeries) -> int | None:
    """Return the subject's speaker of a series of `turn_series`; None where it is not known."""
    rows = np.flatnonzero(series.values[:, COLUMNS.index("is_subject")] == 1)
    return int(series.values[rows[0], COLUMNS.index("speaker")]) if len(rows) else None


def _is_subject(turn: Turn, subject: int | None) -> float:
    return math.nan if subject is None else float(turn.speaker == subject)
