"""Recordings whose containers mislead: the picture that was shown then, all takes, true proportions, true lengths."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import recordings as make
from recordings import Recordings

from fer_phq.core.analysis import Sampling
from fer_phq.core.errors import RecordingError
from fer_phq.video import Frame, FrameStream, probe, read_frame, read_sound, sample_frames

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
MISLEADING: dict[str, tuple[str, dict[str, Any]]] = {
    "ts": (".ts", {"gop": 24, "audio": True}),
    "ts whose clock wraps": (".ts", {"gop": 24, "start_s": 95441.5}),
    "ts with open groups": (".ts", {"gop": 24, "codec_options": {"x264-params": "open-gop=1"}}),
    "hevc in ts": (".ts", {"gop": 24, "codec": "libx265"}),
    "mpeg-2 in ts": (".m2ts", {"gop": 15, "fps": 25, "codec": "mpeg2video", "codec_options": {"bf": "2"}}),
    "mpeg-2 in ps": (".mpg", {"gop": 15, "fps": 25, "codec": "mpeg2video", "codec_options": {"bf": "2"}}),
    "vob": (".vob", {"gop": 15, "fps": 25, "codec": "mpeg2video", "codec_options": {"bf": "2"}}),
    "fragmented mp4": (".mp4", {"gop": 24, "container_options": FRAGMENTED}),
    "mkv": (".mkv", {"gop": 24}),
}


def sampled(path: Path, fps: float = 2.0) -> tuple[list[Frame], FrameStream]:
    with sample_frames(path, Sampling(fps=fps)) as stream:
        return list(stream), stream


def slowly(values: tuple[str, str]) -> Any:
    """Parameters of a test that takes its time."""
    return pytest.param(*values, marks=pytest.mark.slow)


QUICK = ("ts",)


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in MISLEADING]
)
def test_the_picture_is_the_one_that_was_shown_then(kind: str, recordings: Recordings) -> None:
    suffix, options = MISLEADING[kind]
    fps = options.get("fps", 12)
    path = recordings(suffix, seconds=6, **options)
    start_s = sampled(path)[0][0].time_s

    def number(frame: Frame) -> int:
        return round((frame.time_s - start_s) * fps)

    for rate in (0.5, 30.0):
        shown, stream = sampled(path, rate)
        assert [make.read_code(frame.rgb) for frame in shown] == [number(frame) for frame in shown], rate
        assert len(shown) >= min(rate, fps) * 6 - 1
        assert stream.warnings == []
    for time_s in (0.4, 1.9, 2.0, 3.95, 60.0):
        frame = read_frame(path, time_s)
        assert make.read_code(frame.rgb) == number(frame)
        assert frame.time_s == pytest.approx(min(time_s, start_s + 6 - 1 / fps), abs=1 / fps + 0.02)
    with sample_frames(path, Sampling(key_frames=True)) as stream:
        keys = list(stream)
    assert len(keys) >= 3
    assert [make.read_code(frame.rgb) for frame in keys] == [number(frame) for frame in keys]


def wrong_index(source: Path, path: Path) -> Path:
    """An AVI whose index names each picture's place wrongly."""
    raw = bytearray(source.read_bytes())
    at = raw.rindex(b"idx1") + 8
    entries = [raw[i : i + 16] for i in range(at, at + struct.unpack_from("<I", raw, at - 4)[0], 16)]
    places = [entry[8:] for entry in entries]
    for i, entry in enumerate(entries):
        raw[at + 16 * i : at + 16 * i + 16] = entry[:8] + places[(i * 7 + 5) % len(places)]
    path.write_bytes(raw)
    return path


def test_a_wrong_index_of_an_avi_is_not_followed(recordings: Recordings, tmp_path: Path) -> None:
    path = wrong_index(recordings(".avi", codec="mjpeg", seconds=6), tmp_path / "wrong.avi")
    shown, stream = sampled(path)
    assert [make.read_code(frame.rgb) for frame in shown] == list(range(0, 72, 6))
    assert stream.warnings == []
    assert make.read_code(read_frame(path, 4.0).rgb) == 48


JOINED: dict[str, tuple[str, dict[str, Any]]] = {
    "ts": (".ts", {"gop": 12, "audio": True}),
    "ts without sound": (".ts", {"gop": 12}),
    "mpg": (".mpg", {"codec": "mpeg2video", "fps": 25, "codec_options": {"bf": "2"}}),
    "webm": (".webm", {"codec": "libvpx", "audio": True}),
    "browser's webm": (".webm", {"codec": "libvpx", "audio": True, "container_options": {"live": "1"}}),
    "mkv": (".mkv", {"gop": 12}),
}


