"""Head pose: how a head is turned and where it is, from a face mesh.

Points of the canonical face, in centimetres, are turned and moved until their perspective picture lies nearest to the
mesh's in the least-squares sense, by the method of Gauss and Newton. On heads rendered at known angles the mesh follows
a turn by nine tenths; a canonical face that is somewhat flatter makes up for it (`benchmarks/bench_mesh.py`). The
camera's field of view is an assumption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.analysis import UPRIGHT_DEG
from fer_phq.core.arrays import FloatArray
from fer_phq.mesh.points import RIGID_POINTS

CANONICAL_FACE = Path(__file__).with_name("canonical_face.npy")

FIELD_OF_VIEW_DEG = 55.0
"""Angle that the longer side of an image is assumed to span: webcams have about 70 degrees, portraits 40."""

LARGEST_YAW_DEG = 45.0
"""Beyond it half of the face is out of sight, and the pose is missing."""
LARGEST_PITCH_DEG = 40.0
"""As `LARGEST_YAW_DEG`."""
LARGEST_ROLL_DEG = UPRIGHT_DEG
"""Beyond it the detector's landmarks, from which the mesh starts, are unsure."""

FLATNESS = 0.86
"""Depth of the canonical face as the mesh shows it."""
_STEPS = 12
_CONVERGED = 1e-5  # radians

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeadPose:
    """How a head is turned against the camera's axes, and where it is.

    Attributes:
        pitch_deg: Positive looks up.
        yaw_deg: Positive turns to the person's left.
        roll_deg: Positive tilts to the person's right shoulder.
        position_cm: (x, y, z) of the head's middle from the camera: to the right of the image, up, away from the
            camera. It supposes a face of average size and the assumed field of view.
    """

    pitch_deg: float
    yaw_deg: float
    roll_deg: float
    position_cm: tuple[float, float, float]

    @property
    def in_range(self) -> bool:
        """Whether the pose lies where it was measured to be right."""
        pairs = (
            (self.yaw_deg, LARGEST_YAW_DEG),
            (self.pitch_deg, LARGEST_PITCH_DEG),
            (self.roll_deg, LARGEST_ROLL_DEG),
        )
        return all(abs(angle) <= largest for angle, largest in pairs)


@dataclass(frozen=True, eq=False)
class HeadFit:
    """The canonical face brought onto a mesh.

    Attributes:
        rotation: (3, 3) from the head's axes (to the person's left, up, to the front) to the camera's (right, up,
            backward).
        shift: (3,) cm of the head's middle in the camera's axes.
        focal: Focal length in pixels.
        middle: (x, y) pixels of the image's middle.
    """

    rotation: Numbers
    shift: Numbers
    focal: float
    middle: tuple[float, float]

    @property
    def pose(self) -> HeadPose:
        """The head pose."""
        x, y, z = (float(value) for value in self.shift)
        return HeadPose(*_angles(self.rotation), (x, y, -z))

    def on_plane(self, place: Numbers, depth_cm: float) -> Numbers:
        """Return where a pixel lies on a plane of the head that faces to the front, (x, y) cm in the head's axes.

        Args:
            place: (x, y) pixels of the image.
            depth_cm: The plane's place in the head's axes.
        """
        across, down = (place[0] - self.middle[0]) / self.focal, (self.middle[1] - place[1]) / self.focal
        ray = self.rotation.T @ np.array([across, down, -1.0])
        start = -self.rotation.T @ self.shift
        point: Numbers = start[:2] + (depth_cm - start[2]) / ray[2] * ray[:2]
        return point

    def project(self, places: Numbers) -> Numbers:
        """Return where places of the head come to lie in the image, (n, 2) pixels.

        Args:
            places: (n, 3) cm in the head's axes.
        """
        x, y, z = (places @ self.rotation.T + self.shift).T
        across, down = self.middle
        return np.column_stack([across - self.focal * x / z, down + self.focal * y / z])


