"""The session beside another one of the same person: estimates, emotions and measures of both, and differences."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import context
from dashboard.i18n import _
from dashboard.i18n.numbers import decimal, percent
from dashboard.i18n.vocabulary import measure_text
from dashboard.trends.measures import difference_words
from dashboard.widgets import selection, ui
from dashboard.widgets.tables import figures_html, row_html
from db.records import AnalysisSummary, SessionDetail, SessionSummary
from fer_phq.core.phq import PhqEstimate, PhqResult, Provenance
from service.views.pairs.sessions import SessionPair, load_session_pair

LISTED = 200
"""The most sessions that can be chosen from."""


def pair_card(detail: SessionDetail, summary: AnalysisSummary) -> None:
    """Draw a choice among the person's other analysed sessions, the one before this first, and the two side by side.

    Args:
        detail: The session under review.
        summary: Its analysis under review.
    """
    store = context.store()
    rows = store.sessions.list_recent(subject_id=detail.subject.id, limit=LISTED, prefer_model=summary.model_id)
    choices = {row.session.id: row for row in rows if row.analysis is not None and row.session.id != detail.session.id}
    if not choices:
        return
    with ui.card("pair", _("Beside another session")):
        dates = selection.unique_labels(
            {session_id: ui.day_and_time(row.session.recorded_at) for session_id, row in choices.items()},
            {session_id: row.session.original_name for session_id, row in choices.items()},
        )
        session_id = st.selectbox(
            _("Session to compare with"), list(dates), index=_previous(detail, list(choices.values())),
            format_func=dates.__getitem__, key=f"pair_{detail.session.id}",
        )  # fmt: skip
        row = choices[session_id]
        assert row.analysis is not None
        is_later = row.session.recorded_at > detail.session.recorded_at
        earlier, later = (summary, row.analysis) if is_later else (row.analysis, summary)
        days = (
            _("{day} (this session)").format(day=ui.day(detail.session.recorded_at)),
            ui.day(row.session.recorded_at),
        )
        draw_pair(load_session_pair(store, earlier, later), days if is_later else days[::-1])


def draw_pair(pair: SessionPair, days: tuple[str, str]) -> None:
    """Draw estimates, shares and measures of two sessions, and name what must not be compared.

    Args:
        pair: The two sessions.
        days: What the columns of the earlier and of the later session are called.
    """
    st.html(_table(pair, days))
    if Provenance.SIMULATED in {_provenance(pair.earlier), _provenance(pair.later)}:
        ui.warn(_(ui.SIMULATED_SENTENCE))
    elif pair.estimate_difference is None and {_provenance(pair.earlier), _provenance(pair.later)} == {
        Provenance.CLINICAL
    }:
        ui.note(_("The two estimates come from different heads, or from other modalities, so they are not subtracted."))
    elif pair.estimate_difference is not None and pair.do_intervals_overlap:
        ui.note(_("The intervals of the two estimates overlap: the person's scores may be the same in both sessions."))
    if pair.pairs or pair.shares:
        ui.note(
            _(
                "Differences are the later session less the earlier one. They also come from what was talked about, "
                "from light and from the microphone: Trends shows all sessions."
            )
        )
    else:
        ui.note(_("The two sessions share no measure that can be compared."))
    if pair.unlike or pair.are_shares_unlike:
        shares = [_("Emotions")] if pair.are_shares_unlike else []
        titles = ", ".join([*shares, *(_(measure.title) for measure in pair.unlike)])
        ui.note(_("Measured differently in the two sessions, so not compared: {titles}.").format(titles=titles))


def _previous(detail: SessionDetail, choices: list[SessionSummary]) -> int:
    """Return the position of the newest session before this one; without one the nearest after it."""
    before = [i for i, row in enumerate(choices) if row.session.recorded_at < detail.session.recorded_at]
    return before[0] if before else len(choices) - 1


def _table(pair: SessionPair, days: tuple[str, str]) -> str:
    points = pair.estimate_difference
    difference = "–" if points is None else _("{points} points").format(points=decimal(points, 0, signed=True))
    rows = [_row(_("PHQ estimate"), _estimate_words(pair.earlier), _estimate_words(pair.later), difference)]
    for row in (*pair.shares, *pair.pairs):
        values = (measure_text(row.measure, row.earlier), measure_text(row.measure, row.later))
        rows.append(_row(_(row.measure.title), *values, difference_words(row.measure, row.difference)))
    return figures_html((_("Measure"), *days, _("Difference")), rows, "pair")


def _row(title: str, *values: str) -> str:
    return row_html(title, [escape(value) for value in values])


def _estimate_words(phq: PhqResult) -> str:
    """Write an estimate with its scale and interval, as the card has it; what is simulated says so."""
    if not isinstance(phq, PhqEstimate):
        return _("No estimate")
    interval = _("{level} interval {low} to {high}").format(
        level=percent(phq.level), low=f"{phq.low:.0f}", high=f"{phq.high:.0f}"
    )
    words = f"{phq.score:.0f} ({phq.scale}, {interval})"
    return _("{estimate}, simulated").format(estimate=words) if phq.provenance is Provenance.SIMULATED else words


def _provenance(phq: PhqResult) -> Provenance | None:
    return phq.provenance if isinstance(phq, PhqEstimate) else None
