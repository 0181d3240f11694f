"""What an image shows of the eyeballs: grey values of the ball's surface between the lids.

An eyeball is a ball of 1.2 cm radius (Bekerman, Gottlieb and Vaiman, 2014, J. Ophthalmol. 503645) whose middle lies
1.1 cm behind the lids and midway between the eye's corners. The corners are seen; the rest follows from the head pose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.mesh.head_pose import FLATNESS, HeadFit, canonical_face
from fer_phq.mesh.points import LEFT_IRIS, LEFT_LIDS, RIGHT_IRIS, RIGHT_LIDS

RADIUS_CM = 1.2
DEPTH_CM = 1.1
"""Of a ball's middle behind the lids."""

_STEP_CM = 0.08
_WIDE_CM, _HIGH_CM = 1.6, 0.9
_MARGIN_CM = 0.1  # beyond the lids of the mesh, which are not always where they are seen
_CORNER = 0.12  # share of the eye's width on each side that shows its corners
_POWER = 4
_DARK, _BRIGHT = 0.08, 0.8  # quantiles of the grey values between the lids
_AROUND = 0.3  # of an eye's width, kept of the image around the eyes

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EyeNumbers:
    """The points of one eye.

    Attributes:
        lids: Around the opening: below from the outer corner to the inner, then above.
        iris: Its centre.
    """

    lids: tuple[int, ...]
    iris: int

    @property
    def corners(self) -> tuple[int, int]:
        """Outer and inner corner."""
        return self.lids[0], self.lids[8]

    @property
    def ring(self) -> tuple[int, ...]:
        """Four points around the iris."""
        return tuple(range(self.iris + 1, self.iris + 5))


EYES = (EyeNumbers(RIGHT_LIDS, RIGHT_IRIS), EyeNumbers(LEFT_LIDS, LEFT_IRIS))
"""Of the person's right and left eye."""


@dataclass(frozen=True, eq=False)
class EyeRegion:
    """The part of an image that shows both eyes.

    Attributes:
        grey: uint8 (h, w).
        left: Column of the image with which it begins.
        top: Row with which it begins.
    """

    grey: npt.NDArray[np.uint8]
    left: int
    top: int


@dataclass(frozen=True, eq=False)
class EyeballView:
    """What an image shows of an eyeball, sampled evenly on the face.

    Attributes:
        grey: (n,) 0 to 255.
        shares: (n,) how much of each sample lies between the lids, above 0 to 1.
        normals: (n, 3) where each lies, as directions from the ball's middle in the head's axes.
        iris: (3,) the same of the centre of the mesh's iris.
    """

    grey: Numbers
    shares: Numbers
    normals: Numbers
    iris: Numbers


def iris_diameter(points: FloatArray) -> float:
    """Compute the diameter of the mesh's irises in pixels, mean of both.

    Args:
        points: (478, 3) of `FaceMesh.points`.
    """
    radii = [np.linalg.norm(points[list(eye.ring), :2] - points[eye.iris, :2], axis=1).mean() for eye in EYES]
    return 2 * float(np.mean(radii))


def cut_eyes(image: Image, points: FloatArray) -> EyeRegion:
    """Cut the eyes out of an image.

    Args:
        image: uint8 RGB (h, w, 3).
        points: (478, 3) of `FaceMesh.points`.
    """
    places = points[[number for eye in EYES for number in eye.lids], :2]
    margin = _AROUND * max(float(np.linalg.norm(np.subtract(*points[list(eye.corners), :2]))) for eye in EYES) + 2
    limits = np.array(image.shape[1::-1])
    left, top = np.clip(np.floor(places.min(axis=0) - margin).astype(int), 0, limits - 1)
    right, bottom = np.clip(np.ceil(places.max(axis=0) + margin).astype(int), (left + 1, top + 1), limits)
    part = PillowImage.fromarray(image[top:bottom, left:right]).convert("L")
    return EyeRegion(np.asarray(part), int(left), int(top))


def view_eyeball(region: EyeRegion, points: FloatArray, eye: EyeNumbers, head: HeadFit) -> EyeballView:
    """Read from an image what it shows of an eyeball.

    Args:
        region: Of the image.
        points: (478, 3) of `FaceMesh.points`.
        eye: Which eye.
        head: Where the head is.
    """
    middle = _middle(points, eye, head)
    front = middle[2] + DEPTH_CM
    outline = np.array([head.on_plane(points[number, :2].astype(np.float64), front) for number in eye.lids])
    across, up = np.meshgrid(np.arange(-_WIDE_CM, _WIDE_CM, _STEP_CM), np.arange(-_HIGH_CM, _HIGH_CM, _STEP_CM))
    across = across + outline[[0, 8], 0].mean()
    up = up + outline[[0, 8], 1].mean()
    shares = _between_lids(outline, across, up)
    plane = np.stack([across, up, np.full_like(across, front)], axis=-1)
    normals, hit = _normals(plane, middle, head)
    visible = (shares > 0) & hit
    grey = _read(region, head.project(plane[visible]))
    iris, _ = _normals(np.array([*head.on_plane(points[eye.iris, :2].astype(np.float64), front), front]), middle, head)
    return EyeballView(grey, shares[visible], normals[visible], iris)


