"""The behaviour series: a row of numbers for each frame in which the subject's mesh was followed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_phq.behaviour.follower import FollowedFace
from fer_phq.behaviour.kinds import KIND
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.mesh.eyes import eye_openness, mouth_openness
from fer_phq.mesh.geometry import LEAST_SIZE_OF_BLENDSHAPES
from fer_phq.mesh.head_pose import estimate_head_poses
from fer_phq.mesh.landmarker import FaceLandmarker
from fer_phq.mesh.points import BLENDSHAPES

SHAPE_COLUMNS = ("presence", "pitch_deg", "yaw_deg", "roll_deg", "eye_open_left", "eye_open_right", "mouth_open")
COLUMNS = (*SHAPE_COLUMNS, *BLENDSHAPES)
"""Names of a series' columns: how sure the mesh is, the head pose, openness of eyes and mouth, the blendshapes."""


def describe_faces(faces: Sequence[FollowedFace | None], landmarker: FaceLandmarker) -> FloatArray:
    """Describe the subject's face in frames, each to the bit as alone.

    Args:
        faces: Of each frame; None where nothing is known of the face.
        landmarker: Computes the blendshapes.

    Returns:
        (frames, 59) float32 in the order of `COLUMNS`, NaN where something cannot be told.
    """
    rows = np.full((len(faces), len(COLUMNS)), np.nan, np.float32)
    seen = [(row, face) for row, face in zip(rows, faces, strict=True) if face is not None]
    if not seen:
        return rows
    points = np.stack([face.mesh.points for _, face in seen])
    poses = estimate_head_poses(points, np.array([face.image_size for _, face in seen]))
    openness = np.column_stack([eye_openness(points), mouth_openness(points)])
    for index, (row, face) in enumerate(seen):
        row[0] = face.mesh.presence
        pose = poses[index]
        if pose is None or not pose.in_range:
            continue
        row[1:4] = (pose.pitch_deg, pose.yaw_deg, pose.roll_deg)
        if face.size >= LEAST_SIZE_OF_BLENDSHAPES:
            row[4:7] = openness[index]
            row[7:] = landmarker.blendshapes(face.mesh)
    return rows


def behaviour_series(values: FloatArray, time_s: TimeArray, duration_s: TimeArray, rate_hz: float) -> FeatureSeries:
    """Make the series of described frames.

    Args:
        values: (n, 59) from `describe_faces`.
        time_s: (n,) seconds of the frames.
        duration_s: (n,) seconds that each frame stands for.
        rate_hz: Frames a second that were looked at.
    """
    return FeatureSeries(values, time_s, KIND, COLUMNS, duration_s, rate_hz)
