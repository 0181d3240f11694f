"""The behaviour series: a row of numbers for each frame in which the subject's mesh was followed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_phq.behaviour.blinks import eye_closure
from fer_phq.behaviour.columns import KIND
from fer_phq.behaviour.follower import FollowedFace
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.mesh import messages
from fer_phq.mesh.eyes import eye_openness, mouth_openness
from fer_phq.mesh.gaze import Gaze, measure_gaze
from fer_phq.mesh.geometry import LEAST_SIZE_OF_BLENDSHAPES
from fer_phq.mesh.head_pose import fit_heads
from fer_phq.mesh.landmarker import FaceLandmarker
from fer_phq.mesh.points import BLENDSHAPES, EYE_BLENDSHAPES, MOUTH_BLENDSHAPES
from fer_phq.mesh.visibility import LEAST_LIP_CONTRAST, LEAST_SHARPNESS, LEAST_SHARPNESS_OF_BLENDSHAPES

SHAPE_COLUMNS = (
    *("presence", "pitch_deg", "yaw_deg", "roll_deg", "gaze_pitch_deg", "gaze_yaw_deg"),
    *("eye_open_left", "eye_open_right", "mouth_open"),
)
COLUMNS = (*SHAPE_COLUMNS, *BLENDSHAPES)
"""Names of a series' columns: how sure the mesh is, the head pose, the gaze against the camera's axes, openness of eyes
and mouth, the blendshapes."""

LARGEST_CLOSURE = 0.3
"""How far eyes are closed, against the person's own open ones, beyond which their gaze is missing."""

HIDDEN_S = 1.0
"""Seconds before and after a row: where eyes are hidden in most of the rows there, they are so in this one."""
EYE_COLUMNS = ("gaze_pitch_deg", "gaze_yaw_deg", "eye_open_left", "eye_open_right", *EYE_BLENDSHAPES)
"""Columns that are missing where the eyes are hidden."""
MOUTH_COLUMNS = ("mouth_open", *MOUTH_BLENDSHAPES)
"""Columns that are missing where the mouth is hidden."""

_UNJUDGED = (messages.EYES_CLOSED().code, messages.TURNED_TOO_FAR_FOR_GAZE(yaw=0).code)
_MOUTH = [COLUMNS.index(name) for name in MOUTH_COLUMNS]
_ROUNDED_ROWS = 8192
_POSE = slice(1, 4)
_GAZE = slice(4, 6)
_OPENNESS = slice(6, 9)
_BLENDSHAPES = slice(9, -1)


def describe_faces(faces: Sequence[FollowedFace | None], landmarker: FaceLandmarker) -> FloatArray:
    """Describe the subject's face in frames, each to the bit as alone.

    Args:
        faces: Of each frame; None where nothing is known of the face.
        landmarker: Computes the blendshapes.

    Returns:
        (frames, 62) float32 in the order of `COLUMNS`, NaN where something cannot be told, and last whether the eyes
        are hidden, 1 or 0, for `settle_eyes`.
    """
    rows = np.full((len(faces), len(COLUMNS) + 1), np.nan, np.float32)
    seen = [(row, face) for row, face in zip(rows, faces, strict=True) if face is not None]
    if not seen:
        return rows
    points = np.stack([face.mesh.points for _, face in seen])
    heads = fit_heads(points, np.array([face.image_size for _, face in seen]))
    openness = np.column_stack([eye_openness(points), mouth_openness(points)])
    for index, (row, face) in enumerate(seen):
        row[0] = face.mesh.presence
        head = heads[index]
        if head is None or not head.pose.in_range or face.sharpness < LEAST_SHARPNESS:
            continue
        row[_POSE] = (head.pose.pitch_deg, head.pose.yaw_deg, head.pose.roll_deg)
        if face.size >= LEAST_SIZE_OF_BLENDSHAPES and face.sharpness >= LEAST_SHARPNESS_OF_BLENDSHAPES:
            row[_OPENNESS] = openness[index]
            row[_BLENDSHAPES] = landmarker.blendshapes(face.mesh)
            if face.lip_contrast < LEAST_LIP_CONTRAST:
                row[_MOUTH] = np.nan
            gaze = measure_gaze(face.eyes, face.mesh.points, head)
            if isinstance(gaze, Gaze):
                row[_GAZE] = (gaze.pitch_deg, gaze.yaw_deg)
            if isinstance(gaze, Gaze) or gaze.code not in _UNJUDGED:
                row[-1] = gaze == messages.EYES_HIDDEN()
    return rows


def settle_eyes(rows: FloatArray, time_s: TimeArray) -> FloatArray:
    """Take away what the mesh says of eyes that are hidden.

    One row alone is not sure: lids that close hide the eyes for a moment, too. So most rows around decide. The rows are
    changed in place: those of three hours take 80 MB.

    Args:
        rows: (n, 62) of `describe_faces`.
        time_s: (n,) seconds of the frames, increasing.

    Returns:
        (n, 61) in the order of `COLUMNS`, a view of the rows.
    """
    settled = rows[:, :-1]
    judgements = np.r_[0, np.cumsum(np.isfinite(rows[:, -1]))]
    hidden = np.r_[0, np.cumsum(np.nan_to_num(rows[:, -1]))]
    first, last = np.searchsorted(time_s, time_s - HIDDEN_S), np.searchsorted(time_s, time_s + HIDDEN_S, "right")
    most = 2 * (hidden[last] - hidden[first]) > judgements[last] - judgements[first]
    settled[np.ix_(most, [COLUMNS.index(name) for name in EYE_COLUMNS])] = np.nan
    return settled


def behaviour_series(values: FloatArray, time_s: TimeArray, duration_s: TimeArray, rate_hz: float) -> FeatureSeries:
    """Make the series of described frames; the gaze is missing where lids are more closed than the person's own.

    Values are rounded to the 16 bits that the store keeps, so that what is computed of them is the same before they
    were stored and after.

    Args:
        values: (n, 61) from `settle_eyes`, changed in place.
        time_s: (n,) seconds of the frames.
        duration_s: (n,) seconds that each frame stands for.
        rate_hz: Frames a second that were looked at.
    """
    _clear_closing(values, time_s)
    for start in range(0, len(values), _ROUNDED_ROWS):  # of three hours, a copy of all takes 40 MB
        block = values[start : start + _ROUNDED_ROWS]
        block[:] = block.astype(np.float16)
    return FeatureSeries(values, time_s, KIND, COLUMNS, duration_s, rate_hz)


def _clear_closing(values: FloatArray, time_s: TimeArray) -> None:
    """Take away the gaze of eyes that are about to close or to open: of half an iris the middle is elsewhere."""
    openness = values[:, [COLUMNS.index("eye_open_left"), COLUMNS.index("eye_open_right")]].mean(axis=1)
    closed = np.nan_to_num(eye_closure(openness, time_s)) > LARGEST_CLOSURE
    values[closed, _GAZE] = np.nan
