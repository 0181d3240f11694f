"""One track a person: moving, crossing, leaving and coming back; and whose session it is."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage
from recordings import compose
from skimage import data

from fer_phq.faces import (
    Detection,
    FaceDetector,
    Tracker,
    TrackStats,
    align_crop,
    appearance,
    choose_subject,
    link_persons,
    same_person,
)

Picture = npt.NDArray[np.uint8]
FRAME = (640, 480)


@pytest.fixture(scope="module")
def faces() -> FaceDetector:
    return FaceDetector(threads=1)


def at(x: float, y: float, size: float = 80) -> Detection:
    """A face of `size` pixels centred at (x, y)."""
    half = size / 2
    marks = np.array([[-0.2, -0.1], [0.2, -0.1], [0, 0.1], [-0.15, 0.3], [0.15, 0.3]]) * size + [x, y]
    return Detection((x - half, y - half, x + half, y + half), 0.9, marks.astype(np.float32))


def head(other: bool = False) -> Picture:
    """The astronaut's head, or somebody else: mirrored, with other colours."""
    picture = data.astronaut()[0:260, 90:350]
    if not other:
        return picture
    tinted = picture[:, ::-1].astype(np.float64) * [0.45, 0.7, 1.1]
    return np.clip(tinted, 0, 255).astype(np.uint8)


def paste(scene: Picture, picture: Picture, x: float, y: float, side: int) -> None:
    """Set a head of `side` pixels centred at (x, y), cut off at the scene's borders."""
    small = np.asarray(PillowImage.fromarray(picture).resize((side, side)))
    left, top = round(x - side / 2), round(y - side / 2)
    for row in range(side):
        if not 0 <= top + row < scene.shape[0]:
            continue
        a, b = max(0, -left), min(side, scene.shape[1] - left)
        if a < b:
            scene[top + row, left + a : left + b] = small[row, a:b]


def follow(tracker: Tracker, frames: list[list[Detection]], fps: float = 2) -> list[list[int]]:
    return [tracker.update(i / fps, found, FRAME) for i, found in enumerate(frames)]


def test_a_moving_face_is_one_track() -> None:
    ids = follow(Tracker(), [[at(100 + 50 * i, 200 + 10 * i)] for i in range(9)])
    assert ids == [[0]] * 9


def test_two_people_keep_their_ids_whatever_the_order_of_detections() -> None:
    frames = [[at(150, 200), at(450, 220)][:: 1 if i % 2 else -1] for i in range(8)]
    for found, ids in zip(frames, follow(Tracker(), frames), strict=True):
        by_side = {"left" if face.centre[0] < 300 else "right": track for face, track in zip(found, ids, strict=True)}
        assert by_side == {"left": 1, "right": 0}


def test_faces_of_one_frame_are_never_one_track() -> None:
    rng = np.random.default_rng(1)
    tracker = Tracker()
    for i in range(60):
        found = [at(*rng.uniform(50, 430, 2), rng.uniform(40, 120)) for _ in range(rng.integers(0, 6))]
        ids = tracker.update(i / 2, found, FRAME)
        assert len(set(ids)) == len(ids) == len(found)
    tracks = tracker.tracks()
    for track in tracks:
        joined = [t for t in tracks if t.track in same_person(tracks, track.track)]
        spans = sorted((t.first_s, t.last_s) for t in joined)
        assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_a_short_gap_is_bridged_and_a_long_one_is_a_new_track() -> None:
    tracker = Tracker(keep_s=4)
    times = [0.0, 0.5, 3.5, 9.0]
    assert [tracker.update(t, [at(300, 200)], FRAME)[0] for t in times] == [0, 0, 0, 1]
    assert [(t.first_s, t.last_s, t.frames) for t in tracker.tracks()] == [(0.0, 3.5, 3), (9.0, 9.0, 1)]


def test_a_face_far_away_or_of_another_size_is_somebody_else() -> None:
    tracker = Tracker()
    tracker.update(0, [at(100, 100, 60)], FRAME)
    assert tracker.update(0.5, [at(500, 400, 60)], FRAME) == [1]
    assert tracker.update(1.0, [at(100, 100, 200)], FRAME) == [2]


