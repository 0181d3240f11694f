"""How the decoding child talks to its parent: length-prefixed messages, JSON header plus raw bytes, no pickle.

A message is `MAGIC`, the header's length (uint32), the payload's length (uint64), the JSON header, the payload.
The parent trusts nothing: lengths are bounded before anything is allocated.
"""

from __future__ import annotations

import json
import os
import selectors
import struct
import time
from typing import Any

Header = dict[str, Any]
MAGIC = b"FPV1"
MAX_HEADER = 1 << 16
_HEAD = struct.Struct(">4sIQ")


class WireError(Exception):
    """The other side sent something that is not a message, or ended within one."""


class IdleError(Exception):
    """Nothing arrived for the time allowed."""


def write_message(descriptor: int, header: Header, payload: memoryview | bytes = b"") -> None:
    """Write one message, blocking until the reader took it. Raises BrokenPipeError when the reader is gone."""
    raw = json.dumps(header).encode()
    body = memoryview(payload).cast("B")
    for part in (memoryview(_HEAD.pack(MAGIC, len(raw), len(body)) + raw), body):
        while part:
            part = part[os.write(descriptor, part) :]


class MessageReader:
    """Reads messages from a pipe; waits at most `idle_seconds` for the next byte."""

    def __init__(self, descriptor: int, idle_seconds: float, max_payload: int) -> None:
        self._descriptor = descriptor
        self._idle_seconds = idle_seconds
        self._max_payload = max_payload
        self._selector = selectors.DefaultSelector()
        self._selector.register(descriptor, selectors.EVENT_READ)

    def read(self) -> tuple[Header, bytearray] | None:
        """The next message, or None at a clean end. Raises WireError and IdleError."""
        head = self._take(_HEAD.size, may_end=True)
        if head is None:
            return None
        magic, header_length, payload_length = _HEAD.unpack(head)
        if magic != MAGIC or header_length > MAX_HEADER or payload_length > self._max_payload:
            raise WireError("not a message of the decoder")
        header = self._take(header_length)
        payload = self._take(payload_length)
        if header is None or payload is None:
            raise WireError("cut short")
        try:
            fields = json.loads(header)
        except ValueError as error:
            raise WireError("a header that is no JSON") from error
        if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
            raise WireError("a header without a kind")
        return fields, payload

    def close(self) -> None:
        """Stop watching the pipe; the descriptor itself belongs to the caller."""
        self._selector.close()

    def _take(self, length: int, may_end: bool = False) -> bytearray | None:
        buffer = bytearray(length)
        view = memoryview(buffer)
        have = 0
        deadline = time.monotonic() + self._idle_seconds
        while have < length:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise IdleError
            got = os.readv(self._descriptor, [view[have:]])
            if got == 0:
                if may_end and have == 0:
                    return None
                raise WireError("cut short")
            have += got
            deadline = time.monotonic() + self._idle_seconds
        return buffer
