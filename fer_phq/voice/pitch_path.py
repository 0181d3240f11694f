"""The choice among pitch candidates, with the whole recording in view.

A frame's likeliest candidate is often an octave off, because a voice's spectrum fits half its pitch nearly as well, and
beneath music it is the instrument's. Three things tell them apart:

- A tone that stands still for 0.4 s is an instrument, or mains hum: a voice does not hold a pitch within 15 cents.
- A pitch goes on from frame to frame: of the paths through the candidates the likeliest is taken (Viterbi, as in
  Boersma, 1993, Proc Institute of Phonetic Sciences Amsterdam 17:97-110).
- A speaker has a range. A first pass gives the quartiles of the pitch, and a second prefers candidates between 0.75 of
  the first and 1.5 of the third (De Looze & Hirst, 2008, Speech Prosody, 135-138).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.voice.pitch import VOICED

STEADY_FRAMES = 25
"""Frames, 0.4 s, after which a pitch that stands still is not a voice's."""

STEADY_SHARE = 0.9
"""Share of those frames in which it must be there."""

LEAP = 8.0
"""Cost of an octave's leap from a frame to the next, on the scale of the scores."""

LEAP_DECAY = 12.0
"""Frames without a voice after which a leap costs half."""

GLIDE = 1.5
"""Semitones from a frame to the next that cost nothing: the fastest speech glides (Xu & Sun, 2002, JASA 111:1399)."""

RANGE = (0.75, 1.5)
"""The speaker's range, of the first and the third quartile."""

OUT_OF_RANGE = 1.0
"""Cost of a semitone out of the range, for at most an octave."""

_OCTAVE = 12.0
_CENTS = 10  # steps of a semitone in which pitches are compared
_BLOCK = 4096  # frames that are looked at at once for steady tones
_WORST = 8.0  # a candidate beside a steady tone must be at least so likely (natural logarithm)
_SHORTEST = 4  # frames: a path beside a steady tone that is shorter is not the voice

_Numbers = npt.NDArray[np.floating[Any]]
_Flags = npt.NDArray[np.bool_]
_Places = npt.NDArray[np.intp]


def choose_pitch(confidence: FloatArray, candidates: FloatArray, speech: _Flags) -> FloatArray:
    """Choose the voice's pitch in each frame of speech.

    Args:
        confidence: (frames,) that the frame is voiced, 0 to 1.
        candidates: (voiced frames, 2, CANDIDATES), see `fer_phq.voice.pitch.PitchTracker.push`.
        speech: (frames,) whether somebody speaks.

    Returns:
        (frames,) float32, semitones as the candidates have them; NaN where there is no voice.
    """
    pitch = np.full(len(confidence), np.nan, np.float32)
    frame = np.flatnonzero(confidence >= VOICED)
    is_speech = speech[frame]
    if not is_speech.any():
        return pitch
    steady = find_steady(frame, candidates[:, 0], speech)
    score = np.where(steady, -1e4, candidates[:, 1].astype(np.float64))
    usable = is_speech & (score > -1e4).any(axis=1)
    usable &= (score.max(axis=1) > -_WORST) | ~steady.any(axis=1)
    if not usable.any():
        return pitch
    frame, score, steady = frame[usable], score[usable], steady[usable]
    heights = candidates[usable, 0].astype(np.float64)
    row = np.arange(len(frame))
    first = heights[row, find_path(frame, heights, score)]
    path = find_path(frame, heights, score - range_cost(heights, first))
    chosen = heights[row, path]
    beside_music = (steady & (candidates[usable, 1] > score[row, path][:, None])).any(axis=1)
    pitch[frame] = np.where(beside_music & _is_brief(frame, chosen), np.nan, chosen)
    return pitch


def find_steady(frame: _Places, heights: FloatArray, speech: _Flags) -> npt.NDArray[np.bool_]:
    """Find the candidates that belong to a tone which stands still.

    Args:
        frame: (n,) numbers of the voiced frames, ascending.
        heights: (n, candidates) semitones.
        speech: (frames,) whether somebody speaks; other frames are not asked about.

    Returns:
        (n, candidates) bool.
    """
    steady = np.zeros(heights.shape, np.bool_)
    step = np.rint(heights * _CENTS).astype(np.intp)
    step -= step.min() - 1
    width = int(step.max()) + 2
    reach = STEADY_FRAMES
    for start in range(int(frame[0]), int(frame[-1]) + 1, _BLOCK):
        low, high = np.searchsorted(frame, (start - reach, start + _BLOCK + reach))
        asked = np.arange(*np.searchsorted(frame, (start, start + _BLOCK)))
        asked = asked[speech[frame[asked]]]
        if not len(asked):
            continue
        present = np.zeros((_BLOCK + 4 * reach, width), np.int16)
        place = frame[low:high] - start + 2 * reach
        for side in (-1, 0, 1):
            present[place[:, None], step[low:high] + side] = 1
        total = np.cumsum(present, axis=0, dtype=np.int16)
        here = (frame[asked] - start + 2 * reach)[:, None]
        for after in range(0, reach, reach // 4):
            count = total[here + after, step[asked]] - total[here + after - reach, step[asked]]
            steady[asked] |= count >= STEADY_SHARE * reach
    return steady


def find_path(frame: _Places, heights: _Numbers, score: _Numbers) -> _Places:
    """Find the likeliest path through the candidates.

    Args:
        frame: (n,) the frames' numbers, ascending; n >= 1.
        heights: (n, candidates) semitones.
        score: (n, candidates) logarithms of their probabilities.

    Returns:
        (n,) the candidate of each frame.
    """
    gap = np.diff(frame).astype(np.float64)[:, None, None]
    leap = np.abs(heights[1:, None, :] - heights[:-1, :, None]) - GLIDE * np.sqrt(gap)
    leap_cost = LEAP / (1 + (gap - 1) / LEAP_DECAY) * np.clip(leap, 0, _OCTAVE) / _OCTAVE
    best = -score[0]
    origin = np.zeros(heights.shape, np.intp)
    columns = np.arange(heights.shape[1])
    for i, (cost, scores) in enumerate(zip(leap_cost, score[1:], strict=True), 1):
        total = best[:, None] + cost
        origin[i] = total.argmin(axis=0)
        best = total[origin[i], columns] - scores
    path = np.zeros(len(heights), np.intp)
    path[-1] = best.argmin()
    for i in range(len(path) - 1, 0, -1):
        path[i - 1] = origin[i, path[i]]
    return path


def range_cost(heights: _Numbers, first: _Numbers) -> _Numbers:
    """Compute what candidates out of the speaker's range cost.

    Args:
        heights: (n, candidates) semitones.
        first: (n,) the pitch of a first pass, in semitones.

    Returns:
        (n, candidates), on the scale of the scores.
    """
    low, high = np.percentile(first, (25, 75)) + _OCTAVE * np.log2(RANGE)
    outside = np.maximum(low - heights, 0) + np.maximum(heights - high, 0)
    cost: _Numbers = OUT_OF_RANGE * np.minimum(outside, _OCTAVE)
    return cost


def _is_brief(frame: _Places, heights: _Numbers) -> _Flags:
    """Return which frames belong to a run without a gap or a leap that is too short for a voice."""
    ends = (np.diff(frame) > 2) | (np.abs(np.diff(heights)) > 2 * GLIDE)
    run = np.concatenate([[0], np.cumsum(ends)])
    brief: _Flags = np.bincount(run)[run] < _SHORTEST
    return brief
