"""Item 9, about thoughts of death or of self-harm: a fixed message and a person, and nothing that a model concludes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import context
from dashboard.i18n import _, mark
from dashboard.widgets import permission, ui
from dashboard.widgets.author import author_input
from db.records import QuestionnaireRecord
from service.settings import ITEM9_MESSAGE

FLAGGED = mark("The answer to item 9 (thoughts of being better off dead, or of self-harm) is not zero.")
NOT_SET_UP = mark("No local help lines are set for this installation yet: write them on the Settings page.")


def item9_card(flagged: Sequence[QuestionnaireRecord]) -> None:
    """Draw the message about item 9, until somebody says that a person has been there."""
    message = context.settings().item9_message
    with ui.card("item9", _("Please act now")):
        paragraphs = [_(FLAGGED), *(_(part.strip()) for part in message.split("\n") if part.strip())]
        st.html(f'<p class="fp-danger">{"<br><br>".join(ui.text(part) for part in paragraphs)}</p>')
        if message == ITEM9_MESSAGE:
            ui.note(_(NOT_SET_UP))
            st.page_link(ui.SETTINGS, label=_("Settings"))
        if not permission.may_change():
            ui.note(_("Your account reads only: speak with whoever treats this person, who notes it here."))
            return
        by = author_input(_("Who has spoken with them?"), "item9_by")
        dates = ", ".join(ui.day(record.answered_at) for record in flagged)
        done = _("A person has spoken with them (questionnaire of {dates})").format(dates=dates)
        if st.button(done, disabled=not by):
            for record in flagged:
                context.store().questionnaires.acknowledge(questionnaire_id=record.id, by=by)
            st.rerun()


def item9_words(record: QuestionnaireRecord) -> str:
    """Say whether item 9 was answered above zero, and who looked after it."""
    if not record.item9_flag:
        return ""
    if not record.acknowledged_by:
        return _("not zero; nobody yet")
    return _("not zero; {who} was there").format(who=record.acknowledged_by)
