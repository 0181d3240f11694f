"""Faces are followed where they were; who comes, goes or changes place is seen as if each frame was searched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib import cbook
from PIL import Image as PillowImage
from skimage import data

from fer_phq.faces import Detection, FaceDetector, FaceFollower, Scene, detector
from fer_phq.faces.detector import overlap

Picture = npt.NDArray[np.uint8]
SIZE = (640, 360)


class CountingDetector(FaceDetector):
    """The detector itself, which counts the frames that it searched whole."""

    whole = 0

    def detect(self, images: Sequence[Picture]) -> list[list[Detection]]:
        self.whole += len(images)
        return super().detect(images)


@pytest.fixture(scope="module")
def faces() -> FaceDetector:
    return FaceDetector(threads=1)


def head(person: str) -> Picture:
    """Somebody's head: Eileen Collins (NASA) or Grace Hopper (US Navy)."""
    if person == "hopper":
        with cbook.get_sample_data("grace_hopper.jpg") as file:
            return np.asarray(PillowImage.open(file).convert("RGB"))[40:400, 90:450]
    return data.astronaut()[0:260, 90:350]


def picture(*people: tuple[str, int, int], side: int = 150, size: tuple[int, int] = SIZE) -> Picture:
    """A wall with the heads of people (name, left, top); what lies beyond the border is cut off."""
    scene = PillowImage.new("RGB", size, (150, 160, 165))
    for name, left, top in people:
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        mask = PillowImage.fromarray(np.asarray(255 * (np.hypot(x / 0.7, y / 0.95) < 1), np.uint8))
        scene.paste(PillowImage.fromarray(head(name)).resize((side, side)), (left, top), mask)
    return np.asarray(scene)


def follow(pictures: Sequence[Picture]) -> tuple[list[list[Detection]], list[int]]:
    """The faces of each picture, the first searched whole, and the numbers of the pictures that were."""
    counting = CountingDetector(threads=1)
    follower = FaceFollower(counting)
    found, whole = [], []
    for number, rgb in enumerate(pictures):
        before = counting.whole
        found.append(follower.detect(rgb, Scene.of(rgb), whole=number == 0))
        if counting.whole > before:
            whole.append(number)
    return found, whole


def assert_same(faces: FaceDetector, pictures: Sequence[Picture], found: Sequence[Sequence[Detection]]) -> None:
    """Each picture has the faces that a search of the whole finds, within the jitter of the detector."""
    for rgb, followed in zip(pictures, found, strict=True):
        searched = faces.detect([rgb])[0]
        assert len(followed) == len(searched)
        for face in searched:
            (same,) = [other for other in followed if overlap(face.box, other.box) > 0.8]
            eyes = np.linalg.norm(face.landmarks[1] - face.landmarks[0])
            assert (
                np.linalg.norm(same.landmarks - face.landmarks, axis=1).mean() < 0.06 * eyes
            )  # a small face moves by 4 to 9 % when its picture is shifted


def test_a_face_that_moves_is_searched_where_it_was(faces: FaceDetector) -> None:
    pictures = [picture(("collins", 200 + 3 * i, 80 + 2 * i)) for i in range(10)]
    found, whole = follow(pictures)
    assert whole == [0]
    assert_same(faces, pictures, found)


def test_who_comes_into_view_is_seen_in_the_same_picture(faces: FaceDetector) -> None:
    pictures = [picture(("collins", 60, 100)) for _ in range(3)]
    pictures += [picture(("collins", 60, 100), ("hopper", 600 - 40 * i, 100)) for i in range(1, 6)]
    found, whole = follow(pictures)
    assert whole[:2] == [0, 3]
    assert [len(people) for people in found] == [1] * 3 + [2] * 5
    assert_same(faces, pictures, found)


def test_who_comes_into_view_in_the_dark_is_seen_in_the_same_picture(faces: FaceDetector) -> None:
    people = [picture(("collins", 60, 100), *[("hopper", 430, 100)] * (i >= 2)) for i in range(4)]
    pictures = [(rgb * 0.12).astype(np.uint8) for rgb in people]
    found, whole = follow(pictures)
    assert whole[:2] == [0, 2]
    assert [len(detections) for detections in found] == [1, 1, 2, 2]


def test_who_leaves_is_gone_at_once(faces: FaceDetector) -> None:
    pictures = [picture(("collins", 200, 80))] * 2 + [picture()] * 2 + [picture(("collins", 200, 80))]
    found, whole = follow(pictures)
    assert [len(people) for people in found] == [1, 1, 0, 0, 1]
    assert whole == [0, 2, 3, 4]