def estimate_head_pose(
    points: FloatArray, size: tuple[int, int], field_of_view_deg: float = FIELD_OF_VIEW_DEG
) -> HeadPose | None:
    """Estimate the head pose of a mesh.

    Args:
        points: (478, 3) of `FaceMesh.points`, in pixels.
        size: Width and height of the image in pixels.
        field_of_view_deg: Angle that the longer side of the image spans, above 0 and below 180 degrees.

    Returns:
        The pose; None where the points are no face's.
    """
    return estimate_head_poses(points[None], np.array([size]), field_of_view_deg)[0]


def estimate_head_poses(
    points: FloatArray, sizes: npt.NDArray[Any], field_of_view_deg: float = FIELD_OF_VIEW_DEG
) -> list[HeadPose | None]:
    """Estimate the head poses of many meshes at once, each to the bit as alone.

    Args:
        points: (n, 478, 3), of each as `FaceMesh.points`, in pixels.
        sizes: (n, 2) widths and heights of the images in pixels.
        field_of_view_deg: Angle that the longer side of an image spans, above 0 and below 180 degrees.

    Returns:
        A pose of each; None where the points are no face's.
    """
    return [None if head is None else head.pose for head in fit_heads(points, sizes, field_of_view_deg)]


def fit_heads(
    points: FloatArray, sizes: npt.NDArray[Any], field_of_view_deg: float = FIELD_OF_VIEW_DEG
) -> list[HeadFit | None]:
    """Bring the canonical face onto many meshes at once, each to the bit as alone.

    Args:
        points: (n, 478, 3), of each as `FaceMesh.points`, in pixels.
        sizes: (n, 2) widths and heights of the images in pixels.
        field_of_view_deg: Angle that the longer side of an image spans, above 0 and below 180 degrees.

    Returns:
        A fit of each; None where the points are no face's.
    """
    focal = sizes.max(axis=1) / 2 / math.tan(math.radians(field_of_view_deg) / 2)
    places = points[:, RIGID_POINTS, :2].astype(np.float64)
    middle = sizes[:, None] / 2
    rays = (places - middle) * (1.0, -1.0) / focal[:, None, None]
    heads: list[HeadFit | None] = [None] * len(points)
    faces = np.flatnonzero(np.ptp(places, axis=1).min(axis=1) >= 1)
    with np.errstate(all="ignore"):  # points without sense come to NaN, and those to no head
        rotations, shifts = _refine(_model(), rays[faces], *_start(_model(), rays[faces]))
    for face, rotation, shift in zip(faces, rotations, shifts, strict=True):
        if shift[2] < 0:
            across, down = (float(value) for value in middle[face, 0])
            heads[face] = HeadFit(rotation, shift, float(focal[face]), (across, down))
    return heads


@lru_cache
def canonical_face() -> Numbers:
    """Load the canonical face, (468, 3) cm: x to the person's left, y up, z to the front."""
    vertices: Numbers = np.load(CANONICAL_FACE, allow_pickle=False).astype(np.float64)
    return vertices


@lru_cache
def _model() -> Numbers:
    """Return the rigid points of the canonical face as the mesh shows them, (33, 3) cm."""
    model: Numbers = canonical_face()[list(RIGID_POINTS)] * np.array([1.0, 1.0, FLATNESS])
    return model


def _start(model: Numbers, rays: Numbers) -> tuple[Numbers, Numbers]:
    """Estimate rotations (n, 3, 3) and shifts (n, 3) as if from far away, where a picture is linear in the model."""
    middle = model.mean(axis=0)
    centre = rays.mean(axis=1)
    solution = np.linalg.pinv(model - middle) @ (rays - centre[:, None])
    first, second = np.moveaxis(solution, 2, 0)
    scale = (_lengths(first) + _lengths(second)) / 2
    first = first / _lengths(first)
    second = second - first * _dot(second, first)
    second = second / _lengths(second)
    rotation = np.stack([first, second, np.cross(first, second)], axis=1)
    shift = np.concatenate([centre, np.full((len(rays), 1), -1.0)], axis=1) / scale
    return rotation, shift - rotation @ middle


