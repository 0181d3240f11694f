"""HTTP routes beside the dashboard: streaming upload, ranged playback, job progress, health.

Neither a recording that arrives nor one that is played is ever in memory as a whole: uploads are written in blocks of
a megabyte, playback is read in blocks of 64 KiB. Every route but health asks for a signed token
(`service.ingest.tokens`).
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from db.records import NotFoundError
from db.store import Store
from fer_phq.core.errors import FerPhqError, RecordingError, SettingsError, StoreError
from service.ingest import recordings, tokens
from service.ingest.media import IncomingFile, MediaStore, StorageError, TooLargeError, content_type
from service.jobs import queue
from service.settings import LOOPBACK, MIB, AppSettings

log = logging.getLogger("fer_phq.service")
BLOCK_BYTES = MIB
"""How much of an upload is gathered before it is written."""
ROOM_BYTES = 64 * MIB
"""How much of an upload is written between two looks at the free space."""

Handler = Callable[[Request], Awaitable[Response]]

STATUS: tuple[tuple[type[FerPhqError], int], ...] = (
    (tokens.TokenError, 403),
    (TooLargeError, 413),
    (StorageError, 507),
    (RecordingError, 422),
    (SettingsError, 422),
    (NotFoundError, 404),
    (StoreError, 503),
)
"""The HTTP status of each kind of error; the first that fits."""


class RefusedError(FerPhqError):
    """A request comes from another site or asks under a name that this installation does not have."""


def routes(settings: AppSettings, store: Store, prefix: str = "/api") -> list[BaseRoute]:
    """The routes, to be mounted beside the dashboard's own."""
    api = Api(settings, store, prefix)
    return [
        Route(f"{prefix}/uploads", api.guarded(api.upload), methods=["PUT", "POST"]),
        Route(f"{prefix}/jobs/{{job_id}}", api.guarded(api.job), methods=["GET"]),
        Route(f"{prefix}/media/{{session_id}}", api.guarded(api.media), methods=["GET"]),
        Route(f"{prefix}/health", api.health, methods=["GET"]),
    ]


