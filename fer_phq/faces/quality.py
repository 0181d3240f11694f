"""Quality of a face crop, as one number."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Detection

_SIDE = 48  # pixels: the size at which the emotion head sees a face
_BLURRED = 0.12  # Laplacian variance over grey variance at which sharpness is one half
_FLAT = 0.10  # standard deviation of the grey values (0 to 1) below which contrast is missing
_LEVEL_EYES = 1e-3


def crop_quality(crop: Image, detection: Detection, frame_size: tuple[int, int]) -> float:
    """Compute the geometric mean of sharpness, size, pose and exposure, times the share of landmarks in view.

    It is a geometric mean because one bad part spoils the face whatever the others are.

    Args:
        crop: Aligned crop of the detection, uint8 RGB (s, s, 3).
        detection: The face.
        frame_size: (width, height) in pixels of the image in which it was detected.

    Returns:
        Quality from 0 to 1.
    """
    grey = _grey(crop)
    parts = [sharpness(grey), face_size(detection), pose(detection.landmarks), exposure(grey)]
    return float(np.prod(parts) ** (1 / len(parts)) * in_view(detection.landmarks, frame_size))


def sharpness(grey: FloatArray) -> float:
    """Compute q / (q + 0.12), where q is the variance of the Laplacian of a grey crop over the crop's own variance.

    The variance of the Laplacian is a focus measure (Pech-Pacheco et al., 2000, ICPR); the division takes contrast out.

    Args:
        grey: (48, 48), 0 to 1.
    """
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    q = float(laplacian.var() / max(float(inner.var()), 1e-5))
    return q / (q + _BLURRED)


def face_size(detection: Detection) -> float:
    """Compute the side of the face box in pixels over 48, at most 1: a smaller face is enlarged and has less detail."""
    return min(1.0, detection.size / _SIDE)


def pose(landmarks: FloatArray) -> float:
    """Compute how frontal a face is, 1 for frontal and 0 for a profile, from where its nose lies between its eyes.

    The nose is projected on the line through the eyes, whose positions are -1 and 1: pose = 1 - |position|, at least 0.

    Args:
        landmarks: (5, 2) pixels, in the order of `Detection.landmarks`.
    """
    left, right, nose = np.asarray(landmarks, np.float64)[:3]
    half = (right - left) / 2
    position = float((nose - (left + right) / 2) @ half / max(float(half @ half), _LEVEL_EYES))
    return max(0.0, 1 - abs(position))


def exposure(grey: FloatArray) -> float:
    """Compute the share of pixels neither black nor white (0.02 to 0.98), times contrast.

    Contrast is the standard deviation over 0.10, at most 1.

    Args:
        grey: (48, 48), 0 to 1.
    """
    usable = float(((grey > 0.02) & (grey < 0.98)).mean())
    return usable * min(1.0, float(grey.std()) / _FLAT)


def in_view(landmarks: FloatArray, frame_size: tuple[int, int]) -> float:
    """Compute the share of landmarks that lie inside the image.

    Args:
        landmarks: (5, 2) pixels.
        frame_size: (width, height) of the image in pixels.
    """
    inside = (landmarks >= 0).all(axis=1) & (landmarks <= np.asarray(frame_size)).all(axis=1)
    return float(inside.mean())


def _grey(crop: Image) -> FloatArray:
    """Return a crop as (48, 48) float32, 0 to 1."""
    small = PillowImage.fromarray(crop).convert("L").resize((_SIDE, _SIDE), PillowImage.Resampling.BILINEAR)
    return np.asarray(small, np.float32) / np.float32(255)
