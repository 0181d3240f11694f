"""What every answer may hold, as typed models."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")
PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": "urn:fer-phq:problem:api.no_pictures",
    "title": HTTPStatus(422).phrase,
    "status": 422,
    "detail": "The request holds no picture: send 1 to 32.",
    "code": "api.no_pictures",
    "params": {"most": 32},
}


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROBLEM_EXAMPLE]})

    type: str = Field(description="`urn:fer-phq:problem:` and the code, or about:blank.")
    title: str = Field(description="The name of the HTTP status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence in the language that the request accepts.")
    code: str = Field(description="The message's code, which never changes.")
    params: dict[str, Any] = Field(description="The message's parameters.")


class Listing(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next: str | None = Field(description="`after` of the next page; null on the last.")


class Note(BaseModel):
    """What a person should know of how something was read."""

    detail: str = Field(description="One sentence in the language that the request accepts.")
    code: str = Field(description="The message's code, which never changes.")
    params: dict[str, Any] = Field(description="The message's parameters.")


class TableColumn(BaseModel):
    """What a column means."""

    name: str
    unit: str = Field(description="Of its numbers with their range, or what kind of text it holds.")
    meaning: str
    empty: str = Field(description="When a row has null here.")


class Table(BaseModel):
    """A table as JSON."""

    name: str = Field(description="The name of the table's file, without its ending.")
    facts: dict[str, str] = Field(description="What holds for the whole table, such as `model_id` and `time_base`.")
    columns: list[TableColumn]
    items: list[dict[str, Any]] = Field(description="The rows, by column. What was not measured is null.")
