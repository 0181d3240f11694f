"""`/v1/uploads`: recordings that come in over several requests, by tus 1.0; `POST /v1/sessions`: from a folder."""

from __future__ import annotations

import functools
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from db.store import Store
from fer_phq.core.errors import FerPhqError, RecordingError
from service.access.guard import SESSIONS_PATH, UPLOADS_PATH
from service.api import messages
from service.api.receiving import content_length, receive_body
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.once import Creation, answer_creation, create_once
from service.api.v1.answers.openapi import IDEMPOTENCY_KEY, IF_NONE_MATCH, UNCHANGED, extra, problems
from service.api.v1.answers.problems import RequestError, Sentences
from service.api.v1.uploads import schemas
from service.api.v1.uploads.facts import account_id, check_words, grant_of, read_metadata, unusable_transcript
from service.api.v1.uploads.tus import (
    CONTENT_TYPE,
    EXTENSIONS,
    RESUMABLE,
    VERSION,
    read_number,
    tus_route,
    upload_headers,
)
from service.ingest import server_folder, transcripts
from service.ingest.media import IncomingFile, MediaStore, StorageError
from service.ingest.partial_uploads import PartialUpload, PartialUploads
from service.ingest.recordings import MACHINE_FAULTS, copy_recording
from service.ingest.upload_limits import UploadSlots
from service.settings import AppSettings

