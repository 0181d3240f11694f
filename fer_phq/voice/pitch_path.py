"""The choice among pitch candidates, with the whole recording in view.

A frame's likeliest candidate is often an octave off, because a voice's spectrum fits half its pitch nearly as well, and
beneath music it is the instrument's. Four things tell them apart:

- A tone that stands still for 0.4 s is an instrument, or mains hum: a voice does not hold a pitch within 15 cents.
- Where sound stays voiced while nobody speaks, there is music: its pitches are the music's beneath speech, too, and
  notes shorter than 0.4 s count as tones that stand still.
- A pitch goes on from frame to frame: of the paths through the candidates the likeliest is taken (Viterbi, as in
  Boersma, 1993, Proc Institute of Phonetic Sciences Amsterdam 17:97-110).
- A speaker has a range. A first pass gives the quartiles of the pitch, and a second prefers candidates between 0.75 of
  the first and 1.5 of the third (De Looze & Hirst, 2008, Speech Prosody, 135-138).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from fer_phq.core.arrays import FloatArray
from fer_phq.voice.pitch import VOICED

STEADY_FRAMES = 25
"""Frames, 0.4 s, after which a pitch that stands still is not a voice's."""

STEADY_SHARE = 0.9
"""Share of those frames in which it must be there."""

MUSIC_SHARE = 0.8
"""Share of the frames without speech that must be voiced for music: tails, and words that were missed, are fewer."""

LEAST_SILENCE = 20
"""Frames without speech, within 10 s or so, from which it is known whether there is music."""

SHORT_NOTE_FRAMES = 10
"""Frames, 0.16 s, in which a note stands still where there is music."""

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
_OCTAVE_WIDTH = 1.5
_CENTS = 10  # steps of a semitone in which pitches are compared
_BLOCK = 4096  # frames that are looked at at once: an hour of speech has 200,000
_EDGE = 6  # frames beside speech that may be its tail
_NEAR = 312  # frames, 5 s: the music of twice as long before and after is asked about
_NOTE_STEPS = 4  # steps of a semitone in which notes are compared
_LEAST_FRAMES = 3  # of a note
_IMPOSSIBLE = -1e4  # the score of a candidate that belongs to a steady tone
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
    steady |= find_music(frame, candidates[:, 0], speech)
    score = np.where(steady, np.float32(_IMPOSSIBLE), candidates[:, 1])
    usable = is_speech & (score > _IMPOSSIBLE).any(axis=1)
    usable &= (score.max(axis=1) > -_WORST) | ~steady.any(axis=1)
    pitch_before: _Numbers | None = None
    for _ in range(2):
        if not usable.any():
            return pitch
        heights, scores = candidates[usable, 0], score[usable]
        span = None if pitch_before is None else speaker_range(pitch_before)
        path = find_path(frame[usable], heights, scores, span)
        row = np.arange(len(path))
        chosen = heights[row, path].astype(np.float64)
        louder = steady[usable] & (candidates[usable, 1] > scores[row, path][:, None])
        # The voice itself may have been taken for a note of its height, and its octave is what is left.
        is_octave = _is_octave(heights, chosen)
        sure = ~(louder & is_octave).any(axis=1) & ~(louder.any(axis=1) & _is_brief(frame[usable], chosen))
        pitch_before = chosen[sure]
        usable[usable] = sure
    pitch[frame[usable]] = pitch_before
    return pitch


def find_music(frame: _Places, heights: FloatArray, speech: _Flags) -> npt.NDArray[np.bool_]:
    """Find the candidates that belong to music which goes on while nobody speaks.

    Args:
        frame: (n,) numbers of the voiced frames, ascending.
        heights: (n, candidates) semitones, the likeliest first.
        speech: (frames,) whether somebody speaks.

    Returns:
        (n, candidates) bool.
    """
    music = np.zeros(heights.shape, np.bool_)
    silent = ~maximum_filter1d(speech, 2 * _EDGE + 1)
    silences = np.concatenate([[0], np.cumsum(silent)])
    notes = frame[silent[frame]]
    step = np.rint(heights * _NOTE_STEPS).astype(np.int32)
    step -= step.min() - 1
    played = step[silent[frame], 0]
    for start in range(int(frame[0]), int(frame[-1]) + 1, _NEAR):
        low, high = max(0, start - 2 * _NEAR), min(len(speech), start + 3 * _NEAR)
        first, last = np.searchsorted(notes, (low, high))
        quiet = silences[high] - silences[low]
        if quiet < LEAST_SILENCE or last - first < MUSIC_SHARE * quiet:
            continue
        is_note = np.bincount(played[first:last], minlength=int(step.max()) + 2) >= _LEAST_FRAMES
        is_note[1:-1] |= is_note[:-2] | is_note[2:]
        asked = slice(*np.searchsorted(frame, (start, start + _NEAR)))
        music[asked] = is_note[step[asked]]
        music[asked] |= find_steady(frame[asked], heights[asked], speech, SHORT_NOTE_FRAMES)
    return music


