"""Talk in the background: several people babble, and the speech detector calls every row speech.

Nobody speaks for half a minute without a pause. Where the detector finds none, and the quietest rows are voiced and of
nearly one level, that level is the babble's, as the quietest rows of a noisy recording are the noise's (minimum
statistics: Martin, 2001, IEEE Trans. Speech and Audio Processing 9(5)). Rows that hardly rise above it are not the
speech of those who sit at the microphone.

One person in the background, or two, leave silence between their words and cannot be told from someone who sits farther
from the microphone: nothing is left out then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

WINDOW = 300
"""Rows, 30 s, that are judged together."""

SHORTEST = 100
"""Rows, 10 s, that are judged at least; a shorter rest is judged with those before it."""

NEVER_SILENT = 0.88
"""Share of speech that a window of people in turn does not reach."""

FLOOR_WIDTH_DB = 8.0
"""How far the 2nd and the 10th percentile of the level lie apart at most: they do more where voices leave silence."""

FLOOR_VOICING = 0.3
"""The least confidence that the quietest rows are voiced: 0.36 to 0.60 in babble, at most 0.20 in noise."""

LEAST_RISE_DB = 11.0
"""Decibels from the babble's level to the loudest speech (5th to 95th percentile), below which they are inseparable."""

RISE = 0.35
MOST_RISE_DB = 6.5
"""Part of that rise by which a row of speech must stand out, and the most that is asked for."""

_SMOOTH = 5  # rows: a faint syllable is no pause

_Numbers = npt.NDArray[np.floating[Any]]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Background:
    """Where others are heard in the background.

    Attributes:
        babble: (rows,) bool, whether several people talk in the background.
        alone: (rows,) bool, whether they alone are heard.
    """

    babble: _Flags
    alone: _Flags


def find_background(speech: _Flags, voicing: _Numbers, loudness_db: _Numbers) -> Background:
    """Find rows in which several people talk in the background.

    Args:
        speech: (rows,) whether somebody speaks.
        voicing: (rows,) confidence that the row is voiced, 0 to 1.
        loudness_db: (rows,) level in dB, ten rows a second.
    """
    rows = len(speech)
    background = Background(np.zeros(rows, np.bool_), np.zeros(rows, np.bool_))
    starts = list(range(0, max(1, rows - SHORTEST + 1), WINDOW))
    for start, stop in zip(starts, [*starts[1:], rows], strict=True):
        spoken, level = speech[start:stop], loudness_db[start:stop].astype(np.float64)
        if len(spoken) < SHORTEST or spoken.mean() < NEVER_SILENT:
            continue
        lowest, floor, low, top = np.percentile(level, (2, 5, 10, 95))
        quietest = level <= low
        if low - lowest > FLOOR_WIDTH_DB or voicing[start:stop][quietest].mean() < FLOOR_VOICING:
            continue
        background.babble[start:stop] = True  # as loud as the speech above it, it is heard and inseparable
        if top - floor >= LEAST_RISE_DB:
            smooth = 10 * np.log10(uniform_filter1d(10 ** (level / 10), _SMOOTH, mode="nearest"))
            background.alone[start:stop] = smooth < floor + min(MOST_RISE_DB, RISE * (top - floor))
    return background
