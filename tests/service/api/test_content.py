"""Answers with the content of an encrypted recording: they end with the one who asked."""

from __future__ import annotations

import io
from typing import Any

import anyio

from service.api.content import BLOCK_BYTES, ContentResponse


class Endless(io.BytesIO):
    """A file that counts how much is read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        self.read_bytes += size or 0
        return bytes(size or 0)


def test_an_answer_ends_when_the_other_side_has_gone() -> None:
    content = Endless()
    messages: list[str] = []

    async def receive() -> dict[str, Any]:
        while len(messages) < 3:
            await anyio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message["type"])
        await anyio.sleep(0)

    async def answer() -> None:
        scope = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.3"}}
        response = ContentResponse(content, 1 << 40, {"range": "bytes=0-"}, "video/mp4", {})  # type: ignore[arg-type]
        await response(scope, receive, send)

    anyio.run(answer)
    assert content.closed
    assert 0 < content.read_bytes < 1000 * BLOCK_BYTES
