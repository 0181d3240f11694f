"""Linking detections over time into tracks, one a person, and choosing whose track the session is about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image as PillowImage
from scipy.optimize import linear_sum_assignment

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Detection, overlap

KEEP_S = 4.0
"""Seconds for which a track waits for its face to come back near the place where it was lost."""

_REACH = 0.6  # in face sizes: at once, more a second, at most
_SPEED = 1.5
_FARTHEST = 3.0
_GROWTH = 1.6  # ratio of sizes allowed at once; squared after a second and longer
_COAST_S = 0.7  # a face goes on at its last speed no longer than this
_MEMORY = 0.3  # weight of the newest sighting in speed and appearance
_UNLIKE, _ALIKE = 0.4, 0.7  # similarity that forbids a link at once; that a link needs after two seconds and later
_CERTAIN = 0.8  # similarity that re-joins tracks although somebody else was about
_NEVER = 1e6
_GRID = 6
_LOOKS = 3 * _GRID**2


@dataclass(frozen=True, eq=False)
class TrackStats:
    """What is known of one track.

    track: id, from 0 in order of appearance. frames: sightings. first_s, last_s: times of the first and last one.
    mean_area: share of the picture the box fills, 0 to 1. mean_centrality: 1 in the picture's middle, 0 in a corner.
    appearance: (108,) unit vector, the mean of `appearance` over the sightings, or None without crops.
    """

    track: int
    frames: int
    first_s: float
    last_s: float
    mean_area: float
    mean_centrality: float
    appearance: FloatArray | None = None

    @property
    def weight(self) -> float:
        """Sightings x face size (root of the area share) x 0.5 to 1 for centrality: what `choose_subject` compares."""
        return self.frames * math.sqrt(self.mean_area) * (0.5 + 0.5 * self.mean_centrality)


@dataclass(eq=False)
class _Track:
    """Running sums and the last sighting: the same few numbers however long the track."""

    track: int
    last: Detection
    first_s: float
    last_s: float
    frames: int = 0
    area: float = 0.0
    centrality: float = 0.0
    speed: tuple[float, float] = (0.0, 0.0)
    looks: FloatArray | None = None
    looks_sum: FloatArray | None = field(default=None, repr=False)

    def add(self, time_s: float, face: Detection, frame_size: tuple[int, int], looks: FloatArray | None) -> None:
        gap = time_s - self.last_s
        if self.frames and gap > 0:
            moved = [(now - then) / gap for now, then in zip(face.centre, self.last.centre, strict=True)]
            share = 0.5 if gap <= 1 else 1.0  # an old speed says nothing
            self.speed = (
                (1 - share) * self.speed[0] + share * moved[0],
                (1 - share) * self.speed[1] + share * moved[1],
            )
        self.last = face
        self.last_s = time_s
        self.frames = self.frames + 1
        self.area += face.size**2 / (frame_size[0] * frame_size[1])
        off = math.dist(face.centre, (frame_size[0] / 2, frame_size[1] / 2))
        self.centrality += max(0.0, 1 - off / (math.hypot(*frame_size) / 2))
        if looks is not None:
            self.looks = looks if self.looks is None else _unit((1 - _MEMORY) * self.looks + _MEMORY * looks)
            self.looks_sum = looks if self.looks_sum is None else self.looks_sum + looks

    def expected_centre(self, time_s: float) -> tuple[float, float]:
        coast = min(max(0.0, time_s - self.last_s), _COAST_S)
        return self.last.centre[0] + self.speed[0] * coast, self.last.centre[1] + self.speed[1] * coast

    def stats(self) -> TrackStats:
        looks = None if self.looks_sum is None else _unit(self.looks_sum)
        n = self.frames
        return TrackStats(self.track, n, self.first_s, self.last_s, self.area / n, self.centrality / n, looks)


class Tracker:
    """Gives each detection the id of the person it belongs to, frame by frame.

    Detections and tracks are matched as a whole (Hungarian method) on how far a face is from where its track would
    be, in face sizes, on size and on looks. The reach grows with the time since the track was seen. Within a frame
    every face has its own track, so faces seen together are never one person.
    """

    def __init__(self, keep_s: float = KEEP_S) -> None:
        """keep_s: seconds after which a track that is not seen is closed; `same_person` may re-join it later."""
        self._keep_s = keep_s
        self._open: list[_Track] = []
        self._closed: list[TrackStats] = []
        self._next = 0

    def update(
        self,
        time_s: float,
        detections: Sequence[Detection],
        frame_size: tuple[int, int],
        crops: Sequence[Image] | None = None,
    ) -> list[int]:
        """The track id of each detection in the next frame (frames come in order of time).

        frame_size: (width, height) of the picture the detections come from. crops: their aligned crops, in the same
        order; with them people are told apart by looks too, which matters when they cross or replace one another.
        """
        self._close(time_s)
        looks = [None] * len(detections) if crops is None else [appearance(crop) for crop in crops]
        matched = self._match(time_s, detections, looks)
        ids = []
        for i, (face, look) in enumerate(zip(detections, looks, strict=True)):
            track = matched.get(i) or self._start(time_s, face)
            track.add(time_s, face, frame_size, look)
            ids.append(track.track)
        return ids

    def tracks(self) -> list[TrackStats]:
        """All tracks so far, by id."""
        return sorted([*self._closed, *(t.stats() for t in self._open)], key=lambda t: t.track)

    def _match(
        self, time_s: float, detections: Sequence[Detection], looks: Sequence[FloatArray | None]
    ) -> dict[int, _Track]:
        if not detections or not self._open:
            return {}
        cost = np.array([[_cost(t, time_s, d, x) for t in self._open] for d, x in zip(detections, looks, strict=True)])
        pairs = zip(*linear_sum_assignment(cost), strict=True)
        return {int(i): self._open[j] for i, j in pairs if cost[i, j] < _NEVER}

    def _start(self, time_s: float, face: Detection) -> _Track:
        track = _Track(self._next, face, time_s, time_s)
        self._next += 1
        self._open.append(track)
        return track

    def _close(self, time_s: float) -> None:
        self._closed += [t.stats() for t in self._open if time_s - t.last_s > self._keep_s]
        self._open = [t for t in self._open if time_s - t.last_s <= self._keep_s]


def _cost(track: _Track, time_s: float, face: Detection, looks: FloatArray | None) -> float:
    """How unlikely it is that a detection continues a track: 0 is perfect, `_NEVER` is out of the question."""
    gap = max(0.0, time_s - track.last_s)
    size = math.sqrt(max(1e-6, track.last.size * face.size))
    # A person goes on moving, or stops: the nearer of the two places counts.
    away = min(math.dist(face.centre, place) for place in (track.expected_centre(time_s), track.last.centre)) / size
    coasting = math.dist(face.centre, track.expected_centre(time_s)) / size
    reach = min(_REACH + _SPEED * gap, _FARTHEST)
    growth = abs(math.log(max(face.size, 1e-3) / max(track.last.size, 1e-3)))
    allowed = math.log(_GROWTH) * (1 + min(gap, 1.0))
    if away > reach or growth > allowed:
        return _NEVER
    cost = 0.5 * (away + coasting) / reach + 0.5 * growth / allowed + 0.5 * (1 - overlap(track.last.box, face.box))
    if looks is not None and track.looks is not None:
        alike = float(looks @ track.looks)
        if alike < _UNLIKE + (_ALIKE - _UNLIKE) * min(gap / 2, 1.0):
            return _NEVER
        cost += 3 * (1 - alike)
    return cost


def appearance(crop: Image) -> FloatArray:
    """How a person looks, coarsely: (108,) float32 unit vector; the dot product of two is their similarity, -1 to 1.

    The aligned crop in 6 x 6 cells, the logarithm of each colour, less the mean brightness: hair, skin, clothing and
    what is behind, little changed by light and expression. For linking within one recording, not for identifying
    people: over a short clip one person stayed above 0.93, and 19 of 20 times above 0.71 when light, focus and colour
    were spoilt; 19 of 20 pairs of different people lay below 0.67, the closest at 0.85 (`benchmarks/bench_faces.py`).
    """
    cells = np.asarray(PillowImage.fromarray(crop).resize((_GRID, _GRID), PillowImage.Resampling.BOX), np.float32)
    values = np.log(cells / 255 + 0.08)
    return _unit((values - values.mean()).ravel())


def _unit(values: FloatArray) -> FloatArray:
    unit: FloatArray = (values / max(float(np.linalg.norm(values)), 1e-6)).astype(np.float32)
    return unit


def choose_subject(tracks: Sequence[TrackStats]) -> int | None:
    """The id of the track that the session is about, or None without tracks.

    The person with the greatest sum of `TrackStats.weight` (seen longest, largest, most central) over the tracks that
    `same_person` joins; of that person the track with the greatest weight, the earlier one where equal.
    """
    if not tracks:
        return None
    by_id = {t.track: t for t in tracks}
    foremost = sorted(tracks, key=lambda t: (-t.weight, t.track))[:20]
    best = max(foremost, key=lambda t: sum(by_id[i].weight for i in same_person(tracks, t.track)))
    joined = [by_id[i] for i in same_person(tracks, best.track)]
    return min(joined, key=lambda t: (-t.weight, t.track)).track


def same_person(tracks: Sequence[TrackStats], track: int) -> frozenset[int]:
    """The ids of the tracks that belong to the person of `track`, itself included: who left and came back.

    Never two tracks that overlap in time. Another track is joined, longest first, when its looks agree (similarity
    of 0.7, or 0.8 when somebody else known could be it: a person who is not in view at its time) and agree with
    nobody else better. Without looks it is joined only when nobody else could be it and the size is within a factor
    of two. Raises KeyError for an unknown id.
    """
    chosen = {t.track: i for i, t in enumerate(tracks)}[track]
    first = np.array([t.first_s for t in tracks])
    last = np.array([t.last_s for t in tracks])
    together = (first[:, None] <= last) & (first <= last[:, None])  # which tracks overlap in time
    looks = np.array([np.full(_LOOKS, np.nan) if t.appearance is None else t.appearance for t in tracks])
    alike = looks @ looks[chosen]
    person = np.arange(len(tracks)) == chosen
    in_view = together[chosen].copy()  # tracks at whose time the person is in view elsewhere
    for i in sorted(range(len(tracks)), key=lambda i: (-tracks[i].frames, tracks[i].track)):
        if in_view[i]:
            continue
        rivals = in_view & ~person & ~together[i]  # the others are perhaps the same person
        if np.isnan(alike[i]):
            ratio = tracks[i].mean_area / max(tracks[chosen].mean_area, 1e-9)
            joins = not rivals.any() and 0.25 <= ratio <= 4
        else:
            theirs = looks[rivals] @ looks[i]
            best = float(np.nanmax(theirs)) if (~np.isnan(theirs)).any() else -1.0
            joins = alike[i] >= (_CERTAIN if rivals.any() else _ALIKE) and alike[i] > best
        if joins:
            person[i] = True
            in_view |= together[i]
    return frozenset(tracks[int(i)].track for i in np.flatnonzero(person))
