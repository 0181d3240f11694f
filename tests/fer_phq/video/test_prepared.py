"""Decoder processes that are started before there is a request: the next request takes them, and they end with us."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import recordings as make
from PIL import Image
from recordings import Recordings

import fer_phq
from fer_phq.core.analysis import Sampling
from fer_phq.core.errors import RecordingError
from fer_phq.pictures import Picture, PictureError, prepare_reader, read_pictures
from fer_phq.pipeline.session import analyze
from fer_phq.video import Limits, confinement, prepare_decoder, probe, read_frame, sample_frames
from fer_phq.video.decoder.process import stop_prepared


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    stop_prepared()  # a command of an earlier test may have left one that reads pictures
    yield
    stop_prepared()
    assert children() == set()


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def is_running(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_the_next_request_takes_what_was_prepared(recordings: Recordings) -> None:
    prepare_decoder()
    prepare_decoder()
    prepared = children()
    assert len(prepared) == 1, "one waits at a time"
    path = recordings(gop=12)
    stream = sample_frames(path, Sampling(fps=2))
    assert children() == prepared
    assert [make.read_code(frame.rgb) for frame in stream] == list(range(0, 36, 6))
    assert stream.warnings == []
    assert children() == set()
    assert make.read_code(read_frame(path, 2.5).rgb) == 30, "and then another is started"


def test_other_limits_have_a_process_of_their_own(recordings: Recordings) -> None:
    prepare_decoder()
    prepared = children()
    with pytest.raises(RecordingError, match=r"memory allowed|broke down"):
        probe(recordings.huge(), limits=Limits(memory_bytes=200 << 20))
    assert children() == prepared
    prepare_decoder(limits=Limits(memory_bytes=200 << 20))
    with pytest.raises(RecordingError, match=r"memory allowed|broke down"):
        probe(recordings.huge(), limits=Limits(memory_bytes=200 << 20))
    assert children() == prepared


def test_a_prepared_process_that_ended_is_replaced(recordings: Recordings) -> None:
    prepare_decoder()
    (process,) = psutil.Process().children()
    process.kill()
    assert wait_until(lambda: not is_running(process.pid)), "nobody has waited for it yet"
    assert probe(recordings(gop=12)).codec == "h264"


def test_a_prepared_process_is_confined_as_any_other() -> None:
    expected = confinement()
    prepare_decoder()
    assert confinement() == expected


def test_a_picture_is_read_by_the_process_that_was_prepared() -> None:
    prepare_reader()
    (prepared,) = children()
    content = io.BytesIO()
    Image.new("RGB", (40, 30), (250, 0, 0)).save(content, "PNG")
    pictures = read_pictures([content.getvalue(), b"none"])
    picture = next(pictures)
    assert isinstance(picture, Picture)
    assert picture.rgb.shape == (30, 40, 3)
    assert children() == {prepared}
    assert isinstance(next(pictures), PictureError)
    pictures.close()


def test_an_analysis_takes_what_it_prepared(recordings: Recordings) -> None:
    analysis = analyze(recordings(gop=12, audio=True))
    assert analysis.recording.has_audio
    assert children() == set(), "the process for the sound of a short recording included"


def test_nobody_takes_it_and_it_ends_with_its_parent(recordings: Recordings) -> None:
    script = (
        "import os, psutil\n"
        "from fer_phq.video import prepare_decoder\n"
        "prepare_decoder()\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
        "os._exit(0)\n"  # not even an orderly end
    )
    root = str(Path(fer_phq.__path__[0]).parent)
    environment = {**os.environ, "PYTHONPATH": root}
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment)
    process_id = int(output.stdout)
    assert wait_until(lambda: not is_running(process_id))
