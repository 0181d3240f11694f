"""Recordings of every kind that a browser, a phone or a camera writes: the right frames at the right times."""

from __future__ import annotations

import hashlib
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
import recordings as make
from recordings import Recordings

from fer_phq.core.analysis import Sampling
from fer_phq.video import Frame, FrameStream, probe, read_frame, sample_frames, sample_recording

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "h264-mp4": (".mp4", {"codec": "libx264", "gop": 12, "audio": True}),
    "h264-open-gop": (".mp4", {"codec": "libx264", "gop": 12, "codec_options": {"x264-params": "open-gop=1"}}),
    "h264-mkv": (".mkv", {"codec": "libx264", "audio": True}),
    "h264-avi": (".avi", {"codec": "libx264"}),
    "h264-ts": (".ts", {"codec": "libx264"}),
    "hevc-mov": (".mov", {"codec": "libx265", "gop": 12}),
    "vp8-webm": (".webm", {"codec": "libvpx", "audio": True}),
    "vp9-webm": (".webm", {"codec": "libvpx-vp9", "gop": 12}),
    "h264-b-frames-ts": (".ts", {"codec": "libx264", "gop": 6}),
    "h264-b-frames-mts": (".MTS", {"codec": "libx264", "gop": 20}),
    "hevc-ts": (".ts", {"codec": "libx265", "gop": 12}),
    "h264-ts-clock-wraps": (".ts", {"codec": "libx264", "gop": 12, "start_s": 95442.5}),
    "h264-fragmented-mp4": (".mp4", {"codec": "libx264", "gop": 9, "container_options": FRAGMENTED}),
    "av1-mp4": (".mp4", {"codec": "libsvtav1"}),
    "mpeg4-avi": (".avi", {"codec": "mpeg4"}),
    "mjpeg-avi": (".avi", {"codec": "mjpeg"}),
}


def sampled(path: Path, fps: float = 4.0, **options: Any) -> tuple[list[Frame], FrameStream]:
    with sample_frames(path, Sampling(fps=fps), **options) as stream:
        return list(stream), stream


def on_display(times: list[float], fps: float, end: float) -> list[int]:
    """Numbers of the pictures on display at k / fps, each once: the rule, written down independently."""
    numbers: list[int] = []
    for k in range(int(np.ceil(end * fps - 1e-9))):
        number = max(i for i, t in enumerate(times) if t <= k / fps + 0.0005)
        if not numbers or numbers[-1] != number:
            numbers.append(number)
    return numbers


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_gives_the_displayed_frames_with_their_times(kind: str, recordings: Recordings) -> None:
    suffix, options = KINDS[kind]
    frames, stream = sampled(recordings(suffix, **options))
    assert [make.read_code(f.rgb) for f in frames] == list(range(0, 36, 3))
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(12) / 4, atol=0.001)
    assert frames[0].rgb.shape == (240, 320, 3)
    assert frames[0].rgb.dtype == np.uint8
    assert frames[0].scale == 1
    assert stream.warnings == []
    assert stream.decode_seconds > 0


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("fps", [2.0, 30.0])
def test_variable_frame_rate_is_right_to_one_frame(suffix: str, fps: float, recordings: Recordings) -> None:
    times = make.frame_times(vfr=True)
    frames, _ = sampled(recordings(suffix, vfr=True), fps)
    codes = [make.read_code(f.rgb) for f in frames]
    np.testing.assert_allclose([f.time_s for f in frames], [times[c] for c in codes], atol=0.0011)
    wanted = on_display(times, fps, 2.953)
    assert codes == wanted
    assert (fps < 30) or codes == list(range(20))


def test_sampling_faster_than_the_recording_gives_each_frame_once(recordings: Recordings) -> None:
    frames, _ = sampled(recordings(), fps=60)
    assert [make.read_code(f.rgb) for f in frames] == list(range(36))


def test_sampling_slowly_reaches_far_frames(recordings: Recordings) -> None:
    frames, _ = sampled(recordings(gop=12), fps=0.5)
    assert [make.read_code(f.rgb) for f in frames] == [0, 24]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_honoured(rotation: int, recordings: Recordings) -> None:
    path = recordings(rotation=rotation)
    info = probe(path)
    assert (info.width, info.height, info.rotation) == (320, 240, rotation)
    frames, _ = sampled(path, 2)
    assert [make.read_code(f.rgb) for f in frames] == [0, 6, 12, 18, 24, 30]
    still = read_frame(path, 1.0)
    assert make.read_code(still.rgb) == 12
    assert frames[2].rgb.shape == still.rgb.shape == (240, 320, 3)


