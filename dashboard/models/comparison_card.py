"""Two models on the sessions that both have analysed."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import charts, context
from dashboard.exports.downloads import comparison_downloads
from dashboard.i18n import _, n_
from dashboard.i18n.numbers import decimal
from dashboard.widgets import ui
from service.views.comparison import MIDDLE, Comparison, Difference, compare

FEW = 20
"""With errors of fewer people than this the page says how little they tell."""


def comparison_card(active: str | None) -> None:
    """Choose two models; what differs between them. Nothing is drawn before two models have analysed anything."""
    store = context.store()
    counts = store.model_pairs.count_analyses()
    if len(counts) < 2:
        return
    with ui.card("comparison", _("Compare two models")):
        ids = list(counts)
        left, right = st.columns(2)
        start = ids.index(active) if active in ids else 0
        first = left.selectbox(
            _("First model"), ids, index=start, format_func=lambda i: _named(i, counts), key="compare_a"
        )
        others = [one for one in ids if one != first]
        second = right.selectbox(_("Second model"), others, format_func=lambda i: _named(i, counts), key="compare_b")
        found = compare(store, str(first), str(second))
        if not found.sessions:
            ui.empty(
                _("No session in common"),
                _("Neither has analysed a session that the other has: analyse or score the same sessions with both."),
            )
            return
        ui.facts(facts_of(found))
        if found.simulated:
            ui.warn(_(ui.SIMULATED_SENTENCE))
        draw(found, (str(first), str(second)))
        comparison_downloads(str(first), str(second))


def _named(model_id: str, counts: dict[str, int]) -> str:
    sessions = n_("{n} session", "{n} sessions", counts[model_id])
    return f"{model_id} ({sessions})"


def facts_of(found: Comparison) -> list[tuple[str, str]]:
    """The comparison as names and values."""
    facts = [(_("Analysed by both"), sessions_of(found.sessions, found.people))]
    if found.same is not None:
        facts.append((_("Same most seen emotion"), ui.percent(found.same)))
    if found.estimates is not None:
        facts.append((_("Second estimate less first"), points(found.estimates)))
    if found.errors is not None:
        errors = found.errors
        first = _("{points} points on {sessions}").format(
            points=decimal(errors.first), sessions=sessions_of(errors.sessions, errors.people)
        )
        facts.append((_("Mean error, first"), first))
        second = _("{points} points on the same").format(points=decimal(errors.second))
        facts.append((_("Mean error, second"), second))
    return facts


def sessions_of(sessions: int, people: int) -> str:
    """'12 sessions of 4 people'."""
    return _("{sessions} of {people}").format(
        sessions=n_("{n} session", "{n} sessions", sessions), people=n_("{n} person", "{n} people", people)
    )


def points(difference: Difference) -> str:
    """'+1.2 points, 90 % of sessions between −0.5 and 3.0'."""
    mean, low, high = (decimal(one, signed=True) for one in (difference.mean, difference.low, difference.high))
    return _("{points} points, {share} of sessions between {low} and {high}").format(
        points=mean, share=f"{MIDDLE:.0%}", low=low, high=high
    )


def draw(found: Comparison, names: tuple[str, str]) -> None:
    """Both charts, and how far they carry."""
    shares, estimates = st.columns(2, gap="medium")
    with shares:
        if found.emotions:
            st.markdown(_("**Emotion shares: second less first**"))
            rows = [{"emotion": name, **vars(one)} for name, one in found.emotions.items()]
            st.plotly_chart(
                charts.share_differences(pd.DataFrame(rows), context.colours()),
                theme=None, config={"displayModeBar": False}, key="compare_shares",
                alt=_("Difference of each emotion's share between the two models"),
            )  # fmt: skip
    with estimates:
        if len(found.table):
            st.markdown(_("**PHQ estimates of both**"))
            words = [
                f"{ui.text(label)}, {ui.day(at)}"
                for label, at in zip(found.table["subject_label"], found.table["recorded_at"], strict=True)
            ]
            st.plotly_chart(
                charts.estimates_of_two(found.table.assign(words=words), names, context.colours()),
                theme=None, config=charts.CONFIG, key="compare_estimates",
                alt=_("PHQ estimates of the second model against those of the first, with intervals"),
            )  # fmt: skip
    if found.errors is not None:
        words = [
            _(
                "The mean error is against questionnaires answered within two weeks of the recording. A model that was "
                "trained on these very sessions looks better here than it is: its report tells more."
            )
        ]
        if found.errors.people < FEW:
            words.append(n_("With {n} person it says little.", "With {n} people it says little.", found.errors.people))
        ui.note(" ".join(words))
