"""The list of expression episodes, which leads to their onsets, peaks and offsets."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import context
from dashboard.charts import clock
from dashboard.components.timed_rows import Cell, TimedRow, timed_list
from dashboard.i18n import _, mark
from dashboard.i18n.numbers import lasting, percent, short
from dashboard.review.state import go_to
from dashboard.widgets import ui
from fer_phq.timeline.episodes import ENTER, EXPRESSIONS, LEAVE, MIN_DWELL_S
from service.views.session import SessionView

ORDERS = {
    mark("Strongest first"): ("peak", False),  # of a long session the list shows a tenth at a time
    mark("Longest first"): ("dwell_s", False),
    mark("By time"): ("onset_s", True),
}


def episode_list(view: SessionView, now_s: float) -> None:
    """Draw the episodes as a list, with a choice of emotions and order.

    Args:
        view: The session under review.
        now_s: The chosen moment in seconds.
    """
    episodes = view.analysis.episodes
    analysis_id = view.analysis.summary.id
    if not len(episodes):
        ui.empty(_("No episodes"), _("No expression but a neutral face was likely for half a second or longer."))
        explain()
        return
    present = [name for name in EXPRESSIONS if (episodes["emotion"] == name).any()]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        selection = st.pills(
            _("Emotions"), present, selection_mode="multi", format_func=lambda name: _(name.capitalize()),
            key=f"episode_names_{analysis_id}", help=_("Nothing chosen shows all of them."),
        )  # fmt: skip
        order = st.selectbox(_("Order"), list(ORDERS), format_func=_, key=f"episode_order_{analysis_id}", width=170)
    column, ascending = ORDERS[order]
    rows = episodes[episodes["emotion"].isin(selection or present)].sort_values(
        column, ascending=ascending, kind="stable"
    )
    timed_list(
        rows_of(rows),
        head=[_("Expression"), _("Onset"), _("Peak"), _("Offset"), _("Dwell"), _("Highest")],
        columns="minmax(5.6rem, 1.4fr) repeat(3, minmax(2.6rem, 1fr)) minmax(2.9rem, 1fr) minmax(2.4rem, 1fr)",
        now_s=now_s,
        label=_("Expression episodes"),
        key=f"episodes_{analysis_id}",
        on_seek=lambda time_s: go_to(view.session.id, time_s),
    )
    explain()


def rows_of(episodes: pd.DataFrame) -> list[TimedRow]:
    """Return episodes for the list: a row leads to the onset, each time to itself."""
    colours = context.colours()
    names = {name: _(name.capitalize()) for name in EXPRESSIONS}
    return [
        TimedRow(
            row["onset_s"],
            row["offset_s"],
            (
                Cell(names[row["emotion"]], colour=colours.emotion(row["emotion"])),
                *(Cell(exact(row[name]), row[name]) for name in ("onset_s", "peak_s", "offset_s")),
                Cell(lasting(row["dwell_s"], is_cut=row["cut"])),
                Cell(percent(row["peak"])),
            ),
        )
        for row in episodes.to_dict("records")
    ]


def exact(seconds: float) -> str:
    """Write a time to the tenth of a second: '1:02.5'."""
    tenths = round(max(seconds, 0.0) * 10)
    return f"{clock(tenths // 10)}.{tenths % 10}"


def explain() -> None:
    """Say what counts as an episode, and what it is not."""
    words = _(
        "An episode begins where an expression's probability rises above {leave} on its way to at least {enter}, and "
        "ends where it falls below {leave} again (onset, peak and offset as in Ekman & Friesen, 1982). It lasts at "
        "least {least} s and never reaches across a gap: ≥ stands before the dwell of one that a gap or the "
        "recording's end cuts short. A neutral face is no expression, and an expression is not the feeling behind it."
    )
    ui.note(words.format(leave=percent(LEAVE), enter=percent(ENTER), least=short(MIN_DWELL_S)))
