"""Answers with tables, as JSON, CSV, Parquet or Arrow, as whoever asks likes it best."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fer_phq import __version__
from service.api import messages
from service.api.v1.answers.conditions import entity_tag, headers_of_tag, is_there
from service.api.v1.answers.openapi import UNCHANGED
from service.api.v1.answers.problems import RequestError
from service.views.documents.tables import MEDIA_TYPES, WRITERS, Format, Table

Kind = TypeVar("Kind", bound=StrEnum)
FormatName = Annotated[
    str | None,
    Query(
        alias="format",
        description="What the table is written as; goes before `Accept`. JSON without either.",
        json_schema_extra={"enum": [*map(str, Format)]},
    ),
]


def table_answer(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents an answer that is a table.

    Args:
        model: The table as JSON.
    """
    contents = {kind: {"schema": {"type": "string"}} for kind in list(MEDIA_TYPES.values())[1:]}
    description = (
        "The table, streamed. Parquet and Arrow hold `facts` in the schema's metadata, and each column's unit and "
        "meaning in the field's. CSV has no place for them."
    )
    return {200: {"model": model, "description": description, "content": contents}, **UNCHANGED}


def choose_format(request: Request, name: str | None, kinds: Mapping[Kind, str]) -> Kind:
    """Return what an answer is written as.

    Args:
        request: Its `Accept` chooses where there is no name.
        name: The query's `format`; None without one.
        kinds: The media type of each format.

    Raises:
        RequestError: No format is what was asked for.
    """
    if name is not None:
        choice = next((kind for kind in kinds if kind == name), None)
    else:
        accepts = request.headers.get("accept", "*/*")
        best = max(kinds, key=lambda kind: _quality(accepts, kinds[kind]))  # the first of those liked best
        choice = best if _quality(accepts, kinds[best]) > 0 else None
    if choice is None:
        raise RequestError(messages.NOT_ACCEPTABLE(formats=tuple(map(str, kinds))), 406)
    return choice


def _quality(accepts: str, media_type: str) -> float:
    """Return how much a media type is liked, 0 to 1: the range that fits it most closely decides (RFC 9110, 12.5.1)."""
    kinds = ("*/*", f"{media_type.partition('/')[0]}/*", media_type)
    best = (-1, 0.0)
    for part in accepts.split(","):
        kind, *options = (piece.strip().lower() for piece in part.split(";"))
        if kind in kinds:
            weight = next((option[2:] for option in options if option.startswith("q=")), "1")
            best = max(best, (kinds.index(kind), float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0))
    return best[1]


def answer_table(request: Request, table: Table, kind: Format) -> Response:
    """Answer with a table; with 304 where the one who asks has it already.

    Its first block is read here, so that what cannot be read at all is a problem.

    Args:
        request: Its `If-None-Match` says what is there already.
        table: The table.
        kind: What it is written as.
    """
    headers = {"Vary": "Accept, Accept-Language"}
    if table.version:
        headers = headers_of_tag(entity_tag(f"{__version__}|{kind}|{table.name}|{table.version}".encode()))
        if is_there(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{table.name}.{kind}"'
    blocks = iter(table.blocks)
    content = WRITERS[kind](table, itertools.chain([next(blocks)], blocks))
    return StreamingResponse(content, media_type=MEDIA_TYPES[kind], headers=headers)
