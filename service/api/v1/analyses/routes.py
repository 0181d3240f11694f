"""`/v1/analyses/{id}` and `/v1/sessions/{id}/analyses`: what models made of a session."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from db.records import AnalysisSummary, Position
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from service.api.v1.analyses import schemas, tables
from service.api.v1.analyses.estimates import describe_estimate
from service.api.v1.answers.archive import READS, Archive
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.openapi import IF_NONE_MATCH, extra, problems
from service.api.v1.answers.paging import DEFAULT_LIMIT, After, Limit, list_behind, read_cursor
from service.api.v1.answers.schemas import Table
from service.api.v1.answers.tables import FormatName, answer_table, choose_format, table_answer
from service.views.documents.tables import MEDIA_TYPES

ANALYSIS = "/v1/analyses/{analysis_id}"
TABLES = problems(401, 403, 404, 406, 409, 422, 503)
Answers = dict[int | str, dict[str, Any]]


def analysis_routes(archive: Archive) -> APIRouter:
    """Return the routes. Whose analyses they answer for, the store decides by who asks.

    Args:
        archive: The installation and its store.
    """
    analyses = _Analyses(archive)
    router = APIRouter(tags=["analyses"])

    def read(path: str, handler: Callable[..., Any], answers: Answers, summary: str) -> None:
        router.add_api_route(
            path,
            handler,
            methods=["GET"],
            response_model=None,
            responses=answers,
            openapi_extra=extra(IF_NONE_MATCH),
            summary=summary,
        )

    read("/v1/sessions/{session_id}/analyses", analyses.of_session, _model(schemas.Analyses), "A session's analyses.")
    read(ANALYSIS, analyses.summary, _model(schemas.AnalysisItem), "An analysis without its frames.")
    words = "The face tracks: who was in view, and whom the analysis takes for the subject."
    read(f"{ANALYSIS}/tracks", analyses.tracks, _model(schemas.FaceTracks), words)
    words = "The emotion timeline: a row for each sampled frame, gaps included."
    read(f"{ANALYSIS}/timeline", analyses.timeline, {**table_answer(schemas.Timeline), **TABLES}, words)
    read(f"{ANALYSIS}/series", analyses.series_list, _model(schemas.SeriesList), "Which feature series are stored.")
    words = "A feature series: the voice, the words, the facial behaviour or everybody's turns, a row at a time."
    read(f"{ANALYSIS}/series/{{name}}", analyses.series, {**table_answer(Table), **TABLES}, words)
    return router


def _model(model: type[BaseModel]) -> Answers:
    return {200: {"model": model}, **READS}


class _Analyses:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store
        self._sentences = archive.sentences

    async def of_session(
        self, session_id: str, request: Request, limit: Limit = DEFAULT_LIMIT, after: After = None
    ) -> Response:
        """Analysing again adds an analysis and changes none; `current` says which stands for the session."""
        start = read_cursor(after)
        detail = await self._archive.ask(self._store.sessions.get_detail, session_id=session_id)
        page, cursor = list_behind(detail.analyses, limit, start, _position, descending=True)
        current = await self._archive.ask(self._archive.current_analysis, detail=detail)
        items = [self._item(request, summary) for summary in page]
        answer = schemas.Analyses(current=current and current.id, items=items, next=cursor)
        return await self._archive.answer_read(request, answer, "session", session_id, "analyses")

    async def summary(self, analysis_id: str, request: Request) -> Response:
        """Shares, coverage, and the PHQ estimate with its interval and provenance, or why there is none."""
        return answer_model(request, self._item(request, await self._read(analysis_id, "analysis")))

    async def tracks(self, analysis_id: str, request: Request) -> Response:
        """A track is a face that was followed without a break. Pictures and embeddings of faces stay in the store."""
        await self._read(analysis_id, "face tracks")
        rows = await self._archive.ask(self._store.faces.list_all_tracks, analysis_id=analysis_id)
        holds_everybody = await self._archive.ask(self._store.faces.exist, analysis_id=analysis_id)
        items = [schemas.FaceTrack(**dataclasses.asdict(row)) for row in rows]
        return answer_model(request, schemas.FaceTracks(items=items, next=None, holds_everybody=holds_everybody))

    async def timeline(self, analysis_id: str, request: Request, format_name: FormatName = None) -> Response:
        """Time is the unit: a row stands for `duration_s` seconds. A gap has null for everything but its times."""
        kind = choose_format(request, format_name, MEDIA_TYPES)
        summary = await self._read(analysis_id, f"timeline, {kind}")
        sentence = self._sentences.write(request, NOT_A_DIAGNOSIS())

        def answer() -> Response:
            return answer_table(request, tables.timeline_table(self._store, summary, sentence), kind)

        return await self._archive.ask(answer)

    async def series_list(self, analysis_id: str, request: Request) -> Response:
        """Embeddings of faces and words stay in the store: they may tell who somebody is, or what was said."""
        await self._read(analysis_id, "series")
        kinds = await self._archive.ask(tables.series_kinds, store=self._store, analysis_id=analysis_id)
        items = [schemas.Series(name=name, kind=kind) for name, kind in kinds.items()]
        return answer_model(request, schemas.SeriesList(items=items, next=None))

    async def series(self, analysis_id: str, name: str, request: Request, format_name: FormatName = None) -> Response:
        """The columns are those of the data dictionary, whose units and meanings come with the table."""
        kind = choose_format(request, format_name, MEDIA_TYPES)
        summary = await self._read(analysis_id, f"series, {kind}")
        sentence = self._sentences.write(request, NOT_A_DIAGNOSIS())

        def answer() -> Response:
            return answer_table(request, tables.series_table(self._store, summary, name, sentence), kind)

        return await self._archive.ask(answer)

    async def _read(self, analysis_id: str, detail: str) -> AnalysisSummary:
        """Load an analysis, and note in the audit that its session is read."""
        summary = await self._archive.ask(self._store.analyses.get, analysis_id=analysis_id)
        await self._archive.note_read("session", summary.session_id, detail)
        return summary

    def _item(self, request: Request, summary: AnalysisSummary) -> schemas.AnalysisItem:
        fps = None if summary.sampling.key_frames else summary.sampling.fps
        return schemas.AnalysisItem(
            id=summary.id,
            session_id=summary.session_id,
            model_id=summary.model_id,
            created_at=summary.created_at,
            sampling=schemas.Sampling(fps=fps, key_frames=summary.sampling.key_frames),
            coverage=summary.coverage,
            frames_sampled=summary.frames_sampled,
            frames_with_face=summary.frames_with_face,
            emotions=None if summary.emotions is None else dict(summary.emotions),
            dominant_emotion=summary.dominant_emotion,
            phq=describe_estimate(self._sentences, request, summary.phq),
            warnings=[self._sentences.note(request, warning) for warning in summary.warnings],
            notes=[self._sentences.note(request, NOT_A_DIAGNOSIS())],
        )


def _position(summary: AnalysisSummary) -> Position:
    return Position(summary.created_at, summary.id)
