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
from fer_phq.features.functionals import says_something
from fer_phq.timeline.gaps import near_steps

SPAN_S = 5.0
FEWEST = 4
MOST = 48
"""A session has about one span in SPAN_S seconds, but at least FEWEST and at most MOST."""


def windows(features: SessionFeatures, modalities: Sequence[Modality]) -> FloatArray:
    """(spans, width) float32: what was measured in each span, NaN where nothing was (a gap).

    Of each modality, in the order of `Modality`: the mean of every column, then its mean absolute change from row to
    row where no gap lies between them; the face's 7 emotions, where they are known, count as columns (see
    `segment_parts`). A span without speech has no voice. Rows without times are spread evenly over the session; where
    no modality has times, there are as many spans as the longest has rows. Raises ValueError when a modality is
    missing.
    """
    channels = {modality: features.channel(modality) for modality in Modality if modality in modalities}
    found = {modality: channel for modality, channel in channels.items() if channel is not None}
    if len(found) < len(channels):
        raise ValueError(f"The session has only {'+'.join(found) or 'nothing'} of {'+'.join(channels)}.")
    clock = _clock(list(found.values()))
    return np.concatenate(
        [
            _spans(channel, features.emotions if modality is Modality.FACE else None, modality, *clock)
            for modality, channel in found.items()
        ],
        axis=1,
    )


def window_parts(widths: Mapping[Modality, int]) -> tuple[Modality, ...]:
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
        return 0.0, 1.0, int(np.clip(max(map(len, channels)), FEWEST, MOST))
    start = float(min(times[0] for times in timed))
    stop = float(max(times[-1] for times in timed))
    return start, stop, int(np.clip(round((stop - start) / SPAN_S), FEWEST, MOST))


def _spans(
    channel: FeatureSeries, emotions: FloatArray | None, modality: Modality, start: float, stop: float, spans: int
) -> FloatArray:
    """One modality's columns (spans, 2 width) of `segments`."""
    values = channel.values
    if modality is Modality.FACE:  # the emotions have their columns also where nobody asked for them
        unknown = np.full((len(channel), len(EMOTIONS)), np.nan, np.float32)
        values = np.concatenate([values, unknown if emotions is None else emotions], axis=1)
    time_s = channel.time_s if channel.time_s is not None else _spread(len(channel), start, stop)
    kept = says_something(channel)
    values = values[kept]
    time_s = time_s[kept]
    changes = np.full_like(values, np.nan)
    changes[1:] = np.where(near_steps(time_s)[:, None], np.abs(np.diff(values, axis=0)), np.nan)
    place = ((time_s - start) / max(stop - start, 1e-9) * spans).astype(np.int64)
    return _means(np.concatenate([values, changes], axis=1), np.minimum(place, spans - 1), spans)


def _spread(rows: int, start: float, stop: float) -> TimeArray:
    """The middles of so many equal parts of the session."""
    return np.asarray(start + (stop - start) * (np.arange(rows) + 0.5) / rows)


def _means(values: FloatArray, place: npt.NDArray[np.int64], spans: int) -> FloatArray:
    """(spans, width) means over the rows (n, width) of each span, of what is not NaN; place (n,) does not decrease."""
    out = np.full((spans, values.shape[1]), np.nan, np.float32)
    if len(values):
        found, first = np.unique(place, return_index=True)
        present = np.isfinite(values)
        count = np.add.reduceat(present, first, axis=0, dtype=np.float64)
        total = np.add.reduceat(np.where(present, values, 0), first, axis=0, dtype=np.float64)
        out[found] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return out