@pytest.mark.parametrize(
    "kind",
    [kind if kind in ("ts", "browser's webm") else pytest.param(kind, marks=pytest.mark.slow) for kind in JOINED],
)
def test_joined_takes_are_read_on(kind: str, recordings: Recordings, tmp_path: Path) -> None:
    suffix, options = JOINED[kind]
    take = recordings(suffix, **options).read_bytes()
    path = tmp_path / f"joined{suffix}"
    count = 2 if kind in ("webm", "mkv") else 3  # FFmpeg reads no third segment of Matroska
    path.write_bytes(take * count)
    fps = options.get("fps", 12)
    shown, stream = sampled(path, 30)
    assert [make.read_code(frame.rgb) for frame in shown] == [i % (3 * fps) for i in range(count * 3 * fps)]
    assert (np.diff([frame.time_s for frame in shown]) > 0).all()
    assert [frame.time_s for frame in shown] == pytest.approx(
        shown[0].time_s + np.arange(count * 3 * fps) / fps, abs=0.1
    )
    info = probe(path)
    assert info.duration_s == pytest.approx(3 * count, abs=0.15)
    assert make.read_code(read_frame(path, 4.5).rgb) == pytest.approx(1.5 * fps, abs=1)
    joints = [str(warning) for warning in stream.warnings]
    assert len(joints) == count - 1
    assert "starts anew at 3." in joints[0]
    if info.has_audio:
        with read_sound(path) as sound:
            blocks = [block.samples for block in sound]
        assert sum(map(len, blocks)) / 16_000 == pytest.approx(3 * count, abs=0.15)


def test_a_later_take_whose_clock_begins_far_ahead_is_no_pause_of_hours(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(recordings(".ts").read_bytes() + recordings(".ts", start_s=3600.0).read_bytes())
    shown, stream = sampled(path)
    assert [make.read_code(frame.rgb) for frame in shown] == [*range(0, 36, 6), *range(0, 36, 6)]
    assert probe(path).duration_s == pytest.approx(6, abs=0.1)
    assert len(stream.warnings) == 1


@pytest.mark.parametrize(("suffix", "takes", "percent"), [(".mp4", 2, 50), (".flv", 2, 50), (".mkv", 3, 33)])
def test_a_take_that_cannot_be_read_is_told(
    suffix: str, takes: int, percent: int, recordings: Recordings, tmp_path: Path
) -> None:
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(recordings(suffix, codec="libx264", gop=12).read_bytes() * takes)
    shown, stream = sampled(path)
    assert len(shown) >= 6
    assert sum(f"The last {percent} % of the file" in str(warning) for warning in stream.warnings) == 1


@pytest.mark.parametrize("first", ["whole", "fragmented"])
@pytest.mark.parametrize("second", ["whole", "fragmented"])
def test_of_joined_mp4s_the_first_is_read_and_the_rest_is_told(
    first: str, second: str, recordings: Recordings, tmp_path: Path
) -> None:
    takes = {
        "whole": recordings(".mp4", gop=12).read_bytes(),
        "fragmented": recordings(".mp4", gop=12, container_options=FRAGMENTED).read_bytes(),
    }
    path = tmp_path / "joined.mp4"
    path.write_bytes(takes[first] + takes[second])
    shown, stream = sampled(path, 30)
    assert [make.read_code(frame.rgb) for frame in shown] == list(range(36))
    share = round(100 * len(takes[second]) / path.stat().st_size)
    assert [str(warning)[:24] for warning in stream.warnings] == [f"The last {share} % of the file"[:24]]
    assert probe(path).duration_s == pytest.approx(3, abs=0.2)


def test_pictures_that_all_have_one_time_are_told_to_be_unread(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "joined.mxf"  # its index is read for both takes
    path.write_bytes(recordings(".mxf", codec="mpeg2video", fps=25, gop=12).read_bytes() * 2)
    _, stream = sampled(path)
    assert any("The last 51 % of the file" in str(warning) for warning in stream.warnings)


def test_a_track_that_begins_right_before_the_clock_wraps_is_no_take_of_a_day(tmp_path: Path) -> None:
    path = tmp_path / "wrapped.ts"
    with av.open(str(path), "w", options={"max_interleave_delta": "1"}) as out:
        video: Any = out.add_stream("libx264", rate=5, options={"preset": "ultrafast", "bf": "0"})
        sound: Any = out.add_stream("aac", rate=48000)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound.layout = "mono"
        for k in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 10 * k, np.uint8), "rgb24")
            frame.pts = k
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        make._write_tone(out, sound, 4)  # its first packet is at -21 ms, which the clock writes as 26.5 hours
    with av.open(str(path)) as written:
        stamps = [float(packet.pts * packet.time_base) for packet in written.demux() if packet.pts is not None]
    assert max(stamps) > 90_000
    shown, stream = sampled(path)
    assert not any("starts anew" in str(warning) for warning in stream.warnings)
    assert probe(path).duration_s == pytest.approx(4, abs=0.1)
    assert [round(frame.rgb.mean() / 10) for frame in shown] == [0, 2, 5, 7, 10, 12, 15, 17]


