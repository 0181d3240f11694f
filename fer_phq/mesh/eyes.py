"""How far eyes and mouth are open, from a face mesh: distances of lids and of lips over lengths that do not change."""

from __future__ import annotations

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.mesh.points import LEFT_EYE_OUTER, LEFT_LIDS, RIGHT_EYE_OUTER, RIGHT_LIDS

_BELOW = [3, 4, 5]  # the middle of the lids, in the order of `RIGHT_LIDS`, each below the one that it is paired with
_ABOVE = [13, 12, 11]
_CORNERS = (0, 8)
_LIPS = (13, 14)


def eye_openness(points: FloatArray) -> FloatArray:
    """Compute how far the lids are apart in the image, over the eye's width in space, which a turned head keeps.

    A wide open eye has about 0.3, a closed one below 0.1; people differ, so a blink is told from their own.

    Args:
        points: (..., 478, 3), of each face as `FaceMesh.points`.

    Returns:
        (..., 2) of the person's left and right eye.
    """
    openness: FloatArray = np.stack([_openness(points, lids) for lids in (LEFT_LIDS, RIGHT_LIDS)], axis=-1)
    return openness


def mouth_openness(points: FloatArray) -> FloatArray:
    """Compute how far the inner lips are apart, over the distance between the outer corners of the eyes.

    Args:
        points: (..., 478, 3), of each face as `FaceMesh.points`.

    Returns:
        (...) of each face.
    """
    return _share(_distance(points[..., :2], *_LIPS), _distance(points, LEFT_EYE_OUTER, RIGHT_EYE_OUTER))


def _openness(points: FloatArray, lids: tuple[int, ...]) -> FloatArray:
    numbers = np.array(lids)
    apart = points[..., numbers[_ABOVE], :2] - points[..., numbers[_BELOW], :2]
    outer, inner = (lids[corner] for corner in _CORNERS)
    distance = np.asarray(np.linalg.norm(apart, axis=-1).mean(axis=-1), np.float32)
    return _share(distance, _distance(points, outer, inner))


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(part / np.maximum(whole, np.float32(1e-6)), np.float32)


def _distance(points: FloatArray, first: int, second: int) -> FloatArray:
    return np.asarray(np.linalg.norm(points[..., first, :] - points[..., second, :], axis=-1), np.float32)
