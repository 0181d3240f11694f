"""Cuts: what surrounds a face is another scene from one frame to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from fer_phq.core.arrays import Image
from fer_phq.faces.detector import Box

_CELLS = 48  # along the longer side of a picture
_CHANGED = 20  # grey levels (0 to 255) by which a cell changed that shows something else
_CUT_SHARE = 0.4  # of the cells around a face
_CLOSE = 0.4  # of a face's width and height on each side: what lies there is searched with the face
_CONTRAST = 0.75  # of the picture's standard deviation: by so much a newcomer changes a cell, at least
_FAINT = 5  # grey levels, however dark the picture
_NEWCOMER = 7  # changed cells of three by three
_FEWEST = 8  # cells; where the surroundings have fewer, the whole picture counts


@dataclass(frozen=True, eq=False)
class Scene:
    """A coarse grey copy of a frame.

    Attributes:
        cells: (rows, columns) int16, 0 to 255.
        scale: Cells a pixel.
    """

    cells: npt.NDArray[np.int16]
    scale: float

    @classmethod
    def of(cls, picture: Image) -> Scene:
        """Make the copy of a frame, uint8 RGB (height, width, 3)."""
        height, width = picture.shape[:2]
        scale = min(1.0, _CELLS / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        step = max(1, int(1 / scale) // 4)  # every fourth of a cell is enough, and much quicker
        grey = PillowImage.fromarray(np.ascontiguousarray(picture[::step, ::step])).convert("L")
        return cls(np.asarray(grey.resize(size, PillowImage.Resampling.BOX), np.int16), scale)


def has_cut(before: Scene, after: Scene, faces: tuple[Box, Box]) -> bool:
    """Return whether the surroundings of a face changed as a cut changes them.

    A person who moves changes few cells around the face, a cut most. The face itself is left out: it is what is in
    question.

    Args:
        before: The frame in which the face was seen last.
        after: This frame.
        faces: Its boxes in the two frames, in pixels.
    """
    if before.cells.shape != after.cells.shape:
        return True
    changed = np.abs(after.cells - before.cells) > _CHANGED
    around = np.zeros(changed.shape, bool)
    for box in faces:
        around[_region(box, 1.0, after)] = True
    for box in faces:
        around[_region(box, 0.1, after)] = False
    region = changed[around] if around.sum() >= _FEWEST else changed.ravel()
    return bool(region.mean() > _CUT_SHARE)


def has_newcomer(before: Scene, after: Scene, faces: Sequence[Box]) -> bool:
    """Return whether something as large as a small face changed elsewhere than at faces and close around them.

    The outline of somebody who moves is one or two cells wide; a head that comes into view is three by three or more.

    Args:
        before: The earlier frame.
        after: The later one, of the same size.
        faces: Boxes in pixels.
    """
    # In the dark everything differs by less; what is left of a camera's noise in the mean of a cell is about one level.
    bar = np.clip(_CONTRAST * after.cells.std(), _FAINT, _CHANGED)
    changed = np.abs(after.cells - before.cells) > bar
    for box in faces:
        changed[_region(box, _CLOSE, after)] = False
    rows = changed[:-2].astype(np.int8) + changed[1:-1] + changed[2:]
    squares = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return bool((squares >= _NEWCOMER).any())


def _region(box: Box, margin: float, scene: Scene) -> tuple[slice, slice]:
    """Return the cells of a box with a margin on each side, in shares of its own width and height."""
    x0, y0, x1, y1 = box
    wide, high = margin * (x1 - x0), margin * (y1 - y0)
    rows, columns = scene.cells.shape
    left, right = _span((x0 - wide) * scene.scale, (x1 + wide) * scene.scale, columns)
    top, bottom = _span((y0 - high) * scene.scale, (y1 + high) * scene.scale, rows)
    return slice(top, bottom), slice(left, right)


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    return min(max(0, round(low)), length), min(max(0, round(high)), length)
