"""Counting syllables without a transcript: nuclei are peaks of loudness in voiced speech.

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
"""A peak must rise so far out of the dips beside it."""

RANGE_DB = 25.0
"""A peak may lie at most so far below the loudest speech (its 99th percentile)."""

_SMOOTH = 2.0  # frames: with the frame itself about the window of 64 ms that the method takes loudness from
_LOOK = 101  # frames around a peak in which its dips are sought: one second


def syllable_nuclei(
    level_db: FloatArray, voiced: npt.NDArray[np.bool_], speech: npt.NDArray[np.bool_]
) -> npt.NDArray[np.intp]:
    """The frames in which a syllable has its nucleus, ascending; empty without speech.

    level_db, voiced, speech: (frames,) every 10 ms. The whole session is needed at once, because a peak is judged
    against the loudest speech.
    """
    if not speech.any():
        return np.zeros(0, np.intp)
    smooth = 10 * np.log10(gaussian_filter1d(10 ** (level_db.astype(np.float64) / 10), _SMOOTH, mode="nearest"))
    faintest = np.percentile(smooth[speech], 99) - RANGE_DB
    peaks, _ = find_peaks(smooth, height=faintest, prominence=DIP_DB, wlen=_LOOK)
    nuclei: npt.NDArray[np.intp] = peaks[voiced[peaks] & speech[peaks]]
    return nuclei