@pytest.mark.parametrize("is_constant", [True, False])
def test_a_picture_that_stays_is_told_at_any_frame_rate(is_constant: bool, tmp_path: Path) -> None:
    path = tmp_path / "held.mp4"
    times = [0, 1, 2, *([3, 4, 5, 6, 7] if is_constant else []), 8]
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264rgb", rate=1, options={"qp": "0", "bf": "0"})
        video.width, video.height, video.pix_fmt = 160, 120, "rgb24"
        for time_s in times:
            level = 100 if 2 <= time_s < 8 else 20 * time_s
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), level, np.uint8), "rgb24")
            frame.pts = time_s
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    _, stream = sampled(path, 1)
    end_s = 7 if is_constant else 8
    assert [str(warning) for warning in stream.warnings] == [
        f"The picture stays exactly the same from 2.0 s to {end_s}.0 s: the camera may have frozen."
    ]


def test_key_frames_alone_are_no_damage(recordings: Recordings) -> None:
    with sample_frames(recordings(".mkv", seconds=6, gop=24), Sampling(key_frames=True)) as stream:
        assert len(list(stream)) == 3
    assert stream.warnings == []


def turned(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """A WebM of VP8 whose pictures have each size for a second: a white square in the middle of black."""
    packets = []
    for part, (width, height) in enumerate(sizes):
        encoder: Any = av.CodecContext.create("libvpx", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.options = Fraction(1, 1000), {"deadline": "realtime"}
        picture = np.zeros((height, width, 3), np.uint8)
        picture[height // 2 - 40 : height // 2 + 40, width // 2 - 40 : width // 2 + 40] = 255
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = part * 1000 + i * 100, Fraction(1, 1000)
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuv420p"
        for packet in packets:
            packet.stream = stream
            out.mux(packet)
    return path


def test_pictures_of_another_size_keep_their_proportions(tmp_path: Path) -> None:
    path = turned(tmp_path / "turned.webm", [(320, 240), (240, 320), (640, 480), (320, 240)])
    shown, _ = sampled(path, 1)
    assert [frame.rgb.shape[:2] for frame in shown] == [(240, 320), (320, 427), (480, 640), (240, 320)]
    for frame, side in zip(shown, (80, 60, 40, 80), strict=True):
        white = frame.rgb.mean(axis=2) > 128
        assert white.any(axis=0).sum() == pytest.approx(80, abs=2), "no pixel of a picture is lost"
        assert white.any(axis=1).sum() == pytest.approx(80, abs=2)
        assert white.any(axis=0).sum() * frame.scale == pytest.approx(side, abs=2), "of the first picture's pixels"
        assert np.argwhere(white).mean(axis=0) * frame.scale == pytest.approx([120, 160], abs=2)


def broadcast(path: Path, pixel_aspects: list[Fraction]) -> Path:
    """A transport stream of MPEG-2 whose pixels have each shape for a second: a square on display, in black."""
    takes = b""
    for part, pixel_aspect in enumerate(pixel_aspects):
        take = path.with_name(f"{part}.ts")
        with av.open(str(take), "w") as out:
            stream: Any = out.add_stream("mpeg2video", rate=25, options={"bf": "2"})
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 720, 576, "yuv420p", 4_000_000
            stream.codec_context.sample_aspect_ratio = pixel_aspect
            picture = np.zeros((576, 720, 3), np.uint8)
            half = round(80 / pixel_aspect)
            picture[288 - 80 : 288 + 80, 360 - half : 360 + half] = 255
            for i in range(25):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts, frame.time_base = part * 25 + i, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        takes += take.read_bytes()
    path.write_bytes(takes)
    return path


def test_pictures_of_another_pixel_shape_keep_their_proportions(tmp_path: Path) -> None:
    wide, narrow = Fraction(64, 45), Fraction(16, 15)
    shown, _ = sampled(broadcast(tmp_path / "broadcast.ts", [wide, narrow, wide]), 4)
    assert {frame.rgb.shape for frame in shown} == {(576, 1024, 3)}
    assert len(shown) >= 11
    for frame in shown:
        white = frame.rgb.mean(axis=2) > 128
        assert white.any(axis=0).sum() == pytest.approx(160, abs=4), frame.time_s
        assert white.any(axis=1).sum() == pytest.approx(160, abs=4), frame.time_s


def held(path: Path, codec: str, hold_s: float, sound_s: float = 0.0) -> Path:
    """Pictures ten times a second up to 2.1 s, of which the last stays for `hold_s`, and a tone."""
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream(codec, rate=10, options={"bf": "0"} if codec == "libx264" else {})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        sound: Any = None
        if sound_s:
            sound = out.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48000)
        packets = []
        for i in range(22):
            picture = make.compose((320, 240))
            make.burn_code(picture, i)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = i * 100, Fraction(1, 1000)
            packets += video.encode(frame)
        packets += video.encode(None)
        for i, packet in enumerate(packets):
            packet.duration = round((hold_s if i == 21 else 0.1) / packet.time_base)
            out.mux(packet)
        if sound is not None:
            make._write_tone(out, sound, sound_s)
    return path


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "libx264"), *map(slowly, [(".mkv", "libx264"), (".webm", "libvpx")])]
)
def test_the_last_picture_stays_as_long_as_it_was_shown(suffix: str, codec: str, tmp_path: Path) -> None:
    info = probe(path := held(tmp_path / f"held{suffix}", codec, 17.9))
    assert info.duration_s == pytest.approx(20, abs=0.01)
    assert info.picture_end_s == pytest.approx(20, abs=0.01)
    shown, stream = sampled(path)
    assert [make.read_code(frame.rgb) for frame in shown] == [0, 5, 10, 15, 20, 21]
    assert not any("cut short" in str(warning) for warning in stream.warnings)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "libx264"), *map(slowly, [(".mkv", "libx264"), (".webm", "libvpx")])]
)
def test_all_containers_agree_on_a_duration_and_on_where_the_picture_ends(
    suffix: str, codec: str, tmp_path: Path
) -> None:
    info = probe(held(tmp_path / f"off{suffix}", codec, 0.1, sound_s=20))
    assert info.duration_s == pytest.approx(20, abs=0.05)
    assert info.picture_end_s == pytest.approx(2.2, abs=0.01)