def grey_levels(view: EyeballView) -> tuple[float, float]:
    """Return the dark and the bright grey level of what an image shows of an eyeball.

    Args:
        view: At least one sample.
    """
    dark, bright = np.quantile(view.grey, (_DARK, _BRIGHT))
    return float(dark), float(bright)


def darkness(view: EyeballView) -> Numbers:
    """Return how dark each sample is between the bright and the dark of its eye, 0 to 1, weighted by its share, (n,).

    Args:
        view: What an image shows of an eyeball.
    """
    if not len(view.grey):
        return view.grey
    dark, bright = grey_levels(view)
    weights: Numbers = view.shares * np.clip((bright - view.grey) / (bright - dark + 1), 0, 1) ** _POWER
    return weights


def directions_deg(direction: Numbers) -> tuple[float, float]:
    """Return pitch and yaw of a direction in degrees.

    Args:
        direction: (3,), of any length above 0.
    """
    pitch = math.atan2(float(direction[1]), math.hypot(float(direction[0]), float(direction[2])))
    return math.degrees(pitch), math.degrees(math.atan2(float(direction[0]), float(direction[2])))


def _middle(points: FloatArray, eye: EyeNumbers, head: HeadFit) -> Numbers:
    """Return where the middle of an eyeball is in the head's axes, cm."""
    face = canonical_face()
    depths = face[list(eye.corners), 2] * FLATNESS
    corners = [
        head.on_plane(points[number, :2].astype(np.float64), depth)
        for number, depth in zip(eye.corners, depths, strict=True)
    ]
    lids = face[[eye.lids[4], eye.lids[12]], 2].mean() - face[list(eye.corners), 2].mean()
    return np.array([*np.mean(corners, axis=0), depths.mean() + lids - DEPTH_CM])


def _between_lids(outline: Numbers, across: Numbers, up: Numbers) -> Numbers:
    """Return how much of each sample lies between the lids and beside the corners, 0 to 1."""
    ends = np.sort(outline[[0, 8], 0])
    share = (across - ends[0]) / max(ends[1] - ends[0], 1e-6)
    lower, upper = (
        np.interp(across, edge[:, 0], edge[:, 1])
        for edge in (part[part[:, 0].argsort()] for part in (outline[:9], outline[[8, *range(9, 16), 0]]))
    )
    below = np.clip((upper + _MARGIN_CM - up) / _STEP_CM + 0.5, 0, 1)
    above = np.clip((up - lower + _MARGIN_CM) / _STEP_CM + 0.5, 0, 1)
    inside: Numbers = below * above * ((share > _CORNER) & (share < 1 - _CORNER))
    return inside


def _normals(plane: Numbers, middle: Numbers, head: HeadFit) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return where lines of sight through places meet a ball, as directions from its middle, and whether they do."""
    camera = -head.rotation.T @ head.shift
    sight = plane - camera
    sight = sight / np.linalg.norm(sight, axis=-1, keepdims=True)
    offset = middle - camera
    along = sight @ offset
    half_chord = along**2 - (offset @ offset - RADIUS_CM**2)
    depth = along - np.sqrt(np.maximum(half_chord, 0))
    normals = (camera + sight * depth[..., None] - middle) / RADIUS_CM
    return normals, half_chord > 0


def _read(region: EyeRegion, places: Numbers) -> Numbers:
    """Read grey values between pixels, (n,); beyond the region's edge stand those of its edge."""
    height, width = region.grey.shape
    x = np.clip(places[:, 0] - region.left - 0.5, 0, max(width - 1.001, 0))
    y = np.clip(places[:, 1] - region.top - 0.5, 0, max(height - 1.001, 0))
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    next_column, next_row = np.minimum(column + 1, width - 1), np.minimum(row + 1, height - 1)
    above = region.grey[row, column] * (1 - right) + region.grey[row, next_column] * right
    below = region.grey[next_row, column] * (1 - right) + region.grey[next_row, next_column] * right
    grey: Numbers = above * (1 - down) + below * down
    return grey
