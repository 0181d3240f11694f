"""The audit and the accounts, for administrators: who did what, when and from where, and who may log in."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from dashboard import context, viewer
from dashboard.exports.downloads import table_buttons
from dashboard.i18n import _
from dashboard.i18n.vocabulary import ROLES
from dashboard.widgets import ui
from db.records import AuditRecord

MOST_ENTRIES = 200


def audit_card() -> None:
    """Draw the newest entries with whether the chain of all is whole; nothing for who may not read them."""
    if not viewer.may_administer(context.control()):
        return
    with ui.card("audit", _("Audit")):
        entries = context.store().audit.list_newest(limit=MOST_ENTRIES)
        ui.note(_("Who did what, when and from where. Entries hold ids, no subject names, and stay after an erasure."))
        if st.button(_("Check that no entry was changed or removed"), key="check_audit"):
            _show_check()
        if entries:
            st.dataframe(_table(entries), hide_index=True, height=320)
        with st.popover(_("Data"), icon=":material/download:"):
            table_buttons(_("Audit"), lambda: _table(list(context.store().audit.iterate())), "audit")


def accounts_card() -> None:
    """Draw the accounts; nothing where there are none or for who may not manage them."""
    if context.account() is None or not viewer.may_administer(context.control()):
        return
    accounts = context.store().accounts.list_all()
    with ui.card("accounts", _("Accounts")):
        table = pd.DataFrame(
            {
                _("Name"): [account.name for account in accounts],
                _("Role"): [_(ROLES[account.role]) for account in accounts],
                _("Since"): [ui.day(account.created_at) for account in accounts],
                _("Disabled"): [_day(account.disabled_at) for account in accounts],
            }
        )
        st.dataframe(table, hide_index=True)
        ui.note(_("Accounts are added and closed on the command line: fer-phq users --help."))
        with st.popover(_("Key of the pseudonyms"), icon=":material/key:"):
            ui.note(
                _(
                    "Whom a researcher's pseudonym stands for. Whoever reads it knows who everybody is; each download "
                    "is in the audit."
                )
            )
            table_buttons(_("Key of the pseudonyms"), _pseudonyms, "pseudonyms")


def _pseudonyms() -> pd.DataFrame:
    return pd.DataFrame(context.store().subjects.list_pseudonyms(), columns=["pseudonym", "label", "id"])


def _day(at: datetime | None) -> str:
    return "" if at is None else ui.day(at)


def _show_check() -> None:
    check = context.store().audit.check_chain()
    if check.whole:
        words = _("All {count} entries are whole. The chain ends in {digest}.")
        st.html(f'<p class="fp-done">{ui.text(words.format(count=check.entries, digest=check.digest[:16]))}</p>')
    elif check.broken_id is not None:
        ui.warn(_("Entry {number}, or one before it, was changed.").format(number=check.broken_id))
    else:
        ui.warn(_("{count} entries are missing at the end.").format(count=check.missing))


def _table(entries: list[AuditRecord]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("When"): [ui.day_and_time(entry.at) for entry in entries],
            _("Who"): [entry.who for entry in entries],
            _("From where"): [entry.origin for entry in entries],
            _("Did"): [entry.action for entry in entries],
            _("What"): [entry.object_kind for entry in entries],
            _("Which"): [entry.object_id for entry in entries],
            _("More"): [entry.detail for entry in entries],
        }
    )
