"""A job's changes as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import anyio
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from service.api.v1.jobs.watch import JobWatch, Watcher
from service.jobs.queue import JobStatus

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
"""Longest silence, after which a comment is sent: a connection that is dead shows by it."""
STREAM_S = 300.0
"""Longest time that a stream lasts: whoever comes again is asked anew for login or token."""
RECONNECTION_MS = 2000
"""When a client whose stream has ended comes again."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_id(status: JobStatus) -> str:
    """Return the id of the event that tells what a job is now.

    Args:
        status: The job.
    """
    return f"{status.attempt}-{status.state}"


class JobStream(StreamingResponse):
    """The answer: an event with the job now, one with each change, and no more after its end.

    Whoever reads slowly gets the newest, and nothing is stored for them.
    """

    def __init__(self, watch: JobWatch, status: JobStatus, write: Callable[[JobStatus], BaseModel]) -> None:
        """Prepare the answer.

        Args:
            watch: Looks after the job.
            status: The job now.
            write: Returns a job as the client reads it.
        """
        super().__init__(self._events(), media_type=MEDIA_TYPE, headers=HEADERS)
        self._watch = watch
        self._status = status
        self._write = write
        self._watcher = Watcher(status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the job or the connection ends."""
        with self._watch.watching(self._status) as self._watcher:
            await super().__call__(scope, receive, send)

    async def _events(self) -> AsyncIterator[str]:
        end = time.monotonic() + STREAM_S
        yield f"retry: {RECONNECTION_MS}\n\n"
        last = ""
        while (status := self._watcher.status) is not None:
            data = self._write(status).model_dump_json()
            if data != last:
                last = data
                yield f"event: job\nid: {event_id(status)}\ndata: {data}\n\n"
                continue  # the job may have changed while the event was sent
            left = end - time.monotonic()
            if not status.active or left <= 0:
                return
            with anyio.move_on_after(min(HEARTBEAT_S, left)) as patience:
                await self._watcher.wait()
            if patience.cancelled_caught:
                yield ": alive\n\n"
        yield "event: gone\ndata: {}\n\n"
