"""The mesh beside MediaPipe's own, and what moves it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer_phq.mesh.points import BLENDSHAPES, LEFT_IRIS, RIGHT_IRIS
from fer_phq.mesh.square import SIDE, Square, cut_square, square_of_points

MEDIAPIPE = Path(__file__).with_name("mediapipe_portrait.npz")
"""What MediaPipe 1.2.2's FaceLandmarker gives for the portrait, shown to it forty times as a film."""


def eye_distance(points):
    return np.linalg.norm(points[LEFT_IRIS, :2] - points[RIGHT_IRIS, :2])


def test_points_and_blendshapes_are_those_of_mediapipe(mesh, landmarker):
    expected = np.load(MEDIAPIPE)
    unit = eye_distance(expected["points"])
    distances = np.linalg.norm(mesh.points[:, :2] - expected["points"][:, :2], axis=1) / unit
    assert distances.mean() < 0.01
    assert distances.max() < 0.03
    assert np.abs(mesh.points[:, 2] - expected["points"][:, 2]).max() / unit < 0.03
    scores = landmarker.blendshapes(mesh)
    assert np.corrcoef(scores, expected["blendshapes"])[0, 1] > 0.99
    assert np.abs(scores - expected["blendshapes"]).max() < 0.12


def test_a_smile_is_seen_as_one(mesh, landmarker):
    scores = dict(zip(BLENDSHAPES, landmarker.blendshapes(mesh), strict=True))
    assert min(scores["mouthSmileLeft"], scores["mouthSmileRight"]) > 0.5
    assert max(scores["mouthFrownLeft"], scores["mouthFrownRight"]) < 0.1


def test_the_mesh_moves_and_grows_with_the_face(portrait, mesh, landmarker):
    larger = np.asarray(PillowImage.fromarray(portrait).resize((720, 664), PillowImage.Resampling.BICUBIC))
    moved = np.zeros((800, 900, 3), np.uint8)
    moved[100:764, 150:870] = larger
    square = square_of_points(mesh.points * 2 + np.array([150, 100, 0], np.float32))
    again = landmarker.fit(moved, square)
    unit = eye_distance(again.points)
    there = (again.points[:, :2] - np.array([150, 100])) / 2
    assert np.linalg.norm(there - mesh.points[:, :2], axis=1).mean() * 2 / unit < 0.015
    assert np.abs(again.points[:, 2] / 2 - mesh.points[:, 2]).mean() * 2 / unit < 0.02


def test_a_mirrored_face_has_the_mirrored_mesh(portrait, mesh, landmarker):
    width = portrait.shape[1]
    square = square_of_points(mesh.points)
    mirrored = landmarker.fit(portrait[:, ::-1], Square(width - square.x, square.y, square.side, -square.angle))
    unit = eye_distance(mesh.points)
    for right, left in ((RIGHT_IRIS, LEFT_IRIS), (33, 263), (61, 291)):
        expected = np.array([width - mesh.points[left, 0], mesh.points[left, 1]])
        assert np.linalg.norm(mirrored.points[right, :2] - expected) / unit < 0.03


def test_a_picture_without_a_face_has_no_presence(landmarker):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    for picture in (noise, np.full((300, 300, 3), 90, np.uint8)):
        assert landmarker.fit(picture, Square(150, 150, 200, 0)).presence < 0.1


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2])
def test_a_square_is_cut_where_it_lies(angle):
    y, x = np.mgrid[:400, :500]
    picture = np.stack([x / 2, y / 2, np.full_like(x, 80)], axis=-1).round().astype(np.uint8)
    square = Square(250, 200, 200, angle)
    cut = cut_square(picture, square).astype(float)
    places = np.array([[40, 60], [128, 128], [200, 90]]) + 0.5
    for place, (column, row) in zip(places @ square.matrix[:, :2].T + square.matrix[:, 2], places - 0.5, strict=True):
        seen = cut[int(row), int(column)]
        np.testing.assert_allclose(seen, [(place[0] - 0.5) / 2, (place[1] - 0.5) / 2, 80], atol=1.1)


def test_a_large_square_is_reduced_without_flicker_and_lies_right():
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[:, ::2] = 255
    stripes[:, 800:, 2] = 0
    cut = cut_square(stripes, Square(800, 800, 1024, 0)).astype(float)
    assert cut[..., 0].std() < 3
    middle = cut[128, :, 2]
    assert middle[:126].mean() > 100 > 20 > middle[130:].mean()


def test_outside_of_the_image_is_black():
    cut = cut_square(np.full((50, 50, 3), 200, np.uint8), Square(0, 0, 60, 0))
    assert cut.shape == (SIDE, SIDE, 3)
    assert cut[:120, :120].max() == 0
    assert cut[136:200, 136:200].min() == 200
    far = cut_square(np.full((50, 50, 3), 200, np.uint8), Square(-500, 900, 60, 1))
    assert far.max() == 0
