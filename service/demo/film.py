"""A performance becomes a recording: pictures in, an MP4 file out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from fer_phq.arrays import Image
from fer_phq.errors import RecordingError
from service.demo.puppet import SIZE, Puppet
from service.demo.script import Performance, Script

FPS = 8


def render(script: Script, puppet: Puppet, path: Path) -> None:
    """Write a script's recording as MP4 (H.264 where PyAV has an encoder for it), without sound.

    The same on every run with the same libraries. Raises RecordingError when the file cannot be written.
    """
    try:
        write_video(path, pictures(script, puppet), FPS)
    except (OSError, av.FFmpegError) as error:
        raise RecordingError(f"The recording {path} could not be rendered: {error.strerror or error}.") from error


def pictures(script: Script, puppet: Puppet) -> Iterator[Image]:
    """The script's pictures, `FPS` a second, uint8 RGB."""
    performance = Performance(script)
    return (puppet.draw(performance.pose(i / FPS)) for i in range(round(script.seconds * FPS)))


def write_video(path: Path, frames: Iterable[Image], fps: int) -> None:
    """Encode uint8 RGB pictures of `SIZE`, `fps` a second. Raises OSError or av.FFmpegError."""
    codec, options = _encoder()
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as out:
        stream: Any = out.add_stream(codec, rate=fps, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = 4 * fps
        stream.codec_context.thread_count = 1  # frames would differ with the number of threads
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _encoder() -> tuple[str, dict[str, str]]:
    """H.264, which browsers play, or MPEG-4, which every build of FFmpeg can write."""
    if "libx264" in av.codecs_available:
        return "libx264", {"preset": "veryfast", "crf": "23"}
    return "mpeg4", {"qscale": "4"}
