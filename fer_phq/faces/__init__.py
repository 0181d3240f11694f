"""Detection, tracking and alignment of faces.

    images --FaceDetector.detect--> Detections --Tracker.update--> a track id each (FaceRecognizer where looks change)
    frames --FaceFollower.detect--> the same, mostly by looking where the faces of the frame before were
           --align_crop--> crops framed as FER2013's --crop_quality--> how far each can be trusted

At the end of the recording, `Tracker.tracks` returns one `TrackStats` a track, `link_persons` partitions the tracks
into persons, and `choose_subject` chooses whose session it is. All boxes and landmarks are pixels of the image in which
they were detected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.faces.align import TEMPLATE, align_crop
    from fer_phq.faces.detector import Detection, FaceDetector
    from fer_phq.faces.following import FaceFollower
    from fer_phq.faces.persons import choose_subject, link_persons, same_person, uncertain_tracks
    from fer_phq.faces.quality import crop_quality
    from fer_phq.faces.recognition import FaceRecognizer, Recognition
    from fer_phq.faces.scenes import Scene
    from fer_phq.faces.tracks import Tracker, TrackStats, appearance

__all__ = [
    "TEMPLATE",
    "Detection",
    "FaceDetector",
    "FaceFollower",
    "FaceRecognizer",
    "Recognition",
    "Scene",
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

# Imported on first use: whoever reads the messages must not wait for scipy and onnxruntime.
__getattr__ = lazy_names(
    __name__,
    {
        "Detection": "fer_phq.faces.detector",
        "FaceDetector": "fer_phq.faces.detector",
        "FaceFollower": "fer_phq.faces.following",
        "FaceRecognizer": "fer_phq.faces.recognition",
        "Recognition": "fer_phq.faces.recognition",
        "Scene": "fer_phq.faces.scenes",
        "TEMPLATE": "fer_phq.faces.align",
        "TrackStats": "fer_phq.faces.tracks",
        "Tracker": "fer_phq.faces.tracks",
        "align_crop": "fer_phq.faces.align",
        "appearance": "fer_phq.faces.tracks",
        "choose_subject": "fer_phq.faces.persons",
        "crop_quality": "fer_phq.faces.quality",
        "link_persons": "fer_phq.faces.persons",
        "same_person": "fer_phq.faces.persons",
        "uncertain_tracks": "fer_phq.faces.persons",
    },
)
