"""Detection, tracking and alignment of faces.

    images --FaceDetector.detect--> Detections --Tracker.update--> a track id each (FaceRecognizer where looks change)
           --align_crop--> crops framed as FER2013's --crop_quality--> how far each can be trusted

At the end of the recording, `Tracker.tracks` returns one `TrackStats` a track, `link_persons` partitions the tracks
into persons, and `choose_subject` chooses whose session it is. All boxes and landmarks are pixels of the image in which
they were detected.
"""

from __future__ import annotations

from fer_phq.faces.align import TEMPLATE, align_crop
from fer_phq.faces.detector import Detection, FaceDetector
from fer_phq.faces.persons import choose_subject, link_persons, same_person, uncertain_tracks
from fer_phq.faces.quality import crop_quality
from fer_phq.faces.recognition import FaceRecognizer, Recognition
from fer_phq.faces.tracks import Tracker, TrackStats, appearance

__all__ = [
    "TEMPLATE",
    "Detection",
    "FaceDetector",
    "FaceRecognizer",
    "Recognition",
    "TrackStats",
    "Tracker",
    "align_crop",
    "appearance",
    "choose_subject",
    "crop_quality",
    "link_persons",
    "same_person",
    "uncertain_tracks",
]
