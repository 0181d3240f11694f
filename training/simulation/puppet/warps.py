"""Displacement fields of the portrait's movements, and masks of its shadows.

Fields work backwards: they give for each pixel of the picture that is drawn the point of the portrait from which it
comes. They are float32 arrays as large as `FACE`; x and y are pixels of the portrait. A bump is a displacement (dx, dy)
that fades as a Gaussian; its slope stays below 1, so nothing folds over. Lids and lips are edges, where skin slides
over what it hides, so there the field has a step.

The constants were read off the portrait: eyes and mouth corners as `fer_phq.faces.FaceDetector` found them, lids, lips
and brows from the enlarged picture.
"""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter

from fer_phq.core.arrays import FloatArray

FACE = (118, 64, 246, 216)
"""x0, y0, x1, y1 of the part of the portrait that moves."""

EYES = ((160.5, 101.2, 97.2, 104.8), (203.2, 103.3, 99.6, 106.9))
"""Of each eye: centre x, centre y, highest y of the upper lid's edge, lowest y of the lower lid's."""
EYE_HALF = 10.5
BROWS = (((147, 91), (158, 88.5), (168.5, 91.5)), ((195.5, 93.5), (207, 91.5), (218, 95)))
MOUTH_X = 180.0
MOUTH_HALF = 20.5
CORNER_Y = 140.3
LIP_TOP = 3.3
LIP_BOTTOM = 9.3
"""How far below the mouth's corners the upper lip's lower edge and the lower lip's upper edge hang."""
JAW_DROP = 10.0
UPPER_LIP = ((163, 140.5), (172, 141.5), (180, 142), (188, 142), (197, 141.5))
LOWER_LIP = ((167, 148.5), (173, 151.7), (180, 153), (187, 152.2), (193, 149))
CHEEKS = (((155, 117), (152, 130), (153, 144), (163, 160)), ((206, 119), (209, 132), (207, 146), (197, 160)))
"""Down the cheeks beside nose and mouth, where a smile makes folds and bright swellings."""

FLAT_PX = 9.0

Field = tuple[FloatArray, FloatArray]


class Warps:
    """The movements' fields, computed once for the portrait.

    Attributes:
        x: Each pixel's column in the portrait, float32, as large as `FACE`.
        y: Its row.
        moves: For each movement of a pose at full strength, how far each point goes: pixels to the right and down.
    """

    def __init__(self) -> None:
        """Compute the fields."""
        x0, y0, x1, y1 = FACE
        self.y, self.x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        self.moves = self._brows() | self._eyes() | self._mouth()

    def _bump(self, cx: float, cy: float, sx: float, sy: float, dx: float, dy: float) -> Field:
        weight = np.exp(-(((self.x - cx) / sx) ** 2 + ((self.y - cy) / sy) ** 2) / 2)
        return weight * dx, weight * dy

    def _swell(self, cx: float, cy: float, sx: float, sy: float, share: tuple[float, float]) -> Field:
        """Enlarge about a centre by shares of the distance across and down; negative shares shrink."""
        weight = np.exp(-(((self.x - cx) / sx) ** 2 + ((self.y - cy) / sy) ** 2) / 2)
        return share[0] * weight * (self.x - cx), share[1] * weight * (self.y - cy)

    def _brows(self) -> dict[str, Field]:
        def inner(out: float, down: float) -> Field:
            return add(self._bump(166.5, 91.5, 7, 6, -out, down), self._bump(197.5, 93.5, 7, 6, out, down))

        def outer(down: float) -> Field:
            return add(self._bump(148, 92, 6, 6, 0, down), self._bump(217, 95, 6, 6, 0, down))

        def whole(down: float) -> Field:
            return add(self._bump(157, 88, 13, 5.5, 0, down), self._bump(207, 90.5, 13, 5.5, 0, down))

        return {
            "brow_up": whole(-5.5),
            "brow_inner": add(inner(1.0, -5.0), outer(2.0)),
            "brow_down": add(inner(-2.5, 5.0), whole(2.0), outer(-1.0)),
        }

    def _eyes(self) -> dict[str, Field]:
        swell = (self._swell(x, y, 11, 7, (0.1, 0.13)) for x, y, *_ in EYES)
        lift = (self._bump(x, y - 6, 11, 4, 0, -1.0) for x, y, *_ in EYES)
        raise_lower = (self._bump(x, bottom + 1, 10, 3.5, 0, -2.5) for x, _, _, bottom in EYES)
        turn = (self._bump(x, (top + bottom) / 2, 4.5, 3.0, 0, 2.5) for x, _, top, bottom in EYES)
        return {"wide": add(*swell, *lift), "squint": add(*raise_lower), "look_down": add(*turn)}

    def _mouth(self) -> dict[str, Field]:
        left = MOUTH_X - MOUTH_HALF
        right = MOUTH_X + MOUTH_HALF

        def corners(out: float, down: float) -> Field:
            return add(self._bump(left, CORNER_Y, 9, 9, -out, down), self._bump(right, CORNER_Y + 0.8, 9, 9, out, down))

        def middle(down: float) -> Field:
            return self._bump(MOUTH_X, CORNER_Y + 6, 10, 9, 0, down)

        cheeks = add(self._bump(150, 129, 9, 9, 0, -2), self._bump(211, 131, 9, 9, 0, -2))
        nose = add(self._bump(168, 127, 7, 7, -0.5, -3.5), self._bump(190, 128, 7, 7, 0.5, -3.5))
        return {
            "smile": add(corners(5.0, -5.0), middle(1.5), cheeks),
            "frown": add(corners(1.0, 4.5), middle(-2.5), self._bump(MOUTH_X, 165, 12, 8, 0, -2)),
            "press": add(self._swell(MOUTH_X, CORNER_Y + 4, 17, 7, (0, -0.65)), corners(1.5, 0.5)),
            "jaw": corners(-5.0, 2.0),
            "stretch": corners(5.5, 2.0),
            "sneer": add(nose, self._bump(MOUTH_X, 139, 11, 5, 0, -3)),
        }