UPLOAD = f"{UPLOADS_PATH}/{{upload_id}}"
MOST_COMPLETIONS = 4
"""Most uploads that are checked and stored at once. They have threads of their own: the others answer requests."""
OFFSET = ("Upload-Offset", "The byte at which the body goes on: what HEAD said.")
LENGTH = ("Upload-Length", "Bytes of the whole recording.")
METADATA = (
    "Upload-Metadata",
    "`subject_id`, `recorded_at`, `consent_by`, `transcript`, `fps`, ... with values in base64.",
)
BODY: dict[str, Any] = {
    "requestBody": {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
}
SENDING = problems(400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 423, 429, 503, 507)


def upload_routes(settings: AppSettings, store: Store, sentences: Sentences) -> APIRouter:
    """Return the routes. Whose sessions they make, the store decides by who asks.

    Args:
        settings: The installation.
        store: Its store, which acts for whoever is behind the request.
        sentences: Writes messages.
    """
    uploads = _Uploads(settings, store, sentences)
    router = APIRouter(tags=["uploads"], route_class=tus_route(sentences))
    router.add_api_route(
        UPLOADS_PATH,
        uploads.describe,
        methods=["OPTIONS"],
        status_code=204,
        response_class=Response,
        responses=problems(401, 403),
        summary="What of tus there is.",
    )
    router.post(
        UPLOADS_PATH,
        status_code=201,
        response_model=schemas.Upload,
        responses=SENDING,
        openapi_extra=extra(RESUMABLE, LENGTH, METADATA, IDEMPOTENCY_KEY) | BODY,
        summary="Begin an upload; its body may be the recording, or the beginning of it.",
    )(uploads.create)
    reading = problems(401, 403, 404, 409, 412, 422, 423, 503, 507)
    add = functools.partial(router.add_api_route, UPLOAD, response_class=Response)
    words = "How far an upload is, in headers."
    add(uploads.head, methods=["HEAD"], responses=reading, openapi_extra=extra(RESUMABLE), summary=words)
    words = "Send more of an upload; with its last byte it becomes a session."
    more = extra(RESUMABLE, OFFSET) | BODY
    add(uploads.patch, methods=["PATCH"], status_code=204, responses=SENDING, openapi_extra=more, summary=words)
    words = "End an upload, and remove what has come of it."
    ending = problems(401, 403, 404, 412, 423, 503, 507)
    more = extra(RESUMABLE)
    add(uploads.end, methods=["DELETE"], status_code=204, responses=ending, openapi_extra=more, summary=words)
    words = "How far an upload is."
    more = extra(IF_NONE_MATCH)
    unchanged = {**UNCHANGED, **reading}
    router.get(UPLOAD, response_model=schemas.Upload, responses=unchanged, openapi_extra=more, summary=words)(
        uploads.get
    )
    return router


def folder_routes(settings: AppSettings, store: Store) -> APIRouter:
    """Return the route by which a file of the server's folder becomes a session.

    Args:
        settings: The installation.
        store: Its store, which acts for whoever is behind the request.
    """
    router = APIRouter(tags=["uploads"])

    @router.post(
        SESSIONS_PATH,
        status_code=201,
        response_model=schemas.NewSession,
        responses={200: {"model": schemas.NewSession}, **problems(400, 401, 403, 404, 408, 409, 413, 422, 503, 507)},
        openapi_extra=extra(IDEMPOTENCY_KEY, body=schemas.FolderRecording),
        summary="Take in a recording from the server's folder.",
    )
    async def import_recording(request: Request) -> Response:
        """The file is copied, and stays where it is. The same recording of the same subject again is the same session.

        200 says that the subject had it already.
        """
        facts = await read_model(request, schemas.FolderRecording)
        take = functools.partial(_import, settings, store, facts)
        creation = await create_once(store, request, facts.model_dump_json(), take)
        session_id = creation.ids["session"]
        answer = schemas.NewSession(
            session_id=session_id, job_id=creation.ids.get("job"), duplicate=creation.status == 200
        )
        return answer_creation(request, creation, answer, f"{SESSIONS_PATH}/{session_id}")

    return router


def _import(settings: AppSettings, store: Store, facts: schemas.FolderRecording) -> Creation:
    """Copy a file of the server's folder in, and queue its analysis."""
    store.subjects.check_change(subject_id=facts.subject_id)
    path = server_folder.find_recording(settings, facts.path)
    modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    grant = grant_of(settings, store, facts, modified_at)
    transcript = None
    if facts.transcript is not None:
        with unusable_transcript():
            checked = server_folder.read_transcript(settings, facts.transcript)
        transcript = check_words(checked, facts.speaker)
    recording = copy_recording(settings, store, path, grant, display_name=facts.path, transcript=transcript)
    ids = {"session": recording.session_id} | ({"job": recording.job_id} if recording.job_id else {})
    return Creation(ids, 200 if recording.duplicate else 201)


class _Uploads:
    """The handlers."""

    def __init__(self, settings: AppSettings, store: Store, sentences: Sentences) -> None:
        self._settings = settings
        self._store = store
        self._sentences = sentences
        self._uploads = PartialUploads(settings, store)
        self._files = MediaStore(settings)
        self._slots = UploadSlots(settings)
        self._completions = anyio.CapacityLimiter(MOST_COMPLETIONS)

    async def describe(self) -> Response:
        """Nothing is looked at."""
        size = str(self._settings.max_upload_bytes)
        headers = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": size}
        return Response(status_code=204, headers=headers)

    async def create(self, request: Request) -> Response:
        """What is said of the recording is checked before any of it is taken, the consent first."""
        size = read_number(request, "upload-length")
        if not size:
            raise RequestError(messages.EMPTY_UPLOAD(), 422)
        metadata = request.headers.get("upload-metadata", "")
        begin = functools.partial(self._begin, size, metadata)
        creation = await create_once(self._store, request, f"{size} {metadata}", begin)
        upload = await self._load(creation.ids["upload"])
        if not creation.is_repeated and _has_body(request):
            upload = await self._append(request, upload.id, 0)
        headers = await anyio.to_thread.run_sync(upload_headers, self._uploads, upload)
        headers["Location"] = UPLOAD.format(upload_id=upload.id)
        body = self._model(request, upload, int(headers["Upload-Offset"]))
        return JSONResponse(body.model_dump(mode="json"), status_code=201, headers=headers)

    def _begin(self, size: int, metadata: str) -> Creation:
        facts = read_metadata(metadata)
        grant = grant_of(self._settings, self._store, facts, datetime.now(UTC))
        if facts.transcript is not None:
            transcripts.renew_pending(self._settings, facts.transcript, facts.subject_id)
            grant = replace(grant, transcript=facts.transcript)
        return Creation({"upload": self._uploads.begin(grant, size, facts.filename, account_id()).id})

    async def head(self, upload_id: str) -> Response:
        """Where the connection was cut, the upload goes on at `Upload-Offset`.

        Where all has come and it is no session yet, it is made one now; why it is not is the answer. One that cannot
        become a session lacks its last byte, and sending that is answered with the reason, whose code is in
        `Upload-Problem`: a client that knows tus alone would take a whole upload for a success.
        """
        upload = await self._settle(upload_id)
        return Response(headers=await anyio.to_thread.run_sync(upload_headers, self._uploads, upload))

    async def get(self, upload_id: str, request: Request) -> Response:
        """The same as JSON, with the session that it became."""
        upload = await self._settle(upload_id)
        offset = await anyio.to_thread.run_sync(self._uploads.offset, upload)
        return answer_model(request, self._model(request, upload, offset))

    async def patch(self, upload_id: str, request: Request) -> Response:
        """Where the answer to the last byte was lost, sending nothing from the end gets the same session."""
        offset = read_number(request, "upload-offset")
        upload = await self._append(request, upload_id, offset)
        headers = await anyio.to_thread.run_sync(upload_headers, self._uploads, upload)
        return Response(status_code=204, headers=headers)

    async def end(self, upload_id: str) -> Response:
        """A session that the upload became stays."""
        async with self._lock(upload_id) as upload:
            await anyio.to_thread.run_sync(self._uploads.remove, upload)
        return Response(status_code=204)

    async def _load(self, upload_id: str) -> PartialUpload:
        return await anyio.to_thread.run_sync(self._uploads.load, upload_id, account_id())

    def _lock(self, upload_id: str) -> AbstractAsyncContextManager[PartialUpload]:
        """Hold an upload, off the event loop."""
        return contextmanager_in_threadpool(self._uploads.locked(upload_id, account_id()))

    async def _settle(self, upload_id: str) -> PartialUpload:
        """Load an upload. One of which all has come and that is not over becomes a session first."""
        upload = await self._load(upload_id)
        if upload.is_over or await anyio.to_thread.run_sync(self._uploads.offset, upload) < upload.size:
            return upload
        try:
            async with self._lock(upload_id) as upload:
                return await self._complete(upload)
        except RecordingError as error:
            if error.message.code in MACHINE_FAULTS:
                raise
            return await self._load(upload_id)  # it is over, and says why

    async def _complete(self, upload: PartialUpload) -> PartialUpload:
        return await anyio.to_thread.run_sync(self._uploads.complete, upload, limiter=self._completions)

    async def _append(self, request: Request, upload_id: str, offset: int) -> PartialUpload:
        """Add a request's body to an upload; make it a session where that was the rest."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise RequestError(messages.OFFSET_TYPE(type=CONTENT_TYPE), 415)
        upload = await self._load(upload_id)
        with self._slots.taken(upload.account_id or upload.id):
            return await self._append_held(request, upload_id, offset)

    async def _append_held(self, request: Request, upload_id: str, offset: int) -> PartialUpload:
        async with self._lock(upload_id) as upload:
            is_end = offset in (upload.size, await anyio.to_thread.run_sync(self._uploads.offset, upload))
            if not (upload.is_over and is_end):
                await self._receive(request, upload, offset)
            if not upload.is_over and await anyio.to_thread.run_sync(self._uploads.offset, upload) < upload.size:
                return upload
            return await self._complete(upload)

    async def _receive(self, request: Request, upload: PartialUpload, offset: int) -> None:
        """Write a request's body as a piece of the upload. What came before the connection was cut stays."""
        left = upload.size - offset
        length = content_length(request)
        piece = await anyio.to_thread.run_sync(self._uploads.begin_piece, upload, offset)
        too_much = RequestError(messages.MORE_THAN_LENGTH(size=upload.size), 413)
        with piece:
            if length is not None and length > left:
                raise too_much
            try:
                await receive_body(self._settings, self._files, request, piece, left)
            except ClientDisconnect:
                await self._add(upload, piece, left)
                raise RequestError(messages.UPLOAD_BROKEN_OFF(), 400) from None
            except StorageError:
                raise
            except FerPhqError:
                await self._add(upload, piece, left)
                raise
            if piece.size > left:
                raise too_much
            await self._add(upload, piece, left)

    async def _add(self, upload: PartialUpload, piece: IncomingFile, left: int) -> None:
        if piece.size <= left:
            await anyio.to_thread.run_sync(self._uploads.add_piece, upload, piece)

    def _model(self, request: Request, upload: PartialUpload, offset: int) -> schemas.Upload:
        session = None
        if upload.session_id is not None:
            session = schemas.NewSession(
                session_id=upload.session_id, job_id=upload.job_id, duplicate=upload.is_duplicate
            )
        problem = None if upload.problem is None else self._sentences.note(request, upload.problem)
        return schemas.Upload(
            id=upload.id,
            size=upload.size,
            offset=offset,
            expires_at=self._uploads.expires_at(upload),
            session=session,
            problem=problem,
        )


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