def test_crossing_faces_keep_their_ids_by_their_motion() -> None:
    frames = [[at(100 + 40 * i, 200), at(500 - 40 * i, 230)] for i in range(11)]
    ids = follow(Tracker(), frames, fps=4)
    assert ids == [[0, 1]] * 11


def test_crossing_people_behind_one_another_are_never_mixed(faces: FaceDetector) -> None:
    tracker, seen = Tracker(), {"near": Counter(), "far": Counter()}
    for i in range(13):
        scene = np.full((240, 320, 3), 170, np.uint8)
        x_far, x_near = 260 - 17.5 * i, 50 + 17.5 * i
        paste(scene, head(other=True), x_far, 115, 95)
        paste(scene, head(), x_near, 125, 110)
        found = faces.detect([scene])[0]
        crops = [align_crop(scene, face.landmarks, 96) for face in found]
        for face, track in zip(found, tracker.update(i / 2, found, (320, 240), crops), strict=True):
            near = abs(face.centre[0] - x_near) < abs(face.centre[0] - x_far)
            if abs(x_near - x_far) > 30:
                seen["near" if near else "far"][track] += 1
    assert not seen["near"].keys() & seen["far"].keys()
    for tracks in seen.values():  # a half-hidden face may start a track of its own, but the person's goes on
        assert max(tracks.values()) >= sum(tracks.values()) - 1 >= 7


def test_a_recording_with_two_crossing_faces(faces: FaceDetector) -> None:
    tracker, counts = Tracker(), []
    for i in range(13):
        picture = compose((320, 240), faces=2, motion="crossing", progress=i / 12)
        found = faces.detect([picture])[0]
        crops = [align_crop(picture, face.landmarks, 96) for face in found]
        ids = tracker.update(i / 2, found, (320, 240), crops)
        counts.append(len(ids))
        assert len(set(ids)) == len(ids)
    long_ones = [t for t in tracker.tracks() if t.frames >= 4]
    assert 1 <= len(long_ones) <= 2
    assert sum(counts) >= 20


def test_somebody_else_in_the_same_place_is_a_new_track(faces: FaceDetector) -> None:
    tracker, ids = Tracker(), []
    for i, other in enumerate([False, False, True, True]):
        scene = np.full((240, 320, 3), 170, np.uint8)
        paste(scene, head(other), 160, 120, 130)
        found = faces.detect([scene])[0]
        ids += tracker.update(i * 1.5, found, (320, 240), [align_crop(scene, face.landmarks, 96) for face in found])
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_looks_agree_for_one_person_and_differ_for_another(faces: FaceDetector) -> None:
    def look(picture: Picture) -> npt.NDArray[np.float32]:
        (face,) = faces.detect([picture])[0]
        return appearance(align_crop(picture, face.landmarks, 96))

    mine = look(head())
    darker = (head() * 0.7).astype(np.uint8)
    assert mine.shape == (108,)
    assert float(mine @ mine) == pytest.approx(1, abs=1e-5)
    assert float(mine @ look(darker)) > 0.9
    assert float(mine @ look(head(other=True))) < 0.7


def stats(track: int, first_s: float, last_s: float, looks: npt.NDArray[np.float32] | None = None) -> TrackStats:
    return TrackStats(track, int((last_s - first_s) * 2) + 1, first_s, last_s, 0.05, 0.8, looks)


