"""Kinds of voice features: the columns of each, and the conversion of one into the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fer_phq.core.feature_series import FeatureSeries

KIND = "prosody-2"
EARLIER_KIND = "prosody-1"
"""What an earlier version made: its pitch may be an octave off, an instrument's, or of rows without speech."""

ROWS_A_SECOND = 10
SPEECH = 0.5
"""The probability from which sound counts as speech."""

MFCCS = 12
SPECTRUM = (
    "loudness_db",
    "spectral_centroid_hz",
    "spectral_flatness",
    "spectral_flux",
    "alpha_ratio_db",
    "hammarberg_index_db",
    "spectral_slope_0_500_db_per_hz",
    *(f"mfcc_{i}" for i in range(1, MFCCS + 1)),
)
"""The columns of `fer_phq.voice.spectrum.describe`."""

COLUMNS = ("speech_probability", "f0_semitones", "voicing", *SPECTRUM, "syllable_nuclei")
"""speech_probability: that somebody speaks, 0 to 1 (silero-vad, mean over the row); 0 where babble in the background
is heard alone (`fer_phq.voice.background`). f0_semitones: the voice's pitch
above 27.5 Hz (`fer_phq.voice.pitch_path`), the median of the row's voiced frames, NaN where fewer than two are voiced
and where nobody speaks. voicing: confidence that the sound is voiced, 0 to 1 (SwiftF0, mean over the row).
syllable_nuclei: how many syllables have their nucleus in the row."""


def without_earlier_pitch(series: FeatureSeries) -> FeatureSeries:
    """Bring a stored series of an earlier version to what this version calls prosody, as far as that is possible.

    Returns:
        A series of `EARLIER_KIND` as one of `KIND` without pitch; any other as it is.
    """
    if series.kind != EARLIER_KIND or series.names != COLUMNS:
        return series
    values = series.values.copy()
    values[:, COLUMNS.index("f0_semitones")] = np.nan
    return replace(series, values=values, kind=KIND)
