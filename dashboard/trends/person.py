"""What is done with a person as a whole: export, another label, merging with another label, erasure."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import context, loaders
from dashboard.i18n import _, render
from dashboard.i18n.numbers import size
from dashboard.trends.erasure import erase_button
from dashboard.trends.notice import leave_notice
from dashboard.widgets import permission, ui
from dashboard.widgets.selection import show_subject, unique_labels
from db.records import MergeReport, SubjectSummary
from fer_phq.core.errors import StoreError
from service.access.browser import browser_mark
from service.ingest.tokens import export_url
from service.lifecycle.erasure import merge_subjects
from service.lifecycle.person.archive import recording_bytes
from service.lifecycle.person.merging import describe_merge
from service.lifecycle.person.words import rename_subject


def person_card(subject: SubjectSummary, subjects: Sequence[SubjectSummary]) -> None:
    """Draw the ways to take away, rename, merge and erase a person; nothing for who may not change anything.

    Args:
        subject: The person on show.
        subjects: Everybody whom the viewer sees.
    """
    if not permission.may_change():
        return
    others = [row for row in subjects if row.id != subject.id and row.is_demo == subject.is_demo]
    with (
        ui.card("person", _("All data of this person"), anchor=True),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        if st.button(_("Export everything"), icon=":material/archive:"):
            st.dialog(_("Export everything of this person"))(export)(subject)
        if st.button(_("Rename"), icon=":material/edit:"):
            st.dialog(_("Rename this person"))(rename)(subject)
        if others and st.button(_("Merge"), icon=":material/merge:"):
            st.dialog(_("Merge this person with another one"))(merge)(subject, others)
        erase_button(subject)


def export(subject: SubjectSummary) -> None:
    """Draw what an export holds, how large it is, and the link to it.

    Args:
        subject: The person.
    """
    recordings = recording_bytes(context.settings(), context.store(), subject.id)
    ui.facts(
        [
            (_("Sessions"), str(subject.sessions)),
            (_("Recordings"), size(recordings) if recordings else _("none stored")),
        ]
    )
    ui.note(
        _(
            "A ZIP with everything that is stored of this person: recordings and transcripts as they came in, results "
            "and questionnaires as tables, notes, and a page that says what each file is."
        )
    )
    if recordings:
        ui.note(_("It is as large as the recordings and a little more, and is made while it is downloaded."))
    ui.warn(
        _(
            "It names the person, is not encrypted, and may show and let hear other people. Look before you hand it "
            "on. The download is noted in the audit."
        )
    )
    address = export_url(context.settings(), subject.id, browser=browser_mark(st.context.cookies))
    st.link_button(_("Download the ZIP"), address, type="primary", icon=":material/download:")


def rename(subject: SubjectSummary) -> None:
    """Draw the field for another label, and the button.

    Args:
        subject: The person.
    """
    ui.note(_("Everything stays with the person. Exports and reports that were made before keep the old label."))
    label = st.text_input(_("Label"), value=subject.label, max_chars=200, key="rename_label").strip()
    if st.button(_("Save"), type="primary", disabled=label in ("", subject.label), key="rename_save"):
        try:
            record = rename_subject(context.settings(), context.store(), subject.id, label)
        except StoreError as error:
            ui.problem(error)
            return
        leave_notice(_("This person is called {label} now.").format(label=record.label))
        st.rerun()


def merge(subject: SubjectSummary, others: Sequence[SubjectSummary]) -> None:
    """Draw the choice of who stays, what merging does, the box for the label, and the button.

    Args:
        subject: The person on show, whose label goes.
        others: Those with whom the person can be merged.
    """
    labels = unique_labels({row.id: row.label for row in others})
    target_id = st.selectbox(
        _("The label that stays"), list(labels), format_func=labels.__getitem__, index=None, key="merge_target",
        placeholder=_("Choose the same person's other label"),
    )  # fmt: skip
    if target_id is None:
        ui.note(_("For two labels that turned out to be one person: everything goes to the label that stays."))
        return
    try:
        plan = context.store().merging.plan(source_id=subject.id, target_id=target_id)
    except StoreError as error:
        ui.problem(error)
        return
    ui.note(_("From {source} to {target}:").format(source=subject.label, target=labels[target_id]))
    ui.facts(_moves(plan))
    for sentence in describe_merge(plan):
        st.markdown(ui.md(render(sentence)))
    ui.warn(_("This cannot be undone: which data came from which label is lost."))
    typed = st.text_input(
        _("Type the label **{label}** to go on").format(label=ui.md(subject.label)), key="merge_label"
    )
    if st.button(_("Merge for good"), type="primary", disabled=typed.strip() != subject.label.strip()):
        with st.spinner(_("Merging")):
            report = merge_subjects(context.settings(), context.store(), subject.id, target_id)
        _show_merged(subject, labels[target_id], target_id, report)


def _show_merged(subject: SubjectSummary, label: str, target_id: str, report: MergeReport) -> None:
    """Go to the person who stays, and say what happened."""
    loaders.forget()
    show_subject(target_id)
    st.query_params["subject"] = target_id
    st.session_state.pop("trends_subject", None)
    words = _("{source} is merged into {target}.").format(source=subject.label, target=label)
    leave_notice(" ".join([words, *map(render, describe_merge(report))]))
    st.rerun()


def _moves(plan: MergeReport) -> list[tuple[str, str]]:
    """Return what goes to the person who stays, kind by kind; kinds of which there are none are left out."""
    counts = [
        (_("Sessions"), plan.sessions),
        (_("Questionnaires"), plan.questionnaires),
        (_("Events"), plan.events),
        (_("Tags"), plan.tags),
    ]
    return [(name, str(count)) for name, count in counts if count] or [(_("Sessions"), "0")]
