"""Following a mesh between detections, on a demonstration and on pictures in which another face takes the place."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer_phq.behaviour.follower import Anchor, MeshFollower
from fer_phq.faces import FaceDetector
from fer_phq.mesh import FaceLandmarker
from training.simulation.camera import Camera
from training.simulation.heads import Head, rotation_of_pose

CAMERA = Camera(480, 360, 450)


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="module")
def detector():
    return FaceDetector(threads=1)


@pytest.fixture(scope="module")
def head(detector, landmarker):
    with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as source:
        portrait = np.asarray(PillowImage.open(source).convert("RGB"))
    return Head(portrait, landmarker.fit_detection(portrait, detector.detect([portrait])[0][0]).points)


@pytest.fixture(scope="module")
def frames(head):
    """A head that turns by ten degrees in a second, ten frames."""
    return [head.render(rotation_of_pose(0, yaw, 0), (yaw / 3, 0, 45), CAMERA) for yaw in np.linspace(-5, 5, 11)]


def follow(frames, anchors, landmarker, step_s=0.1, scale=1.0):
    follower = MeshFollower(anchors, landmarker)
    faces = [face for index, frame in enumerate(frames) for face in follower.add(index * step_s, frame, scale)]
    return [None if face is None else face.mesh.points[0, :2] for face in [*faces, *follower.end()]]


def anchor(frames, index, detector, step_s=0.1, track=0):
    return Anchor(index * step_s, detector.detect([frames[index]])[0][0], track)


def test_every_frame_between_two_detections_has_a_row(frames, detector, landmarker):
    anchors = [anchor(frames, index, detector) for index in (0, 5, 10)]
    rows = follow(frames, anchors, landmarker)
    columns = np.array([row[0] for row in rows])
    assert (np.diff(columns) > 0).all()  # the nose moves to the right


def test_nothing_is_said_before_the_first_and_after_the_last_detection(frames, detector, landmarker):
    anchors = [Anchor(0.0, None), anchor(frames, 3, detector), anchor(frames, 6, detector), Anchor(1.0, None)]
    rows = follow(frames, anchors, landmarker)
    assert [row is not None for row in rows] == [False] * 3 + [True] * 4 + [False] * 4


def test_rows_that_no_detection_of_the_same_face_confirms_are_missing(frames, detector, landmarker):
    first = anchor(frames, 0, detector)
    elsewhere = anchor(frames, 5, detector)
    shift = np.array([120, 0], np.float32)
    x0, y0, x1, y1 = elsewhere.detection.box
    moved = replace(
        elsewhere.detection, box=(x0 + 120, y0, x1 + 120, y1), landmarks=elsewhere.detection.landmarks + shift
    )
    rows = follow(frames, [first, Anchor(0.5, moved)], landmarker)
    assert rows[0] is not None
    assert all(row is None for row in rows[1:])


def test_another_track_ends_the_following(frames, detector, landmarker):
    anchors = [anchor(frames, 0, detector), anchor(frames, 5, detector, track=1), anchor(frames, 10, detector, track=1)]
    rows = follow(frames, anchors, landmarker)
    assert [row is not None for row in rows] == [True] + [False] * 4 + [True] * 6


def test_a_cut_to_nothing_between_two_detections_leaves_no_row_there(frames, detector, landmarker):
    anchors = [anchor(frames, 0, detector), anchor(frames, 10, detector)]
    cut = [*frames[:4], *[np.full_like(frames[0], 60)] * 3, *frames[7:]]
    rows = follow(cut, anchors, landmarker)
    assert rows[0] is not None
    assert rows[10] is not None
    assert all(row is None for row in rows[4:7])


def test_detections_far_apart_are_not_joined(frames, detector, landmarker):
    anchors = [anchor(frames, 0, detector, step_s=1.0), anchor(frames, 10, detector, step_s=1.0)]
    rows = follow(frames, anchors, landmarker, step_s=1.0)
    assert [row is not None for row in rows] == [True] + [False] * 9 + [True]


def test_a_reduced_frame_is_looked_at_in_its_own_pixels(frames, detector, landmarker):
    anchors = [anchor(frames, 0, detector), anchor(frames, 2, detector)]
    half = [np.asarray(PillowImage.fromarray(frame).reduce(2)) for frame in frames[:3]]
    reduced = follow(half, anchors, landmarker, scale=2.0)
    full = follow(frames[:3], anchors, landmarker)
    for small, large in zip(reduced, full, strict=True):
        np.testing.assert_allclose(small * 2, large, atol=4)


def test_what_is_not_sure_yet_waits_for_the_next_detection(frames, detector, landmarker):
    follower = MeshFollower([anchor(frames, 0, detector), anchor(frames, 2, detector)], landmarker)
    settled = [len(follower.add(index * 0.1, frame, 1.0)) for index, frame in enumerate(frames[:4])]
    assert settled == [1, 0, 2, 0]
    assert follower.end() == [None]
