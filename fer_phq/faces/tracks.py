"""Face tracks: detections linked over time, one track a person, and the choice of the session's subject."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from scipy.optimize import linear_sum_assignment

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Detection, overlap

KEEP_S = 4.0
"""Seconds for which a track waits for its face to come back near the position where it was lost."""

_REACH = 0.6  # in face sizes: at once, more a second, at most
_SPEED = 1.5
_FARTHEST = 3.0
_GROWTH = 1.6  # ratio of sizes allowed at once; squared after a second and longer
_COAST_S = 0.7  # a face goes on at its last speed no longer than this
_MEMORY = 0.3  # weight of the newest detection in appearance
_UNLIKE, _ALIKE = 0.4, 0.7  # similarity that forbids a link at once; that a link needs after two seconds and later
_CERTAIN = 0.8  # similarity that joins tracks although somebody else was present
_NEVER = 1e6
_GRID = 6
_APPEARANCE_SIZE = 3 * _GRID**2


@dataclass(frozen=True, eq=False)
class TrackStats:
    """Statistics of one track.

    Attributes:
        track: Id, from 0 in order of appearance.
        frames: Number of frames with a detection.
        first_s: Time of the first detection in seconds.
        last_s: Time of the last detection in seconds.
        mean_area: Share of the image that the box fills, 0 to 1.
        mean_centrality: 1 in the image's middle, 0 in a corner.
        appearance: (108,) unit vector, the mean of `appearance` over the detections; None without crops.
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
        """Frames x face size (root of the area share) x 0.5 to 1 for centrality: what `choose_subject` compares."""
        return self.frames * math.sqrt(self.mean_area) * (0.5 + 0.5 * self.mean_centrality)


@dataclass(eq=False)
class _Track:
    """Running sums and the last detection: the same few numbers however long the track."""

    track: int
    last: Detection
    first_s: float
    last_s: float
    frames: int = 0
    area: float = 0.0
    centrality: float = 0.0
    speed: tuple[float, float] = (0.0, 0.0)
    appearance: FloatArray | None = None
    appearance_sum: FloatArray | None = field(default=None, repr=False)

    def add(self, time_s: float, face: Detection, frame_size: tuple[int, int], vector: FloatArray | None) -> None:
        gap = time_s - self.last_s
        if self.frames and gap > 0:
            speed_x = (face.centre[0] - self.last.centre[0]) / gap
            speed_y = (face.centre[1] - self.last.centre[1]) / gap
            share = 0.5 if gap <= 1 else 1.0  # after a long gap, the earlier speed no longer holds
            self.speed = (
                (1 - share) * self.speed[0] + share * speed_x,
                (1 - share) * self.speed[1] + share * speed_y,
            )
        self.last = face
        self.last_s = time_s
        self.frames += 1
        self.area += face.size**2 / (frame_size[0] * frame_size[1])
        eccentricity = math.dist(face.centre, (frame_size[0] / 2, frame_size[1] / 2))
        self.centrality += max(0.0, 1 - eccentricity / (math.hypot(*frame_size) / 2))
        if vector is None:
            return
        if self.appearance is None or self.appearance_sum is None:
            self.appearance = vector
            self.appearance_sum = vector
        else:
            self.appearance = _unit((1 - _MEMORY) * self.appearance + _MEMORY * vector)
            self.appearance_sum = self.appearance_sum + vector

    def expected_centre(self, time_s: float) -> tuple[float, float]:
        coast = min(max(0.0, time_s - self.last_s), _COAST_S)
        return self.last.centre[0] + self.speed[0] * coast, self.last.centre[1] + self.speed[1] * coast

    def stats(self) -> TrackStats:
        return TrackStats(
            track=self.track,
            frames=self.frames,
            first_s=self.first_s,
            last_s=self.last_s,
            mean_area=self.area / self.frames,
            mean_centrality=self.centrality / self.frames,
            appearance=None if self.appearance_sum is None else _unit(self.appearance_sum),
        )


