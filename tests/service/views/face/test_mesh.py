"""A head's axes, and the mesh of a frame of a recording."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.core.analysis import Timeline
from fer_phq.faces import FaceDetector
from fer_phq.mesh.head_pose import HeadPose, _angles
from fer_phq.video import Frame, read_frame
from service.demo.content import CLIPS
from service.views.face.mesh import head_axes, measure_frame


def timeline_of(frame: Frame) -> Timeline:
    """A timeline of one frame, in pixels of the recording, with the face that is in it."""
    face = FaceDetector().detect([frame.rgb])[0][0].scaled(frame.scale)
    return Timeline(
        np.array([frame.time_s]),
        np.full((1, 7), 1 / 7, np.float32),
        np.array([face.box], np.float32),
        face.landmarks[None],
        np.array([face.score], np.float32),
        np.ones(1, np.float32),
        end_s=frame.time_s + 0.5,
    )


def test_the_mesh_lies_on_the_face_of_the_frame() -> None:
    frame = read_frame(CLIPS[0].path, 5.0)
    timeline = timeline_of(frame)
    geometry = measure_frame(frame, timeline, 0)
    assert geometry.points is not None
    assert geometry.head_pose is not None
    x0, y0, x1, y1 = timeline.box[0] / frame.scale
    middle = geometry.points[:, :2].mean(axis=0)
    assert x0 < middle[0] < x1
    assert y0 < middle[1] < y1
    assert abs(geometry.head_pose.yaw_deg) < 20


def test_a_mesh_elsewhere_is_refused_with_the_reason() -> None:
    frame = read_frame(CLIPS[0].path, 5.0)
    timeline = timeline_of(frame)
    timeline.box[:] = (0, 0, 60, 60)
    timeline.landmarks[0] = [[20, 20], [40, 20], [30, 30], [22, 45], [38, 45]]
    geometry = measure_frame(frame, timeline, 0)
    assert geometry.points is None
    assert [gap.code for gap in geometry.gaps] == ["mesh.no_mesh"]


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, -30, 10), (-35, 40, -40), (5, 0, 44)])
def test_axes_are_those_of_the_rotation(angles: tuple[float, float, float]) -> None:
    axes = head_axes(HeadPose(*angles, (0.0, 0.0, 60.0)))
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert _angles(axes.T) == pytest.approx(angles)


def test_a_head_that_looks_up_and_to_its_left_points_up_and_to_the_right_of_the_image() -> None:
    front = head_axes(HeadPose(20.0, 30.0, 0.0, (0.0, 0.0, 60.0)))[2]
    assert front[0] > 0.3
    assert front[1] > 0.3
    left = head_axes(HeadPose(0.0, 0.0, 20.0, (0.0, 0.0, 60.0)))[0]
    assert left[1] > 0.3, "tilted to the right shoulder, the left side rises"
