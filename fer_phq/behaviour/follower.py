"""Following the subject's mesh through frames, from one detection to the next.

Detections are sparse and sure whose face they are; the mesh is followed between two of them from frame to frame. Rows
between two detections count only when the mesh that left the first arrives at the second: what happens at a cut, when
somebody passes in front, or when the face leaves, is missing rather than another person's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Detection
from fer_phq.mesh.geometry import LARGEST_OFFSET, LEAST_PRESENCE, LEAST_SIZE, mesh_offset
from fer_phq.mesh.landmarker import FaceLandmarker, FaceMesh
from fer_phq.mesh.square import square_of_points

_SAME_TIME_S = 0.02  # a rate that is no multiple of the detections' has frames beside them
_LONGEST_STEP_S = 3.0  # between two detections beyond which the mesh is not followed
_LARGEST_STEP = 0.5  # sides of the face by which it may move between two frames

Describe = Callable[[Image, FaceMesh, float], FloatArray]
"""Describes a frame's mesh of a face of a size in pixels as a row of numbers."""


@dataclass(frozen=True)
class Anchor:
    """A sampled frame in which the subject was looked for.

    Attributes:
        time_s: Its time in seconds.
        detection: The subject's face, in pixels of the recording; None where the subject was not seen.
        track: Id of its face track; -1 without a face.
    """

    time_s: float
    detection: Detection | None
    track: int = -1


class MeshFollower:
    """Follows one face through a recording's frames, which come in order of time."""

    def __init__(self, anchors: Sequence[Anchor], landmarker: FaceLandmarker, describe: Describe) -> None:
        """Wait for the first frame.

        Args:
            anchors: The sampled frames in order of time.
            landmarker: Fits the mesh.
            describe: Makes a row of a mesh.
        """
        self._anchors = anchors
        self._landmarker = landmarker
        self._describe = describe
        self._next = 0  # index of the first anchor that is still ahead
        self._mesh: FaceMesh | None = None
        self._size = 0.0
        self._open: list[int] = []  # rows since the last anchor
        self._rows: list[FloatArray | None] = []

    @property
    def rows(self) -> list[FloatArray | None]:
        """A row for each frame so far; None where nothing is known of the subject's face. The last may still change."""
        return self._rows

    def add(self, time_s: float, image: Image, scale: float) -> None:
        """Look at the next frame.

        Args:
            time_s: Its time in seconds.
            image: uint8 RGB (h, w, 3).
            scale: Pixels of the recording that a pixel of the image stands for.
        """
        anchor = self._anchor_at(time_s)
        if anchor is None:
            self._open.append(len(self._rows))
            self._rows.append(self._follow(image) if self._between_faces() else None)
            return
        if anchor.detection is None:
            self._lose()
            self._rows.append(None)
            return
        self._rows.append(self._arrive(image, anchor.detection.scaled(1 / scale)))

    def end(self) -> None:
        """Give up what no detection confirmed: the rows after the last one."""
        self._lose()

    def _anchor_at(self, time_s: float) -> Anchor | None:
        while self._next < len(self._anchors) and self._anchors[self._next].time_s < time_s - _SAME_TIME_S:
            self._next += 1
        if self._next < len(self._anchors) and abs(self._anchors[self._next].time_s - time_s) <= _SAME_TIME_S:
            self._next += 1
            return self._anchors[self._next - 1]
        return None

    def _between_faces(self) -> bool:
        """Return whether the anchors before and after the frame are of the same face track."""
        if not 0 < self._next < len(self._anchors):
            return False
        before, after = self._anchors[self._next - 1], self._anchors[self._next]
        if before.detection is None or after.detection is None or before.track != after.track:
            return False
        return after.time_s - before.time_s <= _LONGEST_STEP_S

    def _follow(self, image: Image) -> FloatArray | None:
        """Fit the mesh where it was in the frame before."""
        if self._mesh is None:
            return None
        before = self._mesh.points
        mesh = self._landmarker.fit(image, square_of_points(before))
        moved = float(np.linalg.norm(mesh.points[:, :2].mean(axis=0) - before[:, :2].mean(axis=0)))
        self._mesh = None if mesh.presence < LEAST_PRESENCE or moved > _LARGEST_STEP * self._size else mesh
        return None if self._mesh is None else self._describe(image, self._mesh, self._size)

    def _arrive(self, image: Image, detection: Detection) -> FloatArray | None:
        """Compare the followed mesh with a detection; what does not arrive there was not followed rightly."""
        followed = self._mesh
        mesh = None
        if followed is not None:
            mesh = self._landmarker.fit(image, square_of_points(followed.points))
        if mesh is None or not _fits(mesh, detection):
            self._lose()
            mesh = self._landmarker.fit_detection(image, detection) if detection.size >= LEAST_SIZE else None
        self._open = []
        self._size = detection.size
        self._mesh = mesh if mesh is not None and _fits(mesh, detection) else None
        return None if self._mesh is None else self._describe(image, self._mesh, self._size)

    def _lose(self) -> None:
        for row in self._open:
            self._rows[row] = None
        self._open = []
        self._mesh = None


def _fits(mesh: FaceMesh, detection: Detection) -> bool:
    return mesh.presence >= LEAST_PRESENCE and mesh_offset(mesh, detection) <= LARGEST_OFFSET
