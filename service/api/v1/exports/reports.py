"""`/v1/sessions/{id}/report`: the report of a session, as the dashboard writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from service.api import messages
from service.api.v1.answers.archive import Archive
from service.api.v1.answers.openapi import problems
from service.api.v1.answers.problems import RequestError
from service.api.v1.answers.tables import choose_format
from service.api.v1.answers.zones import Zone, read_zone
from service.views.session import SessionView, load_session_view

WriteReport = Callable[[SessionView, str, str, tzinfo], bytes]
"""Writes the report of a view as `html` or `pdf`, in a language, with times of a zone."""


class ReportFormat(StrEnum):
    """What a report is written as."""

    HTML = "html"
    PDF = "pdf"


MEDIA_TYPES: Mapping[ReportFormat, str] = {ReportFormat.HTML: "text/html", ReportFormat.PDF: "application/pdf"}
ReportName = Annotated[
    str | None,
    Query(
        alias="format",
        description="What the report is written as; goes before `Accept`. HTML without either.",
        json_schema_extra={"enum": [*map(str, ReportFormat)]},
    ),
]
Analysis = Annotated[
    str | None, Query(max_length=60, description="Which analysis; the one that stands for the session without it.")
]
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report: one file that needs nothing else.",
        "content": {kind: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()},
    },
    **problems(401, 403, 404, 406, 422, 503),
}


def report_routes(archive: Archive, write_report: WriteReport) -> APIRouter:
    """Return the route.

    Args:
        archive: The installation and its store.
        write_report: Writes a report.
    """
    router = APIRouter(tags=["exports"])
    store = archive.store

    def make(session_id: str, analysis_id: str | None, kind: ReportFormat, language: str, zone: tzinfo) -> Response:
        view = _load(archive, session_id, analysis_id)
        name = f"session-{session_id[:8]}-{view.analysis.summary.id[:8]}.{kind}"
        store.audit.add(action="read", object_kind="session", object_id=session_id, detail=f"report, {kind}")
        store.audit.add(action="export", object_kind="file", object_id=name)
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Language": language,
            "Vary": "Accept, Accept-Language",
        }
        return Response(write_report(view, str(kind), language, zone), media_type=MEDIA_TYPES[kind], headers=headers)

    @router.get(
        "/v1/sessions/{session_id}/report",
        response_class=Response,
        response_model=None,
        responses=ANSWERS,
        summary="A session's report, in the language that the request accepts.",
    )
    async def report(
        session_id: str,
        request: Request,
        format_name: ReportName = None,
        time_zone: Zone = None,
        analysis_id: Analysis = None,
    ) -> Response:
        """What the Session page hands out: the same numbers with where they come from, and what they are not."""
        kind = choose_format(request, format_name, MEDIA_TYPES)
        zone = read_zone(time_zone)
        language = archive.sentences.language(request)
        return await archive.ask(
            make, session_id=session_id, analysis_id=analysis_id, kind=kind, language=language, zone=zone
        )

    return router


def _load(archive: Archive, session_id: str, analysis_id: str | None) -> SessionView:
    """Load a session with the analysis. Raises RequestError where there is no such analysis of it."""
    detail = archive.store.sessions.get_detail(session_id=session_id)
    if analysis_id is None:
        summary = archive.current_analysis(detail)
    else:
        summary = next((summary for summary in detail.analyses if summary.id == analysis_id), None)
    if summary is None:
        raise RequestError(messages.WITHOUT_ANALYSIS(), 404)
    return load_session_view(archive.store, detail, summary.id)
