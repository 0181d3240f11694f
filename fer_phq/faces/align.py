"""Alignment of a face: turned, scaled and cropped so that it is framed as the faces of FER2013 are."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image

Template = tuple[tuple[float, float], ...]

TEMPLATE: Template = (
    (0.311, 0.404),
    (0.689, 0.404),
    (0.500, 0.604),
    (0.350, 0.756),
    (0.650, 0.756),
)
"""Where the five landmarks lie in an aligned crop, as shares (x, y) of its side from the top left.

These are the medians of what the detector finds in FER2013's own images, made mirror-symmetric
(`benchmarks/fer_template.py`), since the emotion head learns from those. The raw medians lean two degrees even with
mirrored copies counted, but that is how the detector sees enlarged 48-pixel images: on photographs its lean is nil.
"""

_POINTS = [0, 1, 3, 4]  # eyes and mouth corners: the nose moves most when the head turns
_SMALLEST = 1e-3  # pixels of spread below which landmarks count as one point


def align_crop(rgb: Image, landmarks: FloatArray, size: int = 96, template: Template = TEMPLATE) -> Image:
    """Cut out a face with its eyes level and its landmarks near their positions in a template.

    Only turning, scaling and shifting take part (least squares over eyes and mouth corners), so the face keeps its
    proportions. Pixels are averaged where the face shrinks; edge pixels repeat where the crop reaches beyond the image.

    Args:
        rgb: uint8 RGB (h, w, 3).
        landmarks: (5, 2) pixels of the image, in the order of `Detection.landmarks`.
        size: Side of the crop in pixels.
        template: Where the five landmarks should lie, as shares of the side.

    Returns:
        uint8 RGB (size, size, 3).
    """
    matrix = crop_transform(landmarks, size, template)
    step = max(1, int(math.hypot(matrix[0, 0], matrix[1, 0])))  # image pixels per crop pixel, rounded down
    x0, y0, x1, y1 = _bounds(matrix, size)
    height, width = rgb.shape[:2]
    left, right = _overlap(x0, x1, width)
    top, bottom = _overlap(y0, y1, height)
    region = np.asarray(PillowImage.fromarray(rgb[top:bottom, left:right]).reduce(step))
    before = [math.ceil(max(0, inner - outer) / step) + 1 for inner, outer in ((top, y0), (left, x0))]
    after = [math.ceil(max(0, outer - inner) / step) + 1 for inner, outer in ((bottom, y1), (right, x1))]
    padded = np.pad(region, ((before[0], after[0]), (before[1], after[1]), (0, 0)), mode="edge")
    origin = np.array([left - before[1] * step, top - before[0] * step])
    to_region = np.column_stack([matrix[:, :2] / 2, matrix[:, 2] - origin]) / step
    # Twice the size, then the mean of each two by two: what is left of the reduction (a factor below two) is averaged.
    double = PillowImage.fromarray(padded).transform(
        (size * 2, size * 2),
        PillowImage.Transform.AFFINE,
        tuple(float(v) for v in to_region.ravel()),
        PillowImage.Resampling.BILINEAR,
    )
    return np.asarray(double.reduce(2))


def crop_transform(landmarks: FloatArray, size: int, template: Template = TEMPLATE) -> FloatArray:
    """Compute the affine matrix from positions in the crop (pixels, 0 to size) to positions in the image.

    It is the similarity that brings the template's points nearest to the landmarks in the least-squares sense (Umeyama,
    1991, IEEE TPAMI 13(4); in two dimensions, complex numbers give it in closed form).

    Args:
        landmarks: (5, 2) pixels of the image, in the order of `Detection.landmarks`.
        size: Side of the crop in pixels.
        template: Where the five landmarks should lie, as shares of the side.

    Returns:
        (2, 3) float32.
    """
    target = np.asarray(template, np.float64)[_POINTS] * size
    source = np.asarray(landmarks, np.float64)[_POINTS]
    target_centred = target - target.mean(axis=0)
    source_centred = source - source.mean(axis=0)
    z = target_centred[:, 0] + 1j * target_centred[:, 1]
    w = source_centred[:, 0] + 1j * source_centred[:, 1]
    factor = np.vdot(z, w) / np.vdot(z, z).real
    if abs(factor) * size < _SMALLEST:
        factor = complex(_SMALLEST / size)
    rotation = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    shift = source.mean(axis=0) - rotation @ target.mean(axis=0)
    matrix: FloatArray = np.column_stack([rotation, shift]).astype(np.float32)
    return matrix


def _bounds(matrix: FloatArray, size: int) -> tuple[int, int, int, int]:
    """Return whole pixels (x0, y0, x1, y1) that hold the crop's four corners, with one to spare."""
    corners = matrix[:, :2] @ np.array([[0, size, 0, size], [0, 0, size, size]]) + matrix[:, 2:]
    low = np.floor(corners.min(axis=1)) - 1
    high = np.ceil(corners.max(axis=1)) + 1
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _overlap(low: int, high: int, length: int) -> tuple[int, int]:
    """Return the part of low..high within 0..length, at least one pixel of the image."""
    start = min(max(low, 0), length - 1)
    return start, max(start + 1, min(high, length))