def _refine(model: Numbers, rays: Numbers, rotation: Numbers, shift: Numbers) -> tuple[Numbers, Numbers]:
    """Bring the model's perspective pictures nearest to the rays; the camera looks along -z.

    A face leaves the computation when its own step is small, so that the others do not matter to it.
    """
    going = np.arange(len(rays))
    for _ in range(_STEPS):
        if not len(going):
            break
        step = _step(model, rays[going], rotation[going], shift[going])
        usable = np.isfinite(step).all(axis=1)
        shift[going[~usable]] = np.nan  # no pose
        going, step = going[usable], step[usable]
        rotation[going] = _rotations(step[:, :3]) @ rotation[going]
        shift[going] += step[:, 3:]
        going = going[np.abs(step[:, :3]).max(axis=1) >= _CONVERGED]
    return rotation, shift


def _step(model: Numbers, rays: Numbers, rotation: Numbers, shift: Numbers) -> Numbers:
    """Return (n, 6) small turns and shifts that bring the pictures nearer, NaN where there are none."""
    turned = model @ rotation.transpose(0, 2, 1)
    x, y, z = np.moveaxis(turned + shift[:, None], 2, 0)
    inverse = -1 / z
    error = np.stack([x * inverse, y * inverse], axis=2) - rays
    by_place = np.zeros((*z.shape, 2, 3))
    by_place[..., 0, 0] = by_place[..., 1, 1] = inverse
    by_place[..., 0, 2] = x * inverse**2
    by_place[..., 1, 2] = y * inverse**2
    by_turn = np.cross(turned[:, :, None], by_place)  # a small turn w moves a point p by w x p
    jacobian = np.concatenate([by_turn, by_place], axis=3).reshape(len(rays), -1, 6)
    transposed = jacobian.transpose(0, 2, 1)
    normal = transposed @ jacobian
    # So little is added that no step changes, and that the system has a solution whatever the points are.
    normal += np.eye(6) * (1e-13 * np.trace(normal, axis1=1, axis2=2) + 1e-300)[:, None, None]
    usable = np.isfinite(normal).all(axis=(1, 2))
    normal[~usable] = np.eye(6)
    step: Numbers = np.linalg.solve(normal, -transposed @ error.reshape(len(rays), -1, 1))[..., 0]
    step[~usable] = np.nan
    return step


def _rotations(vectors: Numbers) -> Numbers:
    """Return the rotation matrices (n, 3, 3) of rotation vectors (Rodrigues' formula)."""
    angle = _lengths(vectors)[..., None]
    x, y, z = np.moveaxis(vectors / np.maximum(angle[..., 0], 1e-300), 1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    rotation: Numbers = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return rotation


def _lengths(vectors: Numbers) -> Numbers:
    lengths: Numbers = np.sqrt(_dot(vectors, vectors))
    return lengths


def _dot(first: Numbers, second: Numbers) -> Numbers:
    """Return the products of pairs of vectors, (n, 1)."""
    products: Numbers = (first * second).sum(axis=1, keepdims=True)
    return products


def _angles(rotation: Numbers) -> tuple[float, float, float]:
    """Return pitch, yaw and roll in degrees: the head is first tilted, then raised, then turned."""
    front = rotation[:, 2]
    yaw = math.atan2(front[0], front[2])
    pitch = math.asin(max(-1.0, min(1.0, float(front[1]))))
    level = np.array([math.cos(yaw), 0, -math.sin(yaw)])  # where the person's left would be without a tilt
    across = rotation[:, 0]
    roll = math.atan2(float(across @ np.cross(front, level)), float(across @ level))
    return math.degrees(pitch), math.degrees(yaw), math.degrees(roll)
