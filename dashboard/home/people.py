"""Who needs attention, each person with the reasons in words and the way to them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.i18n import _, mark, n_
from dashboard.i18n.numbers import decimal
from dashboard.widgets import ui
from fer_phq.longitudinal.change import reliable_points
from service.views.overview.triage import SEEN_DAYS, IntervalEstimate, ListedPerson, Reason, Rule

SHOWN = 6
NAMES = {
    Rule.ITEM_9: mark("Item 9 answered"),
    Rule.WORSENED: mark("Reliably worse"),
    Rule.SEVERE: mark("Severe band"),
    Rule.ESTIMATE: mark("Estimate is higher"),
    Rule.OVERDUE: mark("Overdue"),
}
ITEM_9 = mark("{day}: an answer to item 9 was not zero. A person should speak with them now.")
WORSENED = mark("{scale} of {day}: {total} points, {more} more than on {before} (RCI {rci}).")
SEVERE = mark("{scale} of {day}: {total} points.")
ESTIMATE = mark("{scale} estimate of {day}: {newest}. All of its interval lies above that of {before}: {first}.")
RULES = mark("""
- **Item 9 answered**: listed until somebody has noted on the Questionnaire page that they acted.
- **Reliably worse**: the last questionnaire is at least {points} points above the first one of its scale, or above the
  one before (reliable change index above 1.96: Jacobson & Truax 1991).
- **Severe band**: the last questionnaire has 20 points or more (Kroenke 2001).
- **Estimate is higher**: all of the newest interval lies above that of the first session with the same head. Only heads
  that were trained on clinical labels count; estimates of simulated labels are never a reason.
- **Overdue**: {due}

Most urgent rule first, and within a rule by date: nobody is ranked by an estimate. Whoever was neither recorded nor
answered for {seen} days is listed for item 9 alone. Nobody on this list is diagnosed, and whoever is not on it may need
somebody all the same.
""")


def people_card(people: Sequence[ListedPerson], due_days: int | None) -> None:
    """Draw who needs attention, most urgent first, and by which rules.

    Args:
        people: Who is listed.
        due_days: Days after which another questionnaire is due; None for never.
    """
    with ui.card("people", _("Who needs you")):
        if not people:
            ui.note(_("Nobody, by the rules below."))
        count = len(people) if st.session_state.get("all_people") else SHOWN
        for person in people[:count]:
            _draw(person)
        if len(people) > count:
            st.button(
                n_("Show {n} more person", "Show {n} more people", len(people) - count),
                on_click=lambda: st.session_state.update(all_people=True),
                type="tertiary",
            )
        with st.expander(_("By which rules")):
            st.markdown(_(RULES).format(points=reliable_points(), due=due_words(due_days), seen=SEEN_DAYS))


def due_words(due_days: int | None) -> str:
    """Write when a questionnaire is overdue."""
    if due_days is None:
        return _("never; Settings can say after how many days another questionnaire is due.")
    return n_(
        "the last questionnaire is older than {n} day, as Settings say.",
        "the last questionnaire is older than {n} days, as Settings say.",
        due_days,
    )


def reason_words(reason: Reason) -> str:
    """Write why somebody is listed, in one or two sentences."""
    day = ui.day(reason.at)
    if reason.change is not None:
        change = reason.change
        return _(WORSENED).format(
            scale=change.score.scale, day=day, total=change.score.total, more=change.difference,
            before=ui.day(change.baseline.answered_at), rci=decimal(change.rci),
        )  # fmt: skip
    if reason.estimates is not None:
        first, newest = reason.estimates
        return _(ESTIMATE).format(
            scale=newest.scale, day=day, newest=_estimate_words(newest), before=ui.day(first.recorded_at),
            first=_estimate_words(first),
        )  # fmt: skip
    if reason.days is not None:
        return n_(
            "The last questionnaire is of {day}, {n} day ago.",
            "The last questionnaire is of {day}, {n} days ago.",
            reason.days,
            day=day,
        )
    if reason.score is not None:
        return _(SEVERE).format(scale=reason.score.scale, day=day, total=reason.score.total)
    return _(ITEM_9).format(day=day)


def _estimate_words(estimate: IntervalEstimate) -> str:
    return _("{score} ({low} to {high})").format(
        score=f"{estimate.score:.0f}", low=f"{estimate.low:.0f}", high=f"{estimate.high:.0f}"
    )


def _draw(person: ListedPerson) -> None:
    name, reasons, action = st.columns([0.14, 0.69, 0.17], vertical_alignment="center")
    label = ui.display_name(person.label, person.is_demo)
    name.page_link(ui.TRENDS, label=ui.md(label), query_params={"subject": person.subject_id})
    reasons.html("".join(_reason_html(reason) for reason in person.reasons))
    if {reason.rule for reason in person.reasons} & {Rule.ITEM_9, Rule.OVERDUE}:
        action.page_link(ui.QUESTIONNAIRE, label=_("Open questionnaire"), query_params={"subject": person.subject_id})


def _reason_html(reason: Reason) -> str:
    urgent = "urgent" if reason.rule is Rule.ITEM_9 else ""
    return (
        f'<div class="fp-alert {urgent}"><b>{ui.text(_(NAMES[reason.rule]))}</b>'
        f"<span>{ui.text(reason_words(reason))}</span></div>"
    )
