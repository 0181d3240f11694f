"""What the mesh says of one face in one image: points, pose, gaze, blendshapes, each missing where it cannot be told.

The limits were measured by `benchmarks/bench_mesh.py`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fer_phq.core.analysis import UPSIDE_DOWN_DEG, roll_of_landmarks
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.messages import Message
from fer_phq.faces.detector import Detection
from fer_phq.mesh import messages
from fer_phq.mesh.eyeballs import cut_eyes
from fer_phq.mesh.gaze import Gaze, measure_gaze
from fer_phq.mesh.head_pose import (
    LARGEST_PITCH_DEG,
    LARGEST_ROLL_DEG,
    LARGEST_YAW_DEG,
    HeadPose,
    fit_heads,
)
from fer_phq.mesh.landmarker import FaceLandmarker, FaceMesh
from fer_phq.mesh.points import BLENDSHAPES, DETECTED_POINTS, EYE_BLENDSHAPES, MOUTH_BLENDSHAPES
from fer_phq.mesh.visibility import (
    LEAST_LIP_CONTRAST,
    LEAST_SHARPNESS,
    LEAST_SHARPNESS_OF_BLENDSHAPES,
    lip_contrast,
    sharpness,
)

LEAST_SIZE = 24.0
"""Side of the face's box in pixels below which there is no mesh."""
LEAST_SIZE_OF_BLENDSHAPES = 48.0
"""Side of the face's box in pixels below which there are no blendshapes."""
LEAST_PRESENCE = 0.5
"""Presence below which a mesh shows no face."""
LARGEST_OFFSET = 0.12
"""Mean distance of the mesh from the five detected landmarks, in sides of the face's box, above which it is another
face's or none."""


_EYE_COLUMNS = [BLENDSHAPES.index(name) for name in EYE_BLENDSHAPES]
_MOUTH_COLUMNS = [BLENDSHAPES.index(name) for name in MOUTH_BLENDSHAPES]


@dataclass(frozen=True, eq=False)
class FaceGeometry:
    """The shape and the pose of a face.

    Attributes:
        presence: How sure the mesh network is that it saw a face, 0 to 1; None where it was not asked.
        points: (478, 3) float32, as `FaceMesh.points`; None where the mesh is missing.
        head_pose: None where it is missing.
        gaze: None where it is missing.
        blendshapes: (52,) float32, 0 to 1, in the order of `points.BLENDSHAPES`; None where they are missing, and those
            of the eyes or of the mouth NaN where these are hidden.
        gaps: Why something is missing.
    """

    presence: float | None = None
    points: FloatArray | None = None
    head_pose: HeadPose | None = None
    gaze: Gaze | None = None
    blendshapes: FloatArray | None = None
    gaps: tuple[Message, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return all but the gaps as numbers under names, as JSON holds them: None where something is missing.

        Points are rounded to a hundredth of a pixel, angles to a tenth of a degree, the rest to four digits.
        """
        pose, gaze = self.head_pose, self.gaze
        scores = None if self.blendshapes is None else [_rounded(float(score)) for score in self.blendshapes]
        return {
            "presence": None if self.presence is None else round(self.presence, 4),
            "points": None if self.points is None else self.points.astype(float).round(2).tolist(),
            "head_pose": None
            if pose is None
            else {
                "pitch_deg": round(pose.pitch_deg, 1),
                "yaw_deg": round(pose.yaw_deg, 1),
                "roll_deg": round(pose.roll_deg, 1),
                "position_cm": [round(value, 1) for value in pose.position_cm],
            },
            "gaze": None if gaze is None else {name: round(angle, 1) for name, angle in asdict(gaze).items()},
            "blendshapes": None if scores is None else dict(zip(BLENDSHAPES, scores, strict=True)),
        }


def _rounded(score: float) -> float | None:
    return round(score, 4) if math.isfinite(score) else None


def measure_face(image: Image, detection: Detection, landmarker: FaceLandmarker) -> FaceGeometry:
    """Measure the shape and the pose of a detected face.

    Args:
        image: uint8 RGB (h, w, 3).
        detection: The face.
        landmarker: Fits the mesh.
    """
    gaps = _turned(detection)
    if detection.size < LEAST_SIZE:
        return FaceGeometry(gaps=(*gaps, messages.FACE_TOO_SMALL(size=detection.size, least=LEAST_SIZE)))
    mesh = landmarker.fit_detection(image, detection)
    if mesh.presence < LEAST_PRESENCE or mesh_offset(mesh, detection) > LARGEST_OFFSET:
        return FaceGeometry(mesh.presence, gaps=(*gaps, messages.NO_MESH()))
    detail = sharpness(image, mesh.points)
    if detail < LEAST_SHARPNESS:
        return FaceGeometry(mesh.presence, gaps=(*gaps, messages.BLURRED()))
    (head,) = fit_heads(mesh.points[None], np.array([image.shape[1::-1]]))
    head = head if head is not None and head.pose.in_range else None
    if head is None:
        limits = {"yaw": LARGEST_YAW_DEG, "pitch": LARGEST_PITCH_DEG, "roll": LARGEST_ROLL_DEG}
        gaps.append(messages.TURNED_TOO_FAR(**limits))
    blendshapes = None
    if detection.size < LEAST_SIZE_OF_BLENDSHAPES:
        gaps.append(messages.TOO_SMALL_FOR_BLENDSHAPES(size=detection.size, least=LEAST_SIZE_OF_BLENDSHAPES))
    elif detail < LEAST_SHARPNESS_OF_BLENDSHAPES:
        gaps.append(messages.BLURRED_FOR_BLENDSHAPES())
    else:
        blendshapes = landmarker.blendshapes(mesh)
        if lip_contrast(image, mesh.points) < LEAST_LIP_CONTRAST:
            blendshapes[_MOUTH_COLUMNS] = np.nan
            gaps.append(messages.MOUTH_HIDDEN())
    gaze = None
    if head is not None and detail >= LEAST_SHARPNESS_OF_BLENDSHAPES:
        outcome = measure_gaze(cut_eyes(image, mesh.points), mesh.points, head)
        gaze = outcome if isinstance(outcome, Gaze) else None
        gaps += [] if isinstance(outcome, Gaze) else [outcome]
        if blendshapes is not None and messages.EYES_HIDDEN() in gaps:
            blendshapes[_EYE_COLUMNS] = np.nan  # the mesh draws lids where none are seen
    pose = None if head is None else head.pose
    return FaceGeometry(mesh.presence, mesh.points, pose, gaze, blendshapes, tuple(gaps))


def _turned(detection: Detection) -> list[Message]:
    """Return that a face is not upright, as in a picture without its mark of rotation."""
    roll = float(roll_of_landmarks(detection.landmarks))
    if abs(roll) > UPSIDE_DOWN_DEG:
        return [messages.FACE_UPSIDE_DOWN()]
    return [messages.FACE_ON_ITS_SIDE(degrees=90 if roll > 0 else 270)] if abs(roll) > LARGEST_ROLL_DEG else []


def mesh_offset(mesh: FaceMesh, detection: Detection) -> float:
    """Compute how far a mesh lies from the five landmarks that the detector saw.

    Args:
        mesh: The mesh.
        detection: The face.

    Returns:
        The mean distance in sides of the face's box.
    """
    places = np.stack([mesh.points[list(numbers), :2].mean(axis=0) for numbers in DETECTED_POINTS])
    return float(np.linalg.norm(places - detection.landmarks, axis=1).mean() / detection.size)
