"""How many uploads run at once, how slow one may be, and how often one link uploads.

Numbers and pace of running uploads are this process's own: one process serves them all. The uses of a link are counted
in a file in the data folder, so that they hold for every process and over restarts.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from fer_phq.core.errors import FerPhqError
from service.ingest import messages
from service.ingest.media import storage_errors
from service.ingest.tokens import UPLOAD_SECONDS, TokenError
from service.settings import AppSettings

GRACE_SECONDS = 60.0
"""Time in which an upload need not have reached its least rate."""
_running: defaultdict[Path, Counter[str]] = defaultdict(Counter)
"""The uploads that run in this process, by the installation's folder and their link's id."""
_TOKEN_ID = re.compile(r"[0-9a-f]{32}")


class TooManyUploadsError(FerPhqError):
    """As many uploads run as may run at once."""


class SlowUploadError(FerPhqError):
    """An upload sends nothing, too little, or for too long."""


class UploadSlots:
    """The uploads that run: at most so many in all, and so many by one link."""

    def __init__(self, settings: AppSettings) -> None:
        """Take the installation, whose uploads this process counts together, wherever they come in."""
        self._settings = settings
        self._running = _running[settings.data_dir]

    @contextmanager
    def taken(self, token_id: str) -> Iterator[None]:
        """Take a slot for as long as the block lasts.

        Args:
            token_id: The id of the upload's link.

        Raises:
            TooManyUploadsError: All slots, or those of the link, are taken.
        """
        if self._running.total() >= self._settings.uploads_at_once:
            raise TooManyUploadsError(messages.TOO_MANY_UPLOADS(n=self._settings.uploads_at_once))
        if self._running[token_id] >= self._settings.uploads_per_link:
            raise TooManyUploadsError(messages.TOO_MANY_OF_LINK(n=self._settings.uploads_per_link))
        self._running[token_id] += 1
        try:
            yield
        finally:
            self._running[token_id] -= 1
            if not self._running[token_id]:
                del self._running[token_id]


async def read_paced(settings: AppSettings, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pass on the chunks of an upload for as long as they come quickly enough.

    Args:
        settings: The installation, with the longest pause, the least rate and the longest time.
        chunks: The upload's body.

    Yields:
        The chunks.

    Raises:
        SlowUploadError: Nothing came for too long, too little came, or it took too long.
    """
    begin = time.monotonic()
    received = 0
    while True:
        elapsed = time.monotonic() - begin
        if elapsed > settings.upload_total_s:
            raise SlowUploadError(messages.UPLOAD_TOO_LONG(hours=settings.upload_total_s / 3600))
        if received < settings.upload_least_rate * (elapsed - GRACE_SECONDS):
            raise SlowUploadError(messages.UPLOAD_TOO_SLOW(rate=settings.upload_least_rate))
        try:
            with anyio.fail_after(min(settings.upload_idle_s, settings.upload_total_s - elapsed)):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise SlowUploadError(messages.UPLOAD_IDLE(seconds=settings.upload_idle_s)) from None
        received += len(chunk)
        yield chunk


def count_use(settings: AppSettings, token_id: str, *, most: int) -> None:
    """Count one more use of a link, for all processes of the installation.

    Args:
        settings: The installation.
        token_id: The link's id.
        most: How often it may be used.

    Raises:
        TokenError: It was used that often, or has no id.
        SettingsError: The data folder cannot be written.
        StorageError: The disk takes no more.
    """
    if not _TOKEN_ID.fullmatch(token_id):
        raise TokenError(messages.LINK_INVALID())
    settings.prepare()
    with storage_errors(messages.CREATION()):
        descriptor = os.open(settings.links_dir / token_id, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_size >= most:
            raise TokenError(messages.LINK_USED_UP())
        with storage_errors(messages.WRITTEN()):
            os.write(descriptor, b".")
    finally:
        os.close(descriptor)


def forget_uses(settings: AppSettings) -> int:
    """Remove the counts of links that have expired.

    Args:
        settings: The installation.

    Returns:
        How many were removed.
    """
    removed = 0
    for path in settings.links_dir.glob("*"):
        try:
            if time.time() - path.stat().st_mtime > UPLOAD_SECONDS:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed
