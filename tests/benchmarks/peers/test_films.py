"""Films of the benchmark, and what libavcodec alone decodes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import recordings

from benchmarks.peers.films import FPS, HALF_S, draw_pictures, make_film, make_picture, open_film
from benchmarks.peers.libavcodec_alone import decode


def test_a_film_is_made_once_and_says_what_it_is(tmp_path: Path):
    film = make_film(tmp_path, "360p", "h264", 0.5)
    again = make_film(tmp_path, "360p", "h264", 0.5)
    assert again == film
    assert list(tmp_path.iterdir()) == [film.path]
    assert (film.name, film.frames(2), film.frames(100)) == ("360p H.264", 1, 15)
    opened = open_film(film.path)
    assert (opened.seconds, opened.fps) == (0.5, FPS)
    assert film.describe()["mbit_s"] > 0


def test_a_picture_counts_as_a_film_of_one(tmp_path: Path):
    picture = make_picture(tmp_path, "360p")
    assert picture.frames(2) == picture.frames(30) == 1
    assert make_picture(tmp_path, "360p") == picture


def test_a_length_that_packets_cannot_be_repeated_to_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="multiple of 12 s"):
        make_film(tmp_path, "360p", "h264", HALF_S + 1)


def test_pictures_are_the_same_in_each_call_and_move():
    first, second = (list(draw_pictures((160, 90), 20)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert first[0].shape == (90, 160, 3)
    assert np.abs(first[0].astype(int) - first[19]).mean() > 1


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_every_sampled_picture_comes_out_of_libavcodec_alone(tmp_path: Path, codec: str):
    path = recordings.make_recording(tmp_path / "a.mp4", seconds=4, fps=30, codec=codec, motion="moving", gop=48)
    assert decode(str(path), 2.0)["frames"] == 8
    assert decode(str(path), 30.0)["frames"] == 120
