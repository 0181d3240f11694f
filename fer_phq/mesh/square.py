"""The square of an image that the mesh network looks at: around a face, turned so that its eyes are level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Detection
from fer_phq.mesh.points import LEFT_EYE_OUTER, RIGHT_EYE_OUTER

SIDE = 256
"""Side in pixels of the image that the network takes."""

_MARGIN = 1.5  # side of the square in longer sides of the face's bounds, as MediaPipe has it
_SMALLEST = 2.0  # pixels: a face of no extent still has a square


@dataclass(frozen=True)
class Square:
    """A turned square of an image.

    Attributes:
        x: Column of its centre in pixels (continuous: 0 is the left edge of the first pixel).
        y: Row of its centre.
        side: Its side in pixels.
        angle: By how much it is turned, radians, clockwise as the image is seen.
    """

    x: float
    y: float
    side: float
    angle: float

    @property
    def matrix(self) -> FloatArray:
        """The affine map (2, 3) from pixels of the cut square, 0 to `SIDE`, to pixels of the image."""
        step = self.side / SIDE
        turn = step * np.array(
            [[math.cos(self.angle), -math.sin(self.angle)], [math.sin(self.angle), math.cos(self.angle)]]
        )
        shift = np.array([self.x, self.y]) - turn @ np.full(2, SIDE / 2)
        matrix: FloatArray = np.column_stack([turn, shift]).astype(np.float32)
        return matrix


def square_of_detection(detection: Detection) -> Square:
    """Place the square around a detected face.

    Args:
        detection: The face.
    """
    x0, y0, x1, y1 = detection.box
    across = detection.landmarks[1] - detection.landmarks[0]
    return _square((x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0), across)


def square_of_points(points: FloatArray) -> Square:
    """Place the square around a face by its mesh, which is steadier than a detection.

    Args:
        points: (478, 2) or (478, 3) pixels of the image.
    """
    low = points[:, :2].min(axis=0)
    high = points[:, :2].max(axis=0)
    x, y = (low + high) / 2
    return _square(float(x), float(y), float((high - low).max()), points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER])


def _square(x: float, y: float, extent: float, across: FloatArray) -> Square:
    return Square(x, y, max(extent, _SMALLEST) * _MARGIN, math.atan2(float(across[1]), float(across[0])))


def cut_square(image: Image, square: Square) -> Image:
    """Cut a square out of an image; what lies outside of the image is black.

    Args:
        image: uint8 RGB (h, w, 3).
        square: Where.

    Returns:
        uint8 RGB (256, 256, 3).
    """
    matrix = square.matrix.astype(np.float64)
    corners = matrix[:, :2] @ np.array([[0, SIDE, 0, SIDE], [0, 0, SIDE, SIDE]]) + matrix[:, 2:]
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(axis=1)).astype(int) - 1, 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=1)).astype(int) + 1, (left + 1, top + 1), (width, height))
    region = PillowImage.fromarray(image[top:bottom, left:right])
    factor = int(square.side // SIDE)
    if factor > 1:  # bilinear sampling looks at four pixels: a finer picture would flicker
        region = region.reduce(factor)
        matrix /= factor
    matrix[:, 2] -= np.array([left, top]) / max(factor, 1)
    coefficients = tuple(float(value) for value in matrix.ravel())
    cut = region.transform((SIDE, SIDE), PillowImage.Transform.AFFINE, coefficients, PillowImage.Resampling.BILINEAR)
    return np.asarray(cut)
