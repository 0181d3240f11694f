"""Times in requests: ISO 8601 with their offset, since a time without one is another moment elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from fer_phq.core.errors import FerPhqError
from service.api.v1.answers.problems import RequestError
from service.ingest.session_csv import session_time


def _refuse_numbers(value: Any) -> Any:
    """Refuse a number: nobody can see whether it counts seconds or milliseconds."""
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip().lstrip("+-").isdecimal()):
        raise ValueError("not a time such as 2026-03-02T09:30:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


def _check_calendar(value: datetime) -> datetime:
    """Refuse years that calendars and charts cannot show in every zone."""
    if not 1900 <= value.year <= 2199:
        raise ValueError("not between 1900 and 2199")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_refuse_numbers), AfterValidator(_in_utc)]
"""A moment in UTC, from a text with an offset."""
StoredMoment = Annotated[Moment, AfterValidator(_check_calendar)]
"""A moment that is stored, and shown later."""


def check_past(at: datetime) -> datetime:
    """Check when something was recorded or answered, by the rules of the tables that are imported.

    Args:
        at: The moment, timezone-aware.

    Raises:
        RequestError: It lies in the future or before 1990.
    """
    try:
        return session_time(at.isoformat(), UTC, datetime.now(UTC))
    except FerPhqError as error:
        raise RequestError(error.message, 422) from None
