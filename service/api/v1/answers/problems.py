"""Errors as problems (RFC 9457): a status, one sentence, and the message's code and parameters."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import StoreAwayError
from fer_phq.core.errors import FerPhqError, field_message
from fer_phq.core.messages import Message as Sentence
from fer_phq.core.messages import code_and_params
from service.access.answers import Translate, accepted_language, problem_answer, problem_body
from service.access.guard import RETRY_S
from service.access.messages import SERVER_ERROR
from service.api import messages
from service.api.statuses import status_of
from service.api.v1.answers.schemas import Note
from service.ingest.partial_uploads import UploadInUseError
from service.ingest.upload_limits import TooManyUploadsError

log = logging.getLogger(__name__)
_RETRY_AFTER: dict[type[FerPhqError], int] = {TooManyUploadsError: 10, UploadInUseError: 2, StoreAwayError: RETRY_S}
"""Seconds after which trying again may help, by the kind of error."""


class RequestError(FerPhqError):
    """A request that cannot be answered as it is.

    Attributes:
        status: The HTTP status.
        retry_after: Seconds after which trying again may help; None where it does not.
    """

    def __init__(self, message: Sentence, status: int, retry_after: int | None = None) -> None:
        """Wrap a message; the arguments are the attributes."""
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Sentences:
    """Writes messages in the language that a request accepts."""

    def __init__(self, translate: Translate, languages: Sequence[str]) -> None:
        """Take how messages are written, and the codes of the languages in which."""
        self._translate = translate
        self._languages = languages

    def write(self, request: HTTPConnection, message: Sentence) -> str:
        """Write a message.

        Args:
            request: Its `Accept-Language` chooses.
            message: The message.
        """
        return self._translate(message, self.language(request))

    def language(self, request: HTTPConnection) -> str:
        """Return the language that a request accepts, as a code.

        Args:
            request: Its `Accept-Language` chooses.
        """
        return accepted_language(request.headers.get("accept-language", ""), self._languages)

    def problem(self, request: HTTPConnection, message: Sentence, status: int) -> dict[str, Any]:
        """Return the members of a problem, for an answer that holds one.

        Args:
            request: Its `Accept-Language` chooses.
            message: What went wrong.
            status: The HTTP status.
        """
        return problem_body(message, status, self.write(request, message))

    def note(self, request: HTTPConnection, message: Sentence) -> Note:
        """Return a message as a part of an answer.

        Args:
            request: Its `Accept-Language` chooses.
            message: What a person should know.
        """
        return Note(detail=self.write(request, message), **code_and_params(message))

    def answer(self, request: Request, message: Sentence, status: int) -> Response:
        """Answer with a problem.

        Args:
            request: Its `Accept-Language` chooses.
            message: What went wrong.
            status: The HTTP status.
        """
        accepts = request.headers.get("accept-language", "")
        return problem_answer(message, status, accepts=accepts, languages=self._languages, translate=self._translate)

    def answer_error(self, request: Request, error: FerPhqError) -> Response:
        """Answer with an error as a problem, and where it helps, with when to try again.

        Args:
            request: Its `Accept-Language` chooses.
            error: What went wrong.
        """
        answer = self.answer(request, error.message, _status(error))
        retry_after = error.retry_after if isinstance(error, RequestError) else _RETRY_AFTER.get(type(error))
        if retry_after is not None:
            answer.headers["Retry-After"] = str(retry_after)
        return answer


def answer_problems(app: FastAPI, sentences: Sentences) -> None:
    """Have an application answer every error as a problem.

    Args:
        app: The application.
        sentences: Writes the messages.
    """

    def fer_phq_error(request: Request, error: FerPhqError) -> Response:
        return sentences.answer_error(request, error)

    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = str(first["loc"][-1])
        return sentences.answer(request, messages.UNUSABLE_REQUEST(field=field, reason=field_message(first)), 422)

    def routing(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            methods = (error.headers or {}).get("Allow", "")
            answer = sentences.answer(request, messages.NO_SUCH_METHOD(method=request.method, methods=methods), 405)
            answer.headers["Allow"] = methods
            return answer
        return sentences.answer(request, messages.NO_SUCH_PATH(), error.status_code)

    app.add_exception_handler(FerPhqError, fer_phq_error)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, routing)  # type: ignore[arg-type]
    app.add_middleware(_Surprises, sentences=sentences)


def _status(error: FerPhqError) -> int:
    return error.status if isinstance(error, RequestError) else status_of(error)


class _Surprises:
    """Answers what nobody expected with a number that the log explains. No answer is stored on its way."""

    def __init__(self, app: ASGIApp, sentences: Sentences) -> None:
        self._app = app
        self._sentences = sentences

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def watch(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                if not any(name.lower() == b"cache-control" for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (b"cache-control", b"no-store")]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            if has_started:
                raise
            number = uuid.uuid4().hex[:8]
            log.exception("request failed, number %s", number)
            answer = self._sentences.answer(Request(scope), SERVER_ERROR(number=number), 500)
            await answer(scope, receive, send)
