"""Syllable nuclei without a transcript: peaks of loudness in voiced speech.

After de Jong & Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate automatically",
Behavior Research Methods 41(2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from fer_phq.core.arrays import FloatArray

DIP_DB = 2.0
"""Decibels by which a peak must rise out of the dips beside it."""

RANGE_DB = 25.0
"""Decibels by which a peak may lie below the loudest speech (its 99th percentile)."""

_SMOOTH = 2.0  # frames: with the frame itself about the window of 64 ms that the method takes loudness from
_NEIGHBOURHOOD = 101  # frames around a peak in which its dips are sought: one second


def syllable_nuclei(
    level_db: FloatArray, voiced: npt.NDArray[np.bool_], speech: npt.NDArray[np.bool_]
) -> npt.NDArray[np.intp]:
    """Find the frames in which a syllable has its nucleus.

    The whole session is needed at once, because a peak is compared with the loudest speech.

    Args:
        level_db: (frames,) loudness in dB every 10 ms.
        voiced: (frames,) whether the frame is voiced.
        speech: (frames,) whether the frame is speech.

    Returns:
        Indices of frames, ascending; empty without speech.
    """
    if not speech.any():
        return np.zeros(0, np.intp)
    smooth = 10 * np.log10(gaussian_filter1d(10 ** (level_db.astype(np.float64) / 10), _SMOOTH, mode="nearest"))
    faintest = np.percentile(smooth[speech], 99) - RANGE_DB
    peaks, _ = find_peaks(smooth, height=faintest, prominence=DIP_DB, wlen=_NEIGHBOURHOOD)
    nuclei: npt.NDArray[np.intp] = peaks[voiced[peaks] & speech[peaks]]
    return nuclei
