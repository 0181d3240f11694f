"""An answer with the content of an encrypted recording, as a whole or a range of it, decrypted on its way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

BLOCK_BYTES = 64 << 10
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII)


class ContentResponse(Response):
    """Answers with the bytes of an open file, which it closes.

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
        self._start, self._end = bounds or (0, size)
        own = {"accept-ranges": "bytes", "content-length": str(max(self._end - self._start, 0))}
        status = 200
        if bounds is not None:
            status = 206 if self._start < self._end else 416
            span = f"{self._start}-{self._end - 1}" if status == 206 else "*"
            own["content-range"] = f"bytes {span}/{size}"
        super().__init__(None, status, {**headers, **own}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            position = self._start if scope.get("method") != "HEAD" else self._end
            if position < self._end:
                await anyio.to_thread.run_sync(self._content.seek, position)
            while position < self._end:
                block = await anyio.to_thread.run_sync(self._content.read, min(BLOCK_BYTES, self._end - position))
                if not block:
                    break
                position += len(block)
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._content.close)


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
