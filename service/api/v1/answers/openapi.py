"""The OpenAPI document: problems with their own media type, and the ways to say who asks."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from service.access.answers import PROBLEM_TYPE
from service.access.control import COOKIE
from service.api.v1.answers.schemas import Problem

PATH = "/v1/openapi.json"
COMPONENTS = "#/components/schemas/{model}"
IF_NONE_MATCH = ("If-None-Match", "The ETag of an answer that is there already; 304 where it is still the same.")
IF_MATCH = ("If-Match", "The ETag of what is changed, as it was read; 412 where it has changed since.")
IDEMPOTENCY_KEY = (
    "Idempotency-Key",
    "1 to 255 visible ASCII characters, such as a UUID. Sent again with the same key and body within 24 hours, the "
    "request does nothing and is answered with what the first one made.",
)
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The answer that If-None-Match names is still true."}
}
_REFERENCE = {"schema": {"$ref": "#/components/schemas/Problem"}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents the problems that it may answer.

    Args:
        *statuses: Their HTTP statuses.
    """
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_TYPE: _REFERENCE}} for status in statuses
    }


def extra(*headers: tuple[str, str], body: type[BaseModel] | None = None) -> dict[str, Any]:
    """Return what a route documents that its handler reads from the request itself.

    Args:
        *headers: Headers that it honours, with what they are for.
        body: What its JSON body holds, read by `read_model`; None without a body.
    """
    parameters = [
        {"name": name, "in": "header", "required": False, "description": words, "schema": {"type": "string"}}
        for name, words in headers
    ]
    document: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if body is not None:
        content = {"application/json": {"schema": body.model_json_schema(ref_template=COMPONENTS)}}
        document["requestBody"] = {"required": True, "content": content}
    return document


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document.

    Args:
        app: The application with all its routes.
    """
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    for schema in _bodies(document):
        parts["schemas"].update(schema.pop("$defs", {}))
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of `fer-phq tokens create`."},
        "login": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "The login of a person."},
    }
    document["security"] = [{"token": []}, {"login": []}, {}]
    return document


def _bodies(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of the bodies that `extra` describes: other models that they refer to come with them."""
    for path in document["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield content.get("schema", {})
