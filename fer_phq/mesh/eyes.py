"""How far eyes and mouth are open, from a face mesh: distances of lids and of lips over lengths that do not change."""

from __future__ import annotations

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.mesh.points import LEFT_EYE_OUTER, LEFT_LIDS, RIGHT_EYE_OUTER, RIGHT_LIDS

_BELOW = (3, 4, 5)  # the middle of the lids, in the order of `RIGHT_LIDS`, each below the one that it is paired with
_ABOVE = (13, 12, 11)
_CORNERS = (0, 8)
_LIPS = (13, 14)


def eye_openness(points: FloatArray) -> tuple[float, float]:
    """Compute how far the lids are apart in the image, over the eye's width in space, which a turned head keeps.

    A wide open eye has about 0.3, a closed one below 0.1; people differ, so a blink is told from their own.

    Args:
        points: (478, 3) of `FaceMesh.points`.

    Returns:
        Of the person's left and right eye.
    """
    left, right = (_openness(points, lids) for lids in (LEFT_LIDS, RIGHT_LIDS))
    return left, right


def mouth_openness(points: FloatArray) -> float:
    """Compute how far the inner lips are apart, over the distance between the outer corners of the eyes.

    Args:
        points: (478, 3) of `FaceMesh.points`.
    """
    return _distance(points[:, :2], *_LIPS) / max(_distance(points, LEFT_EYE_OUTER, RIGHT_EYE_OUTER), 1e-6)


def _openness(points: FloatArray, lids: tuple[int, ...]) -> float:
    apart = [_distance(points[:, :2], lids[above], lids[below]) for above, below in zip(_ABOVE, _BELOW, strict=True)]
    outer, inner = (lids[corner] for corner in _CORNERS)
    return float(np.mean(apart)) / max(_distance(points, outer, inner), 1e-6)


def _distance(points: FloatArray, first: int, second: int) -> float:
    return float(np.linalg.norm(points[first] - points[second]))
