"""How much a face crop can be trusted, as one number."""

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
    """Quality 0 to 1: the geometric mean of sharpness, size, pose and exposure, times the share of landmarks in view.

    crop: aligned uint8 RGB (s, s, 3) of the detection. frame_size: (width, height) of the picture it was found in.
    A geometric mean, because one bad part spoils the face whatever the others are.
    """
    grey = _grey(crop)
    parts = [sharpness(grey), face_size(detection), pose(detection.landmarks), exposure(grey)]
    return float(np.prod(parts) ** (1 / len(parts)) * in_view(detection.landmarks, frame_size))


def sharpness(grey: FloatArray) -> float:
    """q / (q + 0.12), where q is the variance of the Laplacian of a (48, 48) grey crop over its own variance.

    The variance of the Laplacian is a focus measure (Pech-Pacheco et al., 2000, ICPR); the division takes contrast out.
    """
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    q = float(laplacian.var() / max(float(inner.var()), 1e-5))
    return q / (q + _BLURRED)


def face_size(detection: Detection) -> float:
    """Side of the face box in pixels over 48, at most 1: below it the crop is enlarged and has less detail."""
    return min(1.0, detection.size / _SIDE)


def pose(landmarks: FloatArray) -> float:
    """1 for a frontal face, 0 for a profile: how far the nose lies from the middle between the eyes.

    The nose is projected on the line through the eyes, where -1 and 1 are the eyes: pose = 1 - |place|, at least 0.
    """
    left, right, nose = np.asarray(landmarks, np.float64)[:3]
    half = (right - left) / 2
    place = float((nose - (left + right) / 2) @ half / max(float(half @ half), _LEVEL_EYES))
    return max(0.0, 1 - abs(place))


def exposure(grey: FloatArray) -> float:
    """Share of pixels neither black nor white (0.02 to 0.98), times contrast: standard deviation / 0.10, at most 1."""
    usable = float(((grey > 0.02) & (grey < 0.98)).mean())
    return usable * min(1.0, float(grey.std()) / _FLAT)


def in_view(landmarks: FloatArray, frame_size: tuple[int, int]) -> float:
    """Share of the five landmarks that lie inside the picture."""
    inside = (landmarks >= 0).all(axis=1) & (landmarks <= np.asarray(frame_size)).all(axis=1)
    return float(inside.mean())


def _grey(crop: Image) -> FloatArray:
    """(48, 48) float32, 0 to 1."""
    small = PillowImage.fromarray(crop).convert("L").resize((_SIDE, _SIDE), PillowImage.Resampling.BILINEAR)
    return np.asarray(small, np.float32) / np.float32(255)
