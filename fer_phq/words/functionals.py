"""Functionals of a session's words: the rows of `word_features` summarized as one row."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.words import messages
from fer_phq.words.kinds import MINILM, PLAIN, PLAIN_NAMES

Float = npt.NDArray[np.float64]

SHARES = ("first_person", "absolutist", "negation", "type_token")


def word_functionals(series: FeatureSeries, duration_s: float | None = None) -> dict[str, float]:
    """Summarize the subject's words over a session.

    talk_s: seconds in which the speaker talks, overlaps counted once. talk_share: that part of the recording's
    duration_s, 0 to 1. utterances, words: how many. words_per_minute: all words by talk_s.
    duration_s.mean, words.mean: of an utterance. pause_s.mean, pause_s.sd, latency_s.mean, latency_s.sd: seconds.
    first_person, absolutist, negation: shares of all words. type_token: mean over utterances, weighted by words.
    With embeddings: `embedding_000.mean` and `embedding_000.sd` and on, weighted by words (evenly where words are not
    counted). An SD divides by the number of values and needs two of them.

    A series without rows gives zero talk, utterances and words.

    Args:
        series: A feature series of kind "plain-1" or "minilm-1".
        duration_s: The recording's duration in seconds, if it is known.

    Returns:
        Values by name, always the same names for one kind; NaN for what cannot be measured.

    Raises:
        FerPhqError: The series is of another kind.
    """
    plain = _plain(series)
    talk_s, inside_s = _talk(series, plain["duration_s"], duration_s)
    counts = plain["words"]
    words = float(np.nansum(counts)) if np.isfinite(counts).any() or not len(series) else math.nan
    out = {
        "talk_s": talk_s,
        "talk_share": inside_s / duration_s if duration_s is not None and duration_s > 0 else math.nan,
        "utterances": float(len(series)),
        "words": words,
        "words_per_minute": words / talk_s * 60 if talk_s > 0 else math.nan,
        "duration_s.mean": _mean(plain["duration_s"]),
        "words.mean": _mean(counts),
    }
    for name in ("pause_s", "latency_s"):
        out |= {f"{name}.mean": _mean(plain[name]), f"{name}.sd": _sd(plain[name])}
    weights = np.nan_to_num(counts)
    out |= {name: _mean(plain[name], weights) for name in SHARES}
    even = weights if weights.any() else np.ones(len(series))
    for i in range(len(PLAIN_NAMES), series.width):
        column = series.values[:, i].astype(np.float64)
        name = f"embedding_{i - len(PLAIN_NAMES):03d}"
        out |= {f"{name}.mean": _mean(column, even), f"{name}.sd": _sd(column, even)}
    return out


def _plain(series: FeatureSeries) -> dict[str, Float]:
    """Return the plain columns by name."""
    plain = len(PLAIN_NAMES)
    fits = series.width == plain if series.kind == PLAIN else series.kind == MINILM and series.width > plain
    if not fits or (series.names and series.names[:plain] != PLAIN_NAMES):
        raise FerPhqError(messages.KIND_UNKNOWN(kind=series.kind, width=series.width))
    return {name: series.values[:, i].astype(np.float64) for i, name in enumerate(PLAIN_NAMES)}


def _talk(series: FeatureSeries, lengths: Float, duration_s: float | None) -> tuple[float, float]:
    """Return the seconds of talk, and those within the recording. Rows without times count as not overlapping."""
    lengths = np.nan_to_num(lengths)
    limit = math.inf if duration_s is None else duration_s
    if series.time_s is None or not len(series):
        total = float(lengths.sum())
        return total, min(total, limit)
    ends = series.time_s + lengths
    reached = np.r_[-np.inf, np.maximum.accumulate(ends)[:-1]]
    starts = np.minimum(np.maximum(series.time_s, reached), ends)
    inside = np.minimum(ends, limit) - np.minimum(starts, limit)
    return float((ends - starts).sum()), float(inside.sum())


def _mean(values: Float, weights: Float | None = None) -> float:
    """Compute the weighted mean of the finite values; NaN without any that has weight."""
    weights = np.isfinite(values) * (1.0 if weights is None else weights)
    total = weights.sum()
    return float((np.nan_to_num(values) * weights).sum() / total) if total > 0 else math.nan


def _sd(values: Float, weights: Float | None = None) -> float:
    """Compute the weighted standard deviation of the finite values; NaN for fewer than two that have weight."""
    weights = np.isfinite(values) * (1.0 if weights is None else weights)
    if (weights > 0).sum() < 2:
        return math.nan
    return math.sqrt(_mean((values - _mean(values, weights)) ** 2, weights))
