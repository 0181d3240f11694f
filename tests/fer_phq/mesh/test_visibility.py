"""Eyes behind dark glasses, hair and a hand, and eyes that are seen: rendered, in a photograph and in a recording."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageFilter

import fer_phq.mesh.messages as reasons
from fer_phq.behaviour import messages
from fer_phq.behaviour.columns import column
from fer_phq.behaviour.follower import Anchor, MeshFollower
from fer_phq.behaviour.measures import behaviour_warnings, hidden_share
from fer_phq.behaviour.reasons import usable_measures
from fer_phq.behaviour.series import behaviour_series, describe_faces, settle_eyes
from fer_phq.mesh import measure_face
from fer_phq.mesh.points import BLENDSHAPES, EYE_BLENDSHAPES, MOUTH_BLENDSHAPES
from fer_phq.mesh.visibility import LEAST_SHARPNESS_OF_BLENDSHAPES, sharpness
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


def blurred(picture, face, sigma):
    """A picture blurred by so many pixels of a face of 48."""
    radius = sigma * face.size / 48
    return np.asarray(PillowImage.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def test_a_blurred_face_has_a_pose_first_and_then_nothing(portrait, detection, landmarker):
    slightly = measure_face(blurred(portrait, detection, 0.95), detection, landmarker)
    assert slightly.gaps == (reasons.BLURRED_FOR_BLENDSHAPES(),)
    assert slightly.head_pose is not None
    assert slightly.blendshapes is slightly.gaze is None
    strongly = measure_face(blurred(portrait, detection, 2.2), detection, landmarker)
    assert strongly.points is strongly.head_pose is None
    assert strongly.gaps in {(reasons.BLURRED(),), (reasons.NO_MESH(),)}


def test_a_face_that_was_enlarged_is_no_larger_than_before(portrait, detection, landmarker):
    factor = 18 / detection.size
    size = portrait.shape[1::-1]
    small = PillowImage.fromarray(portrait).resize([round(side * factor) for side in size], PillowImage.Resampling.BOX)
    enlarged = np.asarray(small.resize(size, PillowImage.Resampling.BILINEAR))
    assert measure_face(enlarged, detection, landmarker).points is None


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_neither_noise_nor_dim_light_nor_compression_is_a_blur(portrait, mesh, share):
    rng = np.random.default_rng(6)
    picture = dim(portrait, share, rng)
    PillowImage.fromarray(picture).save(buffer := io.BytesIO(), "JPEG", quality=25)
    for variant in (picture, np.asarray(PillowImage.open(buffer))):
        assert sharpness(variant, mesh.points) > LEAST_SHARPNESS_OF_BLENDSHAPES
