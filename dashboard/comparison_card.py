"""Two models on the sessions that both have analysed."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import charts, context, ui
from service.comparison import MIDDLE, Comparison, Difference, compare

FEW = 20
"""With errors of fewer people than this the page says how little they tell."""


def comparison_card(active: str | None) -> None:
    """Choose two models; what differs between them. Nothing is drawn before two models have analysed anything."""
    store = context.store()
    counts = store.analysed_models()
    if len(counts) < 2:
        return
    with ui.card("comparison", "Compare two models"):
        ids = list(counts)
        left, right = st.columns(2)
        start = ids.index(active) if active in ids else 0
        first = left.selectbox(
            "First model", ids, index=start, format_func=lambda i: _named(i, counts), key="compare_a"
        )
        others = [one for one in ids if one != first]
        second = right.selectbox("Second model", others, format_func=lambda i: _named(i, counts), key="compare_b")
        found = compare(store, str(first), str(second))
        if not found.sessions:
            ui.empty(
                "No session in common",
                "Neither has analysed a session that the other has: analyse or score the same sessions with both.",
            )
            return
        ui.facts(facts_of(found))
        if found.simulated:
            ui.warn(ui.SIMULATED_SENTENCE)
        draw(found, (str(first), str(second)))


def _named(model_id: str, counts: dict[str, int]) -> str:
    return f"{model_id} ({ui.count(counts[model_id], 'session')})"


def facts_of(found: Comparison) -> list[tuple[str, str]]:
    """The comparison as names and values."""
    facts = [
        ("Analysed by both", f"{ui.count(found.sessions, 'session')} of {ui.count(found.people, 'person', 'people')}")
    ]
    if found.same is not None:
        facts.append(("Same most seen emotion", ui.percent(found.same)))
    if found.estimates is not None:
        facts.append(("Second estimate less first", points(found.estimates)))
    if found.errors is not None:
        errors = found.errors
        where = f"{ui.count(errors.sessions, 'session')} of {ui.count(errors.people, 'person', 'people')}"
        facts.append(("Mean error, first", f"{errors.first:.1f} points on {where}"))
        facts.append(("Mean error, second", f"{errors.second:.1f} points on the same"))
    return facts


def points(difference: Difference) -> str:
    """'+1.2 points, 90 % of sessions between −0.5 and 3.0'."""
    between = f"{MIDDLE:.0%} of sessions between {difference.low:+.1f} and {difference.high:+.1f}"
    return f"{difference.mean:+.1f} points, {between}".replace("-", "−")


def draw(found: Comparison, names: tuple[str, str]) -> None:
    """Both charts, and how far they carry."""
    shares, estimates = st.columns(2, gap="medium")
    with shares:
        if found.emotions:
            st.markdown("**Emotion shares: second less first**")
            rows = [{"emotion": name, **vars(one)} for name, one in found.emotions.items()]
            st.plotly_chart(
                charts.share_differences(pd.DataFrame(rows), context.colours()),
                theme=None, config={"displayModeBar": False}, key="compare_shares",
                alt="Difference of each emotion's share between the two models",
            )  # fmt: skip
    with estimates:
        if len(found.table):
            st.markdown("**PHQ estimates of both**")
            words = [
                f"{ui.text(label)}, {ui.day(at)}"
                for label, at in zip(found.table["subject_label"], found.table["recorded_at"], strict=True)
            ]
            st.plotly_chart(
                charts.estimates_of_two(found.table.assign(words=words), names, context.colours()),
                theme=None, config=charts.CONFIG, key="compare_estimates",
                alt="PHQ estimates of the second model against those of the first, with intervals",
            )  # fmt: skip
    if found.errors is not None:
        little = (
            f" With {ui.count(found.errors.people, 'person', 'people')} it says little."
            if found.errors.people < FEW
            else ""
        )
        ui.note(
            "The mean error is against questionnaires answered within two weeks of the recording. A model that was "
            f"trained on these very sessions looks better here than it is: its report tells more.{little}"
        )