def test_one_of_two_who_leaves_is_gone_at_once_and_the_other_stays() -> None:
    both = picture(("collins", 20, 100), ("hopper", 430, 100), side=150)
    found, whole = follow([both, both, picture(("hopper", 430, 100), side=150)])
    assert [len(people) for people in found] == [2, 2, 1]
    assert whole == [0, 2]


def test_somebody_else_in_the_same_place_has_the_whole_picture_searched(faces: FaceDetector) -> None:
    """The first person may be elsewhere by then, as here."""
    pictures = [picture(("collins", 80, 100))] * 2 + [picture(("hopper", 80, 100), ("collins", 400, 100))]
    found, whole = follow(pictures)
    assert [len(people) for people in found] == [1, 1, 2]
    assert whole == [0, 2]
    alone = [picture(("collins", 200, 100)), picture(("hopper", 200, 100))]
    assert follow(alone)[1] == [0, 1]


def test_people_who_exchange_their_places_are_both_seen(faces: FaceDetector) -> None:
    left, right = (20, 100), (430, 100)
    before = picture(("collins", *left), ("hopper", *right), side=150)
    after = picture(("hopper", *left), ("collins", *right), side=150)
    found, whole = follow([before, before, after, after])
    assert [len(people) for people in found] == [2] * 4
    assert whole == [0, 2]


def test_a_cut_has_the_whole_picture_searched(faces: FaceDetector) -> None:
    other = np.asarray(255 - picture(), np.uint8).copy()
    other[100:250, 250:400] = picture(("collins", 250, 100))[100:250, 250:400]
    found, whole = follow([picture(("collins", 250, 100)), other])
    assert whole == [0, 1]
    assert [len(people) for people in found] == [1, 1]


def test_a_face_that_jumps_is_not_lost(faces: FaceDetector) -> None:
    pictures = [picture(("collins", 40 if i % 2 else 420, 90)) for i in range(4)]
    found, _ = follow(pictures)
    assert_same(faces, pictures, found)


def test_pictures_of_another_size_are_searched_whole(faces: FaceDetector) -> None:
    pictures = [picture(("collins", 100, 60), size=(640, 360)), picture(("collins", 100, 60), size=(360, 640))]
    found, whole = follow(pictures)
    assert whole == [0, 1]
    assert_same(faces, pictures, found)


def test_small_doubtful_and_large_faces_are_searched_in_the_whole_picture() -> None:
    """Their search takes another size, or parts that are nearly the whole picture."""
    small = picture(("collins", 300, 150), side=50)
    large = picture(("collins", 20, -140), side=600)
    for rgb in (small, large):
        found, whole = follow([rgb, rgb, rgb])
        assert [len(people) for people in found] == [1] * 3
        assert whole == [0, 1, 2]


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (400, 300), (854, 480), (352, 288), (250, 444), (90, 70)])
def test_a_part_is_the_same_pixels_as_in_the_whole(size: tuple[int, int]) -> None:
    rgb = np.asarray(PillowImage.fromarray(data.astronaut()).resize(size))
    whole, scale = detector._letterbox(rgb, 320)
    rows, columns = whole.shape[2:]
    for window in (
        (0, 0, columns, rows),
        (32, 0, columns, 64),
        (32, 32, 96, rows),
        (columns - 64, rows - 32, columns, rows),
    ):
        x0, y0, x1, y1 = window
        part, part_scale = detector._letterbox(rgb, 320, window)
        assert part_scale == scale
        assert part.shape == (1, 3, y1 - y0, x1 - x0)
        difference = np.abs(part - whole[:, :, y0:y1, x0:x1])
        # Where the scale is no whole number, a value half-way between two is rounded to the one or the other.
        assert difference.max() <= (0 if size in ((1280, 720), (640, 360)) else 2)
        assert (difference > 0).mean() < 0.3


def test_windows_lie_on_the_networks_cells_and_never_overlap() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        count = int(rng.integers(1, 6))
        corners = rng.uniform(0, [600, 300], (count, 2))
        boxes = [(x, y, x + rng.uniform(20, 150), y + rng.uniform(20, 150)) for x, y in corners.tolist()]
        windows = detector._windows(boxes, 0.5, (320, 192))
        assert all(v % 32 == 0 for window in windows for v in window)
        for window in windows:
            assert 0 <= window[0] < window[2] <= 320
            assert 0 <= window[1] < window[3] <= 192
        covered = np.zeros((192, 320), int)
        for x0, y0, x1, y1 in windows:
            covered[y0:y1, x0:x1] += 1
        assert covered.max() == 1
        for x0, y0, x1, y1 in boxes:
            assert covered[int(y0 / 2) : min(192, int(y1 / 2)), int(x0 / 2) : min(320, int(x1 / 2))].all()
