"""A recording that is written here is one that is read here, with its sound."""

import numpy as np
import pytest

from fer_phq.core.analysis import Sampling
from fer_phq.video import SOUND_RATE, probe, read_sound, sample_frames
from fer_phq.video.writer import write_video

SIZE, FPS, SECONDS = (96, 64), 8, 3


def pictures():
    """Grey that grows brighter, a step a picture."""
    for i in range(FPS * SECONDS):
        yield np.full((SIZE[1], SIZE[0], 3), 20 + 8 * i, np.uint8)


def test_pictures_at_their_times(tmp_path):
    write_video(tmp_path / "a.mp4", pictures(), SIZE, FPS)
    info = probe(tmp_path / "a.mp4")
    assert (info.width, info.height, info.has_audio) == (*SIZE, False)
    assert info.duration_s == pytest.approx(SECONDS, abs=0.01)
    with sample_frames(tmp_path / "a.mp4", Sampling(FPS)) as stream:
        found = [(frame.time_s, frame.rgb.mean()) for frame in stream]
    np.testing.assert_allclose(found, [(i / FPS, 20 + 8 * i) for i in range(FPS * SECONDS)], atol=4)
    np.testing.assert_allclose([time_s for time_s, _ in found], np.arange(FPS * SECONDS) / FPS, atol=1e-6)


def test_sound_beside_the_pictures(tmp_path):
    rate = 16_000
    sound = np.zeros(rate * SECONDS, np.float32)
    sound[rate : 2 * rate] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    write_video(tmp_path / "a.mp4", pictures(), SIZE, FPS, sound, rate)
    assert probe(tmp_path / "a.mp4").has_audio
    with read_sound(tmp_path / "a.mp4") as stream:
        heard = np.concatenate([block.samples for block in stream])
    loud = np.flatnonzero(np.abs(heard) > 0.1) / SOUND_RATE
    assert loud[0] == pytest.approx(1, abs=0.06)
    assert loud[-1] == pytest.approx(2, abs=0.06)
    assert np.abs(heard[int(1.2 * SOUND_RATE) : int(1.8 * SOUND_RATE)]).max() == pytest.approx(0.5, abs=0.05)


def test_the_same_bytes_again(tmp_path):
    for name in ("a", "b"):
        write_video(tmp_path / name, pictures(), SIZE, FPS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        write_video(tmp_path / "nowhere" / "a.mp4", pictures(), SIZE, FPS)
