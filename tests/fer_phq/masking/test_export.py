"""A masked recording: no face that a detector finds, another voice, the same times, and nothing else of the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import sounds
from recordings import Recordings, burn_code, compose, read_code

from fer_phq.core.analysis import Sampling
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.errors import RecordingError, SettingsError
from fer_phq.faces.detector import Detection, FaceDetector
from fer_phq.faces.recognition import SAME_PERSON, FaceRecognizer
from fer_phq.masking.export import MaskError, MaskReport, mask_recording
from fer_phq.masking.options import MaskOptions, PictureMask, VoiceMasking
from fer_phq.video import sample_frames
from fer_phq.video.writer import write_video

SIZE = (320, 240)
SECONDS = 3.0
FPS = 10
CANARY = "Ottilie"
EVENT_S = 1.2
"""When the picture flashes and the sound beeps in `clapper`."""


def write_all_kinds(path: Path) -> None:
    """A recording with two faces that move, two sound tracks, chapters, tags and a place."""
    with av.open(str(path), "w") as out:
        out.metadata.update({"title": CANARY, "location": "+52.5+013.4/", "comment": CANARY})
        out.set_chapters([{"id": 1, "start": 0, "end": 1, "time_base": Fraction(1), "metadata": {"title": CANARY}}])
        video: Any = out.add_stream("libx264", rate=FPS)
        video.width, video.height = SIZE
        tracks: list[Any] = [out.add_stream("aac", rate=16_000, layout="mono") for _ in range(2)]
        for track in tracks:
            track.metadata["title"] = CANARY
        voices = [sounds.talk(f0, SECONDS, seed=int(f0))[0] for f0 in (120.0, 220.0)]
        out.start_encoding()
        for number in range(round(SECONDS * FPS)):
            picture = compose(SIZE, faces=2, motion="moving", share=0.5, progress=number / (SECONDS * FPS))
            burn_code(picture, number)
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(video.encode(None))
        for track, voice in zip(tracks, voices, strict=True):
            _write_samples(out, track, voice)


def _write_samples(out: Any, track: Any, samples: FloatArray) -> None:
    for start in range(0, len(samples), 1024):
        block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024].astype(np.float32), "fltp", "mono")
        block.sample_rate, block.pts, block.time_base = 16_000, start, Fraction(1, 16_000)
        out.mux(track.encode(block))
    out.mux(track.encode(None))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "session.mp4"
    write_all_kinds(path)
    return path


@pytest.fixture(scope="module")
def masked(source: Path) -> tuple[Path, MaskReport]:
    out = source.with_name("masked.mp4")
    shares: list[float] = []
    report = mask_recording(source, out, on_progress=shares.append, threads=1)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    return out, report


def pictures(path: Path) -> list[tuple[float, Image]]:
    with sample_frames(path, Sampling(fps=240)) as frames:
        return [(frame.time_s, frame.rgb) for frame in frames]


def sound_of(path: Path) -> FloatArray:
    """The sound as FFmpeg plays it, from the container's time 0 on, 16 kHz."""
    with av.open(str(path)) as container:
        blocks = [(block.pts or 0, block.to_ndarray()[0]) for block in container.decode(audio=0)]
    start = blocks[0][0]
    return np.concatenate([np.zeros(max(0, start), np.float32), *(samples for _, samples in blocks)])


def test_no_face_of_the_recording_is_left(source: Path, masked: tuple[Path, MaskReport]) -> None:
    out, report = masked
    detector = FaceDetector(0.3, threads=1)
    recognizer = FaceRecognizer(threads=1)
    before, after = pictures(source), pictures(out)
    assert len(before) == len(after) == report.pictures == report.seen
    for (_, clear), (_, covered) in list(zip(before, after, strict=True))[::7]:
        [faces] = FaceDetector(threads=1).detect([clear])
        assert len(faces) == 2
        assert detector.detect([covered]) == [[]]
        for face in faces:
            assert _likeness(recognizer, clear, covered, face) > SAME_PERSON
            x0, y0, x1, y1 = (round(v) for v in face.box)
            assert covered[y0:y1, x0:x1].std() < 3, "nothing but grey is left"
            assert abs(covered.astype(int) - clear).mean() > 1


