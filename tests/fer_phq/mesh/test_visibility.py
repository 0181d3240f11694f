"""Eyes behind dark glasses, hair and a hand, and eyes that are seen: rendered, in a photograph and in a recording."""

from __future__ import annotations

import numpy as np
import pytest

import fer_phq.mesh.messages as reasons
from fer_phq.mesh import measure_face
from fer_phq.mesh.points import BLENDSHAPES, EYE_BLENDSHAPES
from training.simulation.camera import Camera
from training.simulation.covers import COVERS, darken_skin, dim, wear_dark_glasses
from training.simulation.eyes import Eyes
from training.simulation.heads import Head, rotation_of_pose

CAMERA = Camera(400, 320, 560)
HIDDEN = reasons.EYES_HIDDEN()


@pytest.fixture(scope="module")
def measure(detector, landmarker):
    def measure(picture):
        return measure_face(picture, detector.detect([picture])[0][0], landmarker)

    return measure


@pytest.fixture(scope="module")
def shown(head):
    return head.render(rotation_of_pose(3, 8, 2), (0, 0, 45), CAMERA, Eyes(-5, 10))


@pytest.mark.parametrize("name", ["dark glasses", "a hand"])
def test_what_covers_eyes_hides_them(shown, measure, name):
    points = measure(shown).points
    geometry = measure(COVERS[name](shown, points, np.random.default_rng(1)))
    assert geometry.gaps == (HIDDEN,)
    assert geometry.gaze is None
    assert geometry.head_pose is not None
    scores = geometry.as_dict()["blendshapes"]
    assert {name for name in BLENDSHAPES if scores[name] is None} == set(EYE_BLENDSHAPES)


def test_dark_glasses_hide_eyes_in_a_photograph_as_in_poor_light(portrait, measure):
    points = measure(portrait).points
    rng = np.random.default_rng(2)
    covered = wear_dark_glasses(portrait, points, rng)
    for picture in (covered, dim(covered, 0.3, rng)):
        assert HIDDEN in measure(picture).gaps
    assert HIDDEN not in measure(dim(portrait, 0.3, rng)).gaps


@pytest.mark.parametrize("iris", [(30.0, 20.0, 16.0), (120.0, 150.0, 170.0)])
@pytest.mark.parametrize("tone", [1.0, 0.5, 0.22])
def test_neither_skin_nor_iris_nor_light_hides_eyes(portrait, mesh, measure, tone, iris):
    head = Head(darken_skin(portrait, tone), mesh.points)
    picture = head.render(rotation_of_pose(3, 8, 2), (0, 0, 45), CAMERA, Eyes(0, 5, 0.0, iris))
    rng = np.random.default_rng(3)
    for light in (picture, dim(picture, 0.3, rng), COVERS["clear glasses that mirror"](picture, mesh.points, rng)):
        assert HIDDEN not in measure(light).gaps


def test_closed_eyes_are_closed_and_not_hidden(head, measure):
    closed = head.render(rotation_of_pose(0, 0, 0), (0, 0, 45), CAMERA, Eyes(closure=1.0))
    assert [gap.code for gap in measure(closed).gaps] == ["mesh.eyes_closed"]
