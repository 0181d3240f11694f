"""A list whose rows belong to times of a recording. A click on a row, or on a time in it, is sent to Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Cell:
    """A cell of a row.

    Attributes:
        text: Shown as it is, never as markup.
        time_s: Makes the cell a button that leads to that time, in seconds.
        colour: Sets a mark of this colour ('#RRGGBB') before the text.
        muted: Whether the text is drawn in a quiet colour.
    """

    text: str
    time_s: float | None = None
    colour: str | None = None
    muted: bool = False


@dataclass(frozen=True)
class TimedRow:
    """A row. A click beside its buttons leads to its beginning.

    Attributes:
        time_s: Where it begins, in seconds.
        end_s: Where it ends, in seconds.
        cells: Its cells.
    """

    time_s: float
    end_s: float
    cells: tuple[Cell, ...]


def timed_list(
    rows: Sequence[TimedRow],
    *,
    head: Sequence[str],
    columns: str,
    now_s: float,
    label: str,
    key: str,
    on_seek: Callable[[float], None],
) -> None:
    """Draw rows under a head.

    Args:
        rows: The rows.
        head: The headings.
        columns: Widths of the columns, as a CSS grid template.
        now_s: Time in seconds; the rows that hold it are marked.
        label: Name of the list for screen readers.
        key: Key of the component.
        on_seek: Receives the chosen time in seconds, before the rerun.
    """
    component = st.components.v2.component(
        "fer_phq_moments",
        html='<div class="head" aria-hidden="true"></div><ol></ol>',
        css=(FOLDER / "timed_rows.css").read_text(encoding="utf-8"),
        js=(FOLDER / "timed_rows.js").read_text(encoding="utf-8"),
    )

    def changed() -> None:
        time_s = st.session_state[key].get("chosen")
        if time_s is not None:
            on_seek(float(time_s))

    data = {
        "rows": [_row_data(row) for row in rows],
        "head": list(head),
        "columns": columns,
        "now": now_s,
        "label": label,
    }
    component(key=key, data=data, on_chosen_change=changed)


def _row_data(row: TimedRow) -> dict[str, Any]:
    cells = [{"text": cell.text, "time": cell.time_s, "colour": cell.colour, "muted": cell.muted} for cell in row.cells]
    return {"time": row.time_s, "end": row.end_s, "cells": cells}
