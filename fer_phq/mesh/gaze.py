"""Gaze: where eyes look, from the irises in the image and the head pose.

The mesh's irises follow a look to the side, but hardly one up or down. So each iris is sought in the image again: as the
circle of the mesh's radius whose rim, as far as the lids leave it free, is darkest inside against outside. Its centre,
brought into the head's axes, and the eyeball behind it give the direction. What lids, glasses or resolution hide is
missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFilter

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.mesh.head_pose import HeadFit, canonical_face

LEAST_EYE_WIDTH = 16.0
"""Pixels from corner to corner below which an iris is not sought."""
LEAST_RIM = 0.3
"""Share of an iris's rim that has to be free of the lids."""
LEAST_CONTRAST = 8.0
"""Grey levels by which the iris has to be darker than what is around it."""
LARGEST_DIFFERENCE_DEG = 15.0
"""Between the two eyes, beyond which one of them was not seen rightly."""

_PATCH = (72, 48)
_WIDTH = 48.0  # pixels of the patch from corner to corner
_RIM = 1.5  # pixels of the patch from the rim to where it is compared
_ANGLES = np.arange(0, 2 * np.pi, np.pi / 18)
_ACROSS = np.arange(-6.0, 6.1, 0.75)
_DOWN = np.arange(-10.0, 10.1, 0.75)
_LEVER_CM = 1.05  # from the eyeball's middle to the iris's
_DEPTH_CM = 1.1  # of the eyeball's middle behind the lids

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Eye:
    lids: tuple[int, ...]
    """Around the opening: below from the outer corner to the inner, then above."""
    iris: int
    ring: tuple[int, ...]


_RIGHT = _Eye((33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246), 468, (469, 470, 471, 472))
_LEFT = _Eye(
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466), 473, (474, 475, 476, 477)
)


@dataclass(frozen=True)
class Gaze:
    """A direction of gaze.

    Attributes:
        pitch_deg: Against the camera's axes; positive looks up.
        yaw_deg: Against the camera's axes; positive looks to the person's left.
        head_pitch_deg: Against the head.
        head_yaw_deg: Against the head.
    """

    pitch_deg: float
    yaw_deg: float
    head_pitch_deg: float
    head_yaw_deg: float


def estimate_gaze(image: Image, points: FloatArray, head: HeadFit) -> Gaze | None:
    """Estimate the gaze of a face, as the mean of the eyes that are seen.

    Args:
        image: uint8 RGB (h, w, 3).
        points: (478, 3) of `FaceMesh.points`.
        head: Where the head is.

    Returns:
        The gaze; None where neither eye is seen, or the two say different things.
    """
    directions = []
    for eye in (_RIGHT, _LEFT):
        iris = find_iris(image, points, eye)
        if iris is not None:
            directions.append(_direction(iris, points, eye, head))
    if not directions:
        return None
    if (
        len(directions) == 2
        and math.degrees(math.acos(min(1.0, directions[0] @ directions[1]))) > LARGEST_DIFFERENCE_DEG
    ):
        return None
    in_head = np.mean(directions, axis=0)
    in_head = in_head / np.linalg.norm(in_head)
    in_camera = head.rotation @ in_head
    return Gaze(*_angles(in_camera), *_angles(in_head))


def find_iris(image: Image, points: FloatArray, eye: _Eye) -> Numbers | None:
    """Find the centre of an iris in the image, in pixels; None where it is not seen.

    Args:
        image: uint8 RGB (h, w, 3).
        points: (478, 3) of `FaceMesh.points`.
        eye: Which eye.
    """
    corners = points[[eye.lids[0], eye.lids[8]], :2].astype(np.float64)
    left, right = corners[corners[:, 0].argsort()]
    width = float(np.linalg.norm(right - left))
    if width < LEAST_EYE_WIDTH:
        return None
    across = (right - left) / width
    step = width / _WIDTH
    turn = step * np.array([[across[0], -across[1]], [across[1], across[0]]])
    shift = (left + right) / 2 - turn @ (np.array(_PATCH) / 2)
    grey = _cut_patch(image, turn, shift)
    inverse = np.linalg.inv(turn)

    def to_patch(places: FloatArray) -> Numbers:
        patch: Numbers = (places.astype(np.float64) - shift) @ inverse.T
        return patch

    opening = _opening(to_patch(points[list(eye.lids), :2]))
    start = to_patch(points[[eye.iris], :2])[0]
    radius = float(np.linalg.norm(to_patch(points[list(eye.ring), :2]) - start, axis=1).mean())
    place = _search(grey, opening, start, radius)
    return None if place is None else turn @ place + shift


