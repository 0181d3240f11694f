"""Pictures, and sound where there is some, to an MP4 file: for recordings that are made here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import av

from fer_phq.core.arrays import FloatArray, Image


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[Image],
    size: tuple[int, int],
    fps: int,
    sound: FloatArray | None = None,
    sound_rate: int = 0,
) -> None:
    """Encode uint8 RGB pictures (height, width, 3) of `size` (width, height), `fps` a second, as MP4.

    H.264, which browsers play, where PyAV has an encoder for it, else MPEG-4. sound: mono samples (n,) from -1 to 1,
    `sound_rate` a second, a multiple of `fps`. The same bytes on every run with the same libraries. Raises OSError or
    av.FFmpegError.
    """
    codec, options = _encoder()
    with av.open(os.fspath(path), "w", format="mp4", options={"movflags": "faststart"}) as out:
        video: Any = out.add_stream(codec, rate=fps, options=options)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = 4 * fps
        video.codec_context.thread_count = 1  # frames would differ with the number of threads
        audio: Any = None if sound is None else out.add_stream("aac", rate=sound_rate, layout="mono")
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = i
            frame.time_base = Fraction(1, fps)
            out.mux(video.encode(frame))
            if sound is not None:
                out.mux(audio.encode(_block(sound, i, sound_rate // fps, sound_rate)))
        out.mux(video.encode(None))
        if sound is not None:
            out.mux(audio.encode(None))


def _block(sound: FloatArray, number: int, samples: int, rate: int) -> av.AudioFrame:
    """The samples that go with a picture, so that neither stream runs ahead."""
    block = av.AudioFrame.from_ndarray(sound[None, number * samples : (number + 1) * samples], "flt", "mono")
    block.sample_rate = rate
    block.pts = number * samples
    block.time_base = Fraction(1, rate)
    return block


def _encoder() -> tuple[str, dict[str, str]]:
    if "libx264" in av.codecs_available:
        return "libx264", {"preset": "veryfast", "crf": "23"}
    return "mpeg4", {"qscale": "4"}
