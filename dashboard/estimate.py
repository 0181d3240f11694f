"""The PHQ estimate as a card: never a bare number, never a colour that the interval does not carry."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import charts, context, ui
from db.records import AnalysisSummary
from fer_phq.phq import Modality, PhqEstimate, Provenance, bands_between


def estimate_card(found: AnalysisSummary) -> None:
    """The estimate with interval, provenance and what it may be taken for, or the reason why there is none."""
    with ui.card("estimate", "PHQ estimate"):
        show_estimate(found)


def show_estimate(found: AnalysisSummary) -> None:
    """What stands on the card; see `estimate_card`."""
    if not isinstance(found.phq, PhqEstimate):
        st.html('<p class="fp-estimate simulated"><span class="number">No estimate</span></p>')
        ui.note(ui.sentence(found.phq.text))
        return
    _number(found.phq)
    figure = charts.phq_scale(found.phq, context.colours())
    st.plotly_chart(
        figure, theme=None, config={"displayModeBar": False}, key=f"scale_{found.id}",
        alt="The estimate and its interval on the scale with the severity bands",
    )  # fmt: skip
    if found.phq.provenance is Provenance.SIMULATED:
        ui.warn(ui.SIMULATED_SENTENCE)
    else:
        ui.note(f"{band_words(found.phq)} A model's estimate is not a diagnosis.")


def band_words(estimate: PhqEstimate) -> str:
    """What the interval says about the severity band."""
    touched = bands_between(estimate.low, estimate.high)
    if len(touched) == 1:
        return f"The whole interval lies in the band “{touched[0]}”."
    return f"The interval reaches from “{touched[0]}” to “{touched[-1]}”: no single band can be named."


def _number(estimate: PhqEstimate) -> None:
    kind = "simulated" if estimate.provenance is Provenance.SIMULATED else ""
    interval = f"{estimate.level:.0%} interval {estimate.low:.0f} to {estimate.high:.0f}"
    st.html(
        f'<p class="fp-estimate {kind}"><span class="number">{estimate.score:.0f}</span>'
        f'<span class="interval">{escape(interval)}<br><span class="fp-lead">{estimate.scale}, 0 to '
        f"{estimate.scale.maximum}, from the {spoken(estimate.modalities)}</span></span>"
        f"{ui.provenance_badge(estimate.provenance)}</p>"
    )


def spoken(modalities: Sequence[Modality]) -> str:
    """'face', 'face and voice', 'face, voice and words'."""
    *most, last = modalities
    return f"{', '.join(most)} and {last}" if most else str(last)