def _likeness(recognizer: FaceRecognizer, clear: Image, covered: Image, face: Detection) -> float:
    landmarks = face.landmarks
    return recognizer.recognize(clear, landmarks).distance(recognizer.recognize(covered, landmarks))


def test_nothing_but_picture_and_sound_travels(masked: tuple[Path, MaskReport]) -> None:
    out, _ = masked
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert not container.chapters()
        assert container.metadata.keys() <= {"major_brand", "minor_version", "compatible_brands"}
        assert all(stream.metadata.keys() <= {"language", "handler_name"} for stream in container.streams)
    body = out.read_bytes()
    assert CANARY.encode() not in body
    assert b"+52.5" not in body
    assert out.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in out.parent.iterdir()) == ["masked.mp4", "session.mp4"]


def test_both_voices_are_there_and_neither_is_as_it_was(source: Path, masked: tuple[Path, MaskReport]) -> None:
    out, report = masked
    assert [warning.code for warning in report.warnings] == ["video.tracks_added"]
    sound = sound_of(out)
    assert abs(len(sound) / 16_000 - SECONDS) < 0.07
    for f0 in (120.0, 220.0):
        voice = sounds.talk(f0, SECONDS, seed=int(f0))[0]
        count = min(len(voice), len(sound))
        step = 800
        levels = [np.abs(s[: count // step * step]).reshape(-1, step).mean(axis=1) for s in (voice, sound)]
        assert np.corrcoef(*levels)[0, 1] > 0.4, "it is heard"
        assert abs(np.corrcoef(voice[:count], sound[:count])[0, 1]) < 0.3, "it is not itself"


def test_the_pictures_keep_their_times_and_their_order(source: Path, masked: tuple[Path, MaskReport]) -> None:
    before, after = pictures(source), pictures(masked[0])
    assert [time_s for time_s, _ in after] == pytest.approx([time_s for time_s, _ in before], abs=0.001)
    assert [read_code(rgb) for _, rgb in after] == [read_code(rgb) for _, rgb in before]


def test_a_turned_recording_with_irregular_times_that_begins_late(recordings: Recordings, tmp_path: Path) -> None:
    path = recordings(seconds=1, rotation=90, size=(242, 322), vfr=True, start_s=0.5, audio=True)
    out = tmp_path / "out.mp4"
    mask_recording(path, out, MaskOptions(PictureMask.PIXELATED))
    before, after = pictures(path), pictures(out)
    assert [time_s for time_s, _ in after] == pytest.approx([time_s for time_s, _ in before], abs=0.001)
    assert {rgb.shape for _, rgb in after} == {rgb.shape for _, rgb in before} == {(322, 242, 3)}
    ends = []
    for file in (path, out):
        with av.open(str(file)) as container:
            video = container.streams.video[0]
            ends.append(float((video.start_time + video.duration) * video.time_base))
    assert ends[0] == pytest.approx(ends[1], abs=0.1)


def test_flash_and_beep_stay_together(tmp_path: Path) -> None:
    path = tmp_path / "clapper.mp4"
    rate = 48_000
    beep = np.zeros(round(2.4 * rate), np.float32)
    beep[round(EVENT_S * rate) : round((EVENT_S + 0.2) * rate)] = sounds.voiced(300, 0.2, rate, 0.2)
    flash = [np.full((120, 160, 3), 255 * (EVENT_S <= i / 25 < EVENT_S + 0.2), np.uint8) for i in range(60)]
    write_video(path, flash, (160, 120), 25, beep, rate)
    out = tmp_path / "out.mp4"
    mask_recording(path, out, MaskOptions(PictureMask.PIXELATED))
    lit = next(time_s for time_s, rgb in pictures(out) if rgb.mean() > 128)
    level = np.convolve(np.abs(sound_of(out)), np.ones(80) / 80, "same")
    loud = np.flatnonzero(level > 0.3 * level.max())[0] / 16_000
    assert lit == pytest.approx(EVENT_S, abs=0.001)
    assert loud == pytest.approx(EVENT_S, abs=0.02)


@pytest.mark.slow
def test_silent_sound_and_missing_parts(source: Path, recordings: Recordings, tmp_path: Path) -> None:
    silent = tmp_path / "silent.mp4"
    mask_recording(source, silent, MaskOptions(PictureMask.PIXELATED, VoiceMasking.SILENT))
    mute = tmp_path / "mute.mp4"
    mask_recording(recordings(seconds=1), mute, MaskOptions(PictureMask.PIXELATED))
    for path in (silent, mute):
        with av.open(str(path)) as container:
            assert [stream.type for stream in container.streams] == ["video"]
    heard = tmp_path / "heard.mp4"
    wav = sounds.write_wav(tmp_path / "voice.wav", sounds.talk(120, 1)[0])
    report = mask_recording(wav, heard, MaskOptions(PictureMask.NONE))
    assert report.pictures == 0
    with av.open(str(heard)) as container:
        assert [stream.type for stream in container.streams] == ["audio"]
    with pytest.raises(RecordingError, match="no picture"):
        mask_recording(wav, tmp_path / "a.mp4")
    with pytest.raises(RecordingError, match="no sound track"):
        mask_recording(recordings(seconds=1), tmp_path / "b.mp4", MaskOptions(PictureMask.NONE))
    with pytest.raises(SettingsError, match="nothing is left"):
        MaskOptions(PictureMask.NONE, VoiceMasking.SILENT)
    assert not {"a.mp4", "b.mp4"} & {path.name for path in tmp_path.iterdir()}


def test_files_that_are_there_stay_and_damaged_ones_leave_nothing(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    options = MaskOptions(PictureMask.NONE)
    out.write_bytes(b"mine")
    with pytest.raises(MaskError, match="already a file"):
        mask_recording(source, out, options)
    assert out.read_bytes() == b"mine"
    mask_recording(source, out, options, force=True)
    assert out.stat().st_size > 1000
    with pytest.raises(MaskError, match="the recording itself"):
        mask_recording(out, out, options, force=True)
    with pytest.raises(MaskError, match="no ordinary file"):
        mask_recording(source, tmp_path, options, force=True)
    with pytest.raises(MaskError, match="cannot be written: No such file"):
        mask_recording(source, tmp_path / "none" / "x.mp4", options)
    shares: list[float] = []
    with pytest.raises(MaskError, match="cannot be written: No such file"):
        mask_recording(source, tmp_path / "none" / "x.mp4", on_progress=shares.append)
    assert shares == [], "before the faces are searched"
    with pytest.raises(RecordingError):
        mask_recording(tmp_path / "nowhere.mp4", out, force=True)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(source.read_bytes()[:2000])
    with pytest.raises(RecordingError):
        mask_recording(damaged, tmp_path / "x.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.mp4", "out.mp4"]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from fer_phq.masking.export import mask_recording
from fer_phq.masking.options import MaskOptions, PictureMask
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
mask_recording(sys.argv[1], Path(sys.argv[2]), MaskOptions(PictureMask.NONE))
"""
SLOW = """
import sys, time
from pathlib import Path
from fer_phq.masking.export import mask_recording
from fer_phq.masking.options import MaskOptions, PictureMask
def wait(share):
    print(share, flush=True)
    time.sleep(0.3)
mask_recording(sys.argv[1], Path(sys.argv[2]), MaskOptions(PictureMask.PIXELATED), on_progress=wait)
"""


def test_a_full_disk_is_one_sentence_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(source), str(tmp_path / "out.mp4")], capture_output=True, text=True
    )
    assert "cannot be written: File too large" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="the platform knows no files without a name")
def test_a_killed_export_leaves_nothing(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SLOW, str(source), str(tmp_path / "out.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert float(process.stdout.readline()) < 1, "it is in the middle of it"
        assert not list(tmp_path.iterdir())
        process.send_signal(signal.SIGKILL)
    time.sleep(0.1)
    assert not list(tmp_path.iterdir())
