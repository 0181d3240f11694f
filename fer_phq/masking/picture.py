"""Covering of what a picture shows: faces under a plain colour, or the whole picture as a few large cells.

A blur can be undone, and so can fine pixels: McPherson, Shokri & Shmatikov (2016, "Defeating image obfuscation with
deep learning", arXiv:1609.00408) recognise people through both, by networks that compare degraded pictures with
degraded pictures. A face that moves under a grid of cells gives more away from picture to picture. So a face is covered
by one colour that does not depend on the picture, from which nothing can be computed. Where the whole picture is
shown as cells, there are at most `CELLS` of them along its longer side, so no face ever has more, and their colours
are rounded to eight steps.
"""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image

CELLS = 8
"""Most cells along the longer side of a picture that is pixelated as a whole."""

FILL = 128
"""Grey of what covers a face, 0 to 255; the same in every picture."""

_STEP = 32  # colours of a cell are multiples of it


def cover_faces(picture: Image, boxes: FloatArray) -> Image:
    """Return a picture with boxes filled.

    Args:
        picture: uint8 RGB (h, w, 3); it is not changed.
        boxes: (k, 4) (x0, y0, x1, y1) in parts of the picture's width and height, 0 to 1.
    """
    height, width = picture.shape[:2]
    covered = picture.copy()
    for x0, y0, x1, y1 in boxes:
        rows = slice(int(np.floor(y0 * height)), int(np.ceil(y1 * height)))
        columns = slice(int(np.floor(x0 * width)), int(np.ceil(x1 * width)))
        covered[rows, columns] = FILL
    return covered


def pixelate(picture: Image) -> Image:
    """Return a picture as at most `CELLS` large cells along its longer side.

    Args:
        picture: uint8 RGB (h, w, 3).
    """
    height, width = picture.shape[:2]
    longer = max(height, width)
    size = (max(1, width * CELLS // longer), max(1, height * CELLS // longer))
    small = np.asarray(PillowImage.fromarray(picture).resize(size, PillowImage.Resampling.BOX))
    rounded = (small // _STEP * _STEP + _STEP // 2).astype(np.uint8)
    return np.asarray(PillowImage.fromarray(rounded).resize((width, height), PillowImage.Resampling.NEAREST))
