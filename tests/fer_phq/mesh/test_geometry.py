"""What is missing of a face, and why."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer_phq.core.analysis import roll_of_landmarks
from fer_phq.faces import Detection
from fer_phq.mesh import measure_face, messages
from fer_phq.mesh.points import BLENDSHAPES
from training.simulation.camera import Camera
from training.simulation.heads import rotation_of_pose


def codes(geometry):
    return [gap.code for gap in geometry.gaps]


def test_a_portrait_has_everything(portrait, detection, landmarker, mesh):
    geometry = measure_face(portrait, detection, landmarker)
    assert geometry.gaps == ()
    np.testing.assert_array_equal(geometry.points, mesh.points)
    said = json.loads(json.dumps(geometry.as_dict()))
    assert len(said["points"]) == 478
    assert tuple(said["blendshapes"]) == BLENDSHAPES
    assert set(said["head_pose"]) == {"pitch_deg", "yaw_deg", "roll_deg", "position_cm"}
    assert set(said["gaze"]) == {"pitch_deg", "yaw_deg", "head_pitch_deg", "head_yaw_deg"}
    assert said["presence"] > 0.99


@pytest.mark.parametrize(("side", "expected"), [(20, "mesh.face_too_small"), (36, "mesh.too_small_for_blendshapes")])
def test_a_small_face_has_less(portrait, detection, landmarker, side, expected):
    factor = side / detection.size
    size = (round(portrait.shape[1] * factor), round(portrait.shape[0] * factor))
    small = np.asarray(PillowImage.fromarray(portrait).resize(size, PillowImage.Resampling.BOX))
    geometry = measure_face(small, detection.scaled(factor), landmarker)
    assert codes(geometry)[0] == expected
    assert geometry.blendshapes is geometry.gaze is None
    assert (geometry.head_pose is None) == (side == 20)


def test_a_detection_without_a_face_has_no_mesh(portrait, detection, landmarker):
    grey = np.full_like(portrait, 120)
    assert codes(measure_face(grey, detection, landmarker)) == [messages.NO_MESH().code]


def test_the_mesh_of_a_face_beside_the_detection_is_not_taken(portrait, detection, landmarker):
    shift = np.array([0.5 * detection.size, 0], np.float32)
    x0, y0, x1, y1 = detection.box
    beside = Detection((x0 + shift[0], y0, x1 + shift[0], y1), detection.score, detection.landmarks + shift)
    geometry = measure_face(portrait, beside, landmarker)
    assert codes(geometry) == ["mesh.no_mesh"]
    assert geometry.points is None


@pytest.mark.parametrize(("quarters", "expected", "degrees"), [(1, 90, 90), (3, -90, 270)])
def test_a_face_on_its_side_says_how_the_picture_must_be_turned(
    portrait, detector, landmarker, quarters, expected, degrees
):
    (face,) = detector.detect([np.ascontiguousarray(np.rot90(portrait, quarters))])[0]
    assert roll_of_landmarks(face.landmarks) == pytest.approx(expected, abs=20)
    geometry = measure_face(np.ascontiguousarray(np.rot90(portrait, quarters)), face, landmarker)
    assert geometry.gaps[0] == messages.FACE_ON_ITS_SIDE(degrees=degrees)
    assert geometry.head_pose is geometry.gaze is None


def test_a_face_upside_down_is_marked_and_has_no_pose(portrait, detection, landmarker):
    turned = np.ascontiguousarray(portrait[::-1, ::-1])
    far = np.array(portrait.shape[1::-1], np.float32)
    x0, y0, x1, y1 = detection.box
    face = Detection((far[0] - x1, far[1] - y1, far[0] - x0, far[1] - y0), 0.8, far - detection.landmarks)
    geometry = measure_face(turned, face, landmarker)
    assert geometry.gaps[0] == messages.FACE_UPSIDE_DOWN()
    assert geometry.head_pose is geometry.gaze is None


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
def test_a_face_half_outside_has_no_mesh(portrait, detection, detector, landmarker, edge):
    column, row = (round(value) for value in detection.centre)
    rows = {"top": slice(row, None), "bottom": slice(None, row)}.get(edge, slice(None))
    columns = {"left": slice(column, None), "right": slice(None, column)}.get(edge, slice(None))
    cut = np.ascontiguousarray(portrait[rows, columns])
    faces = detector.detect([cut])[0]
    assert faces
    for face in faces:
        geometry = measure_face(cut, face, landmarker)
        assert geometry.points is geometry.head_pose is geometry.blendshapes is None
        assert geometry.gaps


def test_a_profile_has_no_pose(head, detector, landmarker):
    picture = head.render(rotation_of_pose(0, 55, 0), (0, 0, 50), Camera(640, 480, 600))
    faces = detector.detect([picture])[0]
    assert faces
    geometry = measure_face(picture, faces[0], landmarker)
    assert geometry.head_pose is None
    assert codes(geometry)[0] in {"mesh.turned_too_far", "mesh.no_mesh"}
