"""Detection, tracking and alignment of faces.

    images --FaceDetector.detect--> Detections --Tracker.update--> a track id each
           --align_crop--> crops framed as FER2013's --crop_quality--> how far each can be trusted

At the end of the recording, `Tracker.tracks` returns one `TrackStats` a track, `choose_subject` chooses whose session
it is, and `same_person` finds which of the tracks are that person's. All boxes and landmarks are pixels of the image in
which they were detected.
"""

from __future__ import annotations

from fer_phq.faces.align import TEMPLATE, align_crop
from fer_phq.faces.detector import Detection, FaceDetector
from fer_phq.faces.quality import crop_quality
from fer_phq.faces.tracks import Tracker, TrackStats, appearance, choose_subject, same_person

__all__ = [
    "TEMPLATE",
    "Detection",
    "FaceDetector",
    "TrackStats",
    "Tracker",
    "align_crop",
    "appearance",
    "choose_subject",
    "crop_quality",
    "same_person",
]
