"""Faces frame by frame: places are the recording's, whatever size a picture has."""

from __future__ import annotations

import numpy as np
import pytest
import recordings as make
from PIL import Image

from fer_phq import analyze
from fer_phq.core.analysis import Sampling, Settings
from fer_phq.faces import FaceDetector, FaceFollower, FaceRecognizer, Tracker
from fer_phq.models.model import load_model
from fer_phq.pipeline.faces import (
    detect_faces,
    find_whole_searches,
    observe_faces,
    read_chunks,
    warn_of_sparse_frames,
)
from fer_phq.pipeline.timing import StageTimer
from fer_phq.timeline.grid import grid_rows
from fer_phq.video import Frame


def test_a_person_stays_one_track_where_the_pictures_grow() -> None:
    """A video call begins with small pictures and sends larger ones when the line allows it."""
    large = make.compose((640, 480))
    small = np.asarray(Image.fromarray(large).resize((320, 240), Image.Resampling.BOX))
    frames = [Frame(i / 2, small, 1.0) for i in range(4)] + [Frame(2 + i / 2, large, 0.5) for i in range(4)]
    tracker = Tracker(recognizer=FaceRecognizer())
    follower = FaceFollower(FaceDetector())
    observations, crops = observe_faces(detect_faces(frames, [True] * 8, follower), tracker, 0, scale=1.0)
    assert [face.track for face in observations] == [0] * 8
    boxes = np.array([face.detection.box for face in observations])
    assert np.ptp(boxes, axis=0) == pytest.approx(np.zeros(4), abs=6)
    sharpness = [np.abs(np.diff(crop.astype(float), axis=0)).mean() for crop in crops]
    assert sharpness[-1] > sharpness[0], "the crop is of the large picture"


def frames_at(times: list[float]) -> list[Frame]:
    return [Frame(time_s, np.zeros((2, 2, 3), np.uint8), 1.0) for time_s in times]


@pytest.mark.parametrize("size", [1, 3, 4, 16])
def test_chunks_know_until_when_their_last_frame_is_displayed(size: int) -> None:
    times = [0.0, 0.1, 0.4, 0.45, 1.6, 1.7, 1.8]
    chunks = list(read_chunks(iter(frames_at(times)), size, StageTimer()))  # type: ignore[arg-type]
    assert [frame.time_s for frames, _ in chunks for frame in frames] == times
    assert [until for _, until in chunks] == [*times[size::size], np.inf][: len(chunks)]
    assert list(read_chunks(iter([]), size, StageTimer())) == []  # type: ignore[arg-type]


def test_what_the_grid_takes_is_searched_whole() -> None:
    """Frames that are held, come late or end early are the grid's as `grid_rows` has it."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        steps = rng.choice([0.0334, 0.1, 0.25, 0.5, 0.7, 3.0, 0.0005], 40)
        times = np.cumsum([0.0, *steps])
        rows, _ = grid_rows(times[:-1].copy(), steps.copy())
        whole = find_whole_searches(frames_at(times[:-1].tolist()), float(times[-1]), Settings(Sampling(30)))
        assert np.flatnonzero(whole).tolist() == sorted(set(rows.tolist()))


def test_at_the_grids_rate_and_of_key_frames_each_frame_is_searched_whole() -> None:
    frames = frames_at([0.0, 0.1, 0.2, 0.3])
    assert find_whole_searches(frames, 0.4, Settings(Sampling(10))) == [True, False, False, False]
    for settings in (
        Settings(),
        Settings(Sampling(10, key_frames=True)),
        Settings(Sampling(10), search_each_frame=True),
    ):
        assert find_whole_searches(frames, 0.4, settings) == [True] * 4


def test_what_is_computed_on_the_grid_does_not_depend_on_how_faces_are_followed(recordings: make.Recordings) -> None:
    path = recordings(seconds=6, fps=12, motion="moving", face_share=0.4, code=False)
    model = load_model()
    followed = analyze(path, model, Settings(Sampling(12)))
    searched = analyze(path, model, Settings(Sampling(12), search_each_frame=True))
    usual = analyze(path, model, Settings())
    assert followed.timeline.has_face.all()
    moved = np.abs(followed.timeline.landmarks - searched.timeline.landmarks).max(axis=(1, 2))
    on_grid = np.isin(followed.timeline.time_s, usual.timeline.time_s)
    assert on_grid.sum() == len(usual.timeline) == 12
    assert (moved[~on_grid] > 0).mean() > 0.5, "faces were followed"
    np.testing.assert_array_equal(followed.timeline.box[on_grid], usual.timeline.box)
    np.testing.assert_allclose(followed.timeline.emotions[on_grid], usual.timeline.emotions, atol=1e-5)
    assert str(followed.phq) == str(searched.phq)


def test_key_frames_that_lie_far_apart_are_told() -> None:
    assert warn_of_sparse_frames([0.0, 5.0, 10.0, 12.0]) == ()
    (single,) = warn_of_sparse_frames([0.0, 60.1])
    assert str(single).startswith("Key frames lie up to 60 s apart in this recording")
