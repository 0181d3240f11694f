"""Erasing the person on show: what will go, the label typed, and how it went."""

from __future__ import annotations

import streamlit as st

from dashboard import context, loaders
from dashboard.i18n import _, n_, render
from dashboard.i18n.numbers import size
from dashboard.trends.notice import leave_notice
from dashboard.widgets import ui
from dashboard.widgets.selection import forget_subject
from db.records import SubjectSummary
from service.lifecycle import messages
from service.lifecycle.erasure import ErasureCounts, ErasurePreview, erase_subject, preview_subject


def erase_button(subject: SubjectSummary) -> None:
    """Draw the button that leads to the erasure of a subject."""
    if st.button(_("Erase this person"), type="tertiary", icon=":material/delete:"):
        st.dialog(_("Erase this person?"))(confirmation)(subject)


def confirmation(subject: SubjectSummary) -> None:
    """Draw what would be erased, the box for the label, and the button."""
    preview = preview_subject(context.settings(), context.store(), subject.id)
    ui.facts(_facts(preview))
    if preview.plan.shared_recordings:
        ui.note(_("Recordings that another subject has too stay with that subject."))
    if preview.heads:
        ui.warn(render(messages.HEADS_LEARNED(names=", ".join(preview.heads))))
    ui.note(
        _(
            "This cannot be undone. Backups, exports and copies elsewhere are not changed by it, and heads that were "
            "trained with the data do not unlearn it."
        )
    )
    typed = st.text_input(
        _("Type the label **{label}** to go on").format(label=ui.md(subject.label)), key="erase_label"
    )
    is_same = typed.strip() == subject.label.strip()
    if st.button(_("Erase for good"), type="primary", disabled=not is_same):
        with st.spinner(_("Erasing")):
            counts = erase_subject(context.settings(), context.store(), subject.id)
        loaders.forget()
        st.query_params.clear()
        forget_subject()
        st.session_state.pop("trends_subject", None)
        leave_notice(_outcome(counts))
        st.rerun()


def _facts(preview: ErasurePreview) -> list[tuple[str, str]]:
    """Return what will go, kind by kind; kinds of which there are none are left out."""
    plan = preview.plan
    counts = [
        (_("Sessions"), plan.sessions),
        (_("Analyses"), plan.analyses),
        (_("Face embeddings"), plan.embeddings),
        (_("Series of voice and words"), plan.series),
        (_("Pictures of faces"), plan.face_pictures),
        (_("Transcripts"), plan.transcripts),
        (_("Notes"), plan.notes),
        (_("Questionnaires"), plan.questionnaires),
        (_("Events"), plan.events),
        (_("Tags"), plan.tags),
        (_("Jobs"), plan.jobs),
    ]
    facts = [(name, str(count)) for name, count in counts if count]
    if plan.recordings:
        facts.insert(1, (_("Recordings"), f"{plan.recordings} ({size(preview.recording_bytes)})"))
    return facts


def _outcome(counts: ErasureCounts) -> str:
    words = n_(
        "{n} session with everything that belonged to it was erased.",
        "{n} sessions with everything that belonged to them were erased.",
        counts.sessions,
    )
    sentences = [words]
    if counts.heads:
        sentences.append(render(messages.HEADS_LEARNED(names=", ".join(counts.heads))))
    if counts.pending is not None:
        sentences.append(render(counts.pending))
    return " ".join(sentences)
