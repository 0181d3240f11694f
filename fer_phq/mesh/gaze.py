"""Gaze: where eyes look, from the dark of the irises on the eyeballs.

The mesh's irises follow a look to the side by nine tenths, and one up or down by a quarter. So what the image shows
between the lids is laid on the eyeballs, and the gaze is where it is darkest around the mesh's iris: the mean direction
of the ball's surface, weighted by darkness. Its slopes and its middle were chosen on rendered eyes whose upper lids
follow a look up or down (`benchmarks/bench_mesh.py`); no person's true gaze was at hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.core.messages import Message
from fer_phq.mesh import messages
from fer_phq.mesh.eyeballs import (
    EYES,
    EyeballView,
    EyeRegion,
    Numbers,
    darkness,
    directions_deg,
    iris_diameter,
    view_eyeball,
)
from fer_phq.mesh.eyes import eye_openness
from fer_phq.mesh.head_pose import HeadFit
from fer_phq.mesh.visibility import LEAST_OPENNESS, has_hidden_eyes

LEAST_IRIS = 6.0
"""Diameter of the irises in pixels below which there is no gaze."""
LARGEST_YAW_DEG = 35.0
"""Of the head: beyond it the far eye is hardly seen."""

_REACH_DEG = 25.0  # to each side of where the iris is supposed, beyond which darkness is not its
_ROUNDS = 3
_PITCH_SLOPE = 2.4  # of true angles on measured ones: lids hide most of what a look up or down moves
_PITCH_AHEAD_DEG = 6.3  # measured where eyes look ahead: the upper lid hides more of the iris than the lower one
_YAW_SLOPE = 1.15


@dataclass(frozen=True)
class Gaze:
    """A direction of gaze, the mean of both eyes.

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


def measure_gaze(region: EyeRegion, points: FloatArray, head: HeadFit) -> Gaze | Message:
    """Measure the gaze of a face.

    Args:
        region: Of the image.
        points: (478, 3) of `FaceMesh.points`.
        head: Where the head is.

    Returns:
        The gaze, or why there is none.
    """
    if abs(head.pose.yaw_deg) > LARGEST_YAW_DEG:
        return messages.TURNED_TOO_FAR_FOR_GAZE(yaw=LARGEST_YAW_DEG)
    views = [view_eyeball(region, points, eye, head) for eye in EYES]
    openness = float(eye_openness(points).mean())
    if has_hidden_eyes(views, openness):
        return messages.EYES_HIDDEN()
    if openness < LEAST_OPENNESS:
        return messages.EYES_CLOSED()
    diameter = iris_diameter(points)
    if diameter < LEAST_IRIS:
        return messages.TOO_SMALL_FOR_GAZE(size=diameter, least=LEAST_IRIS)
    dark = darkest_direction(views)
    if dark is None:
        return messages.EYES_CLOSED()
    pitch, yaw = directions_deg(dark)
    pitch, yaw = _PITCH_SLOPE * (pitch - _PITCH_AHEAD_DEG), _YAW_SLOPE * yaw
    return Gaze(*directions_deg(head.rotation @ _direction(pitch, yaw)), pitch, yaw)


def darkest_direction(views: Sequence[EyeballView]) -> Numbers | None:
    """Return the mean direction of the dark around the irises, in the head's axes; None where nothing is seen.

    Args:
        views: Of both eyes.
    """
    weights = [darkness(view) for view in views]
    direction: Numbers = np.mean([view.iris for view in views], axis=0)
    for _ in range(_ROUNDS):
        yaw = directions_deg(direction)[1]
        middles = []
        for view, dark in zip(views, weights, strict=True):
            sides = np.degrees(np.arctan2(view.normals[:, 0], view.normals[:, 2]))
            inner = dark * (np.abs(sides - yaw) < _REACH_DEG)
            if inner.sum() > 0:
                middles.append(inner @ view.normals / inner.sum())
        if not middles:
            return None
        direction = np.mean(middles, axis=0)
    return direction / np.linalg.norm(direction)


def _direction(pitch_deg: float, yaw_deg: float) -> Numbers:
    pitch, yaw = math.radians(pitch_deg), math.radians(yaw_deg)
    return np.array([math.cos(pitch) * math.sin(yaw), math.sin(pitch), math.cos(pitch) * math.cos(yaw)])
