"""Bodies of requests: bounded in bytes and time, and never written to disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TypeVar

import anyio
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from fer_phq.core.errors import field_message
from service.api import messages
from service.api.v1.answers.problems import RequestError

MAX_JSON = 64_000
"""Most bytes of a body of a few fields."""
BODY_SECONDS = 60
"""Longest time in which a body must arrive."""
Model = TypeVar("Model", bound=BaseModel)


async def read_model(request: Request, kind: type[Model], most: int = MAX_JSON) -> Model:
    """Read a body of a few fields.

    Args:
        request: Its body is JSON.
        kind: What the JSON describes.
        most: Most bytes of the body.

    Raises:
        RequestError: The body is too large or too slow, or is not such JSON.
    """
    try:
        with anyio.fail_after(BODY_SECONDS):
            body = b"".join([chunk async for chunk in bounded(request, most)])
    except TimeoutError:
        raise RequestError(messages.BODY_TOO_SLOW(seconds=BODY_SECONDS), 408) from None
    except ClientDisconnect:
        raise RequestError(messages.UPLOAD_BROKEN_OFF(), 400) from None
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][-1]) if first["loc"] else "JSON"
        raise RequestError(messages.UNUSABLE_REQUEST(field=field, reason=field_message(first)), 422) from None


async def bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """Yield a body.

    Args:
        request: Holds it.
        most: Its most bytes.

    Raises:
        RequestError: The body is larger.
    """
    too_large = RequestError(messages.BODY_TOO_LARGE(limit=most / 1_000_000), 413)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise too_large
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_large
        yield chunk
