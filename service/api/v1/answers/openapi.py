"""The OpenAPI document: problems with their own media type, and the ways to say who asks."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.access.answers import PROBLEM_TYPE
from service.access.control import COOKIE
from service.api.v1.answers.schemas import Problem

PATH = "/v1/openapi.json"
_REFERENCE = {"schema": {"$ref": "#/components/schemas/Problem"}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents the problems that it may answer.

    Args:
        *statuses: Their HTTP statuses.
    """
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_TYPE: _REFERENCE}} for status in statuses
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document.

    Args:
        app: The application with all its routes.
    """
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of `fer-phq tokens create`."},
        "login": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "The login of a person."},
    }
    document["security"] = [{"token": []}, {"login": []}, {}]
    return document
