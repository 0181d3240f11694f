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

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.mesh.points import RIGID_POINTS

CANONICAL_FACE = Path(__file__).with_name("canonical_face.npy")

FIELD_OF_VIEW_DEG = 55.0
"""Angle that the longer side of an image is assumed to span: webcams have about 70 degrees, portraits 40."""

LARGEST_YAW_DEG = 45.0
"""Beyond it half of the face is out of sight, and the pose is missing."""
LARGEST_PITCH_DEG = 40.0
"""As `LARGEST_YAW_DEG`."""
LARGEST_ROLL_DEG = 45.0
"""Beyond it the detector's landmarks, from which the mesh starts, are unsure."""

_FLATNESS = 0.86  # depth of the canonical face
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
    focal = max(size) / 2 / math.tan(math.radians(field_of_view_deg) / 2)
    places = points[list(RIGID_POINTS), :2].astype(np.float64)
    if np.ptp(places, axis=0).min() < 1:
        return None
    rays = np.column_stack([places[:, 0] - size[0] / 2, size[1] / 2 - places[:, 1]]) / focal
    rotation, shift = _refine(_model(), rays, *_start(_model(), rays))
    if shift[2] >= 0:
        return None
    pitch, yaw, roll = _angles(rotation)
    return HeadPose(pitch, yaw, roll, (float(shift[0]), float(shift[1]), float(-shift[2])))


@lru_cache
def _model() -> Numbers:
    """Load the rigid points of the canonical face, (33, 3) cm: x to the person's left, y up, z to the front."""
    vertices = np.load(CANONICAL_FACE, allow_pickle=False).astype(np.float64)
    model: Numbers = vertices[list(RIGID_POINTS)] * np.array([1.0, 1.0, _FLATNESS])
    return model


def _start(model: Numbers, rays: Numbers) -> tuple[Numbers, Numbers]:
    """Estimate rotation and shift as if from far away, where a picture is linear in the model."""
    middle = model.mean(axis=0)
    solution, *_ = np.linalg.lstsq(model - middle, rays - rays.mean(axis=0), rcond=None)
    first, second = solution.T
    scale = (np.linalg.norm(first) + np.linalg.norm(second)) / 2
    first = first / np.linalg.norm(first)
    second = second - first * (second @ first)
    second = second / np.linalg.norm(second)
    rotation = np.stack([first, second, np.cross(first, second)])
    shift = np.append(rays.mean(axis=0), -1) / scale
    return rotation, shift - rotation @ middle


def _refine(model: Numbers, rays: Numbers, rotation: Numbers, shift: Numbers) -> tuple[Numbers, Numbers]:
    """Bring the model's perspective picture nearest to the rays; the camera looks along -z."""
    for _ in range(_STEPS):
        turned = model @ rotation.T
        x, y, z = (turned + shift).T
        inverse = -1 / z
        error = np.stack([x * inverse, y * inverse], axis=1) - rays
        zero = np.zeros_like(x)
        by_place = np.stack(
            [np.stack([inverse, zero, x * inverse**2], axis=1), np.stack([zero, inverse, y * inverse**2], axis=1)],
            axis=1,
        )
        by_turn = np.cross(turned[:, None, :], by_place)  # a small turn w moves a point p by w x p
        jacobian = np.concatenate([by_turn, by_place], axis=2).reshape(-1, 6)
        step, *_ = np.linalg.lstsq(jacobian, -error.reshape(-1), rcond=None)
        rotation = _rotation(step[:3]) @ rotation
        shift = shift + step[3:]
        if np.abs(step[:3]).max() < _CONVERGED:
            break
    return rotation, shift


def _rotation(vector: Numbers) -> Numbers:
    """Return the rotation matrix of a rotation vector (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: Numbers = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
    return rotation


def _angles(rotation: Numbers) -> tuple[float, float, float]:
    """Return pitch, yaw and roll in degrees: the head is first tilted, then raised, then turned."""
    front = rotation[:, 2]
    yaw = math.atan2(front[0], front[2])
    pitch = math.asin(max(-1.0, min(1.0, float(front[1]))))
    level = np.array([math.cos(yaw), 0, -math.sin(yaw)])  # where the person's left would be without a tilt
    across = rotation[:, 0]
    roll = math.atan2(float(across @ np.cross(front, level)), float(across @ level))
    return math.degrees(pitch), math.degrees(yaw), math.degrees(roll)
