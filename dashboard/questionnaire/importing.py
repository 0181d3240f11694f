"""Many questionnaires at once, from a table."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import context
from dashboard.i18n import _, n_, render
from dashboard.widgets import ui
from dashboard.widgets.author import author_input
from service.ingest.questionnaire_csv import (
    EXAMPLE,
    QuestionnaireTable,
    import_questionnaires,
    read_questionnaire_table,
)


def importing() -> None:
    """Choose a table, see everything that is wrong with it, keep it when nothing is."""
    with st.expander(_("Import questionnaires from a table (CSV)")):
        notice = st.session_state.pop("phq_imported", None)
        if notice:
            st.html(f'<p class="fp-done">{ui.text(notice)}</p>')
        ui.note(
            _(
                "One questionnaire a row: its items, 0 to 3, not its total. `item_9` is empty for a PHQ-8, "
                "`difficulty` (0 to 3, the form's last question) where it was not answered. A date without an offset "
                "is in your time zone. Nothing is kept before the whole table is right."
            )
        )
        st.download_button(
            _("An example of a table"),
            EXAMPLE,
            "questionnaires.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        upload = st.file_uploader(_("Table"), type=["csv"], key="phq_table", max_upload_size=10)
        if upload is None:
            return
        table = read_questionnaire_table(upload.getvalue(), zone=ui.zone(), now=datetime.now(UTC))
        if table.problems:
            ui.problems(
                _("Nothing of this table was kept."), [render(problem.message_with_place) for problem in table.problems]
            )
            return
        keep(table)


def keep(table: QuestionnaireTable) -> None:
    """Say what would be kept, and keep it."""
    for warning in table.warnings:
        ui.warn(render(warning))
    is_confirmed = not table.warnings or st.checkbox(
        _("The answers are coded 0 (not at all) to 3 (nearly every day)"), key="phq_coding"
    )
    by = author_input(_("Imported by"), "phq_import_by")
    go = n_("Import {n} questionnaire", "Import {n} questionnaires", len(table.rows))
    if st.button(go, type="primary", disabled=not (by and is_confirmed)):
        result = import_questionnaires(context.store(), table.rows, by=by)
        text = n_("{n} questionnaire kept", "{n} questionnaires kept", result.stored)
        words = [_("{kept}, {there} were there already.").format(kept=text, there=result.existing)]
        if result.corrected:
            words += [
                n_(
                    "In {n} that was there the difficulty was corrected.",
                    "In {n} that were there the difficulty was corrected.",
                    result.corrected,
                )
            ]
        if result.item9:
            words += [
                _("In {flagged} the answer to item 9 is not zero: Home lists them, please act now.").format(
                    flagged=result.item9
                )
            ]
        st.session_state.phq_imported = " ".join(words)
        st.rerun()
