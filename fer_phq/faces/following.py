"""Faces followed from frame to frame: between searches of whole frames, a face is searched where it was.

Every doubt ends in a search of the whole frame: nobody may be missed, and nobody taken for another, because a smaller
part was looked at. What is detected goes to the tracker either way, which alone decides who it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Box, Detection, FaceDetector, overlap
from fer_phq.faces.scenes import Scene, has_cut, has_newcomer

_CLEAR = 0.1  # above the detector's threshold: whether a face scores less, the whole frame decides
_SAME_PLACE = 0.5  # intersection over union with the box of the frame before
_SAME_PATTERN = 0.8  # correlation with the frame before: a person who moves stays above 0.88, at 5 frames/s as well
_PATTERN = 12  # side in cells of the grey pattern that is compared


@dataclass(frozen=True, eq=False)
class _Sample:
    """How a face looks, whoever it is.

    Attributes:
        pixels: uint8 RGB (h, w, 3), some of the pixels of its box.
    """

    pixels: Image

    @classmethod
    def of(cls, picture: Image, box: Box) -> _Sample:
        height, width = picture.shape[:2]
        left, top = min(int(box[0]), width - 1), min(int(box[1]), height - 1)
        right, bottom = max(left + 1, round(box[2])), max(top + 1, round(box[3]))
        step = max(1, min(right - left, bottom - top) // (4 * _PATTERN))  # every fourth of a cell is enough
        return cls(np.ascontiguousarray(picture[top:bottom:step, left:right:step]))

    @cached_property
    def pattern(self) -> FloatArray:
        """(144,) float32 unit vector of grey values, without their mean."""
        grey = PillowImage.fromarray(self.pixels).convert("L")
        values = np.asarray(grey.resize((_PATTERN, _PATTERN), PillowImage.Resampling.BOX), np.float32).ravel()
        values = values - values.mean()
        unit: FloatArray = values / max(float(np.linalg.norm(values)), 1e-6)
        return unit

    def resembles(self, other: _Sample) -> bool:
        return bool(self.pattern @ other.pattern >= _SAME_PATTERN)


@dataclass(frozen=True, eq=False)
class _Sight:
    """What was seen in a frame.

    Attributes:
        faces: Its faces.
        samples: How they look, in the same order.
        scene: Its coarse copy.
        whole_scene: That of the last frame that was searched whole.
    """

    faces: Sequence[Detection]
    samples: Sequence[_Sample]
    scene: Scene
    whole_scene: Scene


class FaceFollower:
    """Detects the faces of frames in order of time, where they were in the frame before if that is enough."""

    def __init__(self, detector: FaceDetector) -> None:
        """Begin before the first frame.

        Args:
            detector: Searches frames and their parts.
        """
        self._detector = detector
        self._before: _Sight | None = None

    def detect(self, picture: Image, scene: Scene, *, whole: bool) -> list[Detection]:
        """Detect all faces of the next frame.

        Args:
            picture: The frame, uint8 RGB (h, w, 3).
            scene: Its coarse copy.
            whole: Whether the whole frame is searched in any case.

        Returns:
            The faces.
        """
        sight = None if whole or self._before is None else self._follow(picture, scene, self._before)
        if sight is None:
            faces = self._detector.detect([picture])[0]
            sight = _Sight(faces, [_Sample.of(picture, face.box) for face in faces], scene, scene)
        self._before = sight
        return list(sight.faces)

    def _follow(self, picture: Image, scene: Scene, before: _Sight) -> _Sight | None:
        """Search for the faces of the frame before where they were; None where there is any doubt."""
        if not before.faces or not _is_same_place(scene, before):
            return None
        detections = self._detector.detect_near(picture, before.faces)
        faces = None if detections is None else _match(detections, before.faces)
        if faces is None or min(face.score for face in faces) < self._detector.threshold + _CLEAR:
            return None
        samples = [_Sample.of(picture, face.box) for face in faces]
        if not all(sample.resembles(earlier) for sample, earlier in zip(samples, before.samples, strict=True)):
            return None
        return _Sight(faces, samples, scene, before.whole_scene)


def _is_same_place(scene: Scene, before: _Sight) -> bool:
    """Return whether nothing was cut around the faces, and nobody came into view elsewhere."""
    if scene.cells.shape != before.whole_scene.cells.shape or scene.scale != before.whole_scene.scale:
        return False
    boxes = [face.box for face in before.faces]
    if any(has_cut(before.scene, scene, (box, box)) for box in boxes):
        return False
    return not has_newcomer(before.whole_scene, scene, boxes)


def _match(detections: Sequence[Detection], before: Sequence[Detection]) -> list[Detection] | None:
    """Return the detection in the place of each earlier face; None unless each has its own, and none is left over."""
    faces = []
    for earlier in before:
        matches = [face for face in detections if overlap(face.box, earlier.box) >= _SAME_PLACE]
        if len(matches) != 1:
            return None
        faces += matches
    return faces if len(detections) == len(set(map(id, faces))) == len(before) else None
