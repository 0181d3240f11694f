"""Writing one MP4 of pictures with times of their own and of sound, piece by piece: H.264 and AAC, nothing else.

The container is made anew, so that nothing of the source travels with it: no further tracks, chapters, subtitles,
attachments, thumbnails, tags, places or dates.
"""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import IO, Any, Self

import av
import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.video import SOUND_RATE

TICKS = 90_000
"""Steps a second in which the times of pictures are written."""

SOUND_BITS = 64_000
"""Bits a second of the sound."""

_BLOCK = 1024  # samples of an AAC packet
_BT709 = 1  # the number of the colours' standard in H.264 (ITU-T H.273)
_LIMITED = 1  # FFmpeg's number of the range 16 to 235


class RecordingWriter:
    """Writes pictures and sound into an open file. The `with` block ends the file where no error left it."""

    def __init__(self, file: IO[bytes], *, size: tuple[int, int] | None, has_sound: bool) -> None:
        """Begin the file.

        Args:
            file: Open for writing and seeking; it stays open.
            size: (width, height) of the pictures in pixels, of which an odd row or column is left out; None without.
            has_sound: Whether there will be sound.
        """
        options = {"fflags": "+bitexact"}  # else the library signs the file
        self._container: Any = av.open(file, "w", format="mp4", options=options)
        self._size = (0, 0) if size is None else (size[0] // 2 * 2, size[1] // 2 * 2)
        self._video: Any = None if size is None else self._add_video()
        self._audio: Any = self._container.add_stream("aac", rate=SOUND_RATE, layout="mono") if has_sound else None
        if self._audio is not None:
            self._audio.bit_rate = SOUND_BITS
        self._packet: Any = None
        self._samples: FloatArray = np.zeros(0, np.float32)
        self._samples_written = 0

    @property
    def sound_s(self) -> float:
        """Seconds of sound so far."""
        return (self._samples_written + len(self._samples)) / SOUND_RATE

    def write_picture(self, time_s: float, rgb: Image) -> None:
        """Add the next picture.

        Args:
            time_s: When it is displayed, from 0; later than the one before.
            rgb: uint8 (h, w, 3); another size is brought to the file's.

        Raises:
            OSError: The file cannot be written.
        """
        width, height = self._size
        if (rgb.shape[1] // 2 * 2, rgb.shape[0] // 2 * 2) != self._size:
            rgb = np.asarray(PillowImage.fromarray(rgb).resize(self._size, PillowImage.Resampling.BILINEAR))
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), "rgb24")
        frame = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
        frame.pts = round(time_s * TICKS)
        frame.time_base = Fraction(1, TICKS)
        self._mux_pictures(self._video.encode(frame))

    def write_sound(self, samples: FloatArray) -> None:
        """Add the next sound.

        Args:
            samples: (n,) float32 from -1 to 1, mono, `SOUND_RATE` a second.

        Raises:
            OSError: The file cannot be written.
        """
        samples = np.concatenate([self._samples, samples])
        whole = len(samples) // _BLOCK * _BLOCK
        for start in range(0, whole, _BLOCK):
            self._encode_sound(samples[start : start + _BLOCK])
        self._samples = samples[whole:]

    def finish(self, end_s: float) -> None:
        """End the file.

        Args:
            end_s: When the last picture ends, in seconds.

        Raises:
            OSError: The file cannot be written.
        """
        if self._video is not None:
            self._mux_pictures(self._video.encode(None))
            if self._packet is not None:
                stop = round(end_s / self._packet.time_base)
                self._packet.duration = max(1, stop - self._packet.pts)
                self._container.mux(self._packet)
        if self._audio is not None:
            if len(self._samples):
                self._encode_sound(self._samples)
            self._container.mux(self._audio.encode(None))
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._packet = None

    def _add_video(self) -> Any:
        video: Any = self._container.add_stream(
            "libx264" if "libx264" in av.codecs_available else "mpeg4", options={"preset": "veryfast", "crf": "23"}
        )
        context = video.codec_context
        context.width, context.height = self._size
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, TICKS)
        context.framerate = Fraction(30)
        context.max_b_frames = 0  # packets come in order of time, and the last one is the last picture's
        context.color_range = _LIMITED
        context.colorspace = _BT709
        context.color_primaries = _BT709
        context.color_trc = _BT709
        return video

    def _mux_pictures(self, packets: list[Any]) -> None:
        """Write packets but the last, which is held back: how long it lasts is known when the next one comes."""
        for packet in packets:
            if self._packet is not None:
                self._packet.duration = packet.pts - self._packet.pts
                self._container.mux(self._packet)
            self._packet = packet

    def _encode_sound(self, block: FloatArray) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[None], np.float32), "fltp", "mono")
        frame.sample_rate = SOUND_RATE
        frame.pts = self._samples_written
        frame.time_base = Fraction(1, SOUND_RATE)
        self._samples_written += len(block)
        self._container.mux(self._audio.encode(frame))
