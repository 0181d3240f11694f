"""Head poses beside the truth of rendered heads."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.mesh import estimate_head_pose
from fer_phq.mesh.head_pose import estimate_head_poses
from training.simulation.camera import Camera
from training.simulation.heads import Head, rotation_of_pose

POSES = (
    (0, 0, 0),
    (0, 40, 0),
    (0, -40, 0),
    (30, 0, 0),
    (-30, 0, 0),
    (0, 0, 30),
    (0, 0, -30),
    (20, 25, 15),
    (-20, -25, 10),
    (-15, 30, -20),
)
CAMERA = Camera(640, 480, 600)


def measure(picture, detector, landmarker):
    detection = max(detector.detect([picture])[0], key=lambda face: face.size)
    mesh = landmarker.fit_detection(picture, detection)
    return estimate_head_pose(mesh.points, (picture.shape[1], picture.shape[0]))


def angles(pose):
    return np.array([pose.pitch_deg, pose.yaw_deg, pose.roll_deg])


def test_rendered_poses_are_measured(head, detector, landmarker):
    errors = []
    for pose in POSES:
        picture = head.render(rotation_of_pose(*pose), (0, 0, 50), CAMERA)
        errors.append(np.abs(angles(measure(picture, detector, landmarker)) - pose))
    assert (np.median(errors, axis=0) < 3).all()
    assert np.max(errors) < 8


@pytest.mark.parametrize("focal", [420.0, 1000.0])
def test_another_camera_changes_little(head, detector, landmarker, focal):
    for pose in ((0, 25, 0), (15, -25, 0)):
        picture = head.render(rotation_of_pose(*pose), (0, 0, focal / 12), Camera(640, 480, focal))
        assert np.abs(angles(measure(picture, detector, landmarker)) - pose).max() < 6


def test_a_face_beside_the_middle_has_the_pose_against_the_cameras_axes(head, detector, landmarker):
    picture = head.render(rotation_of_pose(0, 0, 0), (-11, 6, 50), CAMERA)
    pose = measure(picture, detector, landmarker)
    assert np.abs(angles(pose)).max() < 5
    np.testing.assert_allclose(pose.position_cm, (-11, 6, 50), atol=5)


def test_a_narrow_and_a_deep_face_have_the_same_pose(portrait, mesh, detector, landmarker):
    for shape in ((0.95, 1, 1.1), (1.05, 1, 0.9)):
        other = Head(portrait, mesh.points, shape)
        picture = other.render(rotation_of_pose(10, 30, 0), (0, 0, 50), CAMERA)
        assert np.abs(angles(measure(picture, detector, landmarker)) - (10, 30, 0)).max() < 7


@pytest.mark.parametrize("yaw", [-60, 60])
def test_what_is_turned_further_is_out_of_range(head, detector, landmarker, yaw):
    picture = head.render(rotation_of_pose(0, yaw, 0), (0, 0, 50), CAMERA)
    if detector.detect([picture])[0]:
        assert not measure(picture, detector, landmarker).in_range


def test_the_size_of_the_image_does_not_matter(mesh):
    pose = estimate_head_pose(mesh.points, (360, 332))
    larger = estimate_head_pose(mesh.points * 3, (1080, 996))
    np.testing.assert_allclose(angles(larger), angles(pose), atol=1e-4)
    assert larger.position_cm == pytest.approx(pose.position_cm, abs=1e-3)


def test_points_that_are_no_face_have_no_pose():
    assert estimate_head_pose(np.full((478, 3), 100, np.float32), (640, 480)) is None
    line = np.full((478, 3), 100, np.float32)
    line[:, 0] = np.arange(478)
    assert estimate_head_pose(line, (640, 480)) is None


@pytest.mark.parametrize("spread", [1e-3, 1e3, 1e15, 1e30, np.nan])
def test_points_without_sense_are_no_error(spread):
    points = np.random.default_rng(0).normal(100, 1, (478, 3)).astype(np.float32) * np.float32(spread)
    pose = estimate_head_pose(points, (640, 480))
    assert pose is None or np.isfinite(angles(pose)).all()


def test_a_pose_does_not_depend_on_the_others_that_are_estimated_with_it(mesh):
    turned = [mesh.points, mesh.points * 2, mesh.points[:, [1, 0, 2]], np.zeros_like(mesh.points), mesh.points[::-1]]
    sizes = [(360, 332), (720, 664), (332, 360), (360, 332), (360, 332)]
    together = estimate_head_poses(np.stack(turned), np.array(sizes))
    assert together == [estimate_head_pose(points, size) for points, size in zip(turned, sizes, strict=True)]
    assert together[3] is None
