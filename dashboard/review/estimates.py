"""The estimate of the analysis that is reviewed, and beside it that of the one it is compared with."""

from __future__ import annotations

import streamlit as st

from dashboard.i18n import _
from dashboard.i18n.vocabulary import analysis_label
from dashboard.widgets import ui
from dashboard.widgets.estimate import estimate_card, show_estimate
from service.views.session import SessionView


def estimates(view: SessionView) -> None:
    """Draw one estimate, or two side by side, each with its interval, its provenance and the analysis it comes from."""
    if view.compared is None:
        estimate_card(view.analysis.summary)
        return
    with ui.card("estimate", _("PHQ estimates")):
        for column, analysis in zip(st.columns(2, gap="large"), (view.analysis, view.compared), strict=True):
            summary = analysis.summary
            with column:
                words = _("{analysis}, analysed on {moment}")
                ui.note(words.format(analysis=analysis_label(summary), moment=ui.day_and_time(summary.created_at)))
                show_estimate(summary)
        ui.note(_("Two models may differ; neither of the two is thereby shown to be right."))
