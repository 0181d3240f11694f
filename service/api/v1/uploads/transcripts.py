"""`POST /v1/uploads/transcripts`: a transcript is checked, and waits for the recording that names it."""

from __future__ import annotations

import functools
import hashlib

import anyio.to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from db.records import MAX_TRANSCRIPT
from db.store import Store
from fer_phq.core.messages import Message
from fer_phq.words.messages import SUBJECT_UNKNOWN
from service.access.guard import UPLOADS_PATH
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.once import Creation, create_once
from service.api.v1.answers.openapi import IDEMPOTENCY_KEY, extra, problems
from service.api.v1.answers.problems import Sentences
from service.api.v1.uploads import schemas
from service.api.v1.uploads.facts import account_id, check_words, unusable_transcript
from service.ingest.transcripts import CheckedTranscript, check_transcript, expires_at, load_pending, save_pending
from service.ingest.upload_limits import UploadSlots
from service.settings import AppSettings

TRANSCRIPTS = f"{UPLOADS_PATH}/transcripts"
MAX_BODY = MAX_TRANSCRIPT * 4 // 3 + 64_000
"""Most bytes of a body: a transcript in base64, and its names."""


def transcript_routes(settings: AppSettings, store: Store, sentences: Sentences) -> APIRouter:
    """Return the route.

    Args:
        settings: The installation.
        store: Its store, which acts for whoever is behind the request.
        sentences: Writes messages.
    """
    transcripts = _Transcripts(settings, store, sentences)
    router = APIRouter(tags=["uploads"])
    router.post(
        TRANSCRIPTS,
        status_code=201,
        response_model=schemas.WaitingTranscript,
        responses=problems(400, 401, 403, 404, 408, 409, 413, 422, 429, 503, 507),
        openapi_extra=extra(IDEMPOTENCY_KEY, body=schemas.TranscriptFile),
        summary="Send the transcript of a recording that is uploaded next.",
    )(transcripts.create)
    return router


class _Transcripts:
    """The handler."""

    def __init__(self, settings: AppSettings, store: Store, sentences: Sentences) -> None:
        self._settings = settings
        self._store = store
        self._sentences = sentences
        self._slots = UploadSlots(settings)

    async def create(self, request: Request) -> Response:
        """The upload of its recording names it in `Upload-Metadata`, as `transcript`. One that nobody names goes."""
        with self._slots.taken(account_id() or TRANSCRIPTS):
            file = await read_model(request, schemas.TranscriptFile, MAX_BODY)
            content = hashlib.sha256(file.model_dump_json().encode()).hexdigest()
            creation = await create_once(self._store, request, content, functools.partial(self._save, file))
            answer = await anyio.to_thread.run_sync(self._describe, request, creation.ids["transcript"], file)
        headers = {"Idempotency-Replayed": "true"} if creation.is_repeated else {}
        return answer_model(request, answer, status=creation.status, headers=headers)

    def _save(self, file: schemas.TranscriptFile) -> Creation:
        self._store.subjects.check_change(subject_id=file.subject_id)
        subject = self._store.subjects.get(subject_id=file.subject_id)
        transcript = check_words(self._check(file.name, file.document), file.speaker)
        key = self._store.encryption.key()
        return Creation({"transcript": save_pending(self._settings, transcript, subject.id, key=key)})

    def _check(self, name: str, document: bytes) -> CheckedTranscript:
        with unusable_transcript():
            return check_transcript(name, document)

    def _describe(
        self, request: Request, transcript_id: str, file: schemas.TranscriptFile
    ) -> schemas.WaitingTranscript:
        self._store.subjects.get(subject_id=file.subject_id)
        transcript = load_pending(self._settings, transcript_id)
        checked = self._check(transcript.original_name, transcript.document)
        return schemas.WaitingTranscript(
            id=transcript_id,
            speaker=transcript.speaker,
            speakers=list(checked.speakers),
            utterances=checked.utterances,
            expires_at=expires_at(self._settings, transcript_id),
            notes=[self._sentences.note(request, warning) for warning in _warnings(checked, file.speaker)],
        )


def _warnings(checked: CheckedTranscript, speaker: str | None) -> list[Message]:
    """Return what is to be known of a transcript; not that nobody knows who the subject is where the sender does."""
    return [warning for warning in checked.warnings if speaker is None or warning.code != SUBJECT_UNKNOWN.code]
