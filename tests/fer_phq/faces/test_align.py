"""Aligned crops (place, turn, sharpness, edges) and their quality."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage
from PIL import ImageFilter
from skimage import data

from fer_phq.faces import TEMPLATE, Detection, FaceDetector, align_crop, crop_quality
from fer_phq.faces.align import crop_transform
from fer_phq.faces.quality import in_view, pose

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def faces() -> FaceDetector:
    return FaceDetector(threads=1)


@pytest.fixture(scope="module")
def face(faces: FaceDetector) -> Detection:
    return faces.detect([data.astronaut()])[0][0]


def turned(degrees: float) -> Picture:
    """The astronaut turned about her face, counter-clockwise."""
    return np.asarray(
        PillowImage.fromarray(data.astronaut()).rotate(degrees, PillowImage.Resampling.BICUBIC, center=(226, 120))
    )


def marked(places: npt.NDArray[np.float64], side: int = 400) -> Picture:
    """A grey picture with a soft white spot at each place."""
    y, x = np.mgrid[:side, :side] + 0.5
    spots = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / 18) for px, py in places)
    return np.repeat((40 + 200 * np.clip(spots, 0, 1))[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 20, -35, 90, 180])
@pytest.mark.parametrize("scale", [60, 130])
def test_landmarks_come_to_their_template_places(degrees: float, scale: float) -> None:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    places = (np.array(TEMPLATE) - 0.5) @ turn.T * scale + [210.3, 190.7]
    crop = align_crop(marked(places), places.astype(np.float32), 96)
    for x, y in np.array(TEMPLATE) * 96:
        near = crop[int(y) - 7 : int(y) + 8, int(x) - 7 : int(x) + 8, 0].astype(np.float64) - 40
        rows, columns = np.mgrid[int(y) - 7 : int(y) + 8, int(x) - 7 : int(x) + 8] + 0.5
        centre = (columns * near).sum() / near.sum(), (rows * near).sum() / near.sum()
        assert np.hypot(centre[0] - x, centre[1] - y) < 1


@pytest.mark.parametrize(("degrees", "left_over"), [(-30, 12), (-15, 5), (0, 5), (15, 5), (30, 8)])
def test_a_turned_head_comes_out_level(faces: FaceDetector, degrees: float, left_over: float) -> None:
    (found,) = faces.detect([turned(degrees)])[0]
    matrix = crop_transform(found.landmarks, 96)
    pupils = np.array([[204.0, 101.5], [247.0, 103.5]]) - [226, 120]
    angle = np.radians(-degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = pupils @ turn.T + [226, 120]
    here = np.linalg.solve(matrix[:, :2], (there - matrix[:, 2]).T).T / 96
    line = here[1] - here[0]
    assert abs(np.degrees(np.arctan2(line[1], line[0]))) < left_over
    np.testing.assert_allclose(here, np.array(TEMPLATE)[:2], atol=0.09)


def test_a_turned_head_looks_like_the_upright_one(faces: FaceDetector, face: Detection) -> None:
    reference = align_crop(data.astronaut(), face.landmarks, 48).astype(np.float64)
    (found,) = faces.detect([turned(15)])[0]
    crop = align_crop(turned(15), found.landmarks, 48).astype(np.float64)
    assert np.corrcoef(crop[8:40, 8:40].ravel(), reference[8:40, 8:40].ravel())[0, 1] > 0.9


def test_the_crop_is_square_rgb_of_the_size_asked(face: Detection) -> None:
    for size in (48, 96, 225):
        crop = align_crop(data.astronaut(), face.landmarks, size)
        assert crop.shape == (size, size, 3)
        assert crop.dtype == np.uint8


def test_a_large_face_does_not_alias() -> None:
    stripes = np.zeros((1400, 1400, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than a 48-pixel crop of a 1200-pixel face can show: it must become grey
    places = (np.array(TEMPLATE) - 0.5) * 1200 + 700
    crop = align_crop(stripes, places.astype(np.float32), 48)
    assert crop.std() < 6
    assert abs(float(crop.mean()) - 127) < 3


def test_a_large_face_gives_the_same_crop_as_a_small_copy_of_it(face: Detection) -> None:
    large = np.asarray(PillowImage.fromarray(data.astronaut()).resize((2560, 2560), PillowImage.Resampling.BICUBIC))
    crop = align_crop(large, face.landmarks * 5, 48).astype(np.float64)
    reference = align_crop(data.astronaut(), face.landmarks, 48).astype(np.float64)
    assert np.abs(crop - reference).mean() < 3


def test_beyond_the_picture_its_edge_goes_on() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:] = np.linspace(50, 200, 100).astype(np.uint8)[:, None, None]
    places = (np.array(TEMPLATE) - 0.5) * 120 + [5, 60]
    crop = align_crop(picture, places.astype(np.float32), 60)
    np.testing.assert_allclose(crop[:, 0], crop[:, 59], atol=1)
    assert crop.min() >= 49


@pytest.mark.parametrize("place", [(-5000.0, 40.0), (40.0, 9000.0)])
def test_a_face_outside_the_picture_is_edge_only(place: tuple[float, float]) -> None:
    places = (np.array(TEMPLATE) - 0.5) * 50 + place
    assert align_crop(np.full((80, 80, 3), 77, np.uint8), places.astype(np.float32), 24).mean() == 77


def test_landmarks_in_one_point_do_not_fail() -> None:
    crop = align_crop(data.astronaut(), np.full((5, 2), 50.0, np.float32), 32)
    assert crop.shape == (32, 32, 3)


def test_quality_falls_with_blur(face: Detection) -> None:
    picture, values = PillowImage.fromarray(data.astronaut()), []
    for radius in (0, 1, 2, 4, 8):
        blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)))
        values.append(crop_quality(align_crop(blurred, face.landmarks, 96), face, (512, 512)))
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8
    assert values[-1] < 0.5


def test_quality_falls_with_size(face: Detection) -> None:
    picture, values = PillowImage.fromarray(data.astronaut()), []
    for side in (512, 256, 128, 64):
        small = np.asarray(picture.resize((side, side), PillowImage.Resampling.BOX))
        found = face.scaled(side / 512)
        values.append(crop_quality(align_crop(small, found.landmarks, 96), found, (side, side)))
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1] + 0.3


def test_quality_falls_in_the_dark_and_in_glare(face: Detection) -> None:
    def quality(picture: Picture) -> float:
        return crop_quality(align_crop(picture, face.landmarks, 96), face, (512, 512))

    light = data.astronaut().astype(np.float64)
    as_taken = quality(data.astronaut())
    assert quality((light * 0.12).astype(np.uint8)) < as_taken - 0.1
    assert quality(np.clip(light * 3, 0, 255).astype(np.uint8)) < as_taken - 0.05


def test_pose_is_best_from_the_front() -> None:
    front = np.array([[0, 0], [40, 0], [20, 25], [5, 45], [35, 45]], np.float32)
    values = []
    for nose in (20, 28, 36, 44):
        front[2, 0] = nose
        values.append(pose(front))
    assert values == pytest.approx([1, 0.6, 0.2, 0])


def test_quality_counts_what_is_outside_and_stays_in_range(face: Detection) -> None:
    assert in_view(face.landmarks, (512, 512)) == 1
    assert in_view(face.landmarks, (512, 110)) == pytest.approx(0.4)
    flat = np.zeros((96, 96, 3), np.uint8)
    assert 0 <= crop_quality(flat, face, (512, 512)) <= 0.01
