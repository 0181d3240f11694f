"""The doors of the video layer; see `fer_phq.video`."""

from __future__ import annotations

import hashlib
import os
import stat
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import numpy as np

from fer_phq.core.analysis import RecordingInfo, Sampling
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.errors import RecordingError
from fer_phq.video.decoder.process import DecoderProcess
from fer_phq.video.decoder.protocol import Header
from fer_phq.video.types import DEFAULT_LIMITS, SOUND_RATE, Frame, Limits, SoundBlock

StrPath = str | os.PathLike[str]
T = TypeVar("T")


def probe(path: StrPath, *, limits: Limits = DEFAULT_LIMITS) -> RecordingInfo:
    """What a recording is: size as displayed, length, codec, rotation, sound and the SHA-256 of its bytes.

    Judges the content, not the name. Raises RecordingError, one sentence, for anything that is not a readable video:
    a missing path, a folder, no permission, an empty file, no media, sound only, no pictures, cut short, too large.
    """
    file = _checked(path)
    (header, _), *_ = _ask({"command": "probe", "shown": str(path)}, file, limits)
    return RecordingInfo(
        path=str(path),
        sha256=_sha256(file),
        duration_s=float(header["duration_s"]),
        width=int(header["width"]),
        height=int(header["height"]),
        codec=str(header["codec"]),
        rotation=int(header["rotation"]),
        has_audio=bool(header["has_audio"]),
    )


def sample_frames(
    path: StrPath, sampling: Sampling, *, max_side: int = 1280, limits: Limits = DEFAULT_LIMITS
) -> FrameStream:
    """The recording's frames at `sampling.fps` frames a second, or its key frames, as they are decoded.

    For each target time k / fps the frame on display at that time is taken; a frame that is on display at several
    targets comes once, so times strictly increase. Raises RecordingError here for a path that cannot be opened, and
    from the stream for what shows while decoding. Use it as a context manager, or iterate to the end.
    """
    if max_side < 16:
        raise ValueError(f"max_side must be at least 16 pixels, got {max_side}.")
    file = _checked(path)
    request = {"command": "sample", "fps": sampling.fps, "key_frames": sampling.key_frames, "max_side": max_side}
    child = DecoderProcess({**request, "path": str(file), "shown": str(path)}, limits, _payload(max_side))
    return FrameStream(child, str(path), max_side)


def read_frame(path: StrPath, time_s: float, *, max_side: int = 1280, limits: Limits = DEFAULT_LIMITS) -> Frame:
    """The frame on display at `time_s` seconds: the last one that starts at or before it (the first one before that).

    Seeks, so that a frame far into a long recording is quick. Raises RecordingError as `probe` does.
    """
    file = _checked(path)
    request = {"command": "frame", "time_s": float(time_s), "max_side": max_side, "shown": str(path)}
    (header, payload), *_ = _ask(request, file, limits, _payload(max_side))
    return _frame(header, payload, max_side, str(path))


def read_sound(path: StrPath, *, block_s: float = 30.0, limits: Limits = DEFAULT_LIMITS) -> SoundStream:
    """The sound of a recording, or of a file with sound only, as blocks of `block_s` seconds that follow each other.

    The first block begins at the recording's start, whenever its sound starts: where there is none, there is silence.
    Memory is bounded by the block. Raises RecordingError as `sample_frames` does: here for a path that cannot be
    opened, from the stream for no sound track, no sound in it, and sound that cannot be decoded; ValueError for a block
    shorter than 0.1 s or longer than ten minutes. Use it as a context manager, or iterate to the end.
    """
    if not 0.1 <= block_s <= 600:
        raise ValueError(f"A block of sound must last from 0.1 to 600 s, got {block_s:g}.")
    file = _checked(path)
    samples = round(block_s * SOUND_RATE)
    request = {"command": "sound", "block_samples": samples, "path": str(file), "shown": str(path)}
    return SoundStream(DecoderProcess(request, limits, 4 * samples), str(path))


