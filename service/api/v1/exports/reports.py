"""`/v1/sessions/{id}/report`: the report of a session, as the dashboard writes it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import anyio.to_thread
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from db.store import Store
from service.api import messages
from service.api.v1.answers.openapi import problems
from service.api.v1.answers.problems import RequestError, Sentences
from service.api.v1.answers.tables import choose_format
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
Zone = Annotated[str | None, Query(max_length=60, description="The zone of the times, such as Europe/Berlin; or UTC.")]
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


def report_routes(store: Store, sentences: Sentences, write_report: WriteReport) -> APIRouter:
    """Return the route.

    Args:
        store: The store, which acts for whoever is behind the request.
        sentences: Knows the language that a request accepts.
        write_report: Writes a report.
    """
    router = APIRouter(tags=["exports"])

    def make(session_id: str, analysis_id: str | None, kind: ReportFormat, language: str, zone: tzinfo) -> Response:
        view = _load(store, session_id, analysis_id)
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
        zone = _zone(time_zone)
        language = sentences.language(request)
        return await anyio.to_thread.run_sync(functools.partial(make, session_id, analysis_id, kind, language, zone))

    return router


def _load(store: Store, session_id: str, analysis_id: str | None) -> SessionView:
    """Load a session with the analysis. Raises RequestError where there is no such analysis of it."""
    detail = store.sessions.get_detail(session_id=session_id)
    ids = [summary.id for summary in detail.analyses]
    choice = ids[0] if analysis_id is None and ids else analysis_id
    if choice not in ids:
        raise RequestError(messages.WITHOUT_ANALYSIS(), 404)
    return load_session_view(store, detail, choice)


def _zone(name: str | None) -> tzinfo:
    """Return a time zone by its name. Raises RequestError where there is none."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
        raise RequestError(messages.UNKNOWN_TIME_ZONE(name=name), 422) from None
