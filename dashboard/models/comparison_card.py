"""The comparison of two models on the sessions that both have analysed."""

from __future__ import annotations

import functools

import pandas as pd
import streamlit as st

from dashboard import charts, context
from dashboard.exports.downloads import comparison_downloads
from dashboard.i18n import _, n_
from dashboard.i18n.numbers import decimal, percent
from dashboard.widgets import ui
from service.views.comparison import MIDDLE, ComparisonView, Difference, load_comparison_view

FEW = 20
"""With errors of fewer people than this the page says how little they mean."""


def comparison_card(active: str | None) -> None:
    """Draw the choice of two models and what differs between them; nothing before two models have analysed anything.

    Args:
        active: Id of the active model, which is preselected.
    """
    store = context.store()
    counts = store.model_pairs.count_analyses()
    if len(counts) < 2:
        return
    with ui.card("comparison", _("Compare two models")):
        ids = list(counts)
        left, right = st.columns(2)
        start = ids.index(active) if active in ids else 0
        first = left.selectbox(
            _("First model"), ids, index=start, format_func=lambda i: _label(i, counts), key="compare_a"
        )
        remaining = [model_id for model_id in ids if model_id != first]
        second = right.selectbox(_("Second model"), remaining, format_func=lambda i: _label(i, counts), key="compare_b")
        load = functools.partial(load_comparison_view, store, str(first), str(second))
        comparison = load()
        if left_out := ui.left_out_sentence(comparison.withdrawn):
            ui.note(left_out)
        if not comparison.sessions:
            ui.empty(
                _("No session in common"),
                _("Neither has analysed a session that the other has: analyse or score the same sessions with both."),
            )
            return
        ui.facts(list_facts(comparison))
        if comparison.simulated:
            ui.warn(_(ui.SIMULATED_SENTENCE))
        draw_charts(comparison, (str(first), str(second)))
        comparison_downloads(load)


def _label(model_id: str, counts: dict[str, int]) -> str:
    sessions = n_("{n} session", "{n} sessions", counts[model_id])
    return f"{model_id} ({sessions})"


def list_facts(comparison: ComparisonView) -> list[tuple[str, str]]:
    """Return the comparison as names and values."""
    facts = [(_("Analysed by both"), count_text(comparison.sessions, comparison.people))]
    if comparison.same is not None:
        facts.append((_("Same most seen emotion"), ui.percent(comparison.same)))
    if comparison.estimates is not None:
        facts.append((_("Second estimate less first"), difference_text(comparison.estimates)))
    if comparison.errors is not None:
        errors = comparison.errors
        first = _("{points} points on {sessions}").format(
            points=decimal(errors.first), sessions=count_text(errors.sessions, errors.people)
        )
        facts.append((_("Mean error, first"), first))
        second = _("{points} points on the same").format(points=decimal(errors.second))
        facts.append((_("Mean error, second"), second))
    return facts


def count_text(sessions: int, people: int) -> str:
    """Write a text such as '12 sessions of 4 people'.

    Args:
        sessions: How many sessions.
        people: How many people.
    """
    return _("{sessions} of {people}").format(
        sessions=n_("{n} session", "{n} sessions", sessions), people=n_("{n} person", "{n} people", people)
    )


def difference_text(difference: Difference) -> str:
    """Return a text such as '+1.2 points, 90 % of sessions between −0.5 and 3.0'."""
    mean, low, high = (decimal(value, signed=True) for value in (difference.mean, difference.low, difference.high))
    return _("{points} points, {share} of sessions between {low} and {high}").format(
        points=mean, share=percent(MIDDLE), low=low, high=high
    )


def draw_charts(comparison: ComparisonView, names: tuple[str, str]) -> None:
    """Draw both charts, and what limits them.

    Args:
        comparison: The comparison.
        names: The names of the first model and the second.
    """
    shares, estimates = st.columns(2, gap="medium")
    with shares:
        if comparison.emotions:
            st.markdown(_("**Emotion shares: second less first**"))
            rows = [{"emotion": name, **vars(difference)} for name, difference in comparison.emotions.items()]
            st.plotly_chart(
                charts.share_differences(pd.DataFrame(rows), context.colours()),
                theme=None, config={"displayModeBar": False}, key="compare_shares",
                alt=_("Difference of each emotion's share between the two models"),
            )  # fmt: skip
    with estimates:
        if len(comparison.table):
            st.markdown(_("**PHQ estimates of both**"))
            hover_texts = [
                f"{ui.text(label)}, {ui.day(at)}"
                for label, at in zip(comparison.table["subject_label"], comparison.table["recorded_at"], strict=True)
            ]
            st.plotly_chart(
                charts.estimates_of_two(comparison.table.assign(words=hover_texts), names, context.colours()),
                theme=None, config=charts.CONFIG, key="compare_estimates",
                alt=_("PHQ estimates of the second model against those of the first, with intervals"),
            )  # fmt: skip
    if comparison.errors is not None:
        notes = [
            _(
                "The mean error is against questionnaires answered within two weeks of the recording. A model that was "
                "trained on these very sessions looks better here than it is: its report tells more."
            )
        ]
        if comparison.errors.people < FEW:
            notes.append(
                n_("With {n} person it says little.", "With {n} people it says little.", comparison.errors.people)
            )
        ui.note(" ".join(notes))
