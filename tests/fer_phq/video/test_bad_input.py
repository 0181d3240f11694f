"""What is not a usable recording is told in one sentence; a decoder that crashes, hangs or swells harms nobody."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import recordings as make
from recordings import Recordings

import fer_phq
from fer_phq.core.analysis import Sampling
from fer_phq.core.errors import RecordingError
from fer_phq.video import Limits, probe, read_frame, sample_frames, sample_recording

BAD: dict[str, tuple[Callable[[Recordings, Path], Path], str]] = {
    "missing": (lambda r, d: d / "no.mp4", "There is no file"),
    "under a file": (lambda r, d: r.text() / "no.mp4", "There is no file"),
    "folder": (lambda r, d: d, "is a folder"),
    "device": (lambda r, d: Path("/dev/null"), "not an ordinary file"),
    "empty": (lambda r, d: r.empty(), "is empty"),
    "text": (lambda r, d: r.text(), "not a video file"),
    "sound only": (lambda r, d: r.audio_only(), "holds sound but no picture"),
    "sound only webm": (lambda r, d: r.audio_only(".webm"), "holds sound but no picture"),
    "no index": (lambda r, d: r.truncated(), "cut short"),
    "no pictures": (lambda r, d: r(frames=0), "holds no pictures"),
    "1x1": (lambda r, d: r(".mkv", size=(1, 1), codec="ffv1"), "too small"),
    "2x2": (lambda r, d: r(size=(2, 2)), "too small"),
    "too wide": (lambda r, d: r(".mkv", size=(20000, 16), codec="ffv1", frames=1, faces=0), "more than 16384"),
    "playlist": (lambda r, d: playlist(r, d), "not a video file"),
    "nothing decodes": (lambda r, d: hollow(r, d), "damaged or cut short"),
}


def playlist(recordings: Recordings, folder: Path) -> Path:
    """An HLS playlist that names another (good) file: opening it would read what the uploader may not choose."""
    path = folder / "playlist.mp4"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{recordings('.ts')}\n#EXT-X-ENDLIST\n")
    return path


def test_a_picture_that_lasts_for_years_is_refused(recordings: Recordings, tmp_path: Path) -> None:
    """The rows of its time would take 192 GB."""
    content = bytearray(recordings(".avi", codec="mpeg4").read_bytes())
    start = content.index(b"strh") + 28
    content[start : start + 8] = b"\xff\xff\xff\xff\1\0\0\0"  # seconds a picture, as a fraction
    path = tmp_path / "years.avi"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="is damaged"):
        probe(path)


def hollow(recordings: Recordings, folder: Path) -> Path:
    """An MP4 whose index is whole and whose pictures are all overwritten."""
    source = recordings(container_options={"movflags": "faststart"})
    start = source.read_bytes().index(b"mdat") / source.stat().st_size
    return make.corrupt(source, folder / "hollow.mp4", start + 0.001, 1.0)


@pytest.mark.parametrize("case", BAD)
def test_one_sentence_for_each_bad_input(case: str, recordings: Recordings, tmp_path: Path) -> None:
    build, words = BAD[case]
    path = build(recordings, tmp_path)
    with pytest.raises(RecordingError, match=words) as caught:
        probe(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    with pytest.raises(RecordingError, match=words), sample_frames(path, Sampling()) as stream:
        list(stream)
    with pytest.raises(RecordingError, match=words) as again:
        sample_recording(path, Sampling())
    assert str(again.value) == str(caught.value)
    assert children() == []


def test_read_frame_refuses_bad_input_too(recordings: Recordings) -> None:
    with pytest.raises(RecordingError, match="not a video file"):
        read_frame(recordings.text(), 0.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_of_another_user(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "private.mp4"
    path.write_bytes(recordings().read_bytes())
    path.chmod(0o600)
    folders = [tmp_path, *tmp_path.parents][:-1]
    modes = [folder.stat().st_mode for folder in folders]
    for folder, mode in zip(folders, modes, strict=True):
        folder.chmod(mode | 0o055)
    os.seteuid(65534)
    try:
        with pytest.raises(RecordingError, match="may not be read by this user"):
            probe(path)
    finally:
        os.seteuid(0)
        for folder, mode in zip(folders, modes, strict=True):
            folder.chmod(mode)


def test_arguments_are_checked(recordings: Recordings) -> None:
    with pytest.raises(ValueError, match="max_side"):
        sample_frames(recordings(), Sampling(), max_side=1)
    with pytest.raises(ValueError, match="limit"):
        Limits(memory_bytes=0)


@pytest.fixture(scope="module")
def long_recording(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes, more than the decoder can work ahead."""
    return make.loop(recordings(gop=12), tmp_path_factory.mktemp("long") / "long.mp4", 200)


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_a_decoder_that_is_killed_is_an_error(long_recording: Path) -> None:
    with sample_frames(long_recording, Sampling(fps=10)) as stream:
        next(stream)
        children()[0].send_signal(signal.SIGKILL)
        with pytest.raises(RecordingError, match=r"killed, probably for want of memory"):
            list(stream)
    assert children() == []


