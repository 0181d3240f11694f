"""What is covered: every face, before and after it is detected, small ones, turned ones, and held pictures."""

from __future__ import annotations

import numpy as np
import pytest
from recordings import compose

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import FaceDetector
from fer_phq.masking import plan
from fer_phq.masking.picture import CELLS, FILL, cover_faces, pixelate
from fer_phq.masking.plan import FacePlanner, MaskPlan

SIZE = (320, 240)
EMPTY = compose(SIZE, faces=0)
FACE = compose(SIZE, faces=1, share=0.6)
STEP_S = 0.5


def planned(pictures: list[Image], step_s: float = STEP_S) -> MaskPlan:
    planner = FacePlanner(threads=1)
    for number, picture in enumerate(pictures):
        planner.add(number * step_s, picture)
    return planner.finish()


def covers(boxes: FloatArray, x: float, y: float) -> bool:
    """Whether a place, in parts of the sides, is covered."""
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)


@pytest.fixture(scope="module")
def coming_and_going() -> MaskPlan:
    """4 s without a face, 1 s with one, 4 s without it, 1 s with it, 4 s without."""
    away, there = [EMPTY] * 8, [FACE] * 2
    return planned([*away, *there, *away, *there, *away])


@pytest.fixture(scope="module")
def face_box() -> tuple[float, float, float, float]:
    [[face]] = FaceDetector(threads=1).detect([FACE])
    x0, y0, x1, y1 = face.box
    return x0 / 320, y0 / 240, x1 / 320, y1 / 240


def test_a_face_is_covered_with_a_margin_while_it_is_seen(coming_and_going: MaskPlan, face_box) -> None:
    boxes, is_seen = coming_and_going.at(4.4)
    assert is_seen
    x0, y0, x1, y1 = face_box
    dx, dy = 0.3 * (x1 - x0), 0.3 * (y1 - y0)
    assert all(covers(boxes, x, y) for x in (x0 - dx, x1 + dx) for y in (max(y0 - dy, 0), y1 + dy))


@pytest.mark.parametrize("time_s", [4.0 - plan.HOLD_S, 5.0, 7.0, 8.9, 9.5 + plan.HOLD_S])
def test_its_place_stays_covered_before_between_and_after(coming_and_going: MaskPlan, time_s: float, face_box) -> None:
    boxes, _ = coming_and_going.at(time_s)
    x0, y0, x1, y1 = face_box
    assert all(covers(boxes, x, y) for x in (x0, (x0 + x1) / 2, x1) for y in (y0, y1))


def test_absence_is_not_seen_and_ends(coming_and_going: MaskPlan) -> None:
    assert not coming_and_going.at(7.0)[1]
    assert not len(coming_and_going.at(1.0)[0])
    assert not len(coming_and_going.at(13.5)[0])


def test_heads_on_their_side_and_small_strangers_are_covered() -> None:
    lying = np.ascontiguousarray(np.rot90(FACE))
    boxes, _ = planned([lying]).at(0)
    assert covers(boxes, 0.5, 0.5)
    wide = np.full((720, 1280, 3), 90, np.uint8)
    wide[100:580, 60:540] = compose((480, 480), faces=1, share=1.0)
    wide[300:350, 1100:1150] = compose((50, 50), faces=1, share=1.0)
    boxes, _ = planned([wide]).at(0)
    assert covers(boxes, 1125 / 1280, 315 / 720), "a face of some 20 pixels behind one of 200"
    assert covers(boxes, 300 / 1280, 300 / 720)


def test_a_picture_that_is_held_is_searched_even_between_two_searches() -> None:
    planner = FacePlanner(threads=1)
    for time_s, picture in ((0.0, EMPTY), (0.02, FACE), (40.0, EMPTY)):
        planner.add(time_s, picture)
    assert planner.finish().at(0.02)[1]


def test_nothing_of_a_covered_face_is_left_and_cells_are_large() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (90, 160, 3), np.uint8)
    covered = cover_faces(noise, np.array([[0.25, 0.2, 0.5, 0.81], [0.9, 0.9, 1.0, 1.0]], np.float32))
    assert (covered[18:73, 40:80] == FILL).all()
    assert (covered[81:, 144:] == FILL).all()
    assert (covered[:, :40] == noise[:, :40]).all()
    cells = pixelate(noise)
    assert cells.shape == noise.shape
    changes = (np.abs(np.diff(cells.astype(int), axis=1)).sum(axis=2) > 0).any(axis=0).sum()
    assert changes < CELLS
    assert len(np.unique(cells)) <= 8
