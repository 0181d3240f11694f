"""Where faces are covered, and when: the plan that a recording's pictures are masked by.

A face that is missed shows somebody, so everything leans to covering too much. Pictures are searched at several sizes
with a low threshold, and now and then turned by a quarter, for heads that lie on their side. Between two detections of
a face the hull of both boxes is covered; so it is over an absence of up to `BRIDGE_S`, as when a face turns away and
comes back. Before its first and after its last detection the place stays covered for `HOLD_S`. Boxes are grown on every
side. What the plan does not cover is no promise: whoever hands a recording on looks at it first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Box, FaceDetector, overlap

THRESHOLD = 0.25
"""Lowest score that counts as a face; half of what an analysis asks for."""

SEARCHES: tuple[tuple[int, float], ...] = ((320, 1 / 15), (640, 0.25), (1280, 1.0))
"""(longer side in pixels at which pictures are searched, seconds between two searches). A side far above the
recording's own adds nothing and is left out."""

TURNED_S = 1.0
"""Seconds between two searches of the picture turned by a quarter to either side."""

NEXT_S = 0.6
"""Two detections of a face this close in time count as seeing it in between."""

BRIDGE_S = 10.0
"""Longest absence over which a face's place stays covered until it comes back near there."""

HOLD_S = 1.5
"""Seconds for which a face's place is covered before it is first and after it is last detected."""

WINDOW_S = 0.25
"""Seconds by which every cover begins earlier and ends later."""

MARGIN = 0.45
"""Part of a box's side by which it is grown on every side while a face is seen."""

WIDE_MARGIN = 0.7
"""The same where a face is not seen and may have moved."""

_REACH = 1.5  # face sizes that a face may have moved at once ...
_SPEED = 3.0  # ... and in each second more ...
_FARTHEST = 4.0  # ... up to
_GROWTH = 2.5  # most by which its size may have changed
_SAME_FACE = 0.3  # intersection over union from which two boxes of one picture are one face's

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Cover:
    """A box, in parts of the picture's sides, that is covered from one time to another."""

    start_s: float
    stop_s: float
    box: Box
    is_seen: bool


@dataclass
class _Track:
    """A face that is followed: where and when it was detected last."""

    time_s: float
    box: Box


@dataclass(frozen=True, eq=False)
class MaskPlan:
    """What is covered in a recording's pictures.

    Attributes:
        start_s: (n,) float64, when each cover begins, seconds from the recording's start.
        stop_s: (n,) float64, when it ends.
        boxes: (n, 4) float32, (x0, y0, x1, y1) in parts of the picture's width and height, 0 to 1.
        is_seen: (n,) bool, whether the face is detected before and after, or only its place is covered.
    """

    start_s: Times
    stop_s: Times
    boxes: FloatArray
    is_seen: npt.NDArray[np.bool_]

    def at(self, time_s: float) -> tuple[FloatArray, bool]:
        """Return the boxes that are covered at a time, and whether one of them is a face that is seen.

        Args:
            time_s: Seconds from the recording's start.

        Returns:
            (k, 4) float32 boxes in parts of the picture's sides; none where no face is near.
        """
        rows = np.flatnonzero((self.start_s <= time_s) & (time_s <= self.stop_s))
        return self.boxes[rows], bool(self.is_seen[rows].any())


