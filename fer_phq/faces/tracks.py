"""Linking detections over time: one track a person, never two people in one series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from fer_phq.faces.detector import Detection

REACH = 0.9
"""Face widths that a face may move between neighbouring samples."""
REACH_PER_S = 0.5
"""Face widths more for every second without a sight of it."""
MOST_REACH = 2.5
MOST_RESIZE = 1.8
"""Largest ratio of sizes between two sights of one face."""
MEMORY_S = 10.0
"""A face that was away for longer starts a new track."""
_IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class TrackStats:
    """A track so far. frames: in how many it was seen; first_s, last_s: when.

    mean_area: mean share of the picture that the box fills, 0 to 1. mean_centrality: 1 when always in the middle of
    the picture, 0 when always in a corner.
    """

    track: int
    frames: int
    first_s: float
    last_s: float
    mean_area: float
    mean_centrality: float


@dataclass
class _Track:
    """What is remembered of a track: its last sight and running sums."""

    number: int
    last: Detection
    first_s: float
    last_s: float
    frames: int = 0
    area: float = 0.0
    centrality: float = 0.0

    def see(self, time_s: float, face: Detection, frame_size: tuple[int, int]) -> None:
        width, height = frame_size
        self.last, self.last_s, self.frames = face, time_s, self.frames + 1
        self.area += face.size**2 / (width * height)
        away = np.hypot((face.centre[0] / width - 0.5) * 2, (face.centre[1] / height - 0.5) * 2) / np.sqrt(2)
        self.centrality += max(0.0, 1 - float(away))


class Tracker:
    """Give each detection of consecutive sampled frames a track id; ids count from 0 in order of appearance.

    Every pair of a recent track and a detection costs the distance between their centres in face widths plus the log
    ratio of their sizes; the cheapest one-to-one assignment wins (Hungarian method, Kuhn 1955), and pairs out of reach
    are never linked. A face that was away for up to ten seconds takes up its track again when no other face could.
    """

    def __init__(self) -> None:
        self._all: list[_Track] = []
        self._recent: list[_Track] = []
        self._frame_before_s = float("-inf")

    def update(self, time_s: float, detections: Sequence[Detection], frame_size: tuple[int, int]) -> list[int]:
        """Track ids of a frame's detections, in their order; frame_size is (width, height) in the same pixels."""
        self._recent = [track for track in self._recent if time_s - track.last_s <= MEMORY_S]
        given = self._assign(time_s, detections)
        if lone := self._returning(detections, given):
            given[lone[0]] = lone[1]
        for i, face in enumerate(detections):
            if i not in given:
                given[i] = _Track(len(self._all), face, time_s, time_s)
                self._all.append(given[i])
                self._recent.append(given[i])
            given[i].see(time_s, face, frame_size)
        self._frame_before_s = time_s
        return [given[i].number for i in range(len(detections))]

    def tracks(self) -> list[TrackStats]:
        """All tracks so far, by id."""
        return [
            TrackStats(t.number, t.frames, t.first_s, t.last_s, t.area / t.frames, t.centrality / t.frames)
            for t in self._all
        ]

    def _assign(self, time_s: float, detections: Sequence[Detection]) -> dict[int, _Track]:
        if not detections or not self._recent:
            return {}
        cost = np.array([[_cost(track, face, time_s) for face in detections] for track in self._recent])
        rows, columns = linear_sum_assignment(cost)
        pairs = zip(rows, columns, strict=True)
        return {int(j): self._recent[i] for i, j in pairs if cost[i, j] < _IMPOSSIBLE}

    def _returning(self, detections: Sequence[Detection], given: dict[int, _Track]) -> tuple[int, _Track] | None:
        """The one new face and the one absent track that can only belong together, if that is so.

        Only after an absence: two sights in neighbouring frames that are out of reach are two people.
        """
        new = [i for i in range(len(detections)) if i not in given]
        taken = {track.number for track in given.values()}
        absent = [track for track in self._recent if track.number not in taken]
        if len(new) != 1 or len(absent) != 1 or absent[0].last_s >= self._frame_before_s:
            return None
        return (new[0], absent[0]) if _resize(absent[0].last, detections[new[0]]) <= MOST_RESIZE else None


def _resize(a: Detection, b: Detection) -> float:
    """Ratio of the larger to the smaller size, at least 1."""
    return max(a.size, b.size, 1e-6) / max(min(a.size, b.size), 1e-6)


def _cost(track: _Track, face: Detection, time_s: float) -> float:
    size = max(1e-6, (track.last.size * face.size) ** 0.5)
    distance = float(np.hypot(face.centre[0] - track.last.centre[0], face.centre[1] - track.last.centre[1])) / size
    reach = min(MOST_REACH, REACH + REACH_PER_S * (time_s - track.last_s))
    resize = _resize(track.last, face)
    return distance + float(np.log(resize)) if distance <= reach and resize <= MOST_RESIZE else _IMPOSSIBLE


def choose_subject(tracks: Sequence[TrackStats]) -> int | None:
    """The track of the recording's subject: the longest, largest, most central; None when there is no track.

    Each track scores the product of its frames, the square root of its mean area and its mean centrality (plus 0.5,
    so that a face at the edge still counts), each relative to the best; the first of equals wins.
    """
    if not tracks:
        return None
    frames, area = max(t.frames for t in tracks), max(t.mean_area for t in tracks) or 1.0

    def score(track: TrackStats) -> float:
        return track.frames / frames * float(np.sqrt(track.mean_area / area)) * (0.5 + track.mean_centrality)

    return max(tracks, key=score).track
