"""Pictures that no sampled one needs are left out, and the sampled ones are, to the bit, those of decoding all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import recordings as make
from recordings import Recordings

from fer_phq.core.analysis import Sampling
from fer_phq.video import Limits, sample_frames
from fer_phq.video.decoder.pictures import decoding
from fer_phq.video.decoder.pictures.conversion import Converter
from fer_phq.video.decoder.pictures.frames import sample
from fer_phq.video.decoder.pictures.plan import DECODE, DROP, PASS_OVER, plan_decoding
from fer_phq.video.decoder.recording import Recording, damage_warnings, open_recording
from fer_phq.video.sampling import displayed_at_rate
from fer_phq.video.types import RECORDING_SUFFIXES, Frame

SHARED = Path(__file__).parents[4] / "shared"
REAL = sorted(
    path for path in [*SHARED.glob("cases/*"), *SHARED.glob("clips/*")] if path.suffix.lower() in RECORDING_SUFFIXES
)
B_FRAMES = "b-adapt=0:bframes=3"
FASTSTART = {"movflags": "faststart"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def x264(parameters: str) -> dict[str, Any]:
    return {"codec": "libx264", "codec_options": {"x264-params": parameters}}


def x265(parameters: str) -> dict[str, Any]:
    return {"codec": "libx265", "codec_options": {"preset": "fast", "x265-params": f"log-level=error:{parameters}"}}


PASSED_OVER: dict[str, tuple[str, dict[str, Any]]] = {
    "h264 with b-frames": (".mp4", {"gop": 24, **x264(B_FRAMES)}),
    "h264 with b-frames that others need": (".mp4", {"gop": 48, **x264(f"{B_FRAMES}:b-pyramid=normal:ref=4")}),
    "h264 with open groups": (".mp4", {"gop": 12, **x264(f"{B_FRAMES}:open-gop=1")}),
    "h264 in slices": (".mkv", {"gop": 48, **x264(f"{B_FRAMES}:slices=4")}),
    "h264 in ts": (".ts", {"gop": 24, "audio": True, **x264(B_FRAMES)}),
    "h264 in ts whose clock wraps": (".ts", {"gop": 24, "start_s": 95441.5, **x264(B_FRAMES)}),
    "h264 in fragments": (".mp4", {"gop": 24, "container_options": FRAGMENTED, **x264(B_FRAMES)}),
    "h264 at a variable rate": (".mp4", {"gop": 24, "vfr": True, **x264(B_FRAMES)}),
    "h264 without whole key frames": (".mp4", {"gop": 48, **x264(f"{B_FRAMES}:intra-refresh=1")}),
    "hevc": (".mp4", {"gop": 24, **x265("open-gop=0")}),
    "hevc with open groups": (".mkv", {"gop": 12, **x265("open-gop=1:b-adapt=0:bframes=4")}),
    "hevc in ts": (".ts", {"gop": 24, **x265("bframes=3:b-adapt=0")}),
}
"""Recordings of whose pictures some need not be decoded at 2 frames/s."""

DECODED_WHOLE: dict[str, tuple[str, dict[str, Any]]] = {
    "vp8": (".webm", {"codec": "libvpx"}),
    "vp9": (".webm", {"codec": "libvpx-vp9", "gop": 12}),
    "av1": (".mp4", {"codec": "libsvtav1"}),
    "mpeg-2": (".mpg", {"codec": "mpeg2video", "codec_options": {"bf": "2"}, "fps": 25}),
    "avi, which stores no times": (".avi", x264(B_FRAMES)),
    "hevc in layers": (".mp4", {"gop": 24, **x265("temporal-layers=3:b-adapt=0:bframes=3")}),
}
"""Recordings of which nothing is known that would do without a picture."""


def opened(path: Path, threads: int = 1) -> Recording:
    return open_recording(
        str(path),
        display_name=path.name,
        max_side=1280,
        threads=threads,
        heartbeat=lambda: None,
        with_index=True,
        with_coded=True,
    )


def decode_all(path: Path, fps: float, threads: int = 1) -> tuple[list[Frame], list[str]]:
    recording = opened(path, threads)
    displayed = displayed_at_rate(decoding.decode_frames(recording), fps, recording.end_s)
    converter = Converter(recording)
    frames = [converter.convert(time_s, picture) for time_s, picture in displayed]
    return frames, [str(warning) for warning in damage_warnings(recording)]


def decode_sampled(path: Path, fps: float, threads: int = 1) -> tuple[list[Frame], list[str]]:
    recording = opened(path, threads)
    frames = list(sample(recording, fps))
    return frames, [str(warning) for warning in damage_warnings(recording)]


def assert_same(frames: list[Frame], others: list[Frame]) -> None:
    assert [frame.time_s for frame in frames] == [frame.time_s for frame in others]
    assert [frame.scale for frame in frames] == [frame.scale for frame in others]
    for frame, other in zip(frames, others, strict=True):
        assert np.array_equal(frame.rgb, other.rgb), f"another picture at {frame.time_s} s"


@pytest.fixture
def whole_passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever all of a recording is decoded; the decoding itself stays as it is."""
    passes: list[int] = []
    whole = decoding._decode_from

    def counted(*arguments: Any, **options: Any) -> Iterator[Any]:
        passes.append(1)
        return whole(*arguments, **options)

    monkeypatch.setattr(decoding, "_decode_from", counted)
    return passes


