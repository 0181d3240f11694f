"""Syllable nuclei without a transcript: peaks of loudness in voiced speech.

After de Jong & Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate automatically",
Behavior Research Methods 41(2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from fer_phq.core.arrays import FloatArray

DIP_DB = 2.0
"""Decibels by which a peak must rise out of the dips beside it."""

RANGE_DB = 25.0
"""Decibels by which a peak may lie below the loudest speech (its 99th percentile)."""

_SMOOTH = 2.0  # frames: with the frame itself about the window of 64 ms that the method takes loudness from
_REACH = 50  # frames to each side of a peak in which its dips are sought: half a second


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
    peaks = find_peaks(smooth, faintest)
    nuclei: npt.NDArray[np.intp] = peaks[voiced[peaks] & speech[peaks]]
    return nuclei


def find_peaks(values: npt.NDArray[np.float64], lowest: float) -> npt.NDArray[np.intp]:
    """Find the local maxima that rise out of the dips beside them by `DIP_DB`.

    It is `scipy.signal.find_peaks` with a height, a prominence and `wlen`, whose import took 0.4 s of each start
    (`python -X importtime`): tests hold the two together. Of a plateau the middle counts.

    Args:
        values: (frames,).
        lowest: The least value of a peak.

    Returns:
        Indices, ascending.
    """
    # A plateau is one place: where the values change, and whether up or down.
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    heights = values[starts]
    rises = heights[1:] > heights[:-1]
    tops = np.flatnonzero(rises[:-1] & ~rises[1:]) + 1
    peaks = (starts[tops] + starts[tops + 1] - 1) // 2
    high = [peak for peak in peaks[values[peaks] >= lowest] if _prominence(values, int(peak)) >= DIP_DB]
    return np.array(high, np.intp)


def _prominence(values: npt.NDArray[np.float64], peak: int) -> float:
    """Return how far a peak rises above the higher one of the dips that part it from higher values on each side."""
    dips = []
    for side in (values[max(0, peak - _REACH) : peak + 1][::-1], values[peak : peak + _REACH + 1]):
        higher = np.flatnonzero(side > values[peak])
        dips.append(float(side[: higher[0] if len(higher) else len(side)].min()))
    return float(values[peak]) - max(dips)
