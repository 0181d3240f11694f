"""Reading a recording through a decoder process: its facts, its frames, one frame, its sound."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import unicodedata
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import numpy as np

from fer_phq.core.analysis import AUTOMATIC, RecordingInfo, Sampling, SoundChoice, SoundTrackInfo
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.encryption.files import content_size, open_content
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.core.paths import printable
from fer_phq.video import messages
from fer_phq.video.decoder.process import DecoderProcess
from fer_phq.video.decoder.protocol import Header, message_of
from fer_phq.video.types import DEFAULT_LIMITS, SOUND_RATE, Confinement, Frame, Limits, SoundBlock

StrPath = str | os.PathLike[str]
T = TypeVar("T")
BLOCK_BYTES = 512
"""What `st_blocks` counts (POSIX)."""
LARGE_BYTES = 1 << 30
"""Size above which a file must be stored for the most part."""
LEAST_STORED = 0.1
"""Least share of a large file that its disk stores; below it, the file is holes, which would be read as zeros."""


def probe(path: StrPath, *, display_name: str | None = None, limits: Limits = DEFAULT_LIMITS) -> RecordingInfo:
    """Read what a container says of a recording. The content decides what it is, not the file's name.

    Args:
        path: The recording.
        display_name: What errors call the recording; its path when omitted.
        limits: What the decoder process may use.

    Returns:
        Size as displayed, duration (the longer of picture and sound), where the picture ends, codec, rotation, the
        sound tracks, and the SHA-256 of the file's bytes.

    Raises:
        RecordingError: The file is not a readable video: it is missing, a folder, empty, no media, sound only, without
            pictures, cut short or too large, or this user may not read it.
    """
    name = display_name or str(path)
    file = _checked(path, name)
    (header, _), *_ = _request({"command": "probe", "display_name": name}, file, limits)
    return _recording_info(path, header, _sha256(file, name))


def list_sound_tracks(
    path: StrPath, *, display_name: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[SoundTrackInfo, ...]:
    """List the sound tracks of a recording, or of a file with sound only. Reads no more than the header.

    Args:
        path: The recording or sound file.
        display_name: What errors call it; its path when omitted.
        limits: What the decoder process may use.

    Raises:
        RecordingError: The file cannot be opened, or is no media.
    """
    name = display_name or str(path)
    (header, _), *_ = _request({"command": "sound_tracks", "display_name": name}, _checked(path, name), limits)
    return _sound_tracks(header)


def confinement() -> Confinement:
    """Return which protections hold around the decoder process here: one is started, and tries what it must not do."""
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "recording"
        outside = Path(folder) / "outside"
        recording.touch()
        outside.touch()
        request = {"command": "confinement", "display_name": "confinement", "outside": str(outside)}
        (header, _), *_ = _request(request, recording, DEFAULT_LIMITS)
    return Confinement(**{field.name: header[field.name] is True for field in fields(Confinement)})


def sample_frames(
    path: StrPath,
    sampling: Sampling,
    *,
    max_side: int = 1280,
    display_name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> FrameStream:
    """Decode a recording's frames at a fixed rate, or its key frames.

    For each target time k / fps the frame on display at that time is taken. A frame that is on display at several
    targets comes once, so times strictly increase.

    Args:
        path: The recording.
        sampling: Frames per second, or key frames.
        max_side: Longer side in pixels to which larger frames are reduced, at least 16.
        display_name: What errors call the recording; its path when omitted.
        limits: What the decoder process may use.

    Returns:
        A stream of frames. Use it as a context manager, or iterate to the end.

    Raises:
        RecordingError: The file cannot be opened. The stream raises it for what shows while decoding.
        ValueError: `max_side` is below 16.
    """
    name = display_name or str(path)
    return _sample(_checked(path, name), sampling, max_side, name, limits, with_facts=False)


def sample_recording(
    path: StrPath,
    sampling: Sampling,
    *,
    max_side: int = 1280,
    display_name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[RecordingInfo, FrameStream]:
    """Read what a container says of a recording and decode its frames, by one decoder process that reads it once.

    Args:
        path: The recording.
        sampling: Frames per second, or key frames.
        max_side: Longer side in pixels to which larger frames are reduced, at least 16.
        display_name: What errors call the recording; its path when omitted.
        limits: What the decoder process may use.

    Returns:
        What `probe` returns, and what `sample_frames` returns.

    Raises:
        RecordingError: As in `probe`. The stream raises it for what shows while decoding.
        ValueError: `max_side` is below 16.
    """
    name = display_name or str(path)
    file = _checked(path, name)
    stream = _sample(file, sampling, max_side, name, limits, with_facts=True)
    try:
        return _recording_info(path, stream.read_facts(), _sha256(file, name)), stream
    except BaseException:
        stream.close()
        raise


def read_frame(
    path: StrPath,
    time_s: float,
    *,
    max_side: int = 1280,
    display_name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Frame:
    """Decode the frame on display at a time: the last one that starts at or before it, else the first one.

    Seeks, so that a frame far into a long recording is quick.

    Args:
        path: The recording.
        time_s: Seconds from the recording's start.
        max_side: Longer side in pixels to which a larger frame is reduced.
        display_name: What errors call the recording; its path when omitted.
        limits: What the decoder process may use.

    Raises:
        RecordingError: As in `probe`.
    """
    name = display_name or str(path)
    file = _checked(path, name)
    request = {"command": "frame", "time_s": float(time_s), "max_side": max_side, "display_name": name}
    (header, payload), *_ = _request(request, file, limits, _frame_bytes(max_side))
    return _frame(header, payload, max_side, name)


def read_sound(
    path: StrPath,
    *,
    block_s: float = 30.0,
    display_name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    choice: SoundChoice = AUTOMATIC,
) -> SoundStream:
    """Decode the sound of a recording, or of a file with sound only, in blocks that follow each other.

    Of several tracks all are heard that hold different voices, and of several channels those that keep everybody's
    level (`fer_phq.video.decoder.mixing`), unless the choice names one. A warning says which, where it is not the mean
    of the only track's channels.

    The first block begins at the recording's start, whenever its sound starts: where there is none, there is silence.
    Memory is bounded by the block.

    Args:
        path: The recording or sound file.
        block_s: Seconds of sound in a block, from 0.1 to 600.
        display_name: What errors call the recording; its path when omitted.
        limits: What the decoder process may use.
        choice: The track and the channel that are heard, where they are set by hand.

    Returns:
        A stream of blocks. Use it as a context manager, or iterate to the end.

    Raises:
        RecordingError: The file cannot be opened. The stream raises it when there is no such sound track or channel,
            no sound in it, or the sound cannot be decoded.
        ValueError: `block_s` is out of its range.
    """
    if not 0.1 <= block_s <= 600:
        raise ValueError(f"A block of sound must last from 0.1 to 600 s, got {block_s:g}.")
    name = display_name or str(path)
    file = _checked(path, name)
    samples = round(block_s * SOUND_RATE)
    request = {"command": "sound", "block_samples": samples, "path": str(file), "display_name": name, **vars(choice)}
    return SoundStream(DecoderProcess(request, limits, 4 * samples), name, samples)


def _sample(
    file: Path, sampling: Sampling, max_side: int, name: str, limits: Limits, *, with_facts: bool
) -> FrameStream:
    if max_side < 16:
        raise ValueError(f"max_side must be at least 16 pixels, got {max_side}.")
    request = {
        "command": "sample",
        "fps": sampling.fps,
        "key_frames": sampling.key_frames,
        "max_side": max_side,
        "with_facts": with_facts,
        "path": str(file),
        "display_name": name,
    }
    return FrameStream(DecoderProcess(request, limits, _frame_bytes(max_side)), name, max_side)


class _Stream(Iterator[T], Generic[T]):
    """What a decoder process yields, item by item.

    Attributes:
        warnings: What is wrong with the recording; complete once the stream has ended.
        decode_seconds: Wall seconds the process has spent decoding so far; they overlap with the caller's own work.
    """

    def __init__(self, process: DecoderProcess, display_name: str) -> None:
        self.warnings: list[Message] = []
        self.decode_seconds = 0.0
        self._process = process
        self._responses = process.responses()
        self._display_name = display_name

    def __next__(self) -> T:
        try:
            for header, payload in self._responses:
                self.decode_seconds = float(header.get("decode_seconds", self.decode_seconds))
                if header["kind"] == "warning":
                    self.warnings.append(message_of(header))
                elif (item := self._item(header, payload)) is not None:
                    return item
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Kill the decoder process. The stream yields nothing more; may be called again."""
        self._responses = iter(())
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _item(self, header: Header, payload: bytearray) -> T | None:
        """Build the item of a response, or return None when it holds none."""