@pytest.mark.parametrize("kind", PASSED_OVER)
def test_what_is_left_out_changes_nothing(kind: str, recordings: Recordings, whole_passes: list[int]) -> None:
    suffix, options = PASSED_OVER[kind]
    path = recordings(suffix, seconds=6, size=(160, 128), motion="moving", **{"fps": 24, **options})
    plan = plan_decoding(opened(path), 2.0)
    assert plan is not None
    assert (plan.actions == PASS_OVER).sum() > 15
    for fps in (0.3, 2.0, 5.0):
        every, warnings = decode_all(path, fps)
        for threads in (1, 3):
            whole_passes.clear()
            frames, told = decode_sampled(path, fps, threads)
            assert_same(frames, every)
            assert told == warnings == []
            assert whole_passes == [], "the plan held"


@pytest.mark.parametrize("kind", DECODED_WHOLE)
def test_where_nothing_is_known_all_is_decoded(kind: str, recordings: Recordings, whole_passes: list[int]) -> None:
    suffix, options = DECODED_WHOLE[kind]
    path = recordings(suffix, seconds=3, size=(160, 128), motion="moving", **{"fps": 24, **options})
    assert plan_decoding(opened(path), 2.0) is None
    assert_same(decode_sampled(path, 2.0)[0], decode_all(path, 2.0)[0])
    assert len(whole_passes) == 2


def test_at_every_frame_all_is_decoded(recordings: Recordings) -> None:
    path = recordings(seconds=6, size=(160, 128), motion="moving", fps=24, gop=24, **x264(B_FRAMES))
    assert plan_decoding(opened(path), 24.0) is None


def test_of_groups_without_a_sampled_picture_nothing_is_decoded(recordings: Recordings) -> None:
    path = recordings(seconds=6, size=(160, 128), motion="moving", fps=24, gop=12, **x264("bframes=0"))
    plan = plan_decoding(opened(path), 0.5)
    assert plan is not None
    assert np.flatnonzero(plan.actions == DECODE).tolist() == [0, 48, 96]
    assert (plan.actions == DROP).sum() == 141
    assert_same(decode_sampled(path, 0.5)[0], decode_all(path, 0.5)[0])


def test_an_edit_list_with_pre_roll(recordings: Recordings, tmp_path: Path, whole_passes: list[int]) -> None:
    source = recordings(seconds=6, size=(160, 128), motion="moving", fps=24, gop=24, **x264(B_FRAMES))
    path = make.shift(source, tmp_path / "pre-roll.mp4", -0.5)
    assert plan_decoding(opened(path), 2.0) is not None
    every, _ = decode_all(path, 2.0)
    whole_passes.clear()
    assert_same(decode_sampled(path, 2.0)[0], every)
    assert whole_passes == []


def test_fields_may_be_parted_so_interlaced_pictures_are_all_decoded(
    recordings: Recordings, whole_passes: list[int]
) -> None:
    options = {"gop": 24, **x264(f"{B_FRAMES}:tff=1")}
    path = recordings(".ts", seconds=6, size=(160, 128), motion="moving", fps=24, **options)
    assert plan_decoding(opened(path), 2.0) is not None
    assert_same(decode_sampled(path, 2.0)[0], decode_all(path, 2.0)[0])
    assert len(whole_passes) == 2


def lose_packets(source: Path, path: Path, numbers: range) -> Path:
    """The same recording whose packets of these numbers hold nothing after their beginning."""
    with av.open(str(source)) as inp, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(inp.streams.video[0])
        for number, packet in enumerate(p for p in inp.demux(video=0) if p.dts is not None):
            content = bytes(packet)
            copy = av.Packet(content[:20] + bytes(len(content) - 20) if number in numbers else content)
            copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
            copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_keyframe, stream
            out.mux(copy)
    return path


