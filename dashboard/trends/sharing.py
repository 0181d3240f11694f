"""Who else may see a subject: accounts that it is shared with."""

from __future__ import annotations

import streamlit as st

from dashboard import context, viewer
from dashboard.i18n import _
from dashboard.widgets import ui
from db.records import NotFoundError, SubjectSummary


def sharing_button(subject: SubjectSummary) -> None:
    """Draw the list of accounts that see a subject, and the way to change it; nothing without accounts.

    Args:
        subject: The subject.
    """
    account = context.account()
    if account is None or not viewer.may_change(context.control()):
        return
    with st.popover(_("Shared with"), icon=":material/group:"):
        shares = context.store().shares.list_of(subject_id=subject.id)
        for share in shares:
            name, way_out = st.columns([0.7, 0.3], vertical_alignment="center")
            owner = _("owner")
            name.markdown(f"{ui.md(share.account)} · {owner}" if share.owner else ui.md(share.account))
            if not share.owner and way_out.button(_("Remove"), key=f"unshare_{share.account_id}"):
                context.store().shares.remove(subject_id=subject.id, account_id=share.account_id)
                st.rerun()
        ui.note(_("Administrators see every subject, researchers every pseudonym."))
        with st.form(f"share_{subject.id}", border=False, clear_on_submit=True):
            name_of_other = st.text_input(_("Name of the account"), max_chars=100)
            if st.form_submit_button(_("Share")) and name_of_other.strip():
                _share(subject, name_of_other)


def _share(subject: SubjectSummary, name: str) -> None:
    try:
        other = context.store().accounts.get(name=name)
    except NotFoundError as error:
        ui.problem(error)
        return
    context.store().shares.add(subject_id=subject.id, account_id=other.id)
    st.rerun()
