"""`/v1/analyses/{id}/speakers`: who is heard, which of them the subject is, and the choice of another one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from db.records import AnalysisSummary
from service.api.v1.analyses import schemas
from service.api.v1.answers.archive import READS, Archive
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.openapi import IF_NONE_MATCH, extra, problems
from service.jobs.speaker import choose_speaker
from service.views.speech.samples import list_voices

SPEAKERS = "/v1/analyses/{analysis_id}/speakers"
CHOICES: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.ChosenSpeaker, "description": "An analysis with it was there, and stands for the session."},
    202: {"model": schemas.ChosenSpeaker, "description": "The session is analysed again with it."},
    **problems(400, 401, 403, 404, 408, 409, 413, 422, 503),
}


def speaker_routes(archive: Archive) -> APIRouter:
    """Return the routes. Whose analyses they answer for, the store decides by who asks.

    Args:
        archive: The installation and its store.
    """
    speakers = _Speakers(archive)
    router = APIRouter(tags=["analyses"])
    router.get(
        SPEAKERS,
        response_model=schemas.Speakers,
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="Who is heard, and which of them the analysis takes for the subject.",
    )(speakers.list_speakers)
    router.post(
        f"{SPEAKERS}/choice",
        response_model=schemas.ChosenSpeaker,
        responses=CHOICES,
        openapi_extra=extra(body=schemas.SpeakerWish),
        summary="Choose which speaker is the subject, whose voice is then measured.",
    )(speakers.choose)
    return router


class _Speakers:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store

    async def list_speakers(self, analysis_id: str, request: Request) -> Response:
        """A speaker's number means nothing in another analysis. Where one is heard alone, a person can listen."""
        summary = await self._archive.ask(self._store.analyses.get, analysis_id=analysis_id)
        answer = await self._archive.ask(self._describe, summary=summary)
        return await self._archive.answer_read(request, answer, "session", summary.session_id, "speakers")

    async def choose(self, analysis_id: str, request: Request) -> Response:
        """It is kept as the times of the speaker's turns, and holds whenever the session is analysed again."""
        summary = await self._archive.ask(self._store.analyses.get, analysis_id=analysis_id)
        session = await self._archive.ask(self._store.sessions.get, session_id=summary.session_id)
        await self._archive.ask(self._store.subjects.check_change, subject_id=session.subject_id)
        wish = await read_model(request, schemas.SpeakerWish)
        result = await self._archive.ask(
            choose_speaker,
            settings=self._archive.settings,
            store=self._store,
            summary=summary,
            speaker=wish.speaker,
        )
        answer = schemas.ChosenSpeaker(job_id=result.job_id, analysis_id=result.analysis_id)
        return answer_model(request, answer, status=200 if result.job_id is None else 202)

    def _describe(self, summary: AnalysisSummary) -> schemas.Speakers:
        series = self._store.features.load_turns(analysis_id=summary.id)
        choice = self._store.features.speaker_choice(analysis_id=summary.id)
        voices = () if series is None else list_voices(series)
        has_subject = any(voice.is_subject for voice in voices)
        items = [
            schemas.Speaker(
                speaker=voice.speaker,
                is_subject=voice.is_subject,
                speech_s=voice.speech_s,
                speech_share=voice.share,
                turns=voice.turns,
                sample_start_s=None if voice.sample is None else voice.sample[0],
                sample_end_s=None if voice.sample is None else voice.sample[1],
            )
            for voice in voices
        ]
        return schemas.Speakers(
            items=items,
            next=None,
            has_turns=series is not None,
            chosen_by=choice if has_subject else None,
            unknown_because=None if has_subject else choice,
        )
