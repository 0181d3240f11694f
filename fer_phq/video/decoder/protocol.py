"""The protocol between a decoder process and its parent: length-prefixed JSON headers with raw bytes, no pickle.

A response is `MAGIC`, the header's length (uint32), the payload's length (uint64), the JSON header, the payload.
The parent trusts nothing: lengths are bounded before anything is allocated.
"""

from __future__ import annotations

import json
import os
import selectors
import struct
import time
from typing import Any

from fer_phq.core.messages import Message, from_json

Header = dict[str, Any]
MAGIC = b"FPV1"
MAX_HEADER = 1 << 16
_HEAD = struct.Struct(">4sIQ")


class ProtocolError(Exception):
    """The other side sent something that is not a response, or ended within one."""


class IdleError(Exception):
    """Nothing arrived for the time allowed."""


def write_response(descriptor: int, header: Header, payload: memoryview | bytes = b"") -> None:
    """Write one response, blocking until the reader took it.

    Args:
        descriptor: File descriptor of the pipe.
        header: JSON-able values; `kind` says what the response is.
        payload: Raw bytes that go with it.

    Raises:
        BrokenPipeError: The reader is gone.
    """
    raw = json.dumps(header).encode()
    body = memoryview(payload).cast("B")
    for part in (memoryview(_HEAD.pack(MAGIC, len(raw), len(body)) + raw), body):
        while part:
            part = part[os.write(descriptor, part) :]


def message_of(header: Header) -> Message:
    """Return the message of an error or a warning.

    Raises:
        ProtocolError: There is none, or it cannot be written out.
    """
    try:
        message = from_json(header.get("message"))
        str(message)
    except Exception as error:  # whatever a hostile process may send
        raise ProtocolError("a message that is none") from error
    return message


class ResponseReader:
    """Reads responses from a pipe; waits at most `idle_seconds` for the next byte."""

    def __init__(self, descriptor: int, idle_seconds: float, max_payload: int) -> None:
        """Read from a pipe's file descriptor; a payload may have at most `max_payload` bytes."""
        self._descriptor = descriptor
        self._idle_seconds = idle_seconds
        self._max_payload = max_payload
        self._selector = selectors.DefaultSelector()
        self._selector.register(descriptor, selectors.EVENT_READ)

    def read(self) -> tuple[Header, bytearray] | None:
        """Read the next response; None at a clean end.

        Raises:
            ProtocolError: What arrived is not a response, or ended within one.
            IdleError: Nothing arrived for the time allowed.
        """
        head = self._read_bytes(_HEAD.size, may_end=True)
        if head is None:
            return None
        magic, header_length, payload_length = _HEAD.unpack(head)
        if magic != MAGIC or header_length > MAX_HEADER or payload_length > self._max_payload:
            raise ProtocolError("not a response of the decoder")
        header = self._read_bytes(header_length)
        payload = self._read_bytes(payload_length)
        if header is None or payload is None:
            raise ProtocolError("cut short")
        try:
            fields = json.loads(header)
        except ValueError as error:
            raise ProtocolError("a header that is no JSON") from error
        if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
            raise ProtocolError("a header without a kind")
        return fields, payload

    def close(self) -> None:
        """Stop watching the pipe; the descriptor itself belongs to the caller."""
        self._selector.close()

    def _read_bytes(self, length: int, may_end: bool = False) -> bytearray | None:
        buffer = bytearray(length)
        view = memoryview(buffer)
        filled = 0
        deadline = time.monotonic() + self._idle_seconds
        while filled < length:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise IdleError
            count = os.readv(self._descriptor, [view[filled:]])
            if count == 0:
                if may_end and filled == 0:
                    return None
                raise ProtocolError("cut short")
            filled += count
            deadline = time.monotonic() + self._idle_seconds
        return buffer