class Tracker:
    """Assigns each detection the track of its person, frame by frame.

    Detections and tracks are matched as a whole (Hungarian method) on how far a face is from where its track would
    be, in face sizes, on size and on appearance. The reach grows with the time since the track's last detection. Within
    a frame every face has its own track, so faces in the same frame are never one person.
    """

    def __init__(self, keep_s: float = KEEP_S) -> None:
        """Start without tracks.

        Args:
            keep_s: Seconds after which a track without detections is closed; `same_person` may join it later.
        """
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
        """Assign the detections of the next frame to tracks.

        Args:
            time_s: Time of the frame in seconds; frames come in order of time.
            detections: The faces of the frame.
            frame_size: (width, height) in pixels of the image in which they were detected.
            crops: Their aligned crops, in the same order. With them people are distinguished by appearance too, which
                matters when they cross or replace one another.

        Returns:
            The track id of each detection.
        """
        self._close(time_s)
        vectors = [None] * len(detections) if crops is None else [appearance(crop) for crop in crops]
        matches = self._match(time_s, detections, vectors)
        ids = []
        for i, (face, vector) in enumerate(zip(detections, vectors, strict=True)):
            track = matches.get(i) or self._start(time_s, face)
            track.add(time_s, face, frame_size, vector)
            ids.append(track.track)
        return ids

    def tracks(self) -> list[TrackStats]:
        """Return the statistics of all tracks so far, ordered by id."""
        return sorted([*self._closed, *(t.stats() for t in self._open)], key=lambda t: t.track)

    def _match(
        self, time_s: float, detections: Sequence[Detection], vectors: Sequence[FloatArray | None]
    ) -> dict[int, _Track]:
        if not detections or not self._open:
            return {}
        rows = []
        for face, vector in zip(detections, vectors, strict=True):
            rows.append([_cost(track, time_s, face, vector) for track in self._open])
        cost = np.array(rows)
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


def _cost(track: _Track, time_s: float, face: Detection, vector: FloatArray | None) -> float:
    """Compute how unlikely it is that a detection continues a track: 0 is perfect, `_NEVER` is excluded."""
    gap = max(0.0, time_s - track.last_s)
    size = math.sqrt(max(1e-6, track.last.size * face.size))
    # A person goes on moving, or stops: the nearer of the two positions counts.
    coasting = math.dist(face.centre, track.expected_centre(time_s)) / size
    distance = min(coasting, math.dist(face.centre, track.last.centre) / size)
    reach = min(_REACH + _SPEED * gap, _FARTHEST)
    growth = abs(math.log(max(face.size, 1e-3) / max(track.last.size, 1e-3)))
    allowed = math.log(_GROWTH) * (1 + min(gap, 1.0))
    if distance > reach or growth > allowed:
        return _NEVER
    cost = 0.5 * (distance + coasting) / reach + 0.5 * growth / allowed + 0.5 * (1 - overlap(track.last.box, face.box))
    if vector is not None and track.appearance is not None:
        similarity = float(vector @ track.appearance)
        if similarity < _UNLIKE + (_ALIKE - _UNLIKE) * min(gap / 2, 1.0):
            return _NEVER
        cost += 3 * (1 - similarity)
    return cost


def appearance(crop: Image) -> FloatArray:
    """Describe coarsely how a person looks. The dot product of two such vectors is their similarity, -1 to 1.

    The vector is the logarithm of each colour of the aligned crop in 6 x 6 cells, less the mean brightness: hair, skin,
    clothing and background, little changed by light and expression. It serves to link detections within one recording,
    not to identify people: over a short clip one person stayed above 0.93, and 19 of 20 times above 0.71 when light,
    focus and colour were spoilt; 19 of 20 pairs of different people lay below 0.67, the closest at 0.85
    (`benchmarks/bench_faces.py`).

    Args:
        crop: Aligned crop, uint8 RGB (s, s, 3).

    Returns:
        (108,) float32 unit vector.
    """
    cells = np.asarray(PillowImage.fromarray(crop).resize((_GRID, _GRID), PillowImage.Resampling.BOX), np.float32)
    values = np.log(cells / 255 + 0.08)
    return _unit((values - values.mean()).ravel())


