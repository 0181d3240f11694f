"""A session's modalities over time: face, voice, words and facial behaviour, each a series of rows with times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from fer_phq.core import texts
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FeatureError
from fer_phq.core.phq import Modality

GRID_HZ = 2.0
"""Times a second at which a face's rows are taken before functionals and windows are computed (`timeline.grid`)."""


@dataclass(frozen=True, eq=False)
class FeatureSeries:
    """One modality over time. Raises FeatureError where its parts do not fit together.

    Attributes:
        values: (rows, width) float32, NaN where not measured.
        time_s: (rows,) float64 seconds, not decreasing; None where the rows have only an order.
        kind: What made the values; a model takes only the kind that it was trained on.
        names: (width,) names of the columns, or empty.
        duration_s: (rows,) float64 seconds that each row stands for, 0 or more; None where that is not known.
        rate_hz: How often a second the recording was looked at, 0 for its key frames alone; None where that is not
            known.
    """

    values: FloatArray
    time_s: TimeArray | None = None
    kind: str = ""
    names: tuple[str, ...] = ()
    duration_s: TimeArray | None = None
    rate_hz: float | None = None

    def __post_init__(self) -> None:
        """Check shapes, numbers and times."""
        if self.values.ndim != 2 or not self.values.shape[1]:
            raise FeatureError(texts.NO_TABLE(shape=str(self.values.shape)))
        if np.isinf(self.values).any():
            raise FeatureError(texts.INFINITE())
        if self.time_s is not None:
            _check_times(self.time_s, len(self.values))
        if self.names and len(self.names) != self.width:
            raise FeatureError(texts.WRONG_NAMES(names=len(self.names), columns=self.width))
        if self.duration_s is not None:
            _check_durations(self.duration_s, self.time_s, len(self.values))
        if self.rate_hz is not None and not (math.isfinite(self.rate_hz) and self.rate_hz >= 0):
            raise FeatureError(texts.WRONG_RATE())

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.values.shape[1])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)


@dataclass(frozen=True, eq=False)
class SessionFeatures:
    """A session's modalities, any of which may be missing. Raises FeatureError where emotions do not fit the face.

    Attributes:
        face: The subject's face.
        voice: The subject's voice.
        words: The subject's words, a row for each utterance.
        emotions: (rows of face, 7) float32 probabilities in the order of `EMOTIONS`.
        behaviour: The subject's facial behaviour: a row a frame as it was measured, or a row a second as PHQ heads
            read it (`fer_phq.behaviour.seconds`).
    """

    face: FeatureSeries | None = None
    voice: FeatureSeries | None = None
    words: FeatureSeries | None = None
    emotions: FloatArray | None = None
    behaviour: FeatureSeries | None = None

    def __post_init__(self) -> None:
        """Check the shape of the emotions."""
        if self.emotions is None:
            return
        if self.face is None or self.emotions.shape != (len(self.face), len(EMOTIONS)):
            raise FeatureError(texts.WRONG_EMOTIONS(emotions=len(EMOTIONS), shape=str(self.emotions.shape)))

    def series(self, modality: Modality) -> FeatureSeries | None:
        """Return a modality's series; None where it is missing or has no rows."""
        series = cast(FeatureSeries | None, getattr(self, modality.value))
        return series if series is not None and len(series) else None

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that have rows."""
        return tuple(modality for modality in Modality if self.series(modality) is not None)


def hold_until_next(time_s: TimeArray, last_s: float) -> TimeArray:
    """Compute how long rows stand for that follow each other without a gap.

    Args:
        time_s: (rows,) seconds, not decreasing.
        last_s: Seconds that the last row stands for.

    Returns:
        (rows,) seconds.
    """
    return np.asarray(np.r_[np.diff(time_s), last_s][: len(time_s)], np.float64)


def _check_times(time_s: TimeArray, rows: int) -> None:
    if time_s.shape != (rows,):
        raise FeatureError(texts.WRONG_TIMES(rows=rows, shape=str(time_s.shape)))
    if not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
        raise FeatureError(texts.TIMES_DECREASE())


def _check_durations(duration_s: TimeArray, time_s: TimeArray | None, rows: int) -> None:
    if time_s is None or duration_s.shape != (rows,):
        raise FeatureError(texts.WRONG_DURATIONS(rows=rows, shape=str(duration_s.shape)))
    if not np.isfinite(duration_s).all() or (duration_s < 0).any():
        raise FeatureError(texts.NEGATIVE_DURATIONS())
