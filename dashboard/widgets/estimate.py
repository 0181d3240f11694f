"""The PHQ estimate as a card: never a bare number, never a colour that the interval does not carry."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import charts, context
from dashboard.i18n import _, render
from dashboard.i18n.numbers import percent
from dashboard.i18n.vocabulary import modality_list
from dashboard.widgets import ui
from db.records import AnalysisSummary
from fer_phq.core.phq import PhqEstimate, Provenance, bands_between

__all__ = ["band_words", "estimate_card", "meaning", "modality_list", "show_estimate"]


def estimate_card(summary: AnalysisSummary) -> None:
    """Draw the estimate with interval, provenance and what it may be taken for, or the reason why there is none."""
    with ui.card("estimate", _("PHQ estimate")):
        show_estimate(summary)


def show_estimate(summary: AnalysisSummary) -> None:
    """Draw the contents of `estimate_card`, without its frame."""
    if not isinstance(summary.phq, PhqEstimate):
        nothing = _("No estimate")
        st.html(f'<p class="fp-estimate simulated"><span class="number">{escape(nothing)}</span></p>')
        ui.note(ui.sentence(render(summary.phq.message)))
        return
    _number(summary.phq)
    figure = charts.phq_scale(summary.phq, context.colours())
    st.plotly_chart(
        figure, theme=None, config={"displayModeBar": False}, key=f"scale_{summary.id}",
        alt=_("The estimate and its interval on the scale with the severity bands"),
    )  # fmt: skip
    if summary.phq.provenance is Provenance.SIMULATED:
        ui.warn(_(ui.SIMULATED_SENTENCE))
    else:
        ui.note(meaning(summary.phq))


def meaning(estimate: PhqEstimate) -> str:
    """Say what an estimate may be taken for, in two sentences."""
    return " ".join((band_words(estimate), _("A model's estimate is not a diagnosis.")))


def band_words(estimate: PhqEstimate) -> str:
    """Say what the interval means for the severity band."""
    touched = bands_between(estimate.low, estimate.high)
    if len(touched) == 1:
        return _("The whole interval lies in the band “{band}”.").format(band=_(touched[0]))
    return _("The interval reaches from “{low}” to “{high}”: no single band can be named.").format(
        low=_(touched[0]), high=_(touched[-1])
    )


def _number(estimate: PhqEstimate) -> None:
    kind = "simulated" if estimate.provenance is Provenance.SIMULATED else ""
    interval = _("{level} interval {low} to {high}").format(
        level=percent(estimate.level), low=f"{estimate.low:.0f}", high=f"{estimate.high:.0f}"
    )
    source = _("{scale}, 0 to {maximum}, from the {modalities}").format(
        scale=estimate.scale, maximum=estimate.scale.maximum, modalities=modality_list(estimate.modalities)
    )
    st.html(
        f'<p class="fp-estimate {kind}"><span class="number">{estimate.score:.0f}</span>'
        f'<span class="interval">{escape(interval)}<br><span class="fp-lead">{escape(source)}'
        "</span></span>"
        f"{ui.provenance_badge(estimate.provenance)}</p>"
    )