class FacePlanner:
    """Searches pictures in order of time and plans what is covered."""

    def __init__(self, *, threshold: float = THRESHOLD, threads: int | None = None) -> None:
        """Load the detector.

        Args:
            threshold: Lowest score that counts as a face, 0 to 1.
            threads: Processor threads; all available ones when omitted.

        Raises:
            ModelError: The detector's weights are missing or damaged.
        """
        self._detectors = {side: FaceDetector(threshold, threads=threads, sides=(side,)) for side, _ in SEARCHES}
        self._coarse = FaceDetector(threshold, threads=threads, sides=(160,))
        self._due_s: dict[int, float] = {}
        self._waiting: tuple[float, Image] | None = None
        self._open: list[_Track] = []
        self._covers: list[_Cover] = []

    def add(self, time_s: float, picture: Image) -> None:
        """Take the next picture; the one before is searched, at the sizes that fall due while it is displayed.

        Args:
            time_s: When it is displayed, seconds from the recording's start; later than the one before.
            picture: uint8 RGB (h, w, 3).
        """
        if self._waiting is not None:
            self._search_faces(*self._waiting, until_s=time_s)
        self._waiting = (time_s, picture)

    def finish(self) -> MaskPlan:
        """Return the plan of all pictures."""
        if self._waiting is not None:
            self._search_faces(*self._waiting, until_s=np.inf)
            self._waiting = None
        self._close(np.inf)
        covers = self._covers
        return MaskPlan(
            np.array([cover.start_s for cover in covers], np.float64),
            np.array([cover.stop_s for cover in covers], np.float64),
            np.array([cover.box for cover in covers], np.float32).reshape(-1, 4),
            np.array([cover.is_seen for cover in covers], np.bool_),
        )

    def _search_faces(self, time_s: float, picture: Image, *, until_s: float) -> None:
        """Search a picture and cover its faces. `until_s` is when the next one is displayed."""
        boxes = self._search(time_s, picture, until_s)
        height, width = picture.shape[:2]
        sides = (width, height)
        faces = [_relative(box, sides) for box in _distinct(boxes)]
        links = self._link(time_s, faces, sides)
        for face, track in zip(faces, links, strict=True):
            if track is None:
                self._open.append(_Track(time_s, face))
                self._cover(time_s - HOLD_S, time_s, face, is_seen=False)
                self._cover(time_s, time_s, face, is_seen=True)
                continue
            is_seen = time_s - track.time_s <= NEXT_S
            self._cover(track.time_s, time_s, _hull(track.box, face), is_seen=is_seen)
            track.time_s = time_s
            track.box = face
        self._close(time_s)

    def _search(self, time_s: float, picture: Image, until_s: float) -> list[Box]:
        """Return the boxes of faces in a picture, in its pixels; several may be of one face."""
        boxes: list[Box] = []
        side_length = max(picture.shape[:2])
        for side, every_s in SEARCHES:
            if (side == SEARCHES[0][0] or side <= 1.3 * side_length) and self._is_due(side, time_s, until_s, every_s):
                boxes += _detect(self._detectors[side], picture)
        if self._is_due(0, time_s, until_s, TURNED_S):
            boxes += _detect(self._coarse, picture)
            for turns in (1, 3):
                turned = np.ascontiguousarray(np.rot90(picture, turns))
                boxes += [_turn_back(box, turns, picture.shape) for box in _detect(self._detectors[320], turned)]
        return boxes

    def _is_due(self, search: int, time_s: float, until_s: float, every_s: float) -> bool:
        """Return whether it is a search's turn while a picture is displayed, and note that it is done."""
        if until_s < self._due_s.get(search, -np.inf) + 1e-3:
            return False
        self._due_s[search] = time_s + every_s
        return True

    def _link(self, time_s: float, faces: Sequence[Box], sides: tuple[int, int]) -> list[_Track | None]:
        """Return the track that each face continues, the nearest pairs first; None for a face without one."""
        links: list[_Track | None] = [None] * len(faces)
        pairs = [
            (distance, i, j)
            for i, face in enumerate(faces)
            for j, track in enumerate(self._open)
            if (distance := _distance(track, time_s, face, sides)) is not None
        ]
        free = set(range(len(self._open)))
        for _, i, j in sorted(pairs):
            if links[i] is None and j in free:
                links[i] = self._open[j]
                free.remove(j)
        return links

    def _close(self, time_s: float) -> None:
        """End the tracks whose face has been away for too long, and keep their place covered a while."""
        for track in [track for track in self._open if time_s - track.time_s > BRIDGE_S]:
            self._cover(track.time_s, track.time_s + HOLD_S, track.box, is_seen=False)
            self._open.remove(track)

    def _cover(self, start_s: float, stop_s: float, box: Box, *, is_seen: bool) -> None:
        grown = _grown(box, MARGIN if is_seen else WIDE_MARGIN)
        self._covers.append(_Cover(start_s - WINDOW_S, stop_s + WINDOW_S, grown, is_seen))


def _detect(detector: FaceDetector, picture: Image) -> list[Box]:
    [faces] = detector.detect([picture])
    return [face.box for face in faces]


def _turn_back(box: Box, turns: int, shape: tuple[int, ...]) -> Box:
    """Return where a box of a picture that was turned by 1 or 3 quarters against the clock lies in the upright one."""
    height, width = shape[:2]
    x0, y0, x1, y1 = box
    return (width - y1, x0, width - y0, x1) if turns == 1 else (y0, height - x1, y1, height - x0)


def _distinct(boxes: Sequence[Box]) -> list[Box]:
    """Join the boxes of one picture that are one face's into their hull."""
    distinct: list[Box] = []
    for box in boxes:
        same = next((i for i, other in enumerate(distinct) if overlap(box, other) > _SAME_FACE), None)
        if same is None:
            distinct.append(box)
        else:
            distinct[same] = _hull(box, distinct[same])
    return distinct


def _relative(box: Box, sides: tuple[int, int]) -> Box:
    width, height = sides
    return box[0] / width, box[1] / height, box[2] / width, box[3] / height


def _hull(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _grown(box: Box, margin: float) -> Box:
    x0, y0, x1, y1 = box
    dx = margin * (x1 - x0)
    dy = margin * (y1 - y0)
    return max(0.0, x0 - dx), max(0.0, y0 - dy), min(1.0, x1 + dx), min(1.0, y1 + dy)


def _distance(track: _Track, time_s: float, face: Box, sides: tuple[int, int]) -> float | None:
    """Return how far a face is from a track's last place, in face sizes; None where it cannot be the same."""
    scale = np.array([*sides, *sides], np.float64)
    before: Any = np.array(track.box) * scale
    now: Any = np.array(face) * scale
    sizes = [float(np.sqrt(np.prod(np.maximum(box[2:] - box[:2], 1e-6)))) for box in (before, now)]
    if max(sizes) > _GROWTH * min(sizes):
        return None
    shift = float(np.hypot(*((before[:2] + before[2:] - now[:2] - now[2:]) / 2))) / max(sizes)
    reach = min(_FARTHEST, _REACH + _SPEED * (time_s - track.time_s))
    return shift if shift <= reach else None
