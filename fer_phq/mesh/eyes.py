"""How far eyes and mouth are open, from a face mesh: distances of lids and of lips over lengths that do not change."""

from __future__ import annotations

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.mesh.points import LEFT_EYE_OUTER, RIGHT_EYE_OUTER

_RIGHT = ((160, 159, 158), (144, 145, 153), (RIGHT_EYE_OUTER, 133))
_LEFT = ((387, 386, 385), (373, 374, 380), (LEFT_EYE_OUTER, 362))
_LIPS = (13, 14)


def eye_openness(points: FloatArray) -> tuple[float, float]:
    """Compute how far the lids are apart in the image, over the eye's width in space, which a turned head keeps.

    A wide open eye has about 0.3, a closed one below 0.1; people differ, so a blink is told from their own.

    Args:
        points: (478, 3) of `FaceMesh.points`.

    Returns:
        Of the person's left and right eye.
    """
    left, right = (_openness(points, *eye) for eye in (_LEFT, _RIGHT))
    return left, right


def mouth_openness(points: FloatArray) -> float:
    """Compute how far the inner lips are apart, over the distance between the outer corners of the eyes.

    Args:
        points: (478, 3) of `FaceMesh.points`.
    """
    return _distance(points[:, :2], *_LIPS) / max(_distance(points, LEFT_EYE_OUTER, RIGHT_EYE_OUTER), 1e-6)


def _openness(points: FloatArray, upper: tuple[int, ...], lower: tuple[int, ...], corners: tuple[int, int]) -> float:
    apart = [_distance(points[:, :2], above, below) for above, below in zip(upper, lower, strict=True)]
    return float(np.mean(apart)) / max(_distance(points, *corners), 1e-6)


def _distance(points: FloatArray, first: int, second: int) -> float:
    return float(np.linalg.norm(points[first] - points[second]))