def _cut_patch(image: Image, turn: Numbers, shift: Numbers) -> FloatArray:
    """Return the eye's surroundings, grey and slightly blurred, float32 (48, 72)."""
    height, width = image.shape[:2]
    reach = np.abs(turn) @ np.array(_PATCH)
    middle = turn @ (np.array(_PATCH) / 2) + shift
    left, top = np.clip(np.floor(middle - reach).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(middle + reach).astype(int), (left + 1, top + 1), (width, height))
    region = PillowImage.fromarray(image[top:bottom, left:right]).convert("L")
    coefficients = np.column_stack([turn, shift - (left, top)]).ravel()
    patch = region.transform(
        _PATCH, PillowImage.Transform.AFFINE, tuple(map(float, coefficients)), PillowImage.Resampling.BILINEAR
    )
    return np.asarray(patch.filter(ImageFilter.GaussianBlur(1)), np.float32)


def _opening(outline: Numbers) -> npt.NDArray[np.bool_]:
    """Return the pixels of the patch between the lids, (48, 72)."""
    mask = PillowImage.new("L", _PATCH, 0)
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in outline], fill=1)
    return np.asarray(mask, bool)


def _search(grey: FloatArray, opening: npt.NDArray[np.bool_], start: Numbers, radius: float) -> Numbers | None:
    """Find the circle whose free rim is darkest inside against outside."""
    x, y = np.meshgrid(start[0] + _ACROSS, start[1] + _DOWN)
    cosines, sines = np.cos(_ANGLES), np.sin(_ANGLES)
    rim = _read(opening, x[..., None] + radius * cosines, y[..., None] + radius * sines)
    outside = _read(grey, x[..., None] + (radius + _RIM) * cosines, y[..., None] + (radius + _RIM) * sines)
    inside = _read(grey, x[..., None] + (radius - _RIM) * cosines, y[..., None] + (radius - _RIM) * sines)
    free = rim.sum(axis=-1)
    contrast = ((outside - inside) * rim).sum(axis=-1)
    score = np.where(free >= LEAST_RIM * len(_ANGLES), contrast / np.sqrt(np.maximum(free, 1)), -np.inf)
    best = np.unravel_index(int(score.argmax()), score.shape)
    if not np.isfinite(score[best]) or contrast[best] / free[best] < LEAST_CONTRAST:
        return None
    return np.array([x[best], y[best]])


def _read(pixels: npt.NDArray[np.generic], x: Numbers, y: Numbers) -> npt.NDArray[np.float32]:
    """Read a patch at the nearest pixels."""
    rows = np.clip(y.astype(int), 0, _PATCH[1] - 1)
    columns = np.clip(x.astype(int), 0, _PATCH[0] - 1)
    values: npt.NDArray[np.float32] = pixels[rows, columns].astype(np.float32)
    return values


def _direction(iris: Numbers, points: FloatArray, eye: _Eye, head: HeadFit) -> Numbers:
    """Return the gaze of an eye in the head's axes: from the eyeball's middle to the iris."""
    outer, inner, below, above = eye.lids[0], eye.lids[8], eye.lids[4], eye.lids[12]
    face = canonical_face()
    seen = [head.on_plane(points[corner, :2].astype(np.float64), float(face[corner, 2])) for corner in (outer, inner)]
    offset = np.mean(seen, axis=0) - face[[outer, inner], :2].mean(axis=0)
    depth = float(face[[above, below], 2].mean())
    middle = np.array([face[[outer, inner], 0].mean(), face[[above, below], 1].mean()]) + offset
    place = head.on_plane(iris, depth + _LEVER_CM - _DEPTH_CM)
    x, y = np.clip((place - middle) / _LEVER_CM, -0.9, 0.9)
    direction = np.array([x, y, math.sqrt(max(0.05, 1 - x * x - y * y))])
    unit: Numbers = direction / np.linalg.norm(direction)
    return unit


def _angles(direction: Numbers) -> tuple[float, float]:
    pitch = math.degrees(math.asin(max(-1.0, min(1.0, float(direction[1])))))
    return pitch, math.degrees(math.atan2(float(direction[0]), float(direction[2])))
