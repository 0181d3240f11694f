"""A session's modalities over time: the face, the voice and the words, each a table of numbers with times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from fer_phq.core import texts
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FeatureError
from fer_phq.core.phq import Modality


@dataclass(frozen=True, eq=False)
class FeatureSeries:
    """One modality over time. Raises ValueError for what does not fit together.

    values: (rows, width) float32, NaN where not measured. time_s: (rows,) float64 seconds, not decreasing, or None
    where the rows have only an order. kind: what made the values; a model takes only the kind it was trained on.
    names: of the columns, or empty.
    """

    values: FloatArray
    time_s: TimeArray | None = None
    kind: str = ""
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not self.values.shape[1]:
            raise FeatureError(texts.NO_TABLE(shape=str(self.values.shape)))
        if np.isinf(self.values).any():
            raise FeatureError(texts.INFINITE())
        if self.time_s is not None:
            _check_times(self.time_s, len(self.values))
        if self.names and len(self.names) != self.width:
            raise FeatureError(texts.WRONG_NAMES(names=len(self.names), columns=self.width))

    @property
    def width(self) -> int:
        """Numbers a row."""
        return int(self.values.shape[1])

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class SessionFeatures:
    """A session's modalities, any of which may be missing. emotions: (rows of face, 7), or None."""

    face: FeatureSeries | None = None
    voice: FeatureSeries | None = None
    words: FeatureSeries | None = None
    emotions: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.emotions is None:
            return
        if self.face is None or self.emotions.shape != (len(self.face), len(EMOTIONS)):
            raise FeatureError(texts.WRONG_EMOTIONS(emotions=len(EMOTIONS), shape=str(self.emotions.shape)))

    def series(self, modality: Modality) -> FeatureSeries | None:
        """A modality's channel; None where it is missing or has no rows."""
        series = cast(FeatureSeries | None, getattr(self, modality.value))
        return series if series is not None and len(series) else None

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Those that are there."""
        return tuple(modality for modality in Modality if self.series(modality) is not None)


def _check_times(time_s: TimeArray, rows: int) -> None:
    if time_s.shape != (rows,):
        raise FeatureError(texts.WRONG_TIMES(rows=rows, shape=str(time_s.shape)))
    if not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
        raise FeatureError(texts.TIMES_DECREASE())
