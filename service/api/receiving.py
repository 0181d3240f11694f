"""The body of an upload, as it is written to disk: block by block, paced, with an eye on the room that is left."""

from __future__ import annotations

import anyio
import anyio.to_thread
from starlette.requests import Request

from service.api.counters import UPLOADED
from service.ingest.media import IncomingFile, MediaStore
from service.ingest.upload_limits import read_paced
from service.settings import MIB, AppSettings

BLOCK_BYTES = MIB
"""How much of an upload is gathered before it is written."""
ROOM_BYTES = 64 * MIB
"""How much of an upload is written between two checks of the free space."""


async def receive_body(
    settings: AppSettings, files: MediaStore, request: Request, incoming: IncomingFile, size: int | None
) -> None:
    """Write a request's body to a file, off the event loop. What came before an error is written, too.

    Where more comes than was promised, the rest is not read, and the file is larger than `size`.

    Args:
        settings: The installation, with the pace that a body must hold.
        files: Where the file is.
        request: Its body is written.
        incoming: The file, which is not finished by this.
        size: Bytes that the request promises; None where it does not say.

    Raises:
        ClientDisconnect: The connection was broken off.
        SlowUploadError: Nothing came for too long, too little came, or it took too long.
        TooLargeError: More came than the file may hold.
        StorageError: The disk takes no more.
    """
    block = bytearray()
    earlier_size = incoming.size
    checked_size = 0
    try:
        async for chunk in read_paced(settings, aiter(request.stream())):
            block += chunk
            if size is not None and incoming.size + len(block) > size:
                break
            if len(block) < BLOCK_BYTES:
                continue
            whole, block = block, bytearray()
            await anyio.to_thread.run_sync(incoming.write, whole)
            if incoming.size - checked_size >= ROOM_BYTES:
                checked_size = incoming.size
                await anyio.to_thread.run_sync(files.check_room, 0 if size is None else max(0, size - incoming.size))
    finally:
        UPLOADED.inc(incoming.size + len(block) - earlier_size)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(incoming.write, block)


def content_length(request: Request) -> int | None:
    """Return how many bytes a request says that its body has; None where it does not say.

    Args:
        request: The request.
    """
    value = request.headers.get("content-length")
    return int(value) if value is not None and value.isdecimal() else None
