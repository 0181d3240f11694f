"""`/v1/sessions/{id}/transcript`: the transcript of a session is described, given, replaced and removed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from db.records import JobRecord, JobState, NewTranscript, SessionDetail, TranscriptRecord
from fer_phq.core.messages import Message
from fer_phq.words.messages import SUBJECT_UNKNOWN
from service.access.guard import SESSIONS_PATH
from service.api import messages
from service.api.v1.answers.archive import CHANGES, READS, Archive
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model, check_match
from service.api.v1.answers.openapi import IF_MATCH, IF_NONE_MATCH, extra, problems
from service.api.v1.answers.problems import RequestError
from service.api.v1.uploads import schemas
from service.api.v1.uploads.facts import account_id, check_words, unusable_transcript
from service.api.v1.uploads.transcripts import MAX_BODY, TRANSCRIPTS
from service.ingest.transcripts import check_transcript
from service.ingest.upload_limits import UploadSlots
from service.jobs.sidecar import digest
from service.lifecycle.person.words import remove_transcript, save_transcript

TRANSCRIPT = f"{SESSIONS_PATH}/{{session_id}}/transcript"
REPLACES: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.SessionTranscript, "description": "It stands in place of another, or was there already."},
    201: {"model": schemas.SessionTranscript, "description": "The session had none."},
    **CHANGES,
    **problems(429, 507),
}


def session_transcript_routes(archive: Archive) -> APIRouter:
    """Return the routes.

    Args:
        archive: The installation and its store.
    """
    transcripts = _Transcripts(archive)
    router = APIRouter(tags=["sessions"])
    router.get(
        TRANSCRIPT,
        response_model=schemas.SessionTranscript,
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="What is known of a session's transcript, without its words.",
    )(transcripts.get)
    router.put(
        TRANSCRIPT,
        response_model=schemas.SessionTranscript,
        responses=REPLACES,
        openapi_extra=extra(IF_MATCH, body=schemas.TranscriptDocument),
        summary="Give a session a transcript, in place of the one that it has.",
    )(transcripts.replace)
    router.delete(
        TRANSCRIPT,
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 404, 409, 412, 422, 503),
        openapi_extra=extra(IF_MATCH),
        summary="Erase a session's transcript.",
    )(transcripts.remove)
    return router


class _Transcripts:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store
        self._slots = UploadSlots(archive.settings)

    async def get(self, session_id: str, request: Request) -> Response:
        """Whether the session's analysis knows these words. Researchers see no words, and none that there are any."""
        model = await self._load(session_id, request)
        return await self._archive.answer_read(request, model, "session", session_id, "transcript")

    async def replace(self, session_id: str, request: Request) -> Response:
        """Analyses stay as they are, with the words that they were made with; `notes` say how to come to another.

        The words that were there before go for good, from the database's files too. Sent again, nothing changes.
        """
        session = await self._archive.ask(self._store.sessions.get, session_id=session_id)
        await self._archive.ask(self._store.subjects.check_change, subject_id=session.subject_id)
        with self._slots.taken(account_id() or TRANSCRIPTS):
            file = await read_model(request, schemas.TranscriptDocument, MAX_BODY)
            transcript = await self._archive.ask(_check, file=file)
            await check_match(request, lambda: self._load(session_id, request))
            is_first = await self._archive.ask(self._save, session_id=session_id, transcript=transcript)
        return answer_model(request, await self._load(session_id, request), status=201 if is_first else 200)

    async def remove(self, session_id: str, request: Request) -> Response:
        """Its words go from the database's files too; analyses that were made with it stay."""
        await self._archive.ask(self._store.sessions.get, session_id=session_id)
        if not await self._archive.ask(self._store.transcripts.exists, session_id=session_id):
            raise RequestError(messages.NO_TRANSCRIPT(), 404)
        await check_match(request, lambda: self._load(session_id, request))
        settings = self._archive.settings
        await self._archive.ask(remove_transcript, settings=settings, store=self._store, session_id=session_id)
        return Response(status_code=204)

    def _save(self, session_id: str, transcript: NewTranscript) -> bool:
        """Store a transcript unless it is there already. Returns whether the session had none."""
        stored = self._store.transcripts.get(session_id=session_id)
        if stored is None or transcript != NewTranscript(stored.original_name, stored.document, stored.speaker):
            save_transcript(
                self._archive.settings,
                self._store,
                session_id,
                transcript.original_name,
                transcript.document,
                transcript.speaker,
            )
        return stored is None

    async def _load(self, session_id: str, request: Request) -> schemas.SessionTranscript:
        return await self._archive.ask(self._describe, session_id=session_id, request=request)

    def _describe(self, session_id: str, request: Request) -> schemas.SessionTranscript:
        detail = self._store.sessions.get_detail(session_id=session_id)
        record = self._store.transcripts.get(session_id=session_id)
        if record is None:
            raise RequestError(messages.NO_TRANSCRIPT(), 404)
        with unusable_transcript():
            checked = check_transcript(record.original_name, record.document)
        words = digest(record)
        analysis_id = next((summary.id for summary in detail.analyses if summary.sidecar_digest == words), None)
        current = self._archive.current_analysis(detail)
        is_analysed = current is not None and current.sidecar_digest == words
        notes = [each for each in checked.warnings if record.speaker is None or each.code != SUBJECT_UNKNOWN.code]
        if not is_analysed:
            notes += _notes_of_analyses(detail, record, analysis_id)
        return schemas.SessionTranscript(
            session_id=session_id,
            name=record.original_name,
            speaker=record.speaker,
            speakers=list(checked.speakers),
            utterances=checked.utterances,
            sha256=record.sha256,
            created_at=record.created_at,
            analysis_id=analysis_id,
            is_analysed=is_analysed,
            notes=[self._archive.sentences.note(request, note) for note in notes],
        )


def _check(file: schemas.TranscriptDocument) -> NewTranscript:
    """Read a transcript. Raises RequestError where it cannot be used."""
    with unusable_transcript():
        checked = check_transcript(file.name, file.document)
    return check_words(checked, file.speaker)


def _notes_of_analyses(detail: SessionDetail, record: TranscriptRecord, analysis_id: str | None) -> list[Message]:
    """Return what a transcript that the session's analysis does not know means for its analyses.

    Args:
        detail: The session with its analyses and its newest job.
        record: Its transcript.
        analysis_id: The newest analysis that was made with it; None without any.
    """
    notes = [messages.ANALYSES_STAY()] if detail.analyses else []
    if analysis_id is not None:
        return [*notes, messages.ANALYSED_BEFORE(analysis_id=analysis_id)]
    if detail.job is not None and detail.job.is_live:
        return [*notes, _note_of_job(detail.job, record)]
    if detail.session.media_path is None:
        return [*notes, messages.WITHOUT_RECORDING()]
    return [*notes, messages.ANALYSE_WITH_IT(session_id=record.session_id)]


def _note_of_job(job: JobRecord, record: TranscriptRecord) -> Message:
    is_earlier = job.state is JobState.RUNNING and job.started_at is not None and job.started_at < record.created_at
    return (messages.JOB_WITH_EARLIER_WORDS if is_earlier else messages.JOB_WITH_WORDS)(job_id=job.id)
