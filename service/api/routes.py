"""HTTP routes beside the dashboard: streaming upload, ranged playback, job progress, health.

No recording is ever in memory as a whole: uploads are written in blocks of a megabyte, playback is read in blocks of
64 KiB. Every route but health requires a signed token (`service.ingest.tokens`). An error is answered as
`{"error": sentence, "code": ..., "params": {...}}`, the sentence in the language that the request accepts.
`service.access.guard` stands before the routes and refuses what comes from other sites.
"""

from __future__ import annotations

import functools
import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from db.store import Store
from fer_phq.core.encryption.files import is_encrypted, open_content
from fer_phq.core.errors import FerPhqError, RecordingError, StoreError
from fer_phq.core.messages import Message
from service.access.answers import ENGLISH, Translate, accepted_language, error_answer, headers_of, write_english
from service.access.browser import browser_mark
from service.access.control import request_actor
from service.access.guard import source_of
from service.access.messages import SERVER_ERROR
from service.access.source import read_source, sees_operations
from service.api import messages
from service.api.archive import answer_archive, answer_study
from service.api.content import ContentResponse
from service.api.receiving import content_length, receive_body
from service.api.statuses import status_of
from service.ingest import recordings, tokens
from service.ingest.media import IncomingFile, MediaStore, content_type
from service.ingest.upload_limits import UploadSlots, count_use
from service.jobs import queue
from service.lifecycle.consent import ConsentError
from service.settings import AppSettings
from service.study.links import read_study_request

log = logging.getLogger(__name__)
MOST_PLAYED = 10_000
"""Links whose use is remembered, so that the ranges of one playing are one entry of the audit."""

Handler = Callable[[Request], Awaitable[Response]]


def routes(
    settings: AppSettings,
    store: Store,
    prefix: str = "/api",
    *,
    translate: Translate = write_english,
    languages: Sequence[str] = (ENGLISH,),
) -> list[BaseRoute]:
    """Return the routes, to be mounted beside the dashboard's own.

    Args:
        settings: The installation.
        store: Its store.
        prefix: Where they are mounted.
        translate: Writes messages in one of `languages`.
        languages: Codes of the languages in which errors can be answered.
    """
    api = Api(settings, store, prefix, translate, languages)
    return [
        Route(f"{prefix}/uploads", api.guarded(api.upload), methods=["PUT", "POST"]),
        Route(f"{prefix}/jobs/{{job_id}}", api.guarded(api.job), methods=["GET"]),
        Route(f"{prefix}/media/{{session_id}}", api.guarded(api.media), methods=["GET"]),
        Route(f"{prefix}/subjects/{{subject_id}}/export", api.guarded(api.export), methods=["GET"]),
        Route(f"{prefix}/study", api.guarded(api.study), methods=["GET"]),
        Route(f"{prefix}/health", api.health, methods=["GET"]),
    ]


