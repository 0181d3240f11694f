"""Faces frame by frame: places are the recording's, whatever size a picture has."""

from __future__ import annotations

import numpy as np
import pytest
import recordings as make
from PIL import Image

from fer_phq.faces import FaceDetector, FaceRecognizer, Tracker
from fer_phq.pipeline.faces import observe_faces, warn_of_sparse_frames
from fer_phq.video import Frame


def test_a_person_stays_one_track_where_the_pictures_grow() -> None:
    """A video call begins with small pictures and sends larger ones when the line allows it."""
    large = make.compose((640, 480))
    small = np.asarray(Image.fromarray(large).resize((320, 240), Image.Resampling.BOX))
    frames = [Frame(i / 2, small, 1.0) for i in range(4)] + [Frame(2 + i / 2, large, 0.5) for i in range(4)]
    tracker = Tracker(recognizer=FaceRecognizer())
    observations, crops = observe_faces(frames, FaceDetector(), tracker, 0, scale=1.0)
    assert [face.track for face in observations] == [0] * 8
    boxes = np.array([face.detection.box for face in observations])
    assert np.ptp(boxes, axis=0) == pytest.approx(np.zeros(4), abs=6)
    sharpness = [np.abs(np.diff(crop.astype(float), axis=0)).mean() for crop in crops]
    assert sharpness[-1] > sharpness[0], "the crop is of the large picture"


def test_key_frames_that_lie_far_apart_are_told() -> None:
    assert warn_of_sparse_frames([0.0, 5.0, 10.0, 12.0]) == ()
    (single,) = warn_of_sparse_frames([0.0, 60.1])
    assert str(single).startswith("Key frames lie up to 60 s apart in this recording")