DAMAGE: dict[str, Callable[[Recordings, Path], Path]] = {
    "cut short": lambda r, d: make.truncate(
        r(seconds=6, size=(160, 128), motion="moving", fps=24, gop=24, **x264(B_FRAMES), container_options=FASTSTART),
        d / "cut.mp4",
        0.6,
    ),
    "noise": lambda r, d: make.corrupt(transport(r), d / "noise.ts", 0.4, 0.5),
    "noise in hevc": lambda r, d: make.corrupt(
        r(seconds=6, size=(160, 128), motion="moving", fps=24, gop=24, **x265("open-gop=0")), d / "noise.mp4", 0.4, 0.6
    ),
    "lost references": lambda r, d: lose_packets(progressive(r), d / "lost.mp4", range(50, 54)),
}


def transport(recordings: Recordings) -> Path:
    return recordings(".ts", seconds=6, size=(160, 128), motion="moving", fps=24, gop=24, **x264(B_FRAMES))


def progressive(recordings: Recordings) -> Path:
    return recordings(seconds=6, size=(160, 128), motion="moving", fps=24, gop=24, **x264(B_FRAMES))


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_told_and_costs_no_other_picture(kind: str, recordings: Recordings, tmp_path: Path) -> None:
    path = DAMAGE[kind](recordings, tmp_path)
    every, warnings = decode_all(path, 3.0)
    frames, told = decode_sampled(path, 3.0)
    assert_same(frames, every)
    assert told == warnings != []


def test_a_sampled_picture_that_does_not_come_is_lost(
    recordings: Recordings, tmp_path: Path, whole_passes: list[int]
) -> None:
    source = progressive(recordings)
    coded = coded_pictures(source)
    sampled = next(n for n, mark in enumerate(coded) if mark and n > 20)
    time_s = float(stamps(source)[sampled])
    path = lose_packets(source, tmp_path / "lost.mp4", range(sampled, sampled + 1))
    fps = 24.0 / round(time_s * 24)
    every, warnings = decode_all(path, fps)
    whole_passes.clear()
    frames, told = decode_sampled(path, fps)
    assert whole_passes == [1], "the plan did not hold"
    assert_same(frames, every)
    assert told == warnings
    assert f"from {time_s:.1f} s" in told[0]


def test_a_picture_that_is_left_out_is_not_lost(recordings: Recordings, tmp_path: Path) -> None:
    source = progressive(recordings)
    plan = plan_decoding(opened(source), 2.0)
    assert plan is not None
    number = int(np.flatnonzero(plan.actions == PASS_OVER)[10])
    path = lose_packets(source, tmp_path / "lost.mp4", range(number, number + 1))
    assert len(decode_all(path, 2.0)[1]) == 1
    frames, told = decode_sampled(path, 2.0)
    assert_same(frames, decode_all(source, 2.0)[0])
    assert told == []


def test_a_stream_that_ends_in_the_middle(recordings: Recordings, tmp_path: Path) -> None:
    path = make.truncate(transport(recordings), tmp_path / "cut.ts", 0.6)
    frames, told = decode_sampled(path, 3.0)
    every, warnings = decode_all(path, 3.0)
    assert_same(frames, every)
    assert told == warnings


def coded_pictures(path: Path) -> list[bool]:
    """Of each packet, whether its picture is needed by no other."""
    index = opened(path).index
    assert index is not None
    assert index.coded is not None
    return [bool(mark & 1) for mark in index.coded.marks]


def stamps(path: Path) -> np.ndarray:
    index = opened(path).index
    assert index is not None
    assert index.coded is not None
    return index.coded.stamps * index.coded.time_base


@pytest.mark.parametrize("threads", [1, 4])
def test_the_decoder_process_leaves_the_same_out(threads: int, recordings: Recordings) -> None:
    path = recordings(seconds=6, size=(160, 128), motion="moving", fps=24, gop=24, **x264(B_FRAMES))
    with sample_frames(path, Sampling(fps=2), limits=Limits(threads=threads)) as stream:
        frames = list(stream)
    assert [make.read_code(frame.rgb) for frame in frames] == list(range(0, 144, 12))
    assert stream.warnings == []
    assert_same(frames, decode_all(path, 2.0)[0])


@pytest.mark.corpora
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_recordings_are_sampled_as_if_all_were_decoded(path: Path) -> None:
    for fps in (0.3, 2.0, 5.0):
        every, warnings = decode_all(path, fps)
        for threads in (1, 3):
            frames, told = decode_sampled(path, fps, threads)
            assert_same(frames, every)
            assert told == warnings
