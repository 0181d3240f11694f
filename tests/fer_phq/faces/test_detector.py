"""Detection on real pictures: how many, where, in which order, at any size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage
from skimage import data

from fer_phq.faces import Detection, FaceDetector, detector

Picture = npt.NDArray[np.uint8]
SHARED = Path(__file__).parents[4] / "shared"
EYES = np.array([[204.0, 101.5], [247.0, 103.5]])  # the astronaut's pupils, read off the picture
FACE = (184.0, 64.0, 269.0, 176.0)


@pytest.fixture(scope="module")
def faces() -> FaceDetector:
    return FaceDetector(threads=1)


def resized(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(PillowImage.fromarray(picture).resize((width, height), PillowImage.Resampling.BICUBIC))


def shown(picture: Picture, factor: float, at: tuple[int, int], size: tuple[int, int] = (640, 480)) -> Picture:
    """The picture enlarged `factor` times with its corner at `at`, on a grey wall of `size` (width, height)."""
    small = resized(picture, round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    wall = np.full((size[1], size[0], 3), 150, np.uint8)
    part = small[: max(0, size[1] - at[1]), : max(0, size[0] - at[0])]
    wall[at[1] : at[1] + part.shape[0], at[0] : at[0] + part.shape[1]] = part
    return wall


def test_one_face_with_its_box_and_landmarks_in_order(faces: FaceDetector) -> None:
    (face,) = faces.detect([data.astronaut()])[0]
    assert face.score > 0.8
    assert detector.overlap(face.box, FACE) > 0.75
    eye_left, eye_right, nose, mouth_left, mouth_right = face.landmarks
    np.testing.assert_allclose(np.stack([eye_left, eye_right]), EYES, atol=4)
    np.testing.assert_allclose([mouth_left, mouth_right], [[204, 140], [244, 141.5]], atol=5)
    assert eye_left[0] < nose[0] < eye_right[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(eye_left[1], eye_right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def test_the_landmarks_are_named_by_the_picture_not_the_person(faces: FaceDetector) -> None:
    (face,) = faces.detect([np.ascontiguousarray(data.astronaut()[:, ::-1])])[0]
    assert face.landmarks[0, 0] < face.landmarks[1, 0]
    assert face.landmarks[3, 0] < face.landmarks[4, 0]


@pytest.mark.parametrize("picture", [data.coffee(), data.chelsea(), np.zeros((240, 320, 3), np.uint8)])
def test_no_face_where_there_is_none(faces: FaceDetector, picture: Picture) -> None:
    assert faces.detect([picture]) == [[]]


@pytest.mark.parametrize(
    ("factor", "at"), [(0.2, (20, 30)), (0.35, (430, 250)), (0.5, (0, 0)), (0.9, (130, 17)), (2.5, (0, 0))]
)
def test_the_box_follows_scale_and_shift(faces: FaceDetector, factor: float, at: tuple[int, int]) -> None:
    size = (1280, 1280) if factor > 1 else (640, 480)
    (face,) = faces.detect([shown(data.astronaut(), factor, at, size)])[0]
    expected = tuple(v * factor + at[i % 2] for i, v in enumerate(FACE))
    assert detector.overlap(face.box, expected) > 0.7
    np.testing.assert_allclose(face.landmarks[:2], EYES * factor + at, atol=5 * factor + 1)


def test_a_portrait_larger_than_the_picture_is_found(faces: FaceDetector) -> None:
    close = resized(data.astronaut()[70:160, 165:290], 1280, 920)
    (face,) = faces.detect([close])[0]
    assert face.size > 700


def test_several_faces(faces: FaceDetector) -> None:
    head = data.astronaut()[0:220, 100:350]
    scene = np.full((480, 1000, 3), 150, np.uint8)
    for x, factor in ((20, 1.0), (400, 0.6), (700, 0.8)):
        small = resized(head, round(250 * factor), round(220 * factor))
        scene[100 : 100 + small.shape[0], x : x + small.shape[1]] = small
    found = faces.detect([scene])[0]
    assert len(found) == 3
    assert sorted(face.centre[0] // 333 for face in found) == [0, 1, 2]
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


def test_a_face_depends_on_its_own_picture_only(faces: FaceDetector) -> None:
    pictures = [data.astronaut(), data.coffee(), shown(data.astronaut(), 0.5, (300, 100)), data.astronaut()[:300]]
    together = faces.detect(pictures * 2)
    assert [len(found) for found in together] == [1, 0, 1, 1] * 2
    for picture, found in zip(pictures * 2, together, strict=True):
        for alone, batched in zip(faces.detect([picture])[0], found, strict=True):
            np.testing.assert_allclose(batched.box, alone.box, atol=0.05)
            np.testing.assert_allclose(batched.landmarks, alone.landmarks, atol=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (7, 5)])
def test_tiny_pictures_have_no_faces(faces: FaceDetector, shape: tuple[int, int]) -> None:
    assert faces.detect([np.full((*shape, 3), 90, np.uint8)]) == [[]]


def test_boxes_lie_inside_the_picture_and_values_are_plain(faces: FaceDetector) -> None:
    cut = np.ascontiguousarray(data.astronaut()[90:, :235])
    (face,) = faces.detect([cut])[0]
    assert 0 <= face.box[0] < face.box[2] <= 235
    assert 0 <= face.box[1] < face.box[3] <= cut.shape[0]
    assert all(type(v) is float for v in (*face.box, face.score))
    assert face.landmarks.dtype == np.float32


def test_no_pictures_no_faces(faces: FaceDetector) -> None:
    assert faces.detect([]) == []


def test_scaled_moves_box_and_landmarks_alike() -> None:
    face = Detection((1.0, 2.0, 3.0, 6.0), 0.9, np.ones((5, 2), np.float32))
    large = face.scaled(2.5)
    assert large.box == (2.5, 5.0, 7.5, 15.0)
    assert large.score == 0.9
    np.testing.assert_allclose(large.landmarks, 2.5)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -3, 50])
def test_a_threshold_outside_0_to_1_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        FaceDetector(threshold)


def test_a_higher_threshold_finds_no_more() -> None:
    assert FaceDetector(0.99, threads=1).detect([data.astronaut()]) == [[]]


@pytest.mark.corpora
@pytest.mark.parametrize(("name", "count"), [("single_face.jpg", 1), ("multi_face.jpg", 5)])
def test_photographs(faces: FaceDetector, name: str, count: int) -> None:
    path = SHARED / "clips" / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    assert len(faces.detect([np.asarray(PillowImage.open(path).convert("RGB"))])[0]) == count


@pytest.mark.corpora
def test_fer_images_themselves_are_found(faces: FaceDetector) -> None:
    path = SHARED / "data" / "ferplus" / "valid.parquet"
    if not path.is_file():
        pytest.skip("ferplus is not here")
    import pyarrow.parquet as pq

    column = pq.read_table(path, columns=["image"])["image"][:100]
    pictures = [np.asarray(PillowImage.open(io.BytesIO(cell.as_py()["bytes"])).convert("RGB")) for cell in column]
    assert sum(len(found) == 1 for found in faces.detect(pictures)) >= 90
