"""Conditional requests (RFC 9110): an answer's ETag, `If-None-Match` against reading again, `If-Match` before a change.

An ETag is a digest of the answer's bytes, so that the same words have the same tag and nothing has to be counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from service.api import messages
from service.api.v1.answers.problems import RequestError

JSON = "application/json"


def answer_model(
    request: Request, model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a model as JSON and its ETag; with 304 where the one who asks has it already.

    Args:
        request: Its `If-None-Match` says what is there already.
        model: The answer. A number that is none (NaN) becomes null.
        status: The HTTP status.
        headers: More headers.
    """
    return answer_content(request, _write(model), JSON, status=status, headers=headers)


def answer_content(
    request: Request, content: bytes, media_type: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with bytes and their ETag; with 304 where the one who asks has them already.

    Args:
        request: Its `If-None-Match` says what is there already.
        content: The answer's body.
        media_type: Its type.
        status: The HTTP status.
        headers: More headers.
    """
    shared = {**headers_of_tag(entity_tag(content)), **(headers or {})}
    if is_there(request, shared["ETag"]):
        return Response(status_code=304, headers=shared)
    return Response(content, status_code=status, media_type=media_type, headers=shared)


def headers_of_tag(tag: str) -> dict[str, str]:
    """Return the headers of an answer with an ETag.

    Args:
        tag: The ETag.
    """
    return {"ETag": tag, "Cache-Control": "no-store", "Vary": "Accept, Accept-Language"}


def is_there(request: Request, tag: str) -> bool:
    """Tell whether the one who asks has an answer already, so that 304 is enough.

    Args:
        request: Its `If-None-Match` says what is there already.
        tag: The answer's ETag.
    """
    candidates = _tags(request.headers.getlist("if-none-match"))
    return request.method in ("GET", "HEAD") and ("*" in candidates or tag in {_strong(name) for name in candidates})


async def check_match(request: Request, current: Callable[[], Awaitable[BaseModel]]) -> None:
    """Check, before a change, that the resource is still as the one who changes it read it.

    The check comes right before the change and not in its transaction: of two changes at the same time both may pass.

    Args:
        request: Its `If-Match` holds the ETag of what was read; without one there is nothing to check.
        current: Returns the resource as a GET would answer it now.

    Raises:
        RequestError: The resource has changed since.
        FerPhqError: The resource cannot be read.
    """
    candidates = _tags(request.headers.getlist("if-match"))
    if not candidates:
        return
    tag = entity_tag(_write(await current()))
    if "*" not in candidates and tag not in candidates:
        raise RequestError(messages.CHANGED_SINCE(), 412)


def entity_tag(content: bytes) -> str:
    """Return the ETag of an answer's bytes.

    Args:
        content: The answer's body.
    """
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _write(model: BaseModel) -> bytes:
    return model.model_dump_json().encode()


def _tags(values: list[str]) -> list[str]:
    """Return the ETags of a header. Those of this API hold no commas."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _strong(tag: str) -> str:
    """Return a tag without the mark of a proxy that changed the answer's encoding alone."""
    return tag.removeprefix("W/")