class _Stream(Iterator[T], Generic[T]):
    """What a child hands out one after the other.

    warnings: sentences about what is wrong with the recording (complete once the stream has ended).
    decode_seconds: wall seconds the child has spent decoding so far; they overlap with the caller's own work.
    """

    def __init__(self, child: DecoderProcess, path: str) -> None:
        self.warnings: list[str] = []
        self.decode_seconds = 0.0
        self._child = child
        self._messages = child.messages()
        self._path = path

    def __next__(self) -> T:
        try:
            for header, payload in self._messages:
                self.decode_seconds = float(header.get("spent", self.decode_seconds))
                if header["kind"] == "warning":
                    self.warnings.append(str(header["text"]))
                elif (item := self._item(header, payload)) is not None:
                    return item
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Kill the child. The stream then gives nothing more; may be called again."""
        self._messages = iter(())
        self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _item(self, header: Header, payload: bytearray) -> T | None:
        """What a message hands out, or None when it hands out nothing."""


class FrameStream(_Stream[Frame]):
    """Frames of one recording, decoded ahead of the reader by a child process within a small bound.

    decoder: which library decodes, "decord" or "PyAV", with the reason why, known after the first frame.
    """

    def __init__(self, child: DecoderProcess, path: str, max_side: int) -> None:
        super().__init__(child, path)
        self.decoder = ""
        self.decoder_reason = ""
        self._max_side = max_side

    def _item(self, header: Header, payload: bytearray) -> Frame | None:
        if header["kind"] == "frame":
            return _frame(header, payload, self._max_side, self._path)
        if header["kind"] == "decoder":
            self.decoder = str(header["name"])
            self.decoder_reason = str(header["reason"])
        return None


class SoundStream(_Stream[SoundBlock]):
    """The sound of one recording in blocks, decoded ahead of the reader by a child process within a small bound."""

    def __init__(self, child: DecoderProcess, path: str) -> None:
        super().__init__(child, path)
        self._given = 0

    def _item(self, header: Header, payload: bytearray) -> SoundBlock | None:
        """Build a block from a message of the child, which is not trusted."""
        if header["kind"] != "sound":
            return None
        samples: FloatArray = np.frombuffer(payload[: len(payload) // 4 * 4], np.float32)
        if not len(samples) or not np.isfinite(samples).all():
            raise RecordingError(_malformed("block of sound", self._path))
        self._given += len(samples)
        return SoundBlock((self._given - len(samples)) / SOUND_RATE, samples)


def _ask(request: dict[str, Any], file: Path, limits: Limits, max_payload: int = 0) -> list[tuple[Header, bytearray]]:
    """The child's messages for a request with one short answer."""
    child = DecoderProcess({**request, "path": str(file)}, limits, max_payload)
    try:
        return list(child.messages())
    finally:
        child.close()


def _payload(max_side: int) -> int:
    return max_side * max_side * 3


def _frame(header: Header, payload: bytearray, max_side: int, path: str) -> Frame:
    """Build a frame from a message of the child, which is not trusted."""
    height = header.get("height")
    width = header.get("width")
    time_s = header.get("time_s")
    scale = header.get("scale")
    sides_fit = all(isinstance(side, int) and 0 < side <= max_side for side in (height, width))
    if not sides_fit or len(payload) != int(height or 0) * int(width or 0) * 3:
        raise RecordingError(_malformed("frame", path))
    rgb: Image = np.frombuffer(payload, np.uint8).reshape(int(height or 0), int(width or 0), 3)
    return Frame(float(time_s or 0.0), rgb, float(scale or 1.0))


def _malformed(what: str, path: str) -> str:
    return f"The decoder broke down on '{path}' (a malformed {what}): export the recording again."


def _checked(path: StrPath) -> Path:
    """The absolute path of a regular, readable file that is not empty. Raises RecordingError otherwise."""
    file = Path(path)
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise RecordingError(f"'{path}' is a folder, not a recording: give the path of a recording's file.")
        if not stat.S_ISREG(status.st_mode):
            raise RecordingError(f"'{path}' is not an ordinary file: give the path of a recording's file.")
        with file.open("rb"):
            pass
    except (FileNotFoundError, NotADirectoryError):
        raise RecordingError(f"There is no file '{path}': check the path.") from None
    except PermissionError:
        raise RecordingError(f"'{path}' may not be read by this user: change its permissions.") from None
    except (OSError, ValueError) as error:
        raise RecordingError(f"'{path}' cannot be opened ({error}): check the path and the disk.") from None
    if status.st_size == 0:
        raise RecordingError(f"'{path}' is empty (0 bytes): copy or upload the recording again.")
    return file.absolute()


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError(f"'{file}' cannot be read to its end ({error}): check the disk.") from None