class Api:
    """The handlers over one installation and its store."""

    def __init__(
        self, settings: AppSettings, store: Store, prefix: str, translate: Translate, languages: Sequence[str]
    ) -> None:
        """Make the handlers; the arguments are those of `routes`."""
        self._settings = settings
        self._store = store
        self._prefix = prefix
        self._translate = translate
        self._languages = languages
        self._files = MediaStore(settings)
        self._slots = UploadSlots(settings)
        self._played: set[tuple[str, str]] = set()

    def guarded(self, handler: Handler) -> Handler:
        """Wrap a handler: answer every error as JSON.

        Args:
            handler: Answers a request.
        """

        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except ClientDisconnect:
                log.info("upload broken off by its sender")
                return self._error(request, messages.UPLOAD_BROKEN_OFF(), 400)
            except tokens.TokenError as error:
                await anyio.to_thread.run_sync(self._note_refusal, error)
                return self._error(request, error.message, status_of(error))
            except FerPhqError as error:
                return self._error(request, error.message, status_of(error))
            except Exception:
                number = uuid.uuid4().hex[:8]
                log.exception("request failed, number %s", number)
                return self._error(request, SERVER_ERROR(number=number), 500)

        return guarded

    def _note_refusal(self, error: tokens.TokenError) -> None:
        """Note in the audit that somebody who is logged in came with a link that is not theirs, or has ended."""
        actor = request_actor.get()
        if actor is not None and actor.account_id:
            self._store.audit.add(action="refuse", object_kind="link", object_id=error.message.code)

    def _error(self, request: Request, message: Message, status: int) -> JSONResponse:
        accepts = request.headers.get("accept-language", "")
        return error_answer(message, status, accepts=accepts, languages=self._languages, translate=self._translate)

    async def upload(self, request: Request) -> Response:
        """Stream a recording to disk and make it a session.

        Args:
            request: Its body is the recording, the query's `name` the file's name, the header `X-Upload-Token` or the
                query's `token` the grant.
        """
        token = request.headers.get("x-upload-token") or request.query_params.get("token", "")
        link = tokens.read_upload_link(self._settings, token)
        with self._slots.taken(link.id):
            return await self._store_upload(request, link)

    async def _store_upload(self, request: Request, link: tokens.UploadLink) -> Response:
        grant = link.grant
        size = content_length(request)
        await anyio.to_thread.run_sync(self._files.check_room, size or 0)
        subject = await anyio.to_thread.run_sync(
            functools.partial(self._store.subjects.get, subject_id=grant.subject_id)
        )
        if not grant.notes_consent and not subject.is_demo:
            raise ConsentError(messages.UPLOAD_WITHOUT_CONSENT())
        await anyio.to_thread.run_sync(functools.partial(count_use, self._settings, link.id, most=link.uses))
        name = request.query_params.get("name", "")
        key = await anyio.to_thread.run_sync(self._store.encryption.key)
        begin = functools.partial(self._files.incoming, grant.subject_id, key=key)
        incoming = await anyio.to_thread.run_sync(begin)
        with incoming:
            await self._receive(request, incoming, size)
            recording = await anyio.to_thread.run_sync(
                recordings.store_upload, self._settings, self._store, incoming.path, grant, name
            )
        log.info("upload of %d bytes became session %s", incoming.size, recording.session_id)
        job_id = recording.job_id
        body = {
            "session_id": recording.session_id,
            "job_id": job_id,
            "duplicate": recording.duplicate,
            "status_url": job_id and tokens.job_url(self._settings, job_id, prefix=self._prefix),
        }
        return JSONResponse(body, status_code=200 if recording.duplicate else 201)

    async def _receive(self, request: Request, incoming: IncomingFile, size: int | None) -> None:
        """Write the body and finish the file, which must be as long as the request said."""
        await receive_body(self._settings, self._files, request, incoming, size)
        await anyio.to_thread.run_sync(incoming.finish)
        if size is not None and incoming.size != size:
            raise RecordingError(messages.UPLOAD_CUT_SHORT(received=incoming.size, size=size))

    async def job(self, request: Request) -> Response:
        """Answer a job's progress as JSON.

        `message` and `error` are in the language that the request accepts; see `JobStatus.to_dict`.

        Args:
            request: The path names the job, the query's `token` allows to read it.
        """
        job_id = request.path_params["job_id"]
        tokens.check_job_token(self._settings, request.query_params.get("token", ""), job_id)
        status = await anyio.to_thread.run_sync(queue.status, self._settings, self._store, job_id)
        language = accepted_language(request.headers.get("accept-language", ""), self._languages)
        body = status.to_dict() | {
            "message": self._translate(status.message, language),
            "error": self._translate(status.error, language) if status.error else None,
        }
        return JSONResponse(body, headers=headers_of(language))

    async def media(self, request: Request) -> Response:
        """Answer a session's recording, as a whole or in ranges.

        Args:
            request: The path names the session, the query's `token` allows to play it.
        """
        session_id = request.path_params["session_id"]
        token = request.query_params.get("token", "")
        tokens.check_media_token(self._settings, token, session_id, browser=browser_mark(request.cookies))
        check = functools.partial(self._store.sessions.check_recording, session_id=session_id)
        await anyio.to_thread.run_sync(check)
        session = await anyio.to_thread.run_sync(functools.partial(self._store.sessions.get, session_id=session_id))
        if session.media_path is None:
            return self._error(request, messages.RECORDING_REMOVED(), 404)
        path = self._files.path_of(session.media_path)
        try:
            file_status = await anyio.to_thread.run_sync(path.stat)
        except FileNotFoundError:
            return self._error(request, messages.RECORDING_MISSING(), 404)
        if self._begins(token, request.headers.get("range", "")):
            note = functools.partial(self._store.audit.add, action="read", object_kind="recording")
            await anyio.to_thread.run_sync(functools.partial(note, object_id=session_id))
        # A browser that others use must not keep the recording on its disk.
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        if await anyio.to_thread.run_sync(is_encrypted, path):
            content = await anyio.to_thread.run_sync(open_content, path)
            size = await anyio.to_thread.run_sync(content.seek, 0, os.SEEK_END)
            return ContentResponse(content, size, request.headers, content_type(path), headers)
        return FileResponse(path, media_type=content_type(path), headers=headers, stat_result=file_status)

    def _begins(self, token: str, byte_range: str) -> bool:
        """Return whether a request begins to read a recording: from its start, or as the first by its link.

        A player asks for many ranges of a recording, and who reads it from elsewhere than its start reads it, too.
        """
        actor = request_actor.get()
        link = (token, "" if actor is None else actor.account_id or "")
        is_first = link not in self._played
        if len(self._played) >= MOST_PLAYED:
            self._played.clear()
        self._played.add(link)
        return is_first or not byte_range or "".join(byte_range.split()).startswith("bytes=0-")

    async def export(self, request: Request) -> Response:
        """Answer everything that is stored of a subject, as a ZIP that is made while it is sent.

        Args:
            request: The path names the subject, the query's `token` allows to download it.
        """
        subject_id = request.path_params["subject_id"]
        token = request.query_params.get("token", "")
        tokens.check_export_token(self._settings, token, subject_id, browser=browser_mark(request.cookies))
        return await answer_archive(self._settings, self._store, subject_id)

    async def study(self, request: Request) -> Response:
        """Answer a study, as a ZIP that is made while it is sent.

        Args:
            request: The query's `token` says what it is made of, and allows to download it.
        """
        token = request.query_params.get("token", "")
        wish = read_study_request(self._settings, token, browser=browser_mark(request.cookies))
        return await answer_study(self._store, wish)

    async def health(self, request: Request) -> Response:
        """Answer whether all is well, and to who may know how: database, workers and room.

        Args:
            request: Needs no token; the answer holds no names and no paths.
        """
        try:
            workers = await anyio.to_thread.run_sync(queue.workers_alive, self._settings, self._store)
            database = True
        except StoreError:
            workers = 0
            database = False
        free = await anyio.to_thread.run_sync(self._files.free_bytes)
        good = database and workers > 0 and free > self._settings.min_free_bytes
        body: dict[str, Any] = {"status": "ok" if good else "degraded"}
        source = source_of(request.scope) or read_source(self._settings, request.scope)
        if sees_operations(source):
            body |= {"database": database, "workers": workers, "free_bytes": free}
        return JSONResponse(body, status_code=200 if database else 503, headers={"Cache-Control": "no-store"})
