"""Answers of errors: one sentence in the language that the request accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from fer_phq.core.messages import Message, code_and_params

Translate = Callable[[Message, str], str]
"""Writes a message in a language, given as a code such as 'de'."""
ENGLISH = "en"
PROBLEM_TYPE = "application/problem+json"


def write_english(message: Message, language: str) -> str:
    """Write a message in English, whatever the language.

    Args:
        message: What is said.
        language: Not used.
    """
    return str(message)


def error_answer(
    message: Message, status: int, *, accepts: str, languages: Sequence[str], translate: Translate
) -> JSONResponse:
    """Answer an error as `{"error": sentence, "code": ..., "params": {...}}`.

    Args:
        message: What went wrong.
        status: The HTTP status.
        accepts: The request's `Accept-Language`.
        languages: Codes of the languages that there are.
        translate: Writes messages in one of them.
    """
    language = accepted_language(accepts, languages)
    body = {"error": translate(message, language), **code_and_params(message)}
    return JSONResponse(body, status_code=status, headers=headers_of(language))


def problem_answer(
    message: Message, status: int, *, accepts: str, languages: Sequence[str], translate: Translate
) -> JSONResponse:
    """Answer an error to a program, as a problem (RFC 9457).

    Args:
        message: What went wrong.
        status: The HTTP status.
        accepts: The request's `Accept-Language`.
        languages: Codes of the languages that there are.
        translate: Writes messages in one of them.
    """
    language = accepted_language(accepts, languages)
    body = problem_body(message, status, translate(message, language))
    return JSONResponse(body, status_code=status, headers=headers_of(language), media_type=PROBLEM_TYPE)


def headers_of(language: str) -> dict[str, str]:
    """Return the headers of an answer in a language, which nobody may store.

    Args:
        language: The language's code.
    """
    return {"Cache-Control": "no-store", "Content-Language": language, "Vary": "Accept-Language"}


def problem_body(message: Message, status: int, sentence: str) -> dict[str, Any]:
    """Return an error as the members of a problem (RFC 9457), with the message's code and parameters.

    Args:
        message: What went wrong.
        status: The HTTP status.
        sentence: The message in the language of the answer.
    """
    facts = code_and_params(message)
    kind = f"urn:fer-phq:problem:{facts['code']}" if facts["code"] else "about:blank"
    return {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": sentence, **facts}


def accepted_language(header: str, languages: Sequence[str]) -> str:
    """Choose the language of an answer.

    Args:
        header: The request's `Accept-Language`, such as 'de-AT,de;q=0.9,en;q=0.8'.
        languages: Codes of the languages that there are.

    Returns:
        The one that the request likes best; English where there is none.
    """
    ranked: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, *options = (piece.strip() for piece in part.split(";"))
        ranked.append((_quality(options), tag))
    for quality, tag in sorted(ranked, key=lambda entry: -entry[0]):
        for code in (tag, tag.partition("-")[0]):
            match = next((language for language in languages if language.casefold() == code.casefold()), None)
            if match is not None and quality > 0:
                return match
    return ENGLISH


def _quality(options: Sequence[str]) -> float:
    """Return how much a language is liked, 0 to 1: the `q` of its options, 1 without it."""
    value = next((option[2:] for option in options if option.startswith("q=")), "1")
    try:
        return float(value)
    except ValueError:
        return 0.0
