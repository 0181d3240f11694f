"""Errors that a person can act on: each carries a message of one sentence that says what, where and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fer_phq.core import texts
from fer_phq.core.messages import Message, Template, literal

BOUNDS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
"""Of a type of error about a bound, the name of the bound in its context."""


class FerPhqError(Exception):
    """Base of the errors that are shown to a person without a traceback. `str` gives the English.

    Attributes:
        message: What the person reads.
    """

    def __init__(self, message: Message | str) -> None:
        """Wrap a message; a text becomes a literal."""
        self.message = message if isinstance(message, Message) else literal(message)
        super().__init__(self.message)

    def __str__(self) -> str:
        """Return the English."""
        return str(self.message)


class RecordingError(FerPhqError):
    """A recording cannot be read or analysed (missing, empty, not a video, truncated, ...)."""


class ModelError(FerPhqError):
    """A checkpoint bundle is missing, damaged or made by another program."""


class FeatureError(FerPhqError, ValueError):
    """Features do not fit together: a shape, a time or a value that a series cannot have."""


class AnswersError(FerPhqError, ValueError):
    """The answers of a questionnaire cannot be scored: one is missing, or is none of those that can be given."""


class StoreError(FerPhqError):
    """The database cannot be reached, is locked or full, or does not hold a row."""


class SettingsError(FerPhqError):
    """A setting or an option has a value that cannot be used."""


class FieldError(SettingsError, ValueError):
    """Fields of settings do not fit together. A check of pydantic's that raises it gives its message as the reason."""


class AnalysisCancelled(FerPhqError):
    """The analysis was stopped on request; nothing of it is stored."""


def field_message(error: Mapping[str, Any]) -> Message:
    """Return what is wrong with a field.

    Args:
        error: An entry of `pydantic.ValidationError.errors()`.

    Returns:
        The message; pydantic's own words where the type of error has no template.
    """
    kind = str(error["type"])
    context = error.get("ctx") or {}
    if kind == "value_error":
        return _raised(context.get("error"), str(error["msg"]))
    template: Template | None = texts.FIELD_ERRORS.get(kind)
    if template is None:
        return literal(str(error["msg"]))
    params: dict[str, Any] = {
        "bound": context.get(BOUNDS.get(kind, "")),
        "n": context.get("min_length", context.get("max_length")),
        "pattern": context.get("pattern"),
        "expected": context.get("expected"),
    }
    try:
        return template(**{name: params[name] for name in template.fields})
    except (KeyError, TypeError, ValueError):
        return literal(str(error["msg"]))


def _raised(error: object, text: str) -> Message:
    """Return what a check of ours raised."""
    if isinstance(error, FerPhqError):
        return error.message
    return literal(text if error is None else f"Value error, {error}")
