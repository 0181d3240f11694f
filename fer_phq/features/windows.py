"""Segments: a session as spans of equal time, all its modalities side by side on the recording's clock.

What the learned temporal aggregator reads (`fer_phq.models.regressors.Attention`), where the other models read
functionals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.features.functionals import is_measured
from fer_phq.timeline.gaps import steps_without_gap

WINDOW_S = 5.0
MIN_WINDOWS = 4
MAX_WINDOWS = 48
"""A session has about one span in SPAN_S seconds, but at least FEWEST and at most MOST."""


def windows(features: SessionFeatures, modalities: Sequence[Modality]) -> FloatArray:
    """(spans, width) float32: what was measured in each span, NaN where nothing was (a gap).

    Of each modality, in the order of `Modality`: the mean of every column, then its mean absolute change from row to
    row where no gap lies between them; the face's 7 emotions, where they are known, count as columns (see
    `segment_parts`). A span without speech has no voice. Rows without times are spread evenly over the session; where
    no modality has times, there are as many spans as the longest has rows. Raises ValueError when a modality is
    missing.
    """
    series = {modality: features.series(modality) for modality in Modality if modality in modalities}
    present = {modality: channel for modality, channel in series.items() if channel is not None}
    if len(present) < len(series):
        raise ValueError(f"The session has only {'+'.join(present) or 'nothing'} of {'+'.join(series)}.")
    clock = _clock(list(present.values()))
    return np.concatenate(
        [
            _modality_windows(channel, features.emotions if modality is Modality.FACE else None, modality, *clock)
            for modality, channel in present.items()
        ],
        axis=1,
    )


def window_modalities(widths: Mapping[Modality, int]) -> tuple[Modality, ...]:
    """The modality of each column of the segments that are made of so many numbers a row of each modality."""
    return tuple(
        modality
        for modality in Modality
        if modality in widths
        for _ in range(2 * (widths[modality] + (len(EMOTIONS) if modality is Modality.FACE else 0)))
    )


def _clock(channels: Sequence[FeatureSeries]) -> tuple[float, float, int]:
    """The session's first and last time, and how many spans lie between them."""
    timed = [channel.time_s for channel in channels if channel.time_s is not None]
    if not timed:
        return 0.0, 1.0, int(np.clip(max(map(len, channels)), MIN_WINDOWS, MAX_WINDOWS))
    start = float(min(times[0] for times in timed))
    stop = float(max(times[-1] for times in timed))
    return start, stop, int(np.clip(round((stop - start) / WINDOW_S), MIN_WINDOWS, MAX_WINDOWS))


def _modality_windows(
    channel: FeatureSeries, emotions: FloatArray | None, modality: Modality, start: float, stop: float, count: int
) -> FloatArray:
    """One modality's columns (spans, 2 width) of `segments`."""
    values = channel.values
    if modality is Modality.FACE:  # the emotions have their columns also where nobody asked for them
        unknown = np.full((len(channel), len(EMOTIONS)), np.nan, np.float32)
        values = np.concatenate([values, unknown if emotions is None else emotions], axis=1)
    time_s = channel.time_s if channel.time_s is not None else _spread(len(channel), start, stop)
    measured = is_measured(channel)
    values = values[measured]
    time_s = time_s[measured]
    changes = np.full_like(values, np.nan)
    changes[1:] = np.where(steps_without_gap(time_s)[:, None], np.abs(np.diff(values, axis=0)), np.nan)
    window = ((time_s - start) / max(stop - start, 1e-9) * count).astype(np.int64)
    return _means(np.concatenate([values, changes], axis=1), np.minimum(window, count - 1), count)


def _spread(rows: int, start: float, stop: float) -> TimeArray:
    """The middles of so many equal parts of the session."""
    return np.asarray(start + (stop - start) * (np.arange(rows) + 0.5) / rows)


def _means(values: FloatArray, window: npt.NDArray[np.int64], spans: int) -> FloatArray:
    """(spans, width) means over the rows (n, width) of each span, of what is not NaN; place (n,) does not decrease."""
    out = np.full((spans, values.shape[1]), np.nan, np.float32)
    if len(values):
        filled, first = np.unique(window, return_index=True)
        present = np.isfinite(values)
        count = np.add.reduceat(present, first, axis=0, dtype=np.float64)
        total = np.add.reduceat(np.where(present, values, 0), first, axis=0, dtype=np.float64)
        out[filled] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return out
