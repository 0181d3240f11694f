"""PHQ on the Trends page: questionnaires and estimates over time, what has changed, and the personal baseline."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import charts, context
from dashboard.i18n import _, mark, n_, render
from dashboard.i18n.numbers import decimal
from dashboard.widgets import ui
from fer_phq.core.phq import Scale
from fer_phq.longitudinal.change import (
    PAIR_DAYS,
    RETEST,
    SD,
    Change,
    Direction,
    NoBaseline,
    PersonalBaseline,
    reliable_points,
)
from service.views.trends import TrendsView

SOURCES = mark(
    "The baseline is the first questionnaire of its scale. Reliable change: Jacobson & Truax 1991, with SD {sd} and "
    "retest correlation {retest} of Kroenke 2001, so from {points} points on; a smaller difference is neither improved "
    "nor worsened. The figures are the PHQ-9's and taken over for the PHQ-8 (Wu 2020)."
)

ABOVE = mark(
    "Personal baseline of the estimates: this person's {scores} lie {points} points above those of {model}, the head "
    "of the last recorded session with an estimate (standard error {error}), from {pairs} sessions with a score within "
    "{days} days, partially pooled with an assumed spread between people (Gelman & Hill 2007). The chart shows the "
    "estimates as the model gave them."
)
BELOW = mark(
    "Personal baseline of the estimates: this person's {scores} lie {points} points below those of {model}, the head "
    "of the last recorded session with an estimate (standard error {error}), from {pairs} sessions with a score within "
    "{days} days, partially pooled with an assumed spread between people (Gelman & Hill 2007). The chart shows the "
    "estimates as the model gave them."
)
NO_BASELINE = (
    mark("There is no estimate yet to compare scores with."),
    mark("The estimates are on two scales, which have no baseline in common."),
    mark(
        "There is no personal baseline of the estimates: they come from a head trained on simulated labels, so their "
        "distance from this person's scores means nothing."
    ),
)
"""Of the sentences of `NoBaseline` those without numbers; the one that counts sessions is not translated."""
BANDS = mark("Severity bands begin at 5, 10, 15 and 20 points (Kroenke 2001, 2009).")
SEVERAL_HEADS = mark(
    "The estimates come from several models, each with a mark of its own. They are not one series: a difference "
    "between two of them may be the models' alone."
)


def phq(view: TrendsView, answers: pd.DataFrame, span: charts.Span | None) -> None:
    """Draw estimates and questionnaire scores on one axis.

    Args:
        view: The subject over time.
        answers: A row for each questionnaire, of `with_change`.
        span: First and last moment of the time axis; None for what the rows need.
    """
    with ui.card("phq", _("PHQ: questionnaires and model estimates"), anchor=True):
        if not view.has_scores:
            ui.empty(
                _("No scores yet"),
                _("Enter a questionnaire to see its score here. Estimates appear with analysed sessions."),
            )
            return
        figure = charts.phq_trend(view.local_sessions, answers, context.colours(), span=span, events=view.local_events)
        st.plotly_chart(
            figure,
            theme=None,
            config=charts.dated(charts.CONFIG),
            key="phq_trend",
            alt=_("PHQ estimates with intervals and questionnaire scores over time"),
        )
        if view.is_simulated:
            ui.warn(_(ui.SIMULATED_SENTENCE))
        ui.note(_(SEVERAL_HEADS) if view.heads > 1 else _(BANDS))


def change(view: TrendsView) -> None:
    """Draw the newest questionnaire of each scale against earlier ones, and how the estimates sit with this person.

    Args:
        view: The subject over time.
    """
    changes = view.changes
    with ui.card("change", _("Change since baseline"), anchor=True):
        for scale in Scale:
            of_scale = [item for item in changes if item.score.scale is scale]
            if len(of_scale) > 1:
                before = next(item for item in reversed(view.changes_since_previous) if item.score.scale is scale)
                ui.facts(change_facts(of_scale[-1], before))
            elif of_scale:
                ui.note(
                    _("{scale}: one questionnaire so far. A change needs a second one on the same scale.").format(
                        scale=scale
                    )
                )
        if not changes:
            ui.note(_("No questionnaire yet. A change needs two on the same scale."))
        if view.baseline is not None:
            ui.note(baseline_words(view.baseline))
        if any(not item.is_baseline for item in changes):
            ui.note(_(SOURCES).format(sd=decimal(SD), retest=decimal(RETEST, 2), points=reliable_points()))


def change_facts(newest: Change, since_previous: Change) -> list[tuple[str, str]]:
    """Return the newest questionnaire's change as names and values.

    Args:
        newest: Its change since the first one of its scale.
        since_previous: Its change since the one before; not written where that is the first one.
    """
    first = newest.baseline
    last = newest.score
    total = _("{total} points, {day}")
    rci = decimal(newest.rci)
    facts = [
        (
            _("{scale} baseline").format(scale=first.scale),
            total.format(total=first.total, day=ui.day(first.answered_at)),
        ),
        (_("Latest {scale}").format(scale=last.scale), total.format(total=last.total, day=ui.day(last.answered_at))),
        (_("Difference"), difference_words(newest)),
        (_("Reliable change"), f"{went(newest)} (RCI {rci})"),
    ]
    if since_previous.baseline != first:
        day = ui.day(since_previous.baseline.answered_at)
        words = _("{difference}. Reliable change: {verdict} (RCI {rci})").format(
            difference=difference_words(since_previous), verdict=went(since_previous), rci=decimal(since_previous.rci)
        )
        facts.append((_("Since the one before, {day}").format(day=day), words))
    return facts


def went(change: Change) -> str:
    """Write 'Yes, improved', 'Yes, worsened' or 'No': whether a change is reliable."""
    if change.direction is Direction.NONE:
        return _("No")
    return _("Yes, {direction}").format(direction=_(str(change.direction)))


def difference_words(change: Change) -> str:
    """Write '8 points lower', '1 point higher' or 'none'."""
    if not change.difference:
        return _("none")
    if change.difference < 0:
        return n_("{n} point lower", "{n} points lower", -change.difference)
    return n_("{n} point higher", "{n} points higher", change.difference)


def hover_words(change: Change) -> str:
    """Write what the chart says about a questionnaire under the pointer."""
    if change.is_baseline:
        return _("Baseline")
    words = _("Since the baseline of {day}: {difference},<br>not a reliable change")
    if change.reliable:
        words = _("Since the baseline of {day}: {difference},<br>a reliable change ({direction})")
    return words.format(
        day=ui.day(change.baseline.answered_at), difference=difference_words(change), direction=_(str(change.direction))
    )


def baseline_words(baseline: PersonalBaseline | NoBaseline) -> str:
    """Write a person's own baseline of the estimates in one or two sentences, or why there is none."""
    if isinstance(baseline, NoBaseline):
        return render(baseline.message)
    words = ABOVE if baseline.offset > 0 else BELOW
    return _(words).format(
        scores=_("PHQ-8 scores (of a PHQ-9, without item 9)")
        if baseline.scale is Scale.PHQ8
        else _("{scale} scores").format(scale=baseline.scale),
        points=decimal(abs(baseline.offset)),
        model=baseline.phq_model_id,
        error=decimal(baseline.error),
        pairs=baseline.pairs,
        days=PAIR_DAYS,
    )


def with_change(view: TrendsView) -> pd.DataFrame:
    """Return the questionnaires on the viewer's clock with the columns `change` and `words` of the chart."""
    marks = ["reliable" if change.reliable else "" for change in view.changes]
    return view.local_answers.assign(change=marks, words=[hover_words(change) for change in view.changes])
