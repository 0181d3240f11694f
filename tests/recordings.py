"""Builders of small real recordings: a real face (scikit-image's astronaut, public domain) over a noisy background.

Every picture can carry its own number, burnt in as sixteen black or white cells along the bottom edge, so that a test
can tell exactly which frame it was given (`read_code`). The cells sit in the picture as it is displayed, so they also
show whether rotation was applied.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from skimage import data
from skimage.transform import resize, rotate

Picture = npt.NDArray[np.uint8]
Motion = Literal["still", "moving", "rotating", "leaving", "crossing"]

CODE_CELLS = 16
FACE_ROWS, FACE_COLUMNS = slice(0, 260), slice(90, 350)
_PIXEL_FORMAT = {"mjpeg": "yuvj420p", "ffv1": "yuv420p", "prores_ks": "yuv422p10le", "rawvideo": "yuv420p"}
_FASTSTART = {"movflags": "faststart"}
_CODEC_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libx265": {"preset": "ultrafast", "crf": "22", "x265-params": "log-level=error"},
    "libsvtav1": {"preset": "8", "crf": "20"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "800k", "threads": "1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "25", "b": "0"},
    "mpeg4": {"qscale": "3", "b": "2M"},
    "mjpeg": {"b": "4M"},
}


def make_recording(
    path: str | Path,
    *,
    seconds: float = 3,
    fps: int = 12,
    size: tuple[int, int] = (320, 240),
    codec: str = "libx264",
    faces: int = 1,
    motion: Motion = "still",
    rotation: int = 0,
    vfr: bool = False,
    audio: bool = False,
    code: bool = True,
    face_share: float = 0.6,
    start_s: float = 0.0,
    gop: int | None = None,
    pixel_aspect: Fraction | None = None,
    frames: int | None = None,
    container_options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """Write a recording and return its path; the container follows from the suffix (.mp4 .mov .mkv .webm .avi .ts).

    size: (width, height) as displayed. faces: 0, 1 or 2 (the second is mirrored and tinted). motion: `still`;
    `moving` (up and down); `rotating` (in the plane, +-25 degrees); `leaving` (out of view in the middle third of the
    recording); `crossing` (two faces change sides, one above the other). rotation: degrees clockwise that a player
    must turn the coded pictures by (.mp4 and .mov only). vfr: irregular times, see `frame_times`. audio: a 440 Hz tone
    as long as the video. code: burn the frame's number in. face_share: height of the face crop over the picture's.
    start_s: time of the first picture in the container. gop: frames between key frames.
    container_options: muxer options, e.g. {"movflags": "faststart"} or {"live": "1"} for WebM without a duration.
    frames: write exactly that many (0 leaves a video track without pictures).
    """
    path = Path(path)
    times = frame_times(seconds, fps, vfr)[: frames if frames is not None else None]
    coded = size if rotation % 180 == 0 else (size[1], size[0])
    base = Fraction(1, 1000) if vfr or start_s else Fraction(1, fps)
    with usual_scheduling(), av.open(str(path), "w", options=dict(container_options or {})) as out:
        options = {**_CODEC_OPTIONS.get(codec, {}), **(codec_options or {})}
        video: Any = out.add_stream(codec, rate=fps, options=options)
        video.width, video.height = coded
        video.pix_fmt = _PIXEL_FORMAT.get(codec, "yuv420p")
        video.codec_context.time_base = base
        if pixel_aspect is not None:
            video.codec_context.sample_aspect_ratio = pixel_aspect
        if gop is not None:
            video.codec_context.gop_size = gop
        sound: Any = out.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48000) if audio else None
        out.start_encoding()  # writes the header even when no picture follows
        for i, time_s in enumerate(times):
            picture = compose(size, faces=faces, motion=motion, share=face_share, progress=time_s / seconds)
            if code:
                burn_code(picture, i)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.rot90(picture, rotation // 90)), "rgb24")
            frame.pts, frame.time_base = round((time_s + start_s) / base), base
            out.mux(video.encode(frame))
        if times:
            out.mux(video.encode(None))
        if sound is not None:
            _write_tone(out, sound, seconds)
    if rotation:
        set_rotation(path, rotation)
    return path


@contextmanager
def usual_scheduling() -> Iterator[None]:
    """Give the process its scheduling back afterwards.

    SVT-AV1 gives the process that it runs in, where that is root's, real-time priority for good. The process's own
    children inherit that, and two browsers of such a priority that wait for each other in the kernel stop a machine
    of two processors.
    """
    policy = os.sched_getscheduler(0)
    parameter = os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameter)


def make_audio(path: str | Path, seconds: float = 2) -> Path:
    """An audio-only file: a 440 Hz tone as AAC (.mp4, .m4a, .mkv) or Opus (.webm)."""
    path = Path(path)
    with av.open(str(path), "w") as out:
        _write_tone(out, out.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48000), seconds)
    return path


def frame_times(seconds: float = 3, fps: int = 12, vfr: bool = False) -> list[float]:
    """Presentation times in seconds that `make_recording` writes, before `start_s`.

    With `vfr` the gaps between pictures vary from a third of to three times 1/fps (whole milliseconds, always the
    same for the same arguments).
    """
    count = max(1, round(seconds * fps))
    if not vfr:
        return [i / fps for i in range(count)]
    gaps = np.random.default_rng(7).uniform(1 / 3, 3, size=count) / fps
    times = np.round(np.concatenate([[0.0], np.cumsum(gaps)]), 3)
    return [float(t) for t in times if t < seconds]


def compose(
    size: tuple[int, int], *, faces: int = 1, motion: Motion = "still", share: float = 0.6, progress: float = 0.0
) -> Picture:
    """One displayed picture, uint8 RGB (height, width, 3), at `progress` (0 to 1) of the recording."""
    width, height = size
    if width > 4000:  # composing large pictures is slow: compose a small one and enlarge it
        small = compose((width // 8, height // 8), faces=faces, motion=motion, share=share, progress=progress)
        return small.repeat(8, axis=0).repeat(8, axis=1)
    picture = _background(width, height).copy()
    side = round(min(share * height, width / max(faces, 1)))
    if side < 2:
        return picture
    for which in range(faces):
        angle = round(25 * np.sin(2 * np.pi * progress)) if motion == "rotating" else 0
        x, y = _face_place(which, faces, motion, progress, width, height, side)
        _paste(picture, _face(side, angle, which == 1), round(x - side / 2), round(y - side / 2))
    return picture


def burn_code(picture: Picture, number: int) -> None:
    """Write `number` (below 65536) along the bottom edge, in place: sixteen cells, white for 1, highest bit first."""
    height, width = picture.shape[:2]
    top = height - max(1, height // 15)
    edges = np.linspace(0, width, CODE_CELLS + 1).round().astype(int)
    for cell in range(CODE_CELLS):
        bit = number >> (CODE_CELLS - 1 - cell) & 1
        picture[top:, edges[cell] : edges[cell + 1]] = 235 if bit else 20


def read_code(picture: Picture) -> int:
    """The number that `burn_code` wrote, read from a decoded (also a scaled) picture."""
    height, width = picture.shape[:2]
    row = picture[height - max(1, height // 30) - 1].mean(axis=1)
    centres = ((np.arange(CODE_CELLS) + 0.5) * width / CODE_CELLS).astype(int)
    return int("".join("1" if row[x] > 128 else "0" for x in centres), 2)


def set_rotation(path: Path, degrees_clockwise: int) -> Path:
    """Patch the track header's display matrix of the (only) video track of an MP4 or MOV, in place; return the path."""
    one, matrices = 1 << 16, {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = matrices[degrees_clockwise % 360]
    raw = bytearray(path.read_bytes())
    at = raw.index(b"tkhd") + 4  # version 0: the matrix starts 40 bytes after version and flags
    struct.pack_into(">9i", raw, at + 40, a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(raw)
    return path


def truncate(source: Path, path: str | Path, share: float = 0.5) -> Path:
    """A copy that ends after `share` of the bytes. A plain .mp4 loses its index (moov); one with faststart keeps it."""
    raw = source.read_bytes()
    Path(path).write_bytes(raw[: int(len(raw) * share)])
    return Path(path)


def corrupt(source: Path, path: str | Path, start: float = 0.5, stop: float = 0.6) -> Path:
    """A copy whose bytes between two shares of the file are noise."""
    raw = bytearray(source.read_bytes())
    first, last = int(len(raw) * start), int(len(raw) * stop)
    raw[first:last] = np.random.default_rng(3).integers(0, 256, last - first, dtype=np.uint8).tobytes()
    Path(path).write_bytes(raw)
    return Path(path)


def shift(source: Path, path: str | Path, seconds: float) -> Path:
    """The same packets with all times moved; a negative shift of an .mp4 makes an edit list with pre-roll."""
    with av.open(str(source)) as inp, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in inp.streams.video}
        for packet in inp.demux(video=0):
            if packet.dts is not None and packet.pts is not None and packet.time_base is not None:
                offset = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    return Path(path)


def loop(source: Path, path: str | Path, times: int) -> Path:
    """The video packets of `source` repeated end to end without encoding: a long recording in little time."""
    with av.open(str(source)) as inp:
        video = inp.streams.video[0]
        packets = [p for p in inp.demux(video) if p.dts is not None and p.pts is not None]
        length = max(p.pts + (p.duration or 0) for p in packets) - min(p.pts for p in packets)  # type: ignore[operator,type-var]
        raw = [(bytes(p), p.pts, p.dts, p.duration, p.is_keyframe, p.time_base) for p in packets]
        with av.open(str(path), "w") as out:
            stream = out.add_stream_from_template(video)
            for turn in range(times):
                for content, pts, dts, duration, key, base in raw:
                    packet = av.Packet(content)
                    packet.pts, packet.dts = pts + turn * length, dts + turn * length  # type: ignore[operator]
                    packet.duration, packet.is_keyframe, packet.time_base = duration, key, base  # type: ignore[assignment]
                    packet.stream = stream
                    out.mux(packet)
    return Path(path)


class Recordings:
    """Builds recordings in one folder and keeps them, so that the same request is encoded once a test session.

    The files are shared: a test that wants to change one copies it first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, suffix: str = ".mp4", **options: Any) -> Path:
        """Path of a recording made by `make_recording` with these options."""
        name = "_".join(f"{key}={value}" for key, value in sorted(options.items())) or "plain"
        name = "".join(c if c.isalnum() or c in "=-_." else "-" for c in name)
        return self._once(self.folder / f"{name}{suffix}", lambda path: make_recording(path, **options))

    def audio_only(self, suffix: str = ".mp4") -> Path:
        """A file with sound and no picture."""
        return self._once(self.folder / f"audio-only{suffix}", make_audio)

    def empty(self) -> Path:
        """An .mp4 of zero bytes."""
        return self._once(self.folder / "empty.mp4", lambda path: path.write_bytes(b""))

    def text(self) -> Path:
        """A text file named .mp4."""
        return self._once(self.folder / "text.mp4", lambda path: path.write_text("This is not a video.\n" * 200))

    def truncated(self, faststart: bool = False) -> Path:
        """The first part of an .mp4: without its index (unreadable), or with it (`faststart`: a readable beginning)."""
        whole = self(seconds=6, motion="moving", gop=24, **({"container_options": _FASTSTART} if faststart else {}))
        return self._once(self.folder / f"truncated-{faststart}.mp4", lambda path: truncate(whole, path, 0.6))

    def browser_webm(self, seconds: float = 3) -> Path:
        """WebM as a browser's MediaRecorder writes it: VP8 and Opus, no duration, no index."""
        return self(".webm", seconds=seconds, codec="libvpx", audio=True, container_options={"live": "1"})

    def huge(self) -> Path:
        """8K: 7680x4320, two frames."""
        return self(size=(7680, 4320), fps=2, seconds=1, codec="mpeg4")

    def _once(self, path: Path, build: Any) -> Path:
        if not path.exists():
            draft = path.with_name(f"draft-{path.name}")
            build(draft)
            shutil.move(draft, path)
        return path


@lru_cache(maxsize=8)
def _background(width: int, height: int) -> Picture:
    """A grey wall, lighter towards the right, with fine fixed noise."""
    wall = np.linspace(90, 140, width)[None, :, None] + np.random.default_rng(1).normal(0, 4, (height, width, 1))
    return np.repeat(wall.clip(0, 255), 3, axis=2).astype(np.uint8)


@lru_cache(maxsize=256)
def _face(side: int, angle: int, other: bool) -> Picture:
    """The face crop, (side, side, 3); `other` is mirrored and tinted so that trackers and people can tell it apart."""
    crop = data.astronaut()[FACE_ROWS, FACE_COLUMNS]
    if angle:
        crop = (rotate(crop, angle, mode="edge") * 255).round().astype(np.uint8)
    if other:
        crop = (crop[:, ::-1] * np.array([0.75, 0.85, 1.0])).astype(np.uint8)
    return (resize(crop, (side, side), anti_aliasing=True) * 255).round().astype(np.uint8)


def _face_place(
    which: int, faces: int, motion: Motion, progress: float, width: int, height: int, side: int
) -> tuple[float, float]:
    """Centre (x, y) of a face in pixels."""
    x, y = width * (which + 0.5) / faces, height * 0.45
    if motion == "moving":
        x += 0.1 * (width / faces) * np.sin(2 * np.pi * progress + which * np.pi)
        y += 0.1 * height * np.cos(2 * np.pi * progress)
    elif motion == "leaving" and 1 / 3 <= progress < 2 / 3:
        x = -side
    elif motion == "crossing":
        travel = progress if which == 0 else 1 - progress
        x, y = width * (0.25 + 0.5 * travel), height * (0.35 if which == 0 else 0.6)
    return x, y


def _paste(picture: Picture, face: Picture, left: int, top: int) -> None:
    """Copy the part of `face` that falls inside `picture`, in place."""
    height, width = picture.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + face.shape[1], width), min(top + face.shape[0], height)
    if x0 < x1 and y0 < y1:
        picture[y0:y1, x0:x1] = face[y0 - top : y1 - top, x0 - left : x1 - left]


def _write_tone(out: Any, stream: Any, seconds: float) -> None:
    """Encode a 440 Hz sine of that length at 48 kHz, mono."""
    for block in _tone_blocks(seconds):
        out.mux(stream.encode(block))
    out.mux(stream.encode(None))


def _tone_blocks(seconds: float, rate: int = 48000, block: int = 960) -> Iterator[av.AudioFrame]:
    total = int(seconds * rate)
    wave = (0.3 * np.sin(2 * np.pi * 440 * np.arange(total) / rate)).astype(np.float32)
    for start in range(0, total, block):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + block], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame
