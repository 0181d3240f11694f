"""Jobs that clients watch: one task asks the database about all of them, and wakes who watches one that has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread

from db.actors import Actor
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.access.control import acting_as
from service.api import messages
from service.api.v1.answers.problems import RequestError
from service.jobs import queue
from service.jobs.queue import JobStatus
from service.settings import AppSettings

log = logging.getLogger(__name__)
POLL_S = 1.0
"""Seconds between two looks at the database."""
MOST_WATCHERS = 100
"""Most streams of events that are open at the same time."""
RETRY_SECONDS = 10
"""When a client for whom there was no stream may try again."""
WATCHER = Actor("api")
"""Who looks: whether somebody may see a job is checked when its stream begins."""


class Watcher:
    """Whoever watches one job, with the newest that is known of it.

    Attributes:
        status: The job; None when it was erased.
    """

    def __init__(self, status: JobStatus) -> None:
        """Begin with what the job is now."""
        self.job_id = status.id
        self.status: JobStatus | None = status
        self._change = anyio.Event()

    def set(self, status: JobStatus | None) -> None:
        """Take what the job is now, and wake who waits where it has changed."""
        if status != self.status:
            self.status = status
            self._change.set()
            self._change = anyio.Event()

    async def wait(self) -> None:
        """Wait until the job changes."""
        await self._change.wait()


class JobWatch:
    """All who watch jobs. While there are some, one task looks after the jobs of all."""

    def __init__(self, settings: AppSettings, store: Store) -> None:
        """Begin with nobody.

        Args:
            settings: The installation.
            store: Its store, which acts for whoever is behind the request.
        """
        self._settings = settings
        self._store = store
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, status: JobStatus) -> Iterator[Watcher]:
        """Watch a job for as long as the block lasts.

        Args:
            status: The job now.

        Raises:
            RequestError: As many watch as may.
        """
        if len(self._watchers) >= MOST_WATCHERS:
            raise RequestError(messages.TOO_MANY_STREAMS(n=MOST_WATCHERS, seconds=RETRY_SECONDS), 503, RETRY_SECONDS)
        watcher = Watcher(status)
        self._watchers.add(watcher)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._poll())
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self._task.cancel()
                self._task = None

    async def _poll(self) -> None:
        with acting_as(WATCHER):
            while True:
                await anyio.sleep(POLL_S)
                try:
                    await self._update_watchers()
                except FerPhqError as error:
                    log.warning("those who watch jobs wait for the database: %s", error)
                except Exception:
                    log.exception("jobs could not be looked at")

    async def _update_watchers(self) -> None:
        job_ids = sorted({watcher.job_id for watcher in self._watchers})
        statuses = await anyio.to_thread.run_sync(queue.statuses, self._settings, self._store, job_ids)
        by_id = {status.id: status for status in statuses}
        for watcher in tuple(self._watchers):
            if watcher.job_id in job_ids:
                watcher.set(by_id.get(watcher.job_id))