def webp(recordings: Recordings, folder: Path) -> Path:
    from PIL import Image

    path = folder / "moving.webp"
    pictures = [Image.new("RGB", (64, 64), (i * 60, 0, 0)) for i in range(3)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    return path


@pytest.mark.parametrize("build", [webp])
def test_an_animated_picture_is_told_to_be_no_video(
    build: Callable[[Recordings, Path], Path], recordings: Recordings, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError, match="no video format that is read"):
        probe(build(recordings, tmp_path))


@pytest.mark.parametrize("name", [b"caf\xe9.mp4", b"two\nlines.mp4", b"bell\x07.mp4"])
def test_a_name_that_is_no_text_is_told_to_be_the_fault(name: bytes, recordings: Recordings, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(recordings().read_bytes())
    with pytest.raises(RecordingError, match="is the fault") as caught:
        probe(path)
    assert str(caught.value).isprintable()
    with pytest.raises(RecordingError, match="is the fault"):
        sample_frames(path, Sampling())


@pytest.mark.parametrize("name", ["[red]a[bold] [1].mp4", "été 日本 😀 '\".mp4", "%d-100%.mp4", "a?b#c&d.mp4"])
def test_a_name_with_signs_is_read(name: str, recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(recordings(gop=12).read_bytes())
    assert probe(path).duration_s == pytest.approx(3)
    assert len(sampled(path)[0]) == 6
