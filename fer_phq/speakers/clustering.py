"""Which voices of different windows are one person's: agglomerative clustering that knows who was heard beside whom.

Vectors of one person are alike, but not equally so in every recording: over a telephone two people may be as alike as
one person is to himself in a quiet room. A second witness does not depend on that. Two voices that the segmentation
hears in the same ten seconds are two people's; where two groups of voices are often heard beside each other, they are
not joined, however alike they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

MOST_VECTORS = 600
"""Vectors that are compared with each other; of more, those of the longest speech. The rest join the nearest group."""

SAME_VOICE = 0.78
"""Mean cosine of the vectors of two groups from which they are one person's (`benchmarks/bench_speech.py`)."""

BESIDE = 0.5
"""What is taken from that cosine where each voice of the smaller group was heard beside one of the larger."""

LEAST_S = 1.0
"""Seconds of somebody alone from which a vector helps to form groups."""

LEAST_SPEAKER_S = 2.0
"""Seconds of vectors, a moment of speech counted once for each window that has it, from which a group is a speaker."""

_ROUNDS = 10
_BLOCK = 1024  # vectors that are widened at once
_LONGEST_S = 5.0  # a longer stretch counts no more

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Voices:
    """The voices of all windows.

    Attributes:
        vectors: (n, 256) float16 of length 1; those of three hours would take 30 MB in 64 bits.
        alone_s: (n,) seconds in which each is heard alone.
        window: (n,) number of the window of each, ascending.
    """

    vectors: npt.NDArray[np.float16]
    alone_s: Floats
    window: Ints


@dataclass(frozen=True, eq=False)
class Speakers:
    """People, and whose the voices are.

    Attributes:
        speaker_of: (n,) the speaker of each voice, from 0.
        centres: (speakers, 256) mean vector of each, of length 1.
    """

    speaker_of: Ints
    centres: Floats


def group_voices(voices: Voices, most: int) -> Speakers:
    """Group voices by person.

    Args:
        voices: The voices of all windows.
        most: The most speakers, at least 1.
    """
    weights = np.minimum(voices.alone_s, _LONGEST_S)
    basis = np.flatnonzero(voices.alone_s >= LEAST_S)
    if not len(basis):
        basis = np.arange(len(weights))
    if len(basis) > MOST_VECTORS:
        basis = np.sort(basis[np.argsort(-weights[basis], kind="stable")[:MOST_VECTORS]])
    vectors = voices.vectors[basis].astype(np.float64)
    labels = _agglomerate(vectors, voices.window[basis], weights[basis], most)
    centres = np.stack([weights[basis][labels == k] @ vectors[labels == k] for k in range(labels.max() + 1)])
    return _refine(voices, weights, centres)


def _agglomerate(vectors: Floats, window: Ints, weights: Floats, most: int) -> Ints:
    """Join the most alike groups until the rest are different people, and no more than `most`."""
    count = len(vectors)
    members = [[i] for i in range(count)]
    sums = vectors @ vectors.T  # of the cosines between two groups
    meetings = (window[:, None] == window[None]).astype(np.float64)  # pairs of voices of one window
    sizes = np.ones(count)
    alike = sums - BESIDE * meetings
    np.fill_diagonal(alike, -np.inf)
    alive = np.ones(count, np.bool_)
    while alive.sum() > 1:
        a, b = divmod(int(alike.argmax()), count)
        heavy = sum(weights[members[i]].sum() >= LEAST_SPEAKER_S for i in np.flatnonzero(alive))
        if alike[a, b] < SAME_VOICE and heavy <= most:
            break
        members[a] += members[b]
        for table in (sums, meetings):
            table[a] += table[b]
            table[:, a] = table[a]
        sizes[a] += sizes[b]
        alive[b] = False
        similarity = sums[a] / (sizes[a] * sizes) - BESIDE * np.minimum(1, meetings[a] / np.minimum(sizes[a], sizes))
        similarity[~alive] = -np.inf
        similarity[a] = -np.inf
        alike[a] = similarity
        alike[:, a] = similarity
        alike[b] = -np.inf
        alike[:, b] = -np.inf
    groups = [members[i] for i in np.flatnonzero(alive)]
    speakers = [group for group in groups if weights[group].sum() >= LEAST_SPEAKER_S] or [max(groups, key=len)]
    labels = np.full(count, -1)
    for label, group in enumerate(sorted(speakers, key=lambda group: -weights[group].sum())[:most]):
        labels[group] = label
    return labels


def _refine(voices: Voices, weights: Floats, centres: Floats) -> Speakers:
    """Give each voice to the nearest speaker, two voices of a window to two, and move speakers to their voices."""
    vectors = voices.vectors
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(vectors), _BLOCK)]
    labels = np.full(len(vectors), -1)
    for _ in range(_ROUNDS):
        centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
        previous = labels
        cosines = np.concatenate([vectors[block].astype(np.float64) @ centres.T for block in blocks])
        labels = _assign(cosines, voices.window)
        if (labels == previous).all():
            break
        shares = weights * (labels == np.arange(len(centres))[:, None])
        centres = 1e-6 * centres  # who has no voice left stays where they were
        for block in blocks:
            centres += shares[:, block] @ vectors[block].astype(np.float64)
    return Speakers(labels, centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9))


def _assign(cosines: Floats, window: Ints) -> Ints:
    """Return the speaker of each voice: those of one window get different ones as far as there are enough."""
    labels: Ints = cosines.argmax(axis=1)
    starts = np.flatnonzero(np.diff(window, prepend=-1))
    for first, last in zip(starts, [*starts[1:], len(window)], strict=True):
        if len(set(labels[first:last])) < last - first:
            rows, columns = linear_sum_assignment(cosines[first:last], maximize=True)
            labels[first + rows] = columns
    return labels
