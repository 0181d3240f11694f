"""Evidence on a bundle's heads: which of their claims stand, the controls beside them, and where intervals hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard.i18n import _, mark, render
from dashboard.i18n.numbers import decimal, percent
from dashboard.i18n.vocabulary import modality_list
from dashboard.widgets import ui
from dashboard.widgets.tables import bracketed, figures_html, row_html
from fer_phq.models.evidence.claims import CONTROL_NAMES, describe_group, judge_claims
from fer_phq.models.evidence.controls import Control
from fer_phq.models.evidence.fields import Bounded
from fer_phq.models.evidence.record import ALL, Evidence, GroupCoverage
from fer_phq.models.head_report import SetReport

CONTROLS = mark(
    "A control tells the same scores without the subject, on people left out. A head that is no better than one of "
    "them has not been shown to read the subject. RMSE is in points; partial r is the correlation of the head's "
    "estimates with the scores, the control's held constant; in brackets 95% intervals over people."
)
COVERAGE = mark(
    "Which share of the scores lies in the {level} interval; in brackets its 95% interval, with each person counted "
    "once. What is promised is the share of all people, not of each group."
)
EARLIER = mark(
    "An earlier version made this report: no control stands beside these figures, so it is open whether the head reads "
    "the subject or the interviewer, the session's length or the group. Train the head again to know."
)
SCORES = re.compile(r"(?P<low>\d+) to (?P<high>\d+)")
"""The value of a group of scores, whose column is `score`."""


def evidence_section(sets: Sequence[SetReport]) -> None:
    """Draw which claims of the heads stand: of the first in view, of the others on demand, each with its controls.

    Args:
        sets: The reports of the bundle's heads, the one that is preferred first.
    """
    measured = [(report.modalities, report.evidence) for report in sets if report.evidence is not None]
    if not measured:
        ui.warn(_(EARLIER))
        return
    modalities, evidence = measured[0]
    st.markdown(_("**Which claims stand** ({modalities})").format(modalities=modality_list(modalities)))
    st.html(claims_list(evidence))
    with st.expander(_("Controls and intervals ({modalities})").format(modalities=modality_list(modalities))):
        draw_figures(evidence)
        ui.note(_(CONTROLS))
        ui.note(_(COVERAGE).format(level=percent(evidence.level)))
    if len(measured) > 1:
        with st.expander(_("Claims, controls and intervals of the other heads")):
            for modalities, evidence in measured[1:]:
                st.markdown(f"**{ui.capitalised(modality_list(modalities))}**")
                st.html(claims_list(evidence))
                draw_figures(evidence)


def draw_figures(evidence: Evidence) -> None:
    """Draw the figures of the controls, and of the intervals by group.

    Args:
        evidence: What was measured.
    """
    st.html(controls_table(evidence.controls))
    if evidence.coverage:
        st.html(coverage_table(evidence.coverage))


def claims_list(evidence: Evidence) -> str:
    """Write which claims stand as an HTML list, a sentence each."""
    items = "".join(f"<li>{escape(render(claim))}</li>" for claim in judge_claims(evidence))
    return f'<ul class="fp-claims">{items}</ul>'


def controls_table(controls: Sequence[Control]) -> str:
    """Write the controls' figures as an HTML table; one that could not be measured says why."""
    names = [_("What alone tells the scores"), _("People"), "RMSE", "CCC", _("Head better by"), _("Partial r")]
    return figures_html(names, [_control_row(control) for control in controls])


def coverage_table(groups: Sequence[GroupCoverage]) -> str:
    """Write which share of the scores lies in its interval as an HTML table, a row a group."""
    rows = [
        row_html(_group_name(group), [str(group.subjects), _share(group.covered), decimal(group.width)])
        for group in groups
    ]
    return figures_html([_("Scores of"), _("People"), _("In the interval"), _("Its width")], rows)


def _control_row(control: Control) -> str:
    name = ui.capitalised(render(CONTROL_NAMES[control.name]()))
    figures = control.figures
    if figures is None:
        assert control.missing is not None
        return f'<tr><th scope="row">{escape(name)}</th><td colspan="5">{escape(render(control.missing))}</td></tr>'
    beyond = "–" if figures.beyond is None else _bracketed(figures.beyond)
    cells = [str(figures.subjects), decimal(figures.rmse, 2), _bracketed(figures.ccc), _bracketed(figures.head_gain)]
    return row_html(name, [*cells, beyond])


def _group_name(group: GroupCoverage) -> str:
    if group.column == ALL:
        return _("everybody")
    scores = SCORES.fullmatch(group.value) if group.column == "score" else None
    return _("score {low} to {high}").format(**scores.groupdict()) if scores else describe_group(group)


def _bracketed(figure: Bounded) -> str:
    return bracketed(figure.value, figure.low, figure.high)


def _share(figure: Bounded) -> str:
    return f"{percent(figure.value)}<br><small>[{percent(figure.low)}; {percent(figure.high)}]</small>"
