"""The parent's side: sends pictures to a process that decodes them, and reads their pixels back."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, cast

import numpy as np

from fer_phq.core.arrays import Image
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message, from_json
from fer_phq.pictures import messages
from fer_phq.pictures.process_main import LENGTH
from fer_phq.video.decoder.process import prepare_process, stop_process, take_process
from fer_phq.video.decoder.protocol import Header, IdleError, ProtocolError, ResponseReader, message_of

MAX_BYTES = 20_000_000
"""Most bytes of a picture's file."""
IDLE_SECONDS = 30.0
"""Longest time that one picture may take."""
PICTURES_OF_A_PROCESS = 4000
"""Pictures after which another process goes on: each has a limit of processor time in all."""
_MOST_PAYLOAD = 3 * 40_000_000
_COMMAND = [sys.executable, "-P", "-m", "fer_phq.pictures.process_main"]


class PictureError(RecordingError):
    """A picture cannot be read."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was read.

    Attributes:
        rgb: uint8 (h, w, 3), upright.
        notes: What a person should know of how it was read.
    """

    rgb: Image
    notes: tuple[Message, ...]


def prepare_reader() -> None:
    """Start the process that the next call of `read_pictures` takes, so that it loads its libraries meanwhile."""
    prepare_process(_COMMAND)


def read_pictures(contents: Sequence[bytes]) -> Iterator[Picture | PictureError]:
    """Read pictures from the bytes of their files, one after another; a bad one does not lose the others.

    Args:
        contents: The bytes of each file.

    Yields:
        Each picture, or why it cannot be read, in the order of `contents`.
    """
    with PictureReader() as reader:
        for content in contents:
            yield reader.read(content)


class PictureReader:
    """Reads pictures one after another, all of one sender: they share a process, which is renewed now and then."""

    def __init__(self) -> None:
        """Begin without a process: it starts with the first picture."""
        self._process: _PictureProcess | None = None
        self._count = 0

    def read(self, content: bytes) -> Picture | PictureError:
        """Read a picture. Returns it, or why it cannot be read; the next one can be read either way.

        Args:
            content: The bytes of its file.
        """
        message = _refusal(content)
        if message is not None:
            return PictureError(message)
        if self._count >= PICTURES_OF_A_PROCESS:
            self.close()
        self._process = self._process or _PictureProcess()
        self._count += 1
        picture = self._process.decode(content)
        if picture is None:  # it broke down over this picture: the next one gets another process
            self.close()
            return PictureError(messages.BROKE_DOWN())
        return picture

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.close()
        self._process = None
        self._count = 0

    def __enter__(self) -> PictureReader:
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _refusal(content: bytes) -> Message | None:
    """Return why a file is not even looked into; None where it is."""
    if not content:
        return messages.EMPTY()
    return messages.TOO_MANY_BYTES(limit=MAX_BYTES // 1_000_000) if len(content) > MAX_BYTES else None


class _PictureProcess:
    """A process that decodes pictures. Closing it, or losing the last reference, kills it."""

    def __init__(self) -> None:
        self._process = take_process(_COMMAND)
        self._end = weakref.finalize(self, stop_process, self._process)
        descriptor = cast(IO[bytes], self._process.stdout).fileno()
        self._reader = ResponseReader(descriptor, IDLE_SECONDS, _MOST_PAYLOAD)

    def decode(self, content: bytes) -> Picture | PictureError | None:
        """Decode one picture; None where the process broke down over it, or did not answer in the time allowed."""
        # One that was taken over may read no more, or answer a byte at a time: neither ends by itself.
        watch = threading.Timer(IDLE_SECONDS, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            self._send(LENGTH.pack(len(content)))
            self._send(content)
            response = self._reader.read()
            return None if response is None else _read_response(*response)
        except (BrokenPipeError, ProtocolError, IdleError):
            return None
        finally:
            watch.cancel()

    def close(self) -> None:
        """Kill the process and release its pipes."""
        self._reader.close()
        self._end()

    def _send(self, content: bytes) -> None:
        pipe = cast(IO[bytes], self._process.stdin)
        view = memoryview(content)
        while view:
            view = view[pipe.write(view) :]


def _read_response(header: Header, payload: bytearray) -> Picture | PictureError:
    """Check what the process sent, which a hostile picture may have taken over. Raises ProtocolError."""
    if header["kind"] == "error":
        return PictureError(message_of(header))
    try:
        shape = (int(header["height"]), int(header["width"]), 3)
        notes = tuple(from_json(note) for note in header["notes"])
        for note in notes:
            str(note)
        rgb = np.frombuffer(payload, np.uint8).reshape(shape)
    except Exception as error:  # whatever a hostile process may send
        raise ProtocolError("a picture that is none") from error
    if 0 in shape:
        raise ProtocolError("a picture without pixels")
    return Picture(rgb, notes)
