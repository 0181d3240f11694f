"""Expression, voice, words, turn taking and facial behaviour on the Trends page, and two periods side by side."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from html import escape

import streamlit as st

from dashboard import charts, context
from dashboard.i18n import _, mark, render
from dashboard.i18n.numbers import decimal
from dashboard.i18n.vocabulary import measure_text
from dashboard.trends.breaks import break_words
from dashboard.widgets import ui
from fer_phq.features.measures import BY_NAME, Measure
from fer_phq.longitudinal.periods import MIN_SESSIONS, PeriodComparison, Verdict
from service.views import messages, trends
from service.views.line_breaks import line_breaks
from service.views.trends import PeriodsView, TrendsView

FIRST_CHOICE = ("PHQ-9", "PHQ-8", "expressivity", "smiling_share", "pitch_sd", "speech_rate")
COMPARABLE: Mapping[str, Measure] = {**trends.SCORES, **BY_NAME}
SCORE_TITLES = (mark("PHQ-8 questionnaire"), mark("PHQ-9 questionnaire"))
"""Of `trends.SCORES`."""
NOT_MEASURED = mark("Not measured here: {titles}.")
VERDICTS = {
    Verdict.NOTHING: mark("One period has none"),
    Verdict.TOO_FEW: mark("Too few sessions to say"),
    Verdict.WITHIN: mark("Within the usual spread"),
    Verdict.BEYOND: mark("More than the usual spread"),
}


@st.fragment
def measures(view: TrendsView, span: charts.Span | None) -> None:
    """Draw the chosen measures, a panel each.

    Args:
        view: The subject over time.
        span: First and last moment of the time axis; None for what the sessions need.
    """
    with ui.card("measures", _("Expression, voice, words, turn taking and facial behaviour"), anchor=True):
        measured = view.measures
        if not measured:
            ui.empty(
                _("Nothing measured yet"),
                _(
                    "Expressivity, voice and words of each session appear here. Sessions that were analysed by an "
                    "older version are measured by the worker, a few at a time, without their recordings."
                ),
            )
            return
        names = [measure.name for measure in measured]
        selection = choose("trend_measures", trends.MEASURE_NAMES, names, _("Measures"))
        for note in view.voice_notes(st.session_state["trend_measures"]).values():
            ui.warn(render(note))
        if not selection:
            ui.note(_("Choose at least one measure that is known of this person."))
            return
        figure = charts.measure_trend(
            view.series(selection),
            [COMPARABLE[name] for name in selection],
            context.colours(),
            span=span,
            events=view.local_events,
        )
        st.plotly_chart(
            figure, theme=None, config=charts.dated(charts.CONFIG), key="measure_trend",
            alt=_("The chosen measures of each session over time"),
        )  # fmt: skip
        if rates := trends.mixed_rates(selection, view.rates):
            ui.warn(render(rates))
        if gaze := trends.mixed_gaze(selection, mixes=view.mixes_gaze):
            ui.warn(render(gaze))
        if words := break_words(line_breaks(view.local_sessions, selection), view.gap_days):
            ui.note(words)
        explained(measured)


def choose(key: str, options: Sequence[str], available: Container[str], label: str) -> list[str]:
    """Draw a choice of measures, and say which of the chosen ones are not measured.

    The options do not depend on what is measured, so that a choice outlives a change of person or filter.

    Args:
        key: Names the widget; unique on the page.
        options: The measures that can be chosen.
        available: Those that are measured.
        label: The widget's label.

    Returns:
        The chosen measures that are measured, in the options' order.
    """
    picked = st.multiselect(
        label, options, default=[name for name in options if name in FIRST_CHOICE], key=key,
        format_func=lambda name: _(COMPARABLE[name].title),
    )  # fmt: skip
    missing = [name for name in options if name in picked and name in BY_NAME and name not in available]
    if missing:
        titles = ", ".join(_(COMPARABLE[name].title) for name in missing)
        ui.note(_(NOT_MEASURED).format(titles=titles))
    return [name for name in options if name in picked and name in available]


def explained(measures: Sequence[Measure]) -> None:
    """Draw what each measure is and where it comes from."""
    with st.expander(_("What these measures are")):
        rows = "".join(
            f"<tr><th>{escape(_(measure.title))}</th><td>{escape(_(measure.description))} "
            f"{escape(_(measure.direction))} "
            f"<small>{escape(_(measure.source))}</small></td></tr>"
            for measure in measures
        )
        st.html(f'<div class="fp-scroll"><table class="fp-table words">{rows}</table></div>')


@st.fragment
def periods(view: TrendsView) -> None:
    """Draw the comparison of two periods that the viewer chooses."""
    with ui.card("periods", _("Compare two periods"), anchor=True):
        days = view.days
        if len(days) < 2:
            ui.note(render(messages.TOO_FEW_DAYS()))
            return
        first, second = trends.halves(days)
        left, right = st.columns(2)
        with left:
            first_days = days_of(_("First period"), "first_period", first)
        with right:
            second_days = days_of(_("Second period"), "second_period", second)
        if first_days is None or second_days is None:
            ui.note(_("Choose the first and the last day of each period."))
            return
        comparison = view.compare_periods(first_days, second_days)
        if not comparison.comparisons:
            ui.note(_("Neither period has a session or a questionnaire."))
            return
        selection = choose("period_measures", list(COMPARABLE), comparison.comparisons, _("Measures"))
        if selection:
            draw_periods(comparison, selection)
        if len(comparison.models) > 1:
            ui.warn(render(messages.MIXED_MODELS()))
        if rates := trends.mixed_rates(selection, comparison.rates):
            ui.warn(render(rates))
        if gaze := trends.mixed_gaze(selection, mixes=comparison.mixes_gaze):
            ui.warn(render(gaze))
        for note in comparison.voice_notes(selection).values():
            ui.warn(render(note))
        if trends.have_shared_days(first_days, second_days):
            ui.note(render(messages.SHARED_DAYS()))
        with st.expander(_("What the usual spread is")):
            ui.note(render(messages.USUAL_SPREAD(few=MIN_SESSIONS)))


def days_of(label: str, key: str, first: trends.Days) -> trends.Days | None:
    """Draw the choice of a range of days.

    Args:
        label: The widget's label.
        key: Names the widget; unique on the page.
        first: The range that it starts with.

    Returns:
        First and last day; None while only one end is chosen.
    """
    days = st.date_input(label, first, key=key)
    return (days[0], days[1]) if isinstance(days, tuple) and len(days) == 2 else None


def draw_periods(view: PeriodsView, names: Sequence[str]) -> None:
    """Draw the chart and the table of a comparison.

    Args:
        view: The two periods.
        names: The measures to show.
    """
    rows = [COMPARABLE[name] for name in names]
    with st.container(horizontal=True):
        for measure in rows:
            figure = charts.period_panel(view.points, view.means, measure, context.colours())
            st.plotly_chart(
                figure, theme=None, width="content", config={"displayModeBar": False}, key=f"period_{measure.name}",
                alt=_("{measure}: each session of the two periods, with each period's mean").format(
                    measure=_(measure.title)
                ),
            )  # fmt: skip
    head = (_("Measure"), _("First period"), _("Second period"), _("Difference"), _("Usual spread"), "")
    table = "".join(period_row(measure, view.comparisons[measure.name]) for measure in rows)
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    st.html(
        f'<div class="fp-scroll"><table class="fp-table periods"><thead><tr>{cells}</tr></thead>{table}</table></div>'
    )


def period_row(measure: Measure, comparison: PeriodComparison) -> str:
    """Write a measure's row of the table as HTML: each mean with how many sessions it stands for.

    Args:
        measure: The measure.
        comparison: The two periods.
    """
    cells = (
        mean_cell(measure, comparison.mean_before, comparison.sessions_before),
        mean_cell(measure, comparison.mean_after, comparison.sessions_after),
        escape(difference_words(measure, comparison.difference)),
        escape(measure_text(measure, comparison.spread)),
        escape(_(VERDICTS[comparison.verdict])),
    )
    return f"<tr><th>{escape(_(measure.title))}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def mean_cell(measure: Measure, mean: float, sessions: int) -> str:
    """Write a period's mean, and of how many sessions, as HTML.

    Args:
        measure: The measure.
        mean: The mean; NaN without sessions.
        sessions: How many sessions.
    """
    count_text = _("of {sessions}").format(sessions=sessions)
    return f"{escape(measure_text(measure, mean))} <small>{escape(count_text)}</small>"


def difference_words(measure: Measure, difference: float) -> str:
    """Write a signed difference; of shares in percentage points.

    Args:
        measure: The measure.
        difference: The second period less the first; NaN where there is none.
    """
    if difference != difference:
        return "–"
    if measure.is_share:
        return _("{points} percentage points").format(points=decimal(difference * 100, 0, signed=True))
    return f"{decimal(difference, measure.digits, signed=True)} {_(measure.unit)}"
