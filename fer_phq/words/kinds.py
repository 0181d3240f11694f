"""Kinds of word features: the columns of each, and the conversion of one into the other."""

from __future__ import annotations

from dataclasses import replace

from fer_phq.core.feature_series import FeatureSeries

PLAIN = "plain-1"
"""Kind of a feature series with the columns of `PLAIN_NAMES`."""
MINILM = "minilm-1"
"""Kind of a feature series with the same columns and the 384 of all-MiniLM-L6-v2's embedding."""

PLAIN_NAMES = (
    "duration_s",
    "words",
    "pause_s",
    "latency_s",
    "words_per_minute",
    "first_person",
    "absolutist",
    "negation",
    "type_token",
)
"""Columns of the kind "plain-1"; see `fer_phq.words.features.word_features`."""


def without_embeddings(series: FeatureSeries) -> FeatureSeries:
    """Return a feature series of kind "minilm-1" as the one of kind "plain-1" that it contains."""
    return replace(series, values=series.values[:, : len(PLAIN_NAMES)], kind=PLAIN, names=PLAIN_NAMES)
