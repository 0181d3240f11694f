"""Bodies that hold pictures: a form with files, or JSON with base64."""

from __future__ import annotations

import base64
import binascii

import anyio
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from service.api import messages
from service.api.v1.answers.bodies import BODY_SECONDS, bounded
from service.api.v1.answers.problems import RequestError
from service.api.v1.pictures.schemas import Images

MAX_PICTURES = 32
"""Most pictures of a request."""
MAX_BODY = 64_000_000
"""Most bytes of a request's body."""
FIELD = "file"
"""The field of the form that holds pictures."""


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


async def _read_form(request: Request) -> list[bytes | None]:
    parser = MultiPartParser(request.headers, bounded(request, MAX_BODY), max_files=1000, max_fields=10)
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
    body = b"".join([chunk async for chunk in bounded(request, MAX_BODY)])
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