def unit(seed: int, near: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
    values = np.random.default_rng(seed).normal(size=108)
    values = values / np.linalg.norm(values) if near is None else near + 0.25 * values / np.linalg.norm(values)
    return (values / np.linalg.norm(values)).astype(np.float32)


def test_who_was_alone_and_comes_back_is_the_same_person() -> None:
    tracks = [stats(0, 0, 20), stats(1, 40, 60), stats(2, 70, 71)]
    assert same_person(tracks, 0) == {0, 1, 2}
    assert same_person(tracks, 2) == {0, 1, 2}


def test_who_was_in_view_together_is_not() -> None:
    tracks = [stats(0, 0, 20), stats(1, 10, 60)]
    assert same_person(tracks, 0) == {0}


def test_without_looks_nobody_is_joined_when_it_could_be_another() -> None:
    tracks = [stats(0, 0, 20), stats(1, 5, 15), stats(2, 40, 60)]
    assert same_person(tracks, 0) == {0}


def test_looks_decide_between_two_who_left() -> None:
    anna, ben = unit(1), unit(2)
    tracks = [stats(0, 0, 20, anna), stats(1, 0, 20, ben), stats(2, 40, 60, unit(3, anna)), stats(3, 40, 60, ben)]
    assert same_person(tracks, 0) == {0, 2}
    assert same_person(tracks, 1) == {1, 3}


def test_somebody_who_looks_different_is_not_joined_even_alone() -> None:
    assert same_person([stats(0, 0, 20, unit(1)), stats(1, 40, 60, unit(2))], 0) == {0}


def test_leaving_and_returning_in_pictures(faces: FaceDetector) -> None:
    tracker, wall = Tracker(), np.full((240, 320, 3), 170, np.uint8)
    seated = wall.copy()
    paste(seated, head(), 160, 120, 130)
    sights = []
    for scene in (seated, wall):
        found = faces.detect([scene])[0]
        sights.append((found, [align_crop(scene, face.landmarks, 96) for face in found]))
    for i in range(30):
        found, crops = sights[8 <= i < 22]
        tracker.update(i / 2, found, (320, 240), crops)
    tracks = tracker.tracks()
    assert [t.frames for t in tracks] == [8, 8]
    assert same_person(tracks, tracks[0].track) == {t.track for t in tracks}


def test_persons_are_a_partition_of_the_tracks_the_subject_first() -> None:
    me, you = unit(1), unit(2)
    tracks = [stats(0, 0, 20, you), stats(1, 0, 10, me), stats(2, 25, 60, me), stats(3, 70, 71, unit(3))]
    persons = link_persons(tracks)
    assert persons == ((2, 1), (0,), (3,))
    assert choose_subject(tracks) == persons[0][0]
    for ids in persons:
        assert all(same_person(tracks, i) == set(ids) for i in ids)


def test_no_tracks_no_subject() -> None:
    assert link_persons([]) == ()
    assert choose_subject([]) is None
    assert Tracker().tracks() == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (TrackStats(0, 100, 0, 50, 0.05, 0.8), TrackStats(1, 20, 0, 10, 0.05, 0.8)),  # longest
        (TrackStats(0, 100, 0, 50, 0.20, 0.8), TrackStats(1, 120, 0, 60, 0.02, 0.8)),  # largest
        (TrackStats(0, 100, 0, 50, 0.05, 0.9), TrackStats(1, 100, 0, 50, 0.05, 0.3)),  # most central
        (TrackStats(0, 100, 0, 50, 0.05, 0.8), TrackStats(1, 100, 0, 50, 0.05, 0.8)),  # equal: the earlier
    ],
)
def test_the_subject_is_the_longest_largest_most_central(first: TrackStats, second: TrackStats) -> None:
    assert choose_subject([first, second]) == 0
    assert choose_subject([second, first]) == 0


def test_a_subject_who_leaves_often_outweighs_one_who_stays_less() -> None:
    me, you = unit(1), unit(2)
    mine = [stats(i, 30 * i, 30 * i + 15, me) for i in range(4)]
    tracks = [*mine, stats(9, 0, 40, you)]
    assert choose_subject(tracks) in {0, 1, 2, 3}
    assert same_person(tracks, choose_subject(tracks) or 0) == {0, 1, 2, 3}


def test_statistics_of_a_track() -> None:
    tracker = Tracker()
    tracker.update(1.0, [at(320, 240, 64)], FRAME)
    tracker.update(1.5, [at(320, 240, 64)], FRAME)
    (track,) = tracker.tracks()
    assert (track.frames, track.first_s, track.last_s) == (2, 1.0, 1.5)
    assert track.mean_area == pytest.approx(64 * 64 / (640 * 480))
    assert track.mean_centrality == pytest.approx(1)
    assert track.appearance is None
