"""Eyes behind dark glasses, hair and a hand, and eyes that are seen: rendered, in a photograph and in a recording."""

from __future__ import annotations

import numpy as np
import pytest

import fer_phq.mesh.messages as reasons
from fer_phq.behaviour import messages
from fer_phq.behaviour.columns import column
from fer_phq.behaviour.follower import Anchor, MeshFollower
from fer_phq.behaviour.measures import behaviour_warnings, hidden_share
from fer_phq.behaviour.reasons import usable_measures
from fer_phq.behaviour.series import behaviour_series, describe_faces, settle_eyes
from fer_phq.mesh import measure_face
from fer_phq.mesh.points import BLENDSHAPES, EYE_BLENDSHAPES, MOUTH_BLENDSHAPES
from training.simulation.camera import Camera
from training.simulation.covers import COVERS, darken_skin, dim, wear_dark_glasses, wear_mask
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


@pytest.mark.parametrize("folds", [0.0, 0.08])
@pytest.mark.parametrize("colour", [(120, 160, 200), (235, 235, 235), (30, 30, 30), (190, 150, 120)])
def test_a_mask_hides_the_mouth_and_nothing_else(portrait, mesh, measure, colour, folds):
    geometry = measure(wear_mask(portrait, mesh.points, colour, folds))
    assert geometry.gaps == (reasons.MOUTH_HIDDEN(),)
    scores = geometry.as_dict()["blendshapes"]
    assert {name for name in BLENDSHAPES if scores[name] is None} == set(MOUTH_BLENDSHAPES)
    assert geometry.gaze is not None


@pytest.mark.parametrize("tone", [1.0, 0.5, 0.22])
def test_neither_skin_nor_light_hides_a_mouth(portrait, measure, tone):
    dark = darken_skin(portrait, tone)
    for picture in (dark, dim(dark, 0.4, np.random.default_rng(4)), np.repeat(dark[..., 1:2], 3, axis=2)):
        assert reasons.MOUTH_HIDDEN() not in measure(picture).gaps


def test_a_mask_in_a_recording_leaves_head_and_eyes_and_a_sentence(portrait, detector, landmarker):
    """Rows of the time with the mask have no smile, whatever the mesh draws below it."""
    (face,) = detector.detect([portrait])[0]
    points = landmarker.fit_detection(portrait, face).points
    follower = MeshFollower([Anchor(second / 2, face, 0) for second in range(25)], landmarker)
    faces = []
    for frame in range(73):
        picture = portrait if frame < 18 else wear_mask(portrait, points, (120, 160, 200))
        faces += follower.add(frame / 6, picture, 1.0)
    time_s = np.arange(len(faces)) / 6
    series = behaviour_series(
        settle_eyes(describe_faces(faces, landmarker), time_s), time_s, np.full(len(faces), 1 / 6), 6
    )
    for name in ("mouth_open", "mouthSmileLeft", "jawOpen"):
        seen = np.isfinite(column(series, name))
        assert seen[:18].all(), name
        assert not seen[18:].any(), name
    for name in ("pitch_deg", "eye_open_left", "browInnerUp"):
        assert np.isfinite(column(series, name)).all(), name
    assert messages.MOUTH_HIDDEN(share=hidden_share(series, "mouth_open")) in behaviour_warnings(series)
    values, missing = usable_measures(series, 73 / 6, 0.3)
    assert missing["smile_mean"].code == "behaviour.mouth_too_brief"
    assert {"brow_raising_mean", "pitch_mean_deg", "eye_open_mean"} <= values.keys()
