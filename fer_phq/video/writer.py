"""Writing MP4 files from frames and sound, for recordings that are made here."""

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
    sound_bits: int | None = None,
) -> None:
    """Encode frames, and sound where there is any, as MP4: H.264, or MPEG-4 where PyAV has no encoder for H.264.

    Writes the same bytes on every run with the same libraries.

    Args:
        path: The file to write.
        frames: uint8 RGB (height, width, 3) pictures of `size`.
        size: (width, height) in pixels.
        fps: Frames per second.
        sound: (n,) mono samples from -1 to 1, or None.
        sound_rate: Samples per second, at least `fps`.
        sound_bits: Bits a second of the encoded sound; None leaves them to the encoder.

    Raises:
        OSError: The file cannot be written.
        av.FFmpegError: The frames or the sound cannot be encoded.
    """
    codec, options = _encoder()
    with av.open(os.fspath(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        video: Any = container.add_stream(codec, rate=fps, options=options)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = 4 * fps
        video.codec_context.thread_count = 1  # frames would differ with the number of threads
        audio: Any = None if sound is None else container.add_stream("aac", rate=sound_rate, layout="mono")
        if audio is not None and sound_bits is not None:
            audio.bit_rate = sound_bits
        for i, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
            frame.pts = i
            frame.time_base = Fraction(1, fps)
            container.mux(video.encode(frame))
            if sound is not None:
                container.mux(audio.encode(_block(sound, i, fps, sound_rate)))
        container.mux(video.encode(None))
        if sound is not None:
            container.mux(audio.encode(None))


def _block(sound: FloatArray, number: int, fps: int, rate: int) -> av.AudioFrame:
    """Return the samples that go with a frame, so that neither stream runs ahead."""
    first = number * rate // fps
    block = av.AudioFrame.from_ndarray(sound[None, first : (number + 1) * rate // fps], "flt", "mono")
    block.sample_rate = rate
    block.pts = first
    block.time_base = Fraction(1, rate)
    return block


def _encoder() -> tuple[str, dict[str, str]]:
    if "libx264" in av.codecs_available:
        return "libx264", {"preset": "veryfast", "crf": "23"}
    return "mpeg4", {"qscale": "4"}
