"""The headers of tus 1.0, the protocol of resumable uploads: https://tus.io/protocols/resumable-upload."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from fer_phq.core.errors import FerPhqError
from service.api import messages
from service.api.v1.answers.problems import RequestError, Sentences
from service.ingest.partial_uploads import PartialUpload, PartialUploads

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration"
CONTENT_TYPE = "application/offset+octet-stream"
RESUMABLE = ("Tus-Resumable", f"`{VERSION}`, the version of the protocol.")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def tus_route(sentences: Sentences) -> type[APIRoute]:
    """Return the kind of route that checks the version of the protocol and names it in each answer.

    Args:
        sentences: Writes the problems.
    """

    class TusRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handler = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    _check_version(request)
                    response = await handler(request)
                except FerPhqError as error:
                    response = sentences.answer_error(request, error)
                response.headers["Tus-Resumable"] = VERSION
                if response.status_code == 412:
                    response.headers["Tus-Version"] = VERSION
                return response

            return answer

    return TusRoute


def _check_version(request: Request) -> None:
    """Refuse another version of the protocol, where its methods are used."""
    if request.method in ("POST", "HEAD", "PATCH", "DELETE") and request.headers.get("tus-resumable") != VERSION:
        raise RequestError(messages.TUS_VERSION(version=VERSION), 412)


def read_number(request: Request, name: str) -> int:
    """Read a header that holds a number of bytes.

    Args:
        request: The request.
        name: The header's name.

    Raises:
        RequestError: It holds none.
    """
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise RequestError(messages.BYTES_HEADER(name=name), 422)
    return int(value)


def upload_headers(uploads: PartialUploads, upload: PartialUpload) -> dict[str, str]:
    """Return the headers that say how far an upload is, and what became of it.

    Args:
        uploads: The uploads of the installation.
        upload: The upload.
    """
    headers = {
        "Upload-Offset": str(uploads.offset(upload)),
        "Upload-Length": str(upload.size),
        "Upload-Expires": format_datetime(uploads.expires_at(upload), usegmt=True),
        "Cache-Control": "no-store",
    }
    if upload.session_id is not None:
        headers["Upload-Session-Id"] = upload.session_id
    if upload.job_id is not None:
        headers["Upload-Job-Id"] = upload.job_id
    if upload.problem is not None:
        headers["Upload-Problem"] = upload.problem.code
    return headers
