"""PHQ on the Trends page: questionnaires and estimates over time, what has changed, and the personal baseline."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import charts, context, ui
from db.records import QuestionnaireRecord
from fer_phq.change import (
    PAIR_DAYS,
    RETEST,
    SD,
    Change,
    Direction,
    Estimate,
    NoBaseline,
    PersonalBaseline,
    Score,
    personal_baseline,
    reliable_points,
    total_on,
)
from fer_phq.phq import Provenance, Scale

SOURCES = (
    f"The baseline is the first questionnaire of its scale. Reliable change: Jacobson & Truax 1991, with SD {SD} and "
    f"retest correlation {RETEST} of Kroenke 2001, so from {reliable_points()} points on. Five-point rule: Löwe 2004. "
    "Both are the PHQ-9's and taken over for the PHQ-8 (Wu 2020)."
)

SEVERAL_HEADS = (
    "The estimates come from several models, each with a mark of its own. They are not one series: a difference "
    "between two of them may be the models' alone."
)


def phq(trend: pd.DataFrame, answers: pd.DataFrame, span: charts.Span | None, events: pd.DataFrame) -> None:
    """Estimates and questionnaire scores on one axis."""
    with ui.card("phq", "PHQ: questionnaires and model estimates"):
        if not len(answers) and trend["phq_score"].isna().all():
            ui.empty(
                "No scores yet", "Enter a questionnaire to see its score here. Estimates appear with analysed sessions."
            )
            return
        figure = charts.phq_trend(trend, answers, context.colours(), span=span, events=events)
        st.plotly_chart(
            figure,
            theme=None,
            config=charts.CONFIG,
            key="phq_trend",
            alt="PHQ estimates with intervals and questionnaire scores over time",
        )
        if (trend["phq_provenance"] == str(Provenance.SIMULATED)).any():
            ui.warn(ui.SIMULATED_SENTENCE)
        if trend["phq_model_id"].nunique() > 1:
            ui.note(SEVERAL_HEADS)
        ui.note("Severity bands begin at 5, 10, 15 and 20 points (Kroenke 2001, 2009).")


def change(changes: Sequence[Change], baseline: PersonalBaseline | NoBaseline | None) -> None:
    """The newest questionnaire of each scale against its first one, and how the estimates sit with this person."""
    with ui.card("change", "Change since baseline"):
        for scale in Scale:
            of_scale = [one for one in changes if one.score.scale is scale]
            if len(of_scale) > 1:
                ui.facts(change_facts(of_scale[-1]))
            elif of_scale:
                ui.note(f"{scale}: one questionnaire so far. A change needs a second one on the same scale.")
        if not changes:
            ui.note("No questionnaire yet. A change needs two on the same scale.")
        if baseline is not None:
            ui.note(baseline_words(baseline))
        if any(not one.is_baseline for one in changes):
            ui.note(SOURCES)


def change_facts(newest: Change) -> list[tuple[str, str]]:
    """The newest questionnaire's change as names and values."""
    first, last = newest.baseline, newest.score
    went = "" if newest.direction is Direction.NONE else f", {newest.direction}"
    return [
        (f"{first.scale} baseline", f"{first.total} points, {ui.day(first.at)}"),
        (f"Latest {last.scale}", f"{last.total} points, {ui.day(last.at)}"),
        ("Difference", difference_words(newest)),
        ("Reliable change", f"{f'Yes{went}' if newest.reliable else 'No'} (RCI {newest.rci:.1f})".replace("-", "−")),
        ("5 points or more", f"Yes{went}" if newest.five_points else "No"),
    ]


def difference_words(one: Change) -> str:
    """'8 points lower', '1 point higher', 'none'."""
    if not one.difference:
        return "none"
    return f"{ui.count(abs(one.difference), 'point')} {'lower' if one.difference < 0 else 'higher'}"


def hover_words(one: Change) -> str:
    """What the chart says about a questionnaire under the pointer."""
    if one.is_baseline:
        return "Baseline"
    since = f"Since the baseline of {ui.day(one.baseline.at)}: {difference_words(one)}"
    if one.reliable:
        return f"{since},<br>a reliable change ({one.direction})"
    return f"{since},<br>{'5 or more, but ' if one.five_points else ''}not a reliable change"


def baseline_words(baseline: PersonalBaseline | NoBaseline) -> str:
    """A person's own baseline of the estimates in one or two sentences, or why there is none."""
    if isinstance(baseline, NoBaseline):
        return baseline.text
    side = "above" if baseline.offset > 0 else "below"
    shorter = " (of a PHQ-9, without item 9)" if baseline.scale is Scale.PHQ8 else ""
    return (
        f"Personal baseline of the estimates: this person's {baseline.scale} scores{shorter} lie "
        f"{abs(baseline.offset):.1f} points {side} them (standard error {baseline.error:.1f}), from {baseline.pairs} "
        f"sessions with a score within {PAIR_DAYS} days, partially pooled with an assumed spread between people "
        "(Gelman & Hill 2007). The chart shows the estimates as the model gave them."
    )


def with_change(answers: pd.DataFrame, changes: Sequence[Change]) -> pd.DataFrame:
    """The questionnaires with the columns `change` and `words` of the chart; changes in the rows' order."""
    marks = ["reliable" if one.reliable else "five_points" if one.five_points else "" for one in changes]
    return answers.assign(change=marks, words=[hover_words(one) for one in changes])


def scores_of(answers: pd.DataFrame) -> list[Score]:
    """The questionnaires' totals, in the rows' order."""
    rows = zip(answers["answered_at"], answers["total"], answers["scale"], strict=True)
    return [Score(at.to_pydatetime(), int(total), Scale(scale)) for at, total, scale in rows]


def own_baseline(
    trend: pd.DataFrame, questionnaires: Sequence[QuestionnaireRecord]
) -> PersonalBaseline | NoBaseline | None:
    """How the newest head's estimates sit with this person; None without any. A PHQ-9 serves a PHQ-8 head as well."""
    rows = trend[trend["phq_score"].notna()]
    rows = rows[rows["phq_model_id"] == rows["phq_model_id"].iloc[-1]] if len(rows) else rows
    estimates = [
        Estimate(at.to_pydatetime(), float(score), Scale(scale), Provenance(provenance))
        for at, score, scale, provenance in zip(
            rows["recorded_at"], rows["phq_score"], rows["phq_scale"], rows["phq_provenance"], strict=True
        )
    ]
    totals = ((q.answered_at, total_on(scale, q.items), scale) for q in questionnaires for scale in Scale)
    scores = [Score(at, total, scale) for at, total, scale in totals if total is not None]
    return personal_baseline(estimates, scores) if estimates else None
