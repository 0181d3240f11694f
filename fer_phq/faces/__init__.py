"""Faces: pictures -> detections -> tracks -> aligned crops, and how far each crop can be trusted."""

from fer_phq.faces.align import TEMPLATE, align_crop
from fer_phq.faces.detector import Detection, FaceDetector
from fer_phq.faces.quality import crop_quality
from fer_phq.faces.tracks import Tracker, TrackStats, choose_subject

__all__ = [
    "TEMPLATE",
    "Detection",
    "FaceDetector",
    "TrackStats",
    "Tracker",
    "align_crop",
    "choose_subject",
    "crop_quality",
]
