"""The time zone whose days and wall times an answer has."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query

from service.api import messages
from service.api.v1.answers.problems import RequestError

Zone = Annotated[str | None, Query(max_length=60, description="The zone of the times, such as Europe/Berlin; or UTC.")]


def read_zone(name: str | None) -> tzinfo:
    """Return a time zone by its name; UTC without one.

    Args:
        name: Such as 'Europe/Berlin'.

    Raises:
        RequestError: There is no such zone.
    """
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
        raise RequestError(messages.UNKNOWN_TIME_ZONE(name=name), 422) from None