def test_a_mirrored_display_matrix_is_honoured(recordings: Recordings, tmp_path: Path) -> None:
    plain = recordings(code=False)
    path = tmp_path / "mirrored.mp4"
    raw = bytearray(plain.read_bytes())
    at = raw.index(b"tkhd") + 44
    raw[at : at + 4] = (-(1 << 16)).to_bytes(4, "big", signed=True)
    path.write_bytes(raw)
    (mirrored, *_), _ = sampled(path, 1)
    (upright, *_), _ = sampled(plain, 1)
    np.testing.assert_array_equal(mirrored.rgb[:, ::-1], upright.rgb)


def test_pixels_that_are_not_square_are_stretched(recordings: Recordings) -> None:
    path = recordings(pixel_aspect=Fraction(4, 3))
    assert (probe(path).width, probe(path).height) == (427, 240)
    (first, *_), _ = sampled(path, 1)
    assert first.rgb.shape == (240, 427, 3)


@pytest.mark.slow
def test_large_pictures_come_scaled_down(recordings: Recordings) -> None:
    path = recordings.huge()
    info = probe(path)
    assert (info.width, info.height) == (7680, 4320)
    frames, _ = sampled(path, 2)
    assert [f.rgb.shape for f in frames] == [(720, 1280, 3)] * 2
    assert [f.scale for f in frames] == [6.0, 6.0]
    assert [make.read_code(f.rgb) for f in frames] == [0, 1]
    small = read_frame(path, 0.5, max_side=320)
    assert (small.rgb.shape, small.scale, make.read_code(small.rgb)) == ((180, 320, 3), 24.0, 1)


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_key_frames_only(suffix: str, recordings: Recordings) -> None:
    with sample_frames(recordings(suffix, gop=9), Sampling(key_frames=True)) as stream:
        frames = list(stream)
    assert [make.read_code(f.rgb) for f in frames] == [0, 9, 18, 27]
    np.testing.assert_allclose([f.time_s for f in frames], [0, 0.75, 1.5, 2.25], atol=1e-6)


def test_times_count_from_the_recordings_start(recordings: Recordings) -> None:
    for suffix in (".mp4", ".mkv"):
        path = recordings(suffix, start_s=5.0)
        frames, _ = sampled(path)
        assert [make.read_code(f.rgb) for f in frames] == list(range(0, 36, 3))
        assert frames[0].time_s == pytest.approx(0, abs=0.001)
        assert probe(path).duration_s == pytest.approx(3, abs=0.01)
        assert make.read_code(read_frame(path, 2.0).rgb) == 24


def test_times_count_from_the_sounds_start_when_that_is_earlier(recordings: Recordings) -> None:
    frames, _ = sampled(recordings(".mkv", start_s=1.0, audio=True))
    assert [make.read_code(f.rgb) for f in frames] == list(range(0, 36, 3))
    assert frames[0].time_s == pytest.approx(1.0, abs=0.001)


def test_an_edit_list_hides_what_a_player_hides(recordings: Recordings, tmp_path: Path) -> None:
    path = make.shift(recordings(gop=12), tmp_path / "pre-roll.mp4", -0.5)
    frames, _ = sampled(path)
    assert [make.read_code(f.rgb) for f in frames] == list(range(6, 36, 3))
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(10) / 4, atol=0.001)


def test_a_browsers_webm_without_duration(recordings: Recordings) -> None:
    path = recordings.browser_webm()
    with av.open(str(path)) as container:
        assert container.duration is None  # the recording is what it claims to be
    info = probe(path)
    assert info.duration_s == pytest.approx(3, abs=0.05)
    assert info.has_audio
    frames, _ = sampled(path)
    assert [make.read_code(f.rgb) for f in frames] == list(range(0, 36, 3))


def test_a_single_picture_is_a_recording(recordings: Recordings) -> None:
    frames, _ = sampled(recordings(frames=1), 2)
    assert [make.read_code(f.rgb) for f in frames] == [0]


def test_probe_tells_what_a_recording_is(recordings: Recordings) -> None:
    path = recordings(audio=True)
    info = probe(path)
    assert info.path == str(path)
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (info.width, info.height, info.codec, info.rotation, info.has_audio) == (320, 240, "h264", 0, True)
    assert info.duration_s == pytest.approx(3)
    assert not probe(recordings(gop=12)).has_audio
    assert probe(recordings(codec="libsvtav1")).codec == "av1"


def test_an_encoder_leaves_the_scheduling_of_later_tests_as_it_was(tmp_path: Path) -> None:
    before = os.sched_getscheduler(0)
    make.make_recording(tmp_path / "a.mp4", codec="libsvtav1", seconds=1)
    assert os.sched_getscheduler(0) == before


