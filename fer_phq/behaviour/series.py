"""The behaviour series: a row of numbers for each frame in which the subject's mesh was followed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_phq.core.arrays import FloatArray, Image, TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.mesh.eyes import eye_openness, mouth_openness
from fer_phq.mesh.geometry import LEAST_SIZE_OF_BLENDSHAPES
from fer_phq.mesh.head_pose import estimate_head_pose
from fer_phq.mesh.landmarker import FaceLandmarker, FaceMesh
from fer_phq.mesh.points import BLENDSHAPES

KIND = "mesh-1"
"""What made a series' values."""

SHAPE_COLUMNS = ("presence", "pitch_deg", "yaw_deg", "roll_deg", "eye_open_left", "eye_open_right", "mouth_open")
COLUMNS = (*SHAPE_COLUMNS, *BLENDSHAPES)
"""Names of a series' columns: how sure the mesh is, the head pose, openness of eyes and mouth, the blendshapes."""


class RowMaker:
    """Makes rows of a recording's meshes."""

    def __init__(self, landmarker: FaceLandmarker) -> None:
        """Take the networks.

        Args:
            landmarker: Computes the blendshapes.
        """
        self._landmarker = landmarker

    def __call__(self, image: Image, mesh: FaceMesh, face_size: float) -> FloatArray:
        """Describe a mesh.

        Args:
            image: uint8 RGB (h, w, 3) in which it lies.
            mesh: The mesh.
            face_size: Side of the face's box in pixels of the image.

        Returns:
            (59,) float32 in the order of `COLUMNS`, NaN where something cannot be told.
        """
        row = np.full(len(COLUMNS), np.nan, np.float32)
        row[0] = mesh.presence
        pose = estimate_head_pose(mesh.points, (image.shape[1], image.shape[0]))
        if pose is None or not pose.in_range:
            return row
        row[1:4] = (pose.pitch_deg, pose.yaw_deg, pose.roll_deg)
        if face_size >= LEAST_SIZE_OF_BLENDSHAPES:
            row[4:7] = (*eye_openness(mesh.points), mouth_openness(mesh.points))
            row[7:] = self._landmarker.blendshapes(mesh)
        return row


def behaviour_series(
    rows: Sequence[FloatArray | None], time_s: TimeArray, duration_s: TimeArray, rate_hz: float
) -> FeatureSeries:
    """Make the series of rows.

    Args:
        rows: A row for each frame, None where the subject's face was not followed.
        time_s: (n,) seconds of the frames.
        duration_s: (n,) seconds that each frame stands for.
        rate_hz: Frames a second that were looked at.
    """
    empty = np.full(len(COLUMNS), np.nan, np.float32)
    values = (
        np.stack([empty if row is None else row for row in rows]) if rows else np.zeros((0, len(COLUMNS)), np.float32)
    )
    return FeatureSeries(values, time_s, KIND, COLUMNS, duration_s, rate_hz)
