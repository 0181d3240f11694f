"""Heads with known pose: a portrait on the canonical face, turned in space and seen by a camera.

The face has the shape of the canonical face, whose points the mesh network placed on the portrait once; hair, neck and
background fall away behind it. What such a picture shows is a known turn of a known shape, seen at a known field of
view: a truth for head poses that no photograph has. Its light turns with the head, and its skin does not fold.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path as Polygon
from scipy.spatial import ConvexHull, Delaunay

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.mesh.head_pose import CANONICAL_FACE
from fer_phq.mesh.points import FACE_POINTS, LEFT_LIDS, RIGHT_LIDS
from training.simulation.camera import Camera
from training.simulation.eyes import Eyes, draw_eye, eyeball_centres, move_lids

_GRID = 24  # points a side that carry what lies around the face
_FALL = 1.1  # centimetres backward a centimetre outward
_DEEPEST_CM = -11.0
_BACKGROUND = 110
_LIGHT = np.array([0.0, 0.25, 1.0])  # on the eyeballs, in the head's axes

Numbers = npt.NDArray[np.float64]


def rotation_of_pose(pitch_deg: float, yaw_deg: float, roll_deg: float) -> Numbers:
    """Compute the rotation of a head pose, with the signs of `fer_phq.mesh.HeadPose`.

    Args:
        pitch_deg: Positive looks up.
        yaw_deg: Positive turns to the person's left.
        roll_deg: Positive tilts to the person's right shoulder.

    Returns:
        (3, 3): from the head's axes (to the person's left, up, to the front) to the camera's (right, up, backward).
    """
    pitch, yaw, roll = np.radians([pitch_deg, yaw_deg, roll_deg])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation: Numbers = turn @ nod @ tilt
    return rotation


class Head:
    """A textured head."""

    def __init__(
        self, portrait: Image, points: FloatArray, shape: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ) -> None:
        """Lay a portrait over the canonical face.

        Args:
            portrait: uint8 RGB (h, w, 3) of a face that looks at the camera.
            points: (478, 3) of its mesh.
            shape: Width, height and depth of the face, as shares of the canonical one's.
        """
        height, width = portrait.shape[:2]
        face = np.load(CANONICAL_FACE, allow_pickle=False).astype(np.float64) * np.array(shape)
        places = points[:FACE_POINTS, :2].astype(np.float64)
        around, vertices = _surroundings(places, face, width, height)
        self._texture = portrait.astype(np.float32)
        self._places = np.vstack([places, around])
        self._vertices = np.vstack([face, vertices])
        self._triangles = Delaunay(self._places).simplices
        self._eyeballs = eyeball_centres(face)
        middles = self._places[self._triangles].mean(axis=1)
        openings = [Polygon(self._places[list(lids)]).contains_points(middles) for lids in (RIGHT_LIDS, LEFT_LIDS)]
        self._around_eyes = self._triangles[~np.any(openings, axis=0)]

    def render(
        self, rotation: Numbers, position_cm: tuple[float, float, float], camera: Camera, eyes: Eyes | None = None
    ) -> Image:
        """Render the head.

        Args:
            rotation: (3, 3) of `rotation_of_pose`.
            position_cm: (x, y, z) of its middle from the camera: right, up, away.
            camera: The camera.
            eyes: Eyes in place of the portrait's.

        Returns:
            uint8 RGB.
        """
        x, y, distance = position_cm
        shift = np.array([x, y, -distance])
        vertices = self._vertices if eyes is None else move_lids(self._vertices, eyes)
        places, nearness = camera.project(vertices @ rotation.T + shift)
        picture = np.full((camera.height, camera.width, 3), _BACKGROUND, np.float32)
        nearest = np.zeros(picture.shape[:2])
        for triangle in self._triangles if eyes is None else self._around_eyes:
            self._draw(picture, nearest, places[triangle], nearness[triangle], triangle)
        if eyes is not None:
            gaze, up = rotation @ eyes.direction, rotation @ _LIGHT
            for lids, centre in zip((RIGHT_LIDS, LEFT_LIDS), self._eyeballs, strict=True):
                draw_eye(picture, places[list(lids)], rotation @ centre + shift, gaze, up, eyes, camera)
        return picture.round().clip(0, 255).astype(np.uint8)

    def _draw(
        self, picture: FloatArray, nearest: Numbers, corners: Numbers, nearness: Numbers, triangle: Numbers
    ) -> None:
        """Draw a triangle where nothing nearer is drawn; nearness is linear in the picture, places are not."""
        limits = np.array(picture.shape[1::-1])
        low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, limits)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, limits)
        (ax, ay), (bx, by), (cx, cy) = corners
        area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if (high <= low).any() or abs(area) < 1e-9:
            return
        x = np.arange(low[0], high[0]) + 0.5
        y = np.arange(low[1], high[1])[:, None] + 0.5
        first = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area
        second = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area
        weights = np.stack([first, second, 1 - first - second], axis=-1)
        near = weights @ nearness
        window = (slice(low[1], high[1]), slice(low[0], high[0]))
        drawn = (weights >= -1e-6).all(axis=-1) & (near > nearest[window])
        shares = weights[drawn] * nearness
        places = shares / shares.sum(axis=1, keepdims=True) @ self._places[triangle]
        nearest[window][drawn] = near[drawn]
        picture[window][drawn] = self._sample(places)

    def _sample(self, places: Numbers) -> FloatArray:
        """Read the portrait between its pixels."""
        height, width = self._texture.shape[:2]
        x = np.clip(places[:, 0] - 0.5, 0, width - 1.001)
        y = np.clip(places[:, 1] - 0.5, 0, height - 1.001)
        column, row = x.astype(int), y.astype(int)
        right, down = (x - column)[:, None], (y - row)[:, None]
        above = self._texture[row, column] * (1 - right) + self._texture[row, column + 1] * right
        below = self._texture[row + 1, column] * (1 - right) + self._texture[row + 1, column + 1] * right
        colours: FloatArray = (above * (1 - down) + below * down).astype(np.float32)
        return colours


def _surroundings(places: Numbers, face: Numbers, width: int, height: int) -> tuple[Numbers, Numbers]:
    """Return points of the portrait outside of the face, and where they lie in space."""
    across, down = np.meshgrid(np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID))
    grid = np.column_stack([across.ravel(), down.ravel()])
    hull = ConvexHull(places)
    outside = (grid @ hull.equations[:, :2].T + hull.equations[:, 2] > 0).any(axis=1)
    grid = grid[outside]
    to_face, *_ = np.linalg.lstsq(np.column_stack([places, np.ones(len(places))]), face[:, :2], rcond=None)
    plane = np.column_stack([grid, np.ones(len(grid))]) @ to_face
    rim = hull.vertices
    distances = np.linalg.norm(plane[:, None] - face[None, rim, :2], axis=2)
    depth = face[rim, 2][distances.argmin(axis=1)] - _FALL * distances.min(axis=1)
    return grid, np.column_stack([plane, np.maximum(depth, _DEEPEST_CM)])
