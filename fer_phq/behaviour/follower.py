"""Following the subject's mesh through frames, from one detection to the next.

Detections are sparse and sure whose face they are; the mesh is followed between two of them from frame to frame. Rows
between two detections count only when the mesh that left the first arrives at the second: what happens at a cut, when
somebody passes in front, or when the face leaves, is missing rather than another person's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fer_phq.core.arrays import Image
from fer_phq.faces.detector import Detection
from fer_phq.mesh.eyeballs import EyeRegion, cut_eyes
from fer_phq.mesh.geometry import LARGEST_OFFSET, LEAST_PRESENCE, LEAST_SIZE, mesh_offset
from fer_phq.mesh.landmarker import FaceLandmarker, FaceMesh
from fer_phq.mesh.square import square_of_points
from fer_phq.mesh.visibility import lip_contrast, sharpness

_SAME_TIME_S = 0.02  # a rate that is no multiple of the detections' has frames beside them
_LONGEST_STEP_S = 3.0  # between two detections beyond which the mesh is not followed
_LARGEST_STEP = 0.5  # sides of the face by which it may move between two frames


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


@dataclass(frozen=True, eq=False)
class FollowedFace:
    """The subject's face in one frame.

    Attributes:
        mesh: Its mesh, in pixels of the frame's image.
        size: Side of the face's box in the last detection, in pixels of the image.
        image_size: Width and height of the image in pixels.
        eyes: What the image shows of the eyes.
        scale: Pixels of the recording that a pixel of the image stands for.
        track: Id of the face track of the last detection.
        lip_contrast: Of `fer_phq.mesh.visibility.lip_contrast`.
        sharpness: Of `fer_phq.mesh.visibility.sharpness`.
    """

    mesh: FaceMesh
    size: float
    image_size: tuple[int, int]
    eyes: EyeRegion
    scale: float = 1.0
    track: int = 0
    lip_contrast: float = 1.0
    sharpness: float = 1.0


class MeshFollower:
    """Follows one face through a recording's frames, which come in order of time."""

    def __init__(self, anchors: Iterable[Anchor], landmarker: FaceLandmarker) -> None:
        """Wait for the first frame.

        Args:
            anchors: The sampled frames in order of time.
            landmarker: Fits the mesh.
        """
        self._anchors = iter(anchors)
        self._landmarker = landmarker
        self._before: Anchor | None = None  # the last anchor that is not ahead any more
        self._ahead = next(self._anchors, None)
        self._face: FollowedFace | None = None
        self._open: list[FollowedFace | None] = []  # frames since the last anchor

    @property
    def face(self) -> FollowedFace | None:
        """The face in the last frame; None where nothing is known of it."""
        return self._face

    def add(self, time_s: float, image: Image, scale: float) -> list[FollowedFace | None]:
        """Look at the next frame.

        Args:
            time_s: Its time in seconds.
            image: uint8 RGB (h, w, 3).
            scale: Pixels of the recording that a pixel of the image stands for.

        Returns:
            What became sure, a face for each frame in order of time from the first one that was open; None where
            nothing is known of the subject's face. None at all until the next anchor.
        """
        anchor = self._anchor_at(time_s)
        if anchor is None:
            self._face = self._follow(image, scale) if self._between_faces() else None
            self._open.append(self._face)
            return []
        if anchor.detection is None:
            self._lose()
        else:
            self._arrive(image, anchor.detection.scaled(1 / scale), scale, anchor.track)
        self._open.append(self._face)
        return self._settle()

    def end(self) -> list[FollowedFace | None]:
        """Give up what no detection confirmed, the frames after the last one, and return them as in `add`."""
        self._lose()
        return self._settle()

    def _anchor_at(self, time_s: float) -> Anchor | None:
        while self._ahead is not None and self._ahead.time_s < time_s - _SAME_TIME_S:
            self._pass()
        if self._ahead is None or abs(self._ahead.time_s - time_s) > _SAME_TIME_S:
            return None
        self._pass()
        return self._before

    def _pass(self) -> None:
        self._before, self._ahead = self._ahead, next(self._anchors, None)

    def _between_faces(self) -> bool:
        """Return whether the anchors before and after the frame are of the same face track."""
        before, after = self._before, self._ahead
        if before is None or after is None or before.track != after.track:
            return False
        if before.detection is None or after.detection is None:
            return False
        return after.time_s - before.time_s <= _LONGEST_STEP_S

    def _follow(self, image: Image, scale: float) -> FollowedFace | None:
        """Fit the mesh where it was in the frame before."""
        if self._face is None:
            return None
        before = self._face.mesh.points
        mesh = self._landmarker.fit(image, square_of_points(before))
        moved = float(np.linalg.norm(mesh.points[:, :2].mean(axis=0) - before[:, :2].mean(axis=0)))
        if mesh.presence < LEAST_PRESENCE or moved > _LARGEST_STEP * self._face.size:
            return None
        return _followed(mesh, self._face.size, image, scale, self._face.track)

    def _arrive(self, image: Image, detection: Detection, scale: float, track: int) -> None:
        """Compare the followed mesh with a detection; what does not arrive there was not followed rightly."""
        mesh = None
        if self._face is not None:
            mesh = self._landmarker.fit(image, square_of_points(self._face.mesh.points))
        if mesh is None or not _fits(mesh, detection):
            self._lose()
            mesh = self._landmarker.fit_detection(image, detection) if detection.size >= LEAST_SIZE else None
        self._face = None
        if mesh is not None and _fits(mesh, detection):
            self._face = _followed(mesh, detection.size, image, scale, track)

    def _lose(self) -> None:
        self._open = [None] * len(self._open)
        self._face = None

    def _settle(self) -> list[FollowedFace | None]:
        settled, self._open = self._open, []
        return settled


def _followed(mesh: FaceMesh, size: float, image: Image, scale: float, track: int) -> FollowedFace:
    eyes = cut_eyes(image, mesh.points)
    lips, detail = lip_contrast(image, mesh.points), sharpness(image, mesh.points)
    return FollowedFace(mesh, size, (image.shape[1], image.shape[0]), eyes, scale, track, lips, detail)


def _fits(mesh: FaceMesh, detection: Detection) -> bool:
    return mesh.presence >= LEAST_PRESENCE and mesh_offset(mesh, detection) <= LARGEST_OFFSET
