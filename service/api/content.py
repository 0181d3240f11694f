"""An answer with the content of an encrypted recording, as a whole or a range of it, decrypted on its way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import BinaryIO

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

BLOCK_BYTES = 64 << 10
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII)


class ContentResponse(StreamingResponse):
    """Answers with the bytes of an open file, which it closes. It ends when the other side has gone.

    One range is answered as such. Several, a range of another unit, and one that holds for another state of the file
    (`If-Range`) get the whole, as RFC 9110 (14.2) allows.
    """

    def __init__(
        self, content: BinaryIO, size: int, request: Mapping[str, str], media_type: str, headers: Mapping[str, str]
    ) -> None:
        """Decide what is answered.

        Args:
            content: The open file.
            size: Its length in bytes.
            request: The headers of the request.
            media_type: The file's MIME type.
            headers: Further headers of the answer.
        """
        self._content = content
        bounds = None if "if-range" in request else _bounds(request.get("range", ""), size)
        start, end = bounds or (0, size)
        lengths = {"accept-ranges": "bytes", "content-length": str(end - start)}
        status = 200
        if bounds is not None:
            status = 206 if start < end else 416
            span = f"{start}-{end - 1}" if status == 206 else "*"
            lengths["content-range"] = f"bytes {span}/{size}"
        super().__init__(self._blocks(start, end), status, {**headers, **lengths}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._content.close)

    async def _blocks(self, position: int, end: int) -> AsyncIterator[bytes]:
        await anyio.to_thread.run_sync(self._content.seek, position)
        while position < end:
            block = await anyio.to_thread.run_sync(self._content.read, min(BLOCK_BYTES, end - position))
            if not block:
                return
            position += len(block)
            yield block


def _bounds(header: str, size: int) -> tuple[int, int] | None:
    """Return where a range begins and where it ends; None for the whole. An empty one cannot be answered."""
    match = _RANGE.fullmatch(header)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        return max(size - int(match[2]), 0), size
    start = int(match[1])
    end = size if match[2] == "" else min(int(match[2]) + 1, size)
    if match[2] and int(match[2]) < start:
        return None  # malformed: RFC 9110 has it ignored
    return (start, end) if start < size else (size, size)
