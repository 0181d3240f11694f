"""Errors that a person can act on: each carries a message of one sentence that says what, where and what to do."""

from __future__ import annotations

from fer_phq.core.messages import Message, literal


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


class StoreError(FerPhqError):
    """The database cannot be reached, is locked or full, or does not hold a row."""


class SettingsError(FerPhqError):
    """A setting or an option has a value that cannot be used."""


class AnalysisCancelled(FerPhqError):
    """The analysis was stopped on request; nothing of it is stored."""
