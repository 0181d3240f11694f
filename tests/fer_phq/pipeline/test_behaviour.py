"""Reading and describing frames beside the following of the mesh."""

from __future__ import annotations

import threading
from contextlib import closing
from importlib.resources import files
from itertools import islice

import numpy as np
import pytest

from fer_phq.behaviour.columns import true_rate_hz
from fer_phq.core.analysis import Sampling, Settings
from fer_phq.core.errors import RecordingError
from fer_phq.pipeline.behaviour import FaceDescriber, expected_frames, read_ahead
from fer_phq.pipeline.session import analyze
from fer_phq.video import sample_frames
from fer_phq.video.writer import write_video

CLIP = files("service.demo.clips").joinpath("demonstration-2.mp4")


def test_frames_that_are_read_ahead_are_those_of_the_stream():
    with sample_frames(CLIP, Sampling(fps=4)) as stream:
        times = [frame.time_s for frame in stream]
    with sample_frames(CLIP, Sampling(fps=4)) as stream, closing(read_ahead(stream)) as frames:
        assert [frame.time_s for frame in frames] == times


@pytest.mark.parametrize(("fps", "seconds"), [(8, 28), (30, 28), (12.5, 60)])
def test_frames_to_come_are_expected_at_the_recordings_own_rate(fps, seconds):
    times = np.arange(int(fps * seconds)) / fps
    for count in (30, 90, len(times)):
        assert expected_frames(times[:count].tolist(), seconds) == len(times)


def test_a_slowing_recording_is_never_expected_to_have_ended_before():
    assert expected_frames([0.0, 0.1, 0.2, 5.0], 3.0) == 4


def test_who_stops_leaves_no_thread_behind():
    before = threading.active_count()
    with sample_frames(CLIP, Sampling(fps=4)) as stream, closing(read_ahead(stream)) as frames:
        next(frames)
    assert threading.active_count() == before


def test_damage_that_shows_while_reading_ahead_is_told(tmp_path):
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no recording")
    with sample_frames(damaged, Sampling(fps=4)) as stream, closing(read_ahead(stream)) as frames:  # noqa: SIM117
        with pytest.raises(RecordingError, match=r"damaged\.mp4"):
            list(frames)


def test_described_rows_keep_their_order_while_their_room_grows(monkeypatch):
    monkeypatch.setattr("fer_phq.core.arrays._MORE_ROWS", 4)
    blocks = [np.full((n, 62), n, np.float32) for n in (1, 2, 9, 3)]
    empty = np.zeros((0, 62), np.float32)
    monkeypatch.setattr(
        "fer_phq.pipeline.behaviour.describe_faces", lambda faces, _: blocks[faces[0]] if faces else empty
    )
    with FaceDescriber(None) as describer:
        for index in range(4):
            describer.add([index], [0.0])
        values = describer.take_rows()
    np.testing.assert_array_equal(values, np.concatenate(blocks))


def test_pictures_that_are_stored_four_times_are_seen_once(tmp_path):
    with sample_frames(CLIP, Sampling(fps=8)) as stream:
        pictures = [frame.rgb for frame in islice(stream, 32)]
    path = tmp_path / "call.mp4"
    write_video(path, (picture for picture in pictures for _ in range(4)), (400, 300), 32)
    analysis = analyze(path, settings=Settings(speech=False, face_rate=30))
    assert analysis.behaviour is not None
    assert true_rate_hz(analysis.behaviour) < 12
    codes = [warning.code for warning in analysis.warnings]
    assert codes[-2:] == ["behaviour.pictures_repeated", "behaviour.too_slow_for_blinks"]
    assert analysis.behaviour.duration_s.sum() == pytest.approx(4)
