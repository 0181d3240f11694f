"""The face mesh of one frame of a session under review. Its points are not stored: they are computed of the frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_phq.core.analysis import Timeline
from fer_phq.faces.detector import Detection
from fer_phq.mesh.geometry import FaceGeometry, measure_face
from fer_phq.mesh.head_pose import HeadPose
from fer_phq.mesh.landmarker import FaceLandmarker
from fer_phq.video import Frame


def measure_frame(frame: Frame, timeline: Timeline, row: int) -> FaceGeometry:
    """Measure the subject's face in a frame.

    Args:
        frame: The frame.
        timeline: The timeline of the analysis.
        row: The frame's row in it, which has a face.
    """
    x0, y0, x1, y1 = (float(value) for value in timeline.box[row])
    detection = Detection((x0, y0, x1, y1), float(timeline.detection_score[row]), timeline.landmarks[row])
    return measure_face(frame.rgb, detection.scaled(1 / frame.scale), FaceLandmarker())


def head_axes(pose: HeadPose) -> npt.NDArray[np.float64]:
    """Compute the directions of a head's left, up and front.

    Args:
        pose: The head pose: the head is first tilted, then raised, then turned.

    Returns:
        (3, 3): a row each for left, up and front; to the right of the image, up and towards the camera.
    """
    pitch, yaw, roll = np.radians([pose.pitch_deg, pose.yaw_deg, pose.roll_deg])
    front = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    level = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
    left = np.cos(roll) * level + np.sin(roll) * np.cross(front, level)
    return np.stack([left, np.cross(front, left), front])
