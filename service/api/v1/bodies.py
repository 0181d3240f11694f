"""Bodies of requests: bounded in bytes, time and number, and never written to disk."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncGenerator
from typing import TypeVar

import anyio
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from fer_phq.core.errors import field_message
from service.api import messages
from service.api.v1.problems import RequestError
from service.api.v1.schemas import Images

MAX_PICTURES = 32
"""Most pictures of a request."""
MAX_BODY = 64_000_000
"""Most bytes of a request's body with pictures."""
MAX_JSON = 64_000
"""Most bytes of any other body."""
BODY_SECONDS = 60
"""Longest time in which a body must arrive."""
FIELD = "file"
"""The field of the form that holds pictures."""
Model = TypeVar("Model", bound=BaseModel)


async def read_contents(request: Request) -> list[bytes | None]:
    """Read the pictures of a request.

    Args:
        request: Its body is a form with files, or JSON with base64.

    Returns:
        The bytes of each picture's file; None for base64 that is none.

    Raises:
        RequestError: The body is too large, too slow, of another type or holds no pictures, or too many.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/json"):
        raise RequestError(messages.MEDIA_TYPE(), 415)
    try:
        with anyio.fail_after(BODY_SECONDS):
            contents = await (_read_form(request) if kind == "multipart/form-data" else _read_json(request))
    except TimeoutError:
        raise RequestError(messages.BODY_TOO_SLOW(seconds=BODY_SECONDS), 408) from None
    except ClientDisconnect:
        raise RequestError(messages.UPLOAD_BROKEN_OFF(), 400) from None
    if not contents:
        raise RequestError(messages.NO_PICTURES(most=MAX_PICTURES), 422)
    if len(contents) > MAX_PICTURES:
        raise RequestError(messages.TOO_MANY_PICTURES(count=len(contents), most=MAX_PICTURES), 422)
    return contents


async def read_model(request: Request, kind: type[Model]) -> Model:
    """Read a body of a few fields.

    Args:
        request: Its body is JSON.
        kind: What the JSON describes.

    Raises:
        RequestError: The body is too large or too slow, or is not such JSON.
    """
    try:
        with anyio.fail_after(BODY_SECONDS):
            body = b"".join([chunk async for chunk in _bounded(request, MAX_JSON)])
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


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """Yield the body, up to the bound."""
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


async def _read_form(request: Request) -> list[bytes | None]:
    parser = MultiPartParser(request.headers, _bounded(request, MAX_BODY), max_files=1000, max_fields=10)
    parser.spool_max_size = MAX_BODY + 1  # a picture of somebody is not written to disk
    try:
        form = await parser.parse()
    except MultiPartException:
        raise RequestError(messages.NO_FORM(), 400) from None
    contents: list[bytes | None] = []
    for name, value in form.multi_items():
        if name != FIELD or not isinstance(value, UploadFile):
            raise RequestError(messages.OTHER_FIELD(), 422)
        contents.append(await value.read())
        await value.close()
    return contents


async def _read_json(request: Request) -> list[bytes | None]:
    body = b"".join([chunk async for chunk in _bounded(request, MAX_BODY)])
    try:
        images = Images.model_validate_json(body).images
    except ValidationError:
        raise RequestError(messages.NO_IMAGES(), 422) from None
    return [_decode(text) for text in images]


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