class FrameStream(_Stream[Frame]):
    """Frames of one recording, decoded ahead of the caller by a decoder process within a small bound."""

    def __init__(self, process: DecoderProcess, display_name: str, max_side: int) -> None:
        """Read frames whose longer side is at most `max_side` pixels from a process that was asked for them."""
        super().__init__(process, display_name)
        self._max_side = max_side

    def read_facts(self) -> Header:
        """Return what the process says of the recording before the first frame; it must have been asked.

        Raises:
            RecordingError: The recording cannot be read.
        """
        header, _ = next(self._responses)
        if header["kind"] != "info":
            raise RecordingError(messages.MALFORMED_FRAME(file=self._display_name))
        return header

    def _item(self, header: Header, payload: bytearray) -> Frame | None:
        if header["kind"] == "frame":
            return _frame(header, payload, self._max_side, self._display_name)
        return None


class SoundStream(_Stream[SoundBlock]):
    """The sound of one recording in blocks, decoded ahead of the caller by a decoder process within a small bound.

    Attributes:
        duration_s: When the sound ends by the header, in seconds; None before the first block, or when the header does
            not say.
        on_survey: Called about twice a second while tracks and channels are compared, before the first block; it may
            raise to stop that. None for nothing.
    """

    def __init__(self, process: DecoderProcess, display_name: str, block_samples: int) -> None:
        """Read sound from a process that was asked for it, in blocks of at most `block_samples`."""
        super().__init__(process, display_name)
        self.duration_s: float | None = None
        self.on_survey: Callable[[], None] | None = None
        self._block_samples = block_samples
        self._samples_read = 0

    def _item(self, header: Header, payload: bytearray) -> SoundBlock | None:
        """Build a block from a response of the decoder process, which is not trusted."""
        if header["kind"] == "survey" and self.on_survey is not None:
            self.on_survey()
        if header["kind"] != "sound":
            return None
        silent_samples = header.get("silent_samples")
        if isinstance(silent_samples, int) and 0 < silent_samples <= self._block_samples:
            samples: FloatArray = np.broadcast_to(np.float32(0.0), (silent_samples,))  # takes no memory
        else:
            samples = np.frombuffer(payload[: len(payload) // 4 * 4], np.float32)
        if not len(samples) or not np.isfinite(samples).all():
            raise RecordingError(messages.MALFORMED_SOUND(file=self._display_name))
        duration_s = header.get("duration_s")
        self.duration_s = float(duration_s) if isinstance(duration_s, int | float) else None
        time_s = self._samples_read / SOUND_RATE
        self._samples_read += len(samples)
        return SoundBlock(time_s, samples)


def _request(
    request: dict[str, Any], file: Path, limits: Limits, max_payload: int = 0
) -> list[tuple[Header, bytearray]]:
    """Return the responses to a request with one short answer."""
    process = DecoderProcess({**request, "path": str(file)}, limits, max_payload)
    try:
        return list(process.responses())
    finally:
        process.close()


def _recording_info(path: StrPath, header: Header, sha256: str) -> RecordingInfo:
    return RecordingInfo(
        path=str(path),
        sha256=sha256,
        duration_s=float(header["duration_s"]),
        width=int(header["width"]),
        height=int(header["height"]),
        codec=str(header["codec"]),
        rotation=int(header["rotation"]),
        has_audio=bool(header["sound_tracks"]),
        picture_end_s=float(header["picture_end_s"]),
        sound_tracks=_sound_tracks(header),
    )


def _sound_tracks(header: Header) -> tuple[SoundTrackInfo, ...]:
    return tuple(SoundTrackInfo(**track) for track in header["sound_tracks"])


def _frame_bytes(max_side: int) -> int:
    return max_side * max_side * 3


def _frame(header: Header, payload: bytearray, max_side: int, display_name: str) -> Frame:
    """Build a frame from a response of the decoder process, which is not trusted."""
    height = header.get("height")
    width = header.get("width")
    time_s = header.get("time_s")
    scale = header.get("scale")
    sides_fit = all(isinstance(side, int) and 0 < side <= max_side for side in (height, width))
    if not sides_fit or len(payload) != int(height or 0) * int(width or 0) * 3:
        raise RecordingError(messages.MALFORMED_FRAME(file=display_name))
    rgb: Image = np.frombuffer(payload, np.uint8).reshape(int(height or 0), int(width or 0), 3)
    return Frame(float(time_s or 0.0), rgb, float(scale or 1.0))


def _checked(path: StrPath, name: str) -> Path:
    """Return the absolute path of a regular, readable file that is not empty. Raise RecordingError otherwise."""
    file = Path(path)
    if not _is_text(str(file)):
        raise RecordingError(messages.UNUSABLE_NAME(file=printable(name)))
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise RecordingError(messages.FOLDER(file=name))
        if not stat.S_ISREG(status.st_mode):
            raise RecordingError(messages.NOT_ORDINARY(file=name))
        size = content_size(file)
    except (FileNotFoundError, NotADirectoryError):
        raise RecordingError(messages.FILE_MISSING(file=name)) from None
    except PermissionError:
        raise RecordingError(messages.NO_PERMISSION(file=name)) from None
    except OSError as error:
        raise RecordingError(messages.CANNOT_OPEN(file=name, error=error.strerror or str(error))) from None
    except ValueError as error:
        raise RecordingError(messages.CANNOT_OPEN(file=name, error=str(error))) from None
    if size == 0:
        raise RecordingError(messages.EMPTY(file=name))
    # A file system that does not count blocks says 0.
    stored = getattr(status, "st_blocks", 0) * BLOCK_BYTES
    if status.st_size > LARGE_BYTES and 0 < stored < status.st_size * LEAST_STORED:
        raise RecordingError(messages.HOLES(file=name, share=stored / status.st_size))
    return file.absolute()


def _is_text(path: str) -> bool:
    """Return whether a path is UTF-8 text without control characters; a NUL is told when the file is opened."""
    return not any(unicodedata.category(c) in ("Cc", "Cs") for c in path if c != "\0")


def _sha256(file: Path, name: str) -> str:
    try:
        with open_content(file) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError(messages.CANNOT_READ(file=name, error=error.strerror or str(error))) from None