def add(*parts: Field) -> Field:
    """Add displacements up.

    Args:
        parts: Fields (dx, dy), each as large as `FACE`.
    """
    across, down = np.sum(np.array(parts, dtype=np.float32), axis=0)
    return across, down


def close_eyes(x: FloatArray, y: FloatArray, lids: float) -> FloatArray:
    """Lower the upper lids: skin from above slides over the eye.

    Args:
        x: Columns of the portrait from which the pixels come.
        y: Rows of the portrait from which they come.
        lids: How far the lids are down, 0 to 1.

    Returns:
        The new rows.
    """
    if lids <= 0:
        return y
    for centre, _, top, bottom in EYES:
        arch = np.clip(1 - ((x - centre) / EYE_HALF) ** 2, 0, 1)
        corner = bottom - 2.5
        edge = corner - (corner - top) * arch
        lower = corner + 2.5 * arch
        slide = min(lids, 1.0) * (lower - edge)
        above = edge + slide - y
        y = np.where(above > 0, y - slide * np.clip(1 - above / (slide + 9), 0, 1), y)
    return y


def part_lips(x: FloatArray, y: FloatArray, *, apart: float, jaw: float, teeth: float) -> Field:
    """Open or close the mouth: everything below it moves.

    Args:
        x: Columns of the portrait from which the pixels come.
        y: Rows of the portrait from which they come.
        apart: 0 for closed lips, 1 for lips as far apart as in the portrait.
        jaw: The jaw's drop beyond that, 0 to 1.
        teeth: How much of the teeth shows, 0 to 1.

    Returns:
        The new rows, and how much of the mouth's dark inside shows at each pixel, 0 to 1.
    """
    across = (x - MOUTH_X) / MOUTH_HALF
    arch = np.clip(1 - across**2, 0, 1)
    corner = CORNER_Y + 0.4 * np.clip(across, -1.5, 1.5)
    upper = corner + LIP_TOP * arch
    lower = corner + LIP_BOTTOM * arch
    edge = upper + apart * (lower - upper) + JAW_DROP * jaw * arch**0.7  # where the lower lip now begins
    below = y - edge
    chin = (JAW_DROP * jaw - 0.5 * (1 - apart) * (LIP_BOTTOM - LIP_TOP)) * np.exp(-((across / 1.9) ** 4))
    towards_chin = step(below / 10)
    drop = ((1 - towards_chin) * (edge - lower) + towards_chin * chin) * (1 - step((below - 25) / 35))
    between = np.clip(y - upper, 0, 1) * np.clip(0.5 - below, 0, 1) * (arch > 0)
    inside = between * np.maximum(1 - teeth, step(y - lower + 1.5))
    seam = 0.45 * np.exp(-((below / 0.9) ** 2)) * (arch > 0) * (1 - apart)
    return np.where(below > 0, y - drop, y), np.maximum(inside, seam)


def compute_masks() -> dict[str, FloatArray]:
    """Compute where shadows fall on the unmoved face, and where the folds of the portrait's smile are.

    Returns:
        Masks by region, 0 to 1, each as large as `FACE`.
    """
    left = MOUTH_X - MOUTH_HALF
    right = MOUTH_X + MOUTH_HALF
    return {
        "brows": draw_strokes(2.6, *BROWS),
        "furrow": draw_strokes(3, ((179, 88), (178, 97)), ((187, 89), (188, 98))),
        "sockets": draw_strokes(7, ((151, 96), (170, 97)), ((193, 98), (213, 99))),
        "cheeks": draw_strokes(15, *CHEEKS),
        "lips": np.maximum(draw_strokes(3, UPPER_LIP), draw_strokes(4, LOWER_LIP)),
        "corners": draw_strokes(3, ((left + 2, 140), (left - 2, 146)), ((right - 2, 141), (right + 2, 147))),
        "nose": draw_strokes(4, ((173, 109), (182, 106), (190, 110)), ((166, 122), (160, 130))),
    }


def draw_strokes(width: float, *lines: tuple[tuple[float, float], ...]) -> FloatArray:
    """Draw soft lines.

    Args:
        width: Width of the lines in pixels.
        lines: Points (x, y) of the portrait for each line.

    Returns:
        A mask, 0 to 1, as large as `FACE`.
    """
    x0, y0, x1, y1 = FACE
    fine = 4  # drawn larger and reduced, for lines between pixels
    canvas = PillowImage.new("L", ((x1 - x0) * fine, (y1 - y0) * fine))
    for line in lines:
        points = [((x - x0 + 0.5) * fine, (y - y0 + 0.5) * fine) for x, y in line]
        ImageDraw.Draw(canvas).line(points, 255, round(width * fine), joint="curve")
    canvas = canvas.filter(ImageFilter.GaussianBlur(0.35 * width * fine)).reduce(fine)
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def flatten(face: FloatArray, mask: FloatArray) -> FloatArray:
    """Smooth a region of the face, so that it has no folds.

    Args:
        face: The picture (h, w, 3).
        mask: The region (h, w), 0 to 1.

    Returns:
        The picture (h, w, 3) in which each point has the colour of the region around it.
    """
    weight = gaussian_filter(mask, FLAT_PX)[..., None] + 1e-6
    return np.asarray(gaussian_filter(face * mask[..., None], (FLAT_PX, FLAT_PX, 0)) / weight, dtype=np.float32)


def step(t: FloatArray) -> FloatArray:
    """Compute a smooth step of t: 0 below 0, 1 above 1."""
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