def find_steady(
    frame: _Places, heights: FloatArray, speech: _Flags, reach: int = STEADY_FRAMES
) -> npt.NDArray[np.bool_]:
    """Find the candidates that belong to a tone which stands still.

    Args:
        frame: (n,) numbers of the voiced frames, ascending.
        heights: (n, candidates) semitones.
        speech: (frames,) whether somebody speaks; other frames are not asked about.
        reach: For how many frames it stands still.

    Returns:
        (n, candidates) bool.
    """
    steady = np.zeros(heights.shape, np.bool_)
    if not len(frame):
        return steady
    step = np.rint(heights * _CENTS).astype(np.int32)
    step -= step.min() - 1
    width = int(step.max()) + 2
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


def find_path(frame: _Places, heights: _Numbers, score: _Numbers, span: tuple[float, float] | None = None) -> _Places:
    """Find the likeliest path through the candidates. What it costs is computed block by block.

    Args:
        frame: (n,) the frames' numbers, ascending; n >= 1.
        heights: (n, candidates) semitones.
        score: (n, candidates) logarithms of their probabilities.
        span: The speaker's range in semitones, out of which candidates cost more; None where it is not known.

    Returns:
        (n,) the candidate of each frame.
    """
    origin = np.zeros(heights.shape, np.int8)
    columns = np.arange(heights.shape[1])
    best = _costs(heights[:1], score[:1], span)[0]
    for start in range(1, len(frame), _BLOCK):
        frames = slice(start, start + _BLOCK)
        costs = _costs(heights[frames], score[frames], span)
        leaps = _leap_costs(frame[start - 1 : frames.stop], heights[start - 1 : frames.stop].astype(np.float64))
        for i, (leap, cost) in enumerate(zip(leaps, costs, strict=True), start):
            total = best[:, None] + leap
            origin[i] = total.argmin(axis=0)
            best = total[origin[i], columns] + cost
    path = np.zeros(len(heights), np.intp)
    path[-1] = best.argmin()
    for i in range(len(path) - 1, 0, -1):
        path[i - 1] = origin[i, path[i]]
    return path


def speaker_range(first: _Numbers) -> tuple[float, float]:
    """Compute the range of a speaker in semitones.

    Args:
        first: (n,) the pitch of a first pass, in semitones.
    """
    low, high = np.percentile(first, (25, 75)) + _OCTAVE * np.log2(RANGE)
    return float(low), float(high)


def _costs(heights: _Numbers, score: _Numbers, span: tuple[float, float] | None) -> _Numbers:
    """Compute what each candidate costs by itself, (n, candidates) float64."""
    cost: _Numbers = -score.astype(np.float64)
    if span is not None:
        low, high = span
        outside = np.maximum(low - heights.astype(np.float64), heights.astype(np.float64) - high)
        cost += OUT_OF_RANGE * np.clip(outside, 0, _OCTAVE)
    return cost


def _leap_costs(frame: _Places, heights: _Numbers) -> _Numbers:
    """Compute what each leap from a frame's candidates to the next one's costs: (n - 1, candidates, candidates)."""
    gap = np.diff(frame).astype(np.float64)[:, None, None]
    leap = np.abs(heights[1:, None, :] - heights[:-1, :, None]) - GLIDE * np.sqrt(gap)
    cost: _Numbers = LEAP / (1 + (gap - 1) / LEAP_DECAY) * np.clip(leap, 0, _OCTAVE) / _OCTAVE
    return cost


def _is_octave(heights: _Numbers, chosen: _Numbers) -> _Flags:
    """Return which candidates (n, candidates) lie about an octave from the chosen ones (n,)."""
    distance = heights - chosen[:, None]
    np.abs(distance, out=distance)
    distance -= _OCTAVE
    is_octave: _Flags = np.abs(distance, out=distance) < _OCTAVE_WIDTH
    return is_octave


def _is_brief(frame: _Places, heights: _Numbers) -> _Flags:
    """Return which frames belong to a run without a gap or a leap that is too short for a voice."""
    ends = (np.diff(frame) > 2) | (np.abs(np.diff(heights)) > 2 * GLIDE)
    run = np.concatenate([[0], np.cumsum(ends)])
    brief: _Flags = np.bincount(run)[run] < _SHORTEST
    return brief