@pytest.mark.parametrize("sampling", [Sampling(fps=2), Sampling(key_frames=True)])
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_facts_and_frames_by_one_process(suffix: str, sampling: Sampling, recordings: Recordings) -> None:
    path = recordings(suffix, gop=12, audio=True)
    info, stream = sample_recording(path, sampling)
    assert len(psutil.Process().children()) == 1
    assert info == probe(path)
    with stream, sample_frames(path, sampling) as alone:
        for frame, other in zip(stream, alone, strict=True):
            assert (frame.time_s, frame.scale) == (other.time_s, other.scale)
            assert np.array_equal(frame.rgb, other.rgb)
    assert stream.warnings == alone.warnings == []
    assert psutil.Process().children() == []


def test_probe_judges_the_content_not_the_name(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "Sitzung 1 – 日本.txt"
    path.write_bytes(recordings().read_bytes())
    assert probe(path).codec == "h264"


@pytest.mark.parametrize(
    ("time_s", "number"), [(-1.0, 0), (0.0, 0), (0.99, 11), (1.0, 12), (1.9999, 24), (2.5, 30), (99.0, 35)]
)
def test_read_frame_gives_the_frame_on_display(time_s: float, number: int, recordings: Recordings) -> None:
    frame = read_frame(recordings(gop=12), time_s)
    assert make.read_code(frame.rgb) == number
    assert frame.time_s == pytest.approx(number / 12)


def test_read_frame_counts_where_the_container_stores_no_times(recordings: Recordings) -> None:
    assert make.read_code(read_frame(recordings(".avi"), 2.0).rgb) == 24


def test_a_still_recording_is_sampled_to_its_end_and_told(recordings: Recordings) -> None:
    frames, stream = sampled(recordings(seconds=12, code=False, faces=0, codec="mjpeg", suffix=".avi"), 2)
    assert len(frames) == 24
    assert len(stream.warnings) == 1
    assert "stays exactly the same" in str(stream.warnings[0])


@pytest.mark.slow
def test_a_caller_that_pauses_does_not_make_the_decoder_hold_the_recording(
    recordings: Recordings, tmp_path: Path
) -> None:
    """A decoder that reads ahead without a bound held 1 GB of this minute, and failed."""
    path = tmp_path / "minute.mp4"
    make.loop(recordings(seconds=6, fps=24, size=(640, 360), motion="moving", gop=48), path, 10)
    before = {child.pid for child in psutil.Process().children()}
    with sample_frames(path, Sampling(fps=2)) as stream:
        next(stream)
        (decoder,) = [child for child in psutil.Process().children() if child.pid not in before]
        time.sleep(4)
        held = decoder.memory_info().rss
        assert len(list(stream)) == 119
    assert held < 250 * 2**20


def test_truncated_gives_the_good_part_and_a_warning(recordings: Recordings) -> None:
    frames, stream = sampled(recordings.truncated(faststart=True))
    codes = [make.read_code(f.rgb) for f in frames]
    assert codes == list(range(0, 3 * len(codes), 3))
    assert 8 <= len(codes) < 24
    assert len(stream.warnings) == 1
    assert "cut short" in str(stream.warnings[0])
    assert "of 6.0 s" in str(stream.warnings[0])


def test_damage_in_the_middle_leaves_the_rest(recordings: Recordings, tmp_path: Path) -> None:
    path = make.corrupt(recordings(seconds=6, gop=12), tmp_path / "damaged.mp4")
    frames, stream = sampled(path)
    times, codes = [f.time_s for f in frames], [make.read_code(f.rgb) for f in frames]
    np.testing.assert_allclose(times, np.array(codes) / 12, atol=0.001)
    assert codes[:8] == list(range(0, 24, 3))
    assert codes[-4:] == [60, 63, 66, 69]
    assert len(codes) < 24
    assert any("damaged there" in str(warning) for warning in stream.warnings)


def test_a_tail_that_decodes_to_nothing_is_noticed(recordings: Recordings, tmp_path: Path) -> None:
    source, path = recordings(codec="libx265", seconds=6, gop=12), tmp_path / "hollow.mp4"
    with av.open(str(source)) as inp, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(inp.streams.video[0])
        for number, packet in enumerate(p for p in inp.demux(video=0) if p.dts is not None):
            copy = av.Packet(bytes(packet)[: None if number < 40 else 1])
            copy.pts, copy.dts, copy.duration, copy.time_base = (
                packet.pts,
                packet.dts,
                packet.duration,
                packet.time_base,
            )
            copy.is_keyframe, copy.stream = packet.is_keyframe, stream
            out.mux(copy)
    frames, sampled_stream = sampled(path)
    codes = [make.read_code(f.rgb) for f in frames]
    assert codes[:12] == list(range(0, 36, 3))
    assert max(codes) <= 40
    assert len(set(codes)) == len(codes)
    assert any("cannot be decoded" in str(warning) for warning in sampled_stream.warnings)