def test_a_decoder_that_crashes_is_an_error(long_recording: Path) -> None:
    with sample_frames(long_recording, Sampling(fps=10)) as stream:
        next(stream)
        children()[0].send_signal(signal.SIGSEGV)
        with pytest.raises(RecordingError, match=r"broke down on .* \(SIGSEGV\)"):
            list(stream)
    assert children() == []


def test_a_decoder_that_hangs_is_stopped(long_recording: Path) -> None:
    with sample_frames(long_recording, Sampling(fps=10), limits=Limits(idle_seconds=2)) as stream:
        next(stream)
        children()[0].send_signal(signal.SIGSTOP)
        with pytest.raises(RecordingError, match="no progress for 2 s"):
            list(stream)
    assert children() == []


def test_a_slow_reader_is_no_hang(long_recording: Path) -> None:
    with sample_frames(long_recording, Sampling(fps=10), limits=Limits(idle_seconds=0.9)) as stream:
        first = next(stream)
        time.sleep(1.2)
        assert next(stream).time_s > first.time_s


def test_processor_time_is_bounded(long_recording: Path) -> None:
    with (
        pytest.raises(RecordingError, match="over 1 s of processor time"),
        sample_frames(long_recording, Sampling(fps=240), limits=Limits(cpu_seconds=1)) as stream,
    ):
        list(stream)
    assert children() == []


def test_memory_is_bounded(recordings: Recordings) -> None:
    with pytest.raises(RecordingError, match=r"memory allowed|broke down"):
        probe(recordings.huge(), limits=Limits(memory_bytes=200 << 20))
    assert children() == []


def test_closing_early_leaves_no_child(long_recording: Path) -> None:
    stream = sample_frames(long_recording, Sampling(fps=10))
    next(stream)
    assert len(children()) == 1
    stream.close()
    stream.close()
    assert children() == []
    assert list(stream) == []


def test_a_forgotten_stream_leaves_no_child(long_recording: Path) -> None:
    stream = sample_frames(long_recording, Sampling(fps=10))
    next(stream)
    del stream
    gc.collect()
    assert children() == []


def test_a_stream_read_to_its_end_leaves_no_child(recordings: Recordings) -> None:
    assert len(list(sample_frames(recordings(), Sampling()))) == 6
    assert children() == []


def test_the_decoder_ends_when_its_parent_is_killed(long_recording: Path) -> None:
    script = (
        "import sys, time, psutil\n"
        "from fer_phq.core.analysis import Sampling\n"
        "from fer_phq.video import sample_frames\n"
        "stream = sample_frames(sys.argv[1], Sampling(fps=10))\n"
        "next(stream)\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    root = str(Path(fer_phq.__path__[0]).parent)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(long_recording)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    assert wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_the_decoder_is_light_and_knows_no_secrets(long_recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERPHQ_DATABASE_URL", "postgresql://user:secret@host/db")
    with sample_frames(long_recording, Sampling(fps=10)) as stream:
        next(stream)
        child = children()[0]
        loaded = Path(f"/proc/{child.pid}/maps").read_text()
        assert "libtorch" not in loaded
        assert "libcublas" not in loaded
        assert child.memory_info().rss < 250 << 20
        assert "FERPHQ_DATABASE_URL" not in child.environ()