def _unit(values: FloatArray) -> FloatArray:
    unit: FloatArray = (values / max(float(np.linalg.norm(values)), 1e-6)).astype(np.float32)
    return unit


def choose_subject(tracks: Sequence[TrackStats]) -> int | None:
    """Choose the track that the session is about.

    It belongs to the first of the persons of `link_persons` (longest, largest, most central); of that person it is the
    track with the greatest weight, the earlier one where equal.

    Args:
        tracks: All tracks of the recording.

    Returns:
        The track's id, or None without tracks.
    """
    persons = link_persons(tracks)
    return persons[0][0] if persons else None


def same_person(tracks: Sequence[TrackStats], track: int) -> frozenset[int]:
    """Find the tracks of the person of a track: somebody who left and came back has several.

    Args:
        tracks: All tracks of the recording.
        track: Id of the person's track.

    Returns:
        The ids of the person's tracks in `link_persons`, `track` included.

    Raises:
        KeyError: There is no track of that id.
    """
    return {i: frozenset(ids) for ids in link_persons(tracks) for i in ids}[track]


def link_persons(tracks: Sequence[TrackStats]) -> tuple[tuple[int, ...], ...]:
    """Partition the tracks into persons.

    Two tracks that overlap in time are never joined. A person begins with the track of the greatest weight that is not
    anybody's yet. Another track is joined, longest first, when its appearance agrees (similarity of 0.7, or 0.8 when it
    could be another person, who is not in view at its time) and agrees with nobody else better. Without appearance it
    is joined only when nobody else could be it and the size is within a factor of two.

    Args:
        tracks: All tracks of the recording.

    Returns:
        The ids of each person's tracks, greatest `TrackStats.weight` first, the smaller id where equal. The person with
        the greatest sum of weights comes first, the smaller first id where equal.
    """
    weights = {t.track: t.weight for t in tracks}
    remaining = sorted(tracks, key=lambda t: (-t.weight, t.track))
    persons = []
    while remaining:
        joined = _join(remaining, 0)
        persons.append(tuple(t.track for t, is_joined in zip(remaining, joined, strict=True) if is_joined))
        remaining = [t for t, is_joined in zip(remaining, joined, strict=True) if not is_joined]
    return tuple(sorted(persons, key=lambda ids: (-sum(weights[i] for i in ids), ids[0])))


def _join(tracks: Sequence[TrackStats], lead: int) -> npt.NDArray[np.bool_]:
    """Compute which tracks (n,) are those of the person of `tracks[lead]`."""
    first = np.array([t.first_s for t in tracks])
    last = np.array([t.last_s for t in tracks])
    together = (first[:, None] <= last) & (first <= last[:, None])  # which tracks overlap in time
    unknown = np.full(_APPEARANCE_SIZE, np.nan)
    appearances = np.array([unknown if t.appearance is None else t.appearance for t in tracks])
    similarity = appearances @ appearances[lead]
    person: npt.NDArray[np.bool_] = np.arange(len(tracks)) == lead
    in_view = together[lead].copy()  # tracks at whose time the person is in view elsewhere
    for i in sorted(range(len(tracks)), key=lambda i: (-tracks[i].frames, tracks[i].track)):
        if in_view[i]:
            continue
        rivals = in_view & ~person & ~together[i]  # the others are perhaps the same person
        if np.isnan(similarity[i]):
            ratio = tracks[i].mean_area / max(tracks[lead].mean_area, 1e-9)
            joins = not rivals.any() and 0.25 <= ratio <= 4
        else:
            rival_similarity = appearances[rivals] @ appearances[i]
            best_rival = float(np.nanmax(rival_similarity)) if (~np.isnan(rival_similarity)).any() else -1.0
            needed = _CERTAIN if rivals.any() else _ALIKE
            joins = similarity[i] >= needed and similarity[i] > best_rival
        if joins:
            person[i] = True
            in_view |= together[i]
    return person
