"""Rendered eyes: balls of known gaze behind lids that close by a known share, for heads of `heads.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path as Polygon

from fer_phq.core.arrays import FloatArray
from fer_phq.mesh.points import LEFT_LIDS, RIGHT_LIDS
from training.simulation.camera import Camera

_UPPER = slice(9, 16)
_LOWER = slice(1, 8)
_DEPTH_CM = 1.1  # of the ball's middle behind the lids
_RADIUS_CM = 1.2
_LID_BULGE_CM = 0.12  # by which a lid stands out while it passes over the ball
_UPPER_FOLLOWS = 0.8  # share of a vertical turn of the ball that the upper lid goes along with
_LOWER_FOLLOWS = 0.3
_LEAST_OPEN = 0.25  # share of the opening that a look up or down leaves
_IRIS_DEG = 29.0  # angle of the iris's rim from the line of sight: 0.58 cm on the ball
_LIMBUS_DEG = 25.0
_PUPIL_DEG = 10.0
_SCLERA = (214.0, 204.0, 200.0)
_CORNER = (120.0, 70.0, 70.0)
_PUPIL = (18.0, 15.0, 15.0)
_FINE = 3  # samples a pixel and side

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Eyes:
    """Where eyes look and how far they are closed.

    Attributes:
        pitch_deg: Of the gaze against the head, positive upward.
        yaw_deg: Of the gaze against the head, positive to the person's left.
        closure: 0 as in the portrait to 1, upper lids on lower ones.
        iris: Colour of the iris, RGB.
    """

    pitch_deg: float = 0.0
    yaw_deg: float = 0.0
    closure: float = 0.0
    iris: tuple[float, float, float] = (95.0, 65.0, 45.0)

    @property
    def direction(self) -> Numbers:
        """The gaze in the head's axes: to the person's left, up, to the front."""
        pitch, yaw = np.radians([self.pitch_deg, self.yaw_deg])
        return np.array([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)])


def move_lids(vertices: Numbers, eyes: Eyes) -> Numbers:
    """Return a face's vertices with lids that follow a look up or down, the upper one brought down as far as told.

    Args:
        vertices: (n, 3) cm of a head; the first 468 are the face's points.
        eyes: Their gaze and closure.
    """
    closed = vertices.copy()
    closure = eyes.closure
    turn = _RADIUS_CM * np.radians(eyes.pitch_deg)
    for lids in (RIGHT_LIDS, LEFT_LIDS):
        upper = list(lids[_UPPER])
        lower = list(reversed(lids[_LOWER]))
        opening = vertices[upper, 1] - vertices[lower, 1]
        along = opening / opening.max() * turn
        closed[lower, 1] += _LOWER_FOLLOWS * along
        closed[upper, 1] = np.maximum(
            vertices[upper, 1] + _UPPER_FOLLOWS * along, closed[lower, 1] + _LEAST_OPEN * opening
        )
        closed[upper] = closed[upper] * (1 - closure) + closed[lower] * closure
        closed[upper, 2] += _LID_BULGE_CM * np.sin(np.pi * closure)
    return closed


def eyeball_centres(face: Numbers) -> tuple[Numbers, Numbers]:
    """Place the eyeballs of a face, right and left, cm.

    Args:
        face: (468, 3) cm, with open eyes.
    """
    right, left = (_centre(face, lids) for lids in (RIGHT_LIDS, LEFT_LIDS))
    return right, left


def _centre(face: Numbers, lids: tuple[int, ...]) -> Numbers:
    outer, inner, below, above = face[lids[0]], face[lids[8]], face[lids[4]], face[lids[12]]
    return np.array([(outer[0] + inner[0]) / 2, (above[1] + below[1]) / 2, (above[2] + below[2]) / 2 - _DEPTH_CM])


def draw_eye(
    picture: FloatArray, outline: Numbers, centre: Numbers, gaze: Numbers, up: Numbers, eyes: Eyes, camera: Camera
) -> None:
    """Draw what of an eyeball is seen between its lids.

    Args:
        picture: float32 RGB (h, w, 3); changed in place.
        outline: (16, 2) pixels of the lids in the order of `RIGHT_LIDS`.
        centre: (3,) cm of the ball in the camera's axes.
        gaze: (3,) direction in the camera's axes.
        up: (3,) direction from which the light falls, in the camera's axes.
        eyes: The iris's colour.
        camera: The camera.
    """
    limits = np.array([camera.width, camera.height])
    low = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, limits)
    high = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 1, 0, limits)
    if (high <= low).any():
        return
    across = (np.arange(low[0] * _FINE, high[0] * _FINE) + 0.5) / _FINE
    down = (np.arange(low[1] * _FINE, high[1] * _FINE) + 0.5) / _FINE
    x, y = np.meshgrid(across, down)
    inside = Polygon(outline).contains_points(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    colours = _ball_colours(camera.rays(x, y), centre, gaze, up, eyes)
    colours *= _lid_shadow(outline, x, y)[..., None]
    shape = (high[1] - low[1], _FINE, high[0] - low[0], _FINE)
    share = inside.reshape(shape).mean(axis=(1, 3))[..., None]
    total = (colours * inside[..., None]).reshape(*shape, 3).sum(axis=(1, 3))
    mean = total / np.maximum(inside.reshape(shape).sum(axis=(1, 3))[..., None], 1)
    window = picture[low[1] : high[1], low[0] : high[0]]
    window[:] = window * (1 - share) + mean * share


def _ball_colours(rays: Numbers, centre: Numbers, gaze: Numbers, up: Numbers, eyes: Eyes) -> Numbers:
    """Return the colours of a ball along rays: sclera, iris with a dark rim, pupil; the eye's corner beside it."""
    nearest = rays @ centre
    half_chord = nearest**2 - (centre @ centre - _RADIUS_CM**2)
    depth = nearest - np.sqrt(np.maximum(half_chord, 0))
    normal = (rays * depth[..., None] - centre) / _RADIUS_CM
    angle = np.degrees(np.arccos(np.clip(normal @ gaze, -1, 1)))
    colours = np.full((*angle.shape, 3), _SCLERA)
    iris = np.array(eyes.iris)
    colours[angle < _IRIS_DEG] = iris * 0.55
    colours[angle < _LIMBUS_DEG] = iris
    colours[angle < _PUPIL_DEG] = _PUPIL
    colours *= (0.55 + 0.45 * np.clip(normal @ up, 0.25, 1))[..., None]
    colours[half_chord <= 0] = _CORNER
    return colours


def _lid_shadow(outline: Numbers, x: Numbers, y: Numbers) -> Numbers:
    """Return the share of light below the upper lid."""
    upper = outline[_UPPER]
    order = np.argsort(upper[:, 0])
    edge = np.interp(x, upper[order, 0], upper[order, 1])
    extent = max(2.0, float(np.ptp(outline[:, 1])))
    light: Numbers = np.clip(0.6 + 0.4 * (y - edge) / (0.35 * extent), 0.6, 1)
    return light
