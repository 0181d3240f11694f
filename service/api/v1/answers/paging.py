"""Lists in pages: `?limit=` items, and a cursor behind which the next page begins, however many rows are added."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Query

from db.records import Position
from service.api import messages
from service.api.v1.answers.problems import RequestError

DEFAULT_LIMIT = 50
MOST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of the answer.")]
After = Annotated[
    str | None, Query(max_length=200, description="`next` of the answer before; the list begins without it.")
]
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
Row = TypeVar("Row")


def read_cursor(after: str | None) -> Position | None:
    """Read the place behind which a page begins.

    Args:
        after: `next` of the page before; None for the first page.

    Raises:
        RequestError: It is no such cursor.
    """
    if after is None:
        return None
    try:
        text = base64.b64decode(after, altchars=b"-_", validate=True).decode()
        time, _, row_id = text.partition("|")
        at = datetime.fromisoformat(time).astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError):
        raise RequestError(messages.CURSOR_UNUSABLE(), 422) from None
    if _ID.fullmatch(row_id) is None:
        raise RequestError(messages.CURSOR_UNUSABLE(), 422)
    return Position(at, row_id)


def write_cursor(position: Position) -> str:
    """Write a place in a list as a cursor, which holds a time and an id and nothing of a person.

    Args:
        position: The place.
    """
    return base64.urlsafe_b64encode(f"{position.at.isoformat()}|{position.id}".encode()).decode()


def list_behind(
    rows: Iterable[Row],
    limit: int,
    position: Position | None,
    position_of: Callable[[Row], Position],
    *,
    descending: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """Cut a page from a list that is short enough to be read whole, such as the events of a person.

    Args:
        rows: All rows, in any order.
        limit: Most rows of the page.
        position: The place behind which it begins; None for the first page.
        position_of: Returns where a row stands in the list.
        descending: Whether the list goes back in time.

    Returns:
        The page, and the cursor of the next; None for the last page.
    """
    by_id = sorted(rows, key=lambda row: position_of(row).id)
    ordered = sorted(by_id, key=lambda row: position_of(row).at, reverse=descending)
    if position is not None:
        ordered = [row for row in ordered if _is_behind(position_of(row), position, descending)]
    return cut_page(ordered, limit, position_of)


def _is_behind(row: Position, start: Position, descending: bool) -> bool:
    if row.at == start.at:
        return row.id > start.id
    return (row.at < start.at) is descending


def cut_page(
    rows: Sequence[Row], limit: int, position_of: Callable[[Row], Position]
) -> tuple[Sequence[Row], str | None]:
    """Cut a page from the rows of a list.

    Args:
        rows: Up to `limit` + 1 rows: whether there is one too many says whether another page follows.
        limit: Most rows of the page.
        position_of: Returns where a row stands in the list.

    Returns:
        The page, and the cursor of the next; None for the last page.
    """
    page = rows[:limit]
    return page, write_cursor(position_of(page[-1])) if len(rows) > limit else None
