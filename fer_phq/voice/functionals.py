"""Functionals of a session's voice: one number each for pitch, loudness, pauses, rate and timbre."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.voice.kinds import COLUMNS, KIND, ROWS_A_SECOND, SPECTRUM
from fer_phq.voice.speech import find_speech

MIN_PAUSE_S = 0.25
"""Only a longer silence within speech is a pause; what is shorter belongs to articulation (Goldman-Eisler, 1968)."""

_SPECTRAL = SPECTRUM[1:]
_TIMING = (
    "speech_s",
    "speaking_share",
    "pauses_per_minute",
    "pause_mean_s",
    "pause_sd_s",
    "pause_p90_s",
    "speech_run_mean_s",
    "speech_rate_per_s",
    "articulation_rate_per_s",
)
FUNCTIONALS = (
    "f0_mean_semitones",
    "f0_sd_semitones",
    "f0_range_semitones",
    "voiced_share",
    "loudness_mean_db",
    "loudness_sd_db",
    "loudness_range_db",
    *_TIMING,
    *(f"{name}_{statistic}" for name in _SPECTRAL for statistic in ("mean", "sd")),
)
"""The keys of `voice_functionals`, in their order."""

_Rows = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.floating[Any]]


def voice_functionals(series: FeatureSeries) -> dict[str, float]:
    """Summarize a session's voice.

    Rows that `only_during` set to NaN count as not there. f0: mean, standard deviation and range (95th minus 5th
    percentile, robust against octave errors) in semitones over voiced speech; voiced_share: of speech. Loudness: the
    same in dB(A) over speech. speech_s: seconds of speech; speaking_share: of all rows that are there, 0 to 1. A
    pause is a silence of more than 0.25 s with speech right before and after it, in steps of 0.1 s; pauses_per_minute
    is for each minute that is there, so another speaker's turn counts as a pause unless the series was restricted to
    the subject. speech_run_mean_s: seconds from one pause to the next. speech_rate_per_s: syllable nuclei a second of
    speech and pauses; articulation_rate_per_s: without the pauses (de Jong & Wempe, 2009). The others: mean and
    standard deviation over speech. Standard deviations divide by n - 1 and need two values.

    Args:
        series: A feature series of kind "prosody-2".

    Returns:
        The keys `FUNCTIONALS` with their values, NaN where one cannot be measured.

    Raises:
        ValueError: The series is of another kind.
    """
    if series.kind != KIND or series.names != COLUMNS:
        raise ValueError(f"Functionals are taken from feature series of kind '{KIND}', got '{series.kind}'.")
    column = dict(zip(COLUMNS, series.values.T.astype(np.float64), strict=True))
    present = ~np.isnan(column["speech_probability"])
    speech = find_speech(column["speech_probability"])
    f0 = column["f0_semitones"][speech]
    functionals = {
        **_spread("f0", "semitones", f0),
        "voiced_share": float((~np.isnan(f0)).mean()) if len(f0) else math.nan,
        **_spread("loudness", "db", column["loudness_db"][speech]),
        **_timing(speech, present, column["syllable_nuclei"], _row_counts(series)),
    }
    for name in _SPECTRAL:
        functionals[f"{name}_mean"], functionals[f"{name}_sd"] = _mean_sd(column[name][speech])
    return {name: functionals[name] for name in FUNCTIONALS}


def _row_counts(series: FeatureSeries) -> npt.NDArray[np.int64]:
    """Return how many tenths of a second each row stands for: one, but for a row that stands for a long silence."""
    if series.duration_s is None:
        return np.ones(len(series), np.int64)
    return np.maximum(np.rint(series.duration_s * ROWS_A_SECOND), 1).astype(np.int64)


def _timing(speech: _Rows, present: _Rows, nuclei: _Numbers, counts: npt.NDArray[np.int64]) -> dict[str, float]:
    """Compute speaking time, pauses, runs and rates of rows that each stand for a number of tenths of a second."""
    present_tenths = int(counts[present].sum())
    ends = np.concatenate([[0], np.cumsum(counts)])
    timing = dict.fromkeys(_TIMING, math.nan)
    timing["speech_s"] = float(speech.sum()) / ROWS_A_SECOND
    timing["speaking_share"] = float(speech.sum() / present_tenths) if present.any() else math.nan
    if not speech.any():
        return timing
    first, last = _runs(present & ~speech)
    within = (first > 0) & (last < len(speech))
    within &= speech[first - 1] & speech[np.minimum(last, len(speech) - 1)]
    length = ends[last] - ends[first]
    long = length / ROWS_A_SECOND > MIN_PAUSE_S
    pauses = length[within & long] / ROWS_A_SECOND
    joined = speech.copy()
    for start, stop in zip(first[within & ~long], last[within & ~long], strict=True):
        joined[start:stop] = True
    start, stop = _runs(joined)
    speaking_s = float(joined.sum()) / ROWS_A_SECOND
    syllables = float(nuclei[speech].sum())
    timing["pauses_per_minute"] = len(pauses) / (present_tenths / ROWS_A_SECOND / 60)
    timing["pause_mean_s"], timing["pause_sd_s"] = _mean_sd(pauses)
    timing["pause_p90_s"] = float(np.percentile(pauses, 90)) if len(pauses) else math.nan
    timing["speech_run_mean_s"] = float((stop - start).mean()) / ROWS_A_SECOND
    timing["speech_rate_per_s"] = syllables / (speaking_s + float(pauses.sum()))
    timing["articulation_rate_per_s"] = syllables / speaking_s
    return timing


def _runs(rows: _Rows) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the first row of each run of True, and the row after its last."""
    edges = np.diff(np.concatenate([[0], rows.astype(np.int8), [0]]))
    return np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]


def _spread(name: str, unit: str, values: _Numbers) -> dict[str, float]:
    mean, sd = _mean_sd(values)
    values = values[~np.isnan(values)]
    span = float(np.subtract(*np.percentile(values, [95, 5]))) if len(values) else math.nan
    return {f"{name}_mean_{unit}": mean, f"{name}_sd_{unit}": sd, f"{name}_range_{unit}": span}


def _mean_sd(values: _Numbers) -> tuple[float, float]:
    """Compute mean and standard deviation of the values that are not NaN."""
    values = values[~np.isnan(values)]
    mean = float(values.mean()) if len(values) else math.nan
    return mean, float(values.std(ddof=1)) if len(values) > 1 else math.nan
