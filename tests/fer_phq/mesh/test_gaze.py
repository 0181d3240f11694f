"""Gaze on rendered eyes whose direction is known, and where it is missing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer_phq.mesh import measure_face
from fer_phq.mesh.eyeballs import cut_eyes, iris_diameter
from training.simulation.camera import Camera
from training.simulation.eyes import Eyes
from training.simulation.heads import rotation_of_pose

CAMERA = Camera(480, 360, 560)


@pytest.fixture(scope="module")
def look(head, detector, landmarker):
    """Measure eyes in a turned head."""

    def measure(eyes, pose=(0, 0, 0), factor=1.0):
        picture = head.render(rotation_of_pose(*pose), (0, 0, 45), CAMERA, eyes)
        size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
        picture = np.asarray(PillowImage.fromarray(picture).resize(size, PillowImage.Resampling.BOX))
        return measure_face(picture, detector.detect([picture])[0][0], landmarker)

    return measure


@pytest.mark.parametrize("pose", [(0, 0, 0), (15, 20, 5), (-15, -20, -8)])
def test_eyes_look_where_they_are_told(look, pose):
    directions = [(pitch, yaw) for pitch in (-20, 0, 15) for yaw in (-20, 0, 20)]
    gazes = [look(Eyes(*direction), pose).gaze for direction in directions]
    measured = np.array([(gaze.head_pitch_deg, gaze.head_yaw_deg) for gaze in gazes])
    errors = np.abs(measured - directions)
    assert (np.median(errors, axis=0) < 6).all()
    assert errors[:, 1].max() < 12
    order = measured[:, 0].reshape(3, 3).mean(axis=1)
    assert order[0] < order[1] - 4 < order[2] - 8, "down, ahead, up"


def test_against_the_camera_the_head_is_added(look):
    gaze = look(Eyes(0, -15), (0, 20, 0)).gaze
    assert gaze.head_yaw_deg < -5
    assert gaze.yaw_deg == pytest.approx(5, abs=8)
    assert gaze.yaw_deg - gaze.head_yaw_deg == pytest.approx(20, abs=5)


def test_closed_eyes_have_no_gaze(look):
    geometry = look(Eyes(closure=1.0))
    assert geometry.gaze is None
    assert [gap.code for gap in geometry.gaps] == ["mesh.eyes_closed"]
    assert geometry.head_pose is not None


def test_small_eyes_have_no_gaze(look):
    geometry = look(Eyes(), factor=0.3)
    assert geometry.gaze is None
    assert "mesh.too_small_for_gaze" in [gap.code for gap in geometry.gaps]


def test_a_turned_head_has_a_pose_without_a_gaze(look):
    geometry = look(Eyes(), (0, 41, 0))
    assert geometry.head_pose is not None
    assert [gap.code for gap in geometry.gaps] == ["mesh.turned_too_far_for_gaze"]


def test_eyes_at_the_edge_of_a_picture_are_cut_within_it(portrait, mesh):
    moved = mesh.points.copy()
    moved[:, 0] -= moved[:, 0].mean()
    region = cut_eyes(portrait, moved)
    assert region.left == 0
    assert min(region.grey.shape) > 0
    far = cut_eyes(portrait, mesh.points + np.float32(10_000))
    assert far.grey.shape == (1, 1)
    assert iris_diameter(mesh.points) > 5
