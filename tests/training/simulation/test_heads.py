"""Rendered heads: where points of the face come to lie, and what hides what."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer_phq.faces import FaceDetector
from fer_phq.mesh import FaceLandmarker
from fer_phq.mesh.eyes import eye_openness
from fer_phq.mesh.points import LEFT_IRIS, RIGHT_IRIS, RIGHT_LIDS
from training.simulation.camera import Camera
from training.simulation.eyes import Eyes, move_lids
from training.simulation.heads import Head, rotation_of_pose


@pytest.fixture(scope="module")
def head():
    with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as source:
        portrait = np.asarray(PillowImage.open(source).convert("RGB"))
    face = FaceDetector(threads=1).detect([portrait])[0][0]
    return Head(portrait, FaceLandmarker(threads=1).fit_detection(portrait, face).points)


def test_rotations_have_the_signs_of_head_poses():
    front, left, up = np.array([0, 0, 1]), np.array([1, 0, 0]), np.array([0, 1, 0])
    assert (rotation_of_pose(20, 0, 0) @ front)[1] == pytest.approx(np.sin(np.radians(20)))  # the nose rises
    assert (rotation_of_pose(0, 20, 0) @ front)[0] == pytest.approx(np.sin(np.radians(20)))  # to the person's left
    assert (rotation_of_pose(0, 0, 20) @ up)[0] == pytest.approx(-np.sin(np.radians(20)))  # the crown to the right
    for pose in ((0, 0, 0), (10, 20, 30)):
        rotation = rotation_of_pose(*pose)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(np.cross(rotation @ left, rotation @ up), rotation @ front, atol=1e-12)


def test_a_head_is_drawn_where_it_stands_and_as_large_as_it_is_near(head):
    camera = Camera(320, 240, 300)
    faces = FaceDetector(threads=1)
    near = faces.detect([head.render(np.eye(3), (0, 0, 40), camera)])[0][0]
    far = faces.detect([head.render(np.eye(3), (10, 5, 80), camera)])[0][0]
    assert near.size / far.size == pytest.approx(2, rel=0.15)
    moved = np.array(far.centre) - (160, 120)
    near_middle = np.array(near.centre) - (160, 120)
    np.testing.assert_allclose(moved - near_middle / 2, (10 * 300 / 80, -5 * 300 / 80), atol=4)


def test_the_near_side_hides_the_far_side(head):
    camera = Camera(320, 240, 300)
    turned = head.render(rotation_of_pose(0, 40, 0), (0, 0, 40), camera).astype(int)
    other = head.render(rotation_of_pose(0, -40, 0), (0, 0, 40), camera).astype(int)
    assert (turned != 110).any(axis=-1).mean() > 0.3
    assert np.abs(turned - other).mean() > 10
    faces = FaceDetector(threads=1)
    (first,), (second,) = (faces.detect([picture.astype(np.uint8)])[0] for picture in (turned, other))
    noses = [face.landmarks[2, 0] - face.landmarks[:2, 0].mean() for face in (first, second)]
    assert noses[0] > 3 > -3 > noses[1]


def test_eyes_look_where_they_are_told_and_lids_close(head):
    camera = Camera(320, 280, 560)
    faces, landmarker = FaceDetector(threads=1), FaceLandmarker(threads=1)

    def fit(eyes):
        picture = head.render(np.eye(3), (0, 0, 40), camera, eyes)
        return landmarker.fit_detection(picture, faces.detect([picture])[0][0])

    ahead, aside, closed = fit(Eyes()), fit(Eyes(yaw_deg=20)), fit(Eyes(closure=1.0))
    for iris, corner in ((RIGHT_IRIS, 133), (LEFT_IRIS, 263)):
        moved = (aside.points[iris] - aside.points[corner])[0] - (ahead.points[iris] - ahead.points[corner])[0]
        assert moved > 1  # to the person's left, the image's right
    assert max(eye_openness(closed.points)) < 0.5 * min(eye_openness(ahead.points))


def test_lids_follow_a_look_up_and_down(head):
    upper, lower = RIGHT_LIDS[12], RIGHT_LIDS[4]
    vertices = head._vertices
    up, down = move_lids(vertices, Eyes(pitch_deg=20)), move_lids(vertices, Eyes(pitch_deg=-20))
    assert up[upper, 1] > vertices[upper, 1] > down[upper, 1]
    assert up[lower, 1] > vertices[lower, 1] > down[lower, 1]
    assert down[upper, 1] > down[lower, 1], "they stay open"
    closed = move_lids(vertices, Eyes(pitch_deg=-20, closure=1.0))
    assert closed[upper, 1] == pytest.approx(closed[lower, 1])
