"""A list whose rows belong to moments of a recording: a click on one, or on a time in it, is told to Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Cell:
    """Text, shown as it is. time_s makes it a button that leads to that moment; colour ('#RRGGBB') sets a mark before
    it; muted: a quiet one."""

    text: str
    time_s: float | None = None
    colour: str | None = None
    muted: bool = False


@dataclass(frozen=True)
class MomentRow:
    """A row that lasts from time_s to end_s (seconds); a click beside its buttons leads to time_s."""

    time_s: float
    end_s: float
    cells: tuple[Cell, ...]


def moment_list(
    rows: Sequence[MomentRow],
    *,
    head: Sequence[str],
    columns: str,
    now_s: float,
    label: str,
    key: str,
    on_moment: Callable[[float], None],
) -> None:
    """Draw rows under a head; `columns` is a CSS grid template. The rows at `now_s` are marked.

    `on_moment` hears the chosen time before the rerun. All text is shown as text, never as markup.
    """
    component = st.components.v2.component(
        "fer_phq_moments",
        html='<div class="head" aria-hidden="true"></div><ol></ol>',
        css=(FOLDER / "moments.css").read_text(encoding="utf-8"),
        js=(FOLDER / "moments.js").read_text(encoding="utf-8"),
    )

    def changed() -> None:
        time_s = st.session_state[key].get("chosen")
        if time_s is not None:
            on_moment(float(time_s))

    given = {
        "rows": [_given(row) for row in rows],
        "head": list(head),
        "columns": columns,
        "now": now_s,
        "label": label,
    }
    component(key=key, data=given, on_chosen_change=changed)


def _given(row: MomentRow) -> dict[str, Any]:
    cells = [{"text": c.text, "time": c.time_s, "colour": c.colour, "muted": c.muted} for c in row.cells]
    return {"time": row.time_s, "end": row.end_s, "cells": cells}