class Api:
    """The handlers over one installation and its store."""

    def __init__(self, settings: AppSettings, store: Store, prefix: str) -> None:
        self._settings = settings
        self._store = store
        self._prefix = prefix
        self._files = MediaStore(settings)

    def guarded(self, handler: Handler) -> Handler:
        """Check host and origin first; answer every error as `{"error": one sentence}`."""

        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            try:
                check_source(self._settings, request)
                return await handler(request)
            except ClientDisconnect:
                log.info("upload broken off by its sender")
                return _error("The upload was broken off.", 400)
            except RefusedError as error:
                return _error(str(error), 403)
            except FerPhqError as error:
                return _error(str(error), next((code for kind, code in STATUS if isinstance(error, kind)), 500))
            except Exception:
                number = uuid.uuid4().hex[:8]
                log.exception("request failed, number %s", number)
                return _error(f"Something went wrong on the server; its log says more under {number}.", 500)

        return guarded

    async def upload(self, request: Request) -> Response:
        """Stream a recording to disk and make it a session."""
        token = request.headers.get("x-upload-token") or request.query_params.get("token", "")
        grant = tokens.read_upload_token(self._settings, token)
        size = _content_length(request)
        await anyio.to_thread.run_sync(self._files.check_room, size or 0)
        await anyio.to_thread.run_sync(functools.partial(self._store.subjects.get, subject_id=grant.subject_id))
        name = request.query_params.get("name", "")
        incoming = await anyio.to_thread.run_sync(self._files.incoming)
        with incoming:
            await self._receive(request, incoming, size)
            taken = await anyio.to_thread.run_sync(
                recordings.take_upload, self._settings, self._store, incoming.path, grant, name
            )
        log.info("upload of %d bytes became session %s", incoming.size, taken.session_id)
        body = {
            "session_id": taken.session_id,
            "job_id": taken.job_id,
            "duplicate": taken.duplicate,
            "status_url": tokens.job_url(self._settings, taken.job_id, prefix=self._prefix) if taken.job_id else None,
        }
        return JSONResponse(body, status_code=200 if taken.duplicate else 201)

    async def _receive(self, request: Request, incoming: IncomingFile, size: int | None) -> None:
        """Write the body block by block, off the event loop, looking at the free space now and then."""
        block = bytearray()
        looked_at = 0
        async for chunk in request.stream():
            block += chunk
            if len(block) < BLOCK_BYTES:
                continue
            await anyio.to_thread.run_sync(incoming.write, block)
            block = bytearray()
            if incoming.size - looked_at >= ROOM_BYTES:
                looked_at = incoming.size
                await anyio.to_thread.run_sync(self._files.check_room, 0 if size is None else size - incoming.size)
        await anyio.to_thread.run_sync(incoming.write, block)
        await anyio.to_thread.run_sync(incoming.finish)
        if size is not None and incoming.size != size:
            raise RecordingError(f"The upload ended after {incoming.size} of {size} bytes; send the recording again.")

    async def job(self, request: Request) -> Response:
        """A job's progress as JSON."""
        job_id = request.path_params["job_id"]
        tokens.check_job_token(self._settings, request.query_params.get("token", ""), job_id)
        found = await anyio.to_thread.run_sync(queue.status, self._settings, self._store, job_id)
        return JSONResponse(found.to_dict(), headers={"Cache-Control": "no-store"})

    async def media(self, request: Request) -> Response:
        """A session's recording, as a whole or in ranges."""
        session_id = request.path_params["session_id"]
        tokens.check_media_token(self._settings, request.query_params.get("token", ""), session_id)
        session = await anyio.to_thread.run_sync(functools.partial(self._store.sessions.get, session_id=session_id))
        if session.media_path is None:
            return _error("The recording of this session has been removed; its results are kept.", 404)
        path = self._files.path_of(session.media_path)
        try:
            found = await anyio.to_thread.run_sync(path.stat)
        except FileNotFoundError:
            return _error("The recording of this session is missing from the media folder.", 404)
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type=content_type(path), headers=headers, stat_result=found)

    async def health(self, request: Request) -> Response:
        """Whether the store answers, how many workers are alive and how much room is left; no names, no paths."""
        try:
            workers = await anyio.to_thread.run_sync(queue.workers_alive, self._settings, self._store)
            database = True
        except StoreError:
            workers = 0
            database = False
        free = await anyio.to_thread.run_sync(self._files.free_bytes)
        good = database and workers > 0 and free > self._settings.min_free_bytes
        body = {"status": "ok" if good else "degraded", "database": database, "workers": workers, "free_bytes": free}
        return JSONResponse(body, status_code=200 if database else 503, headers={"Cache-Control": "no-store"})


def check_source(settings: AppSettings, request: Request) -> None:
    """Refuse requests of other sites: by the Host header (against DNS rebinding) and by Origin and Sec-Fetch-Site.

    Raises RefusedError. A request without Origin (a script, a media element) passes: its token decides.
    """
    host = request.headers.get("host", "")
    allowed = settings.allowed_hosts or (list(LOOPBACK) if settings.address in LOOPBACK else [])
    if allowed and _hostname(f"//{host}") not in {name.lower() for name in allowed}:
        raise RefusedError(f"This installation is not asked as '{host}'; add the name to FERPHQ_ALLOWED_HOSTS.")
    origin = request.headers.get("origin")
    if origin is not None:
        if origin not in settings.allowed_origins and urlsplit(origin).netloc.lower() != host.lower():
            raise RefusedError("Requests from other sites are not taken; add the origin to FERPHQ_ALLOWED_ORIGINS.")
    elif request.headers.get("sec-fetch-site") == "cross-site":
        raise RefusedError("Requests from other sites are not taken; open the dashboard itself.")


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _content_length(request: Request) -> int | None:
    value = request.headers.get("content-length")
    return int(value) if value is not None and value.isdecimal() else None


def _error(sentence: str, status: int) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status, headers={"Cache-Control": "no-store"})
