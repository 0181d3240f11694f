"""What this installation is, and the sessions whose retention has ended."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import context, loaders
from dashboard.i18n import _, n_, render
from dashboard.i18n.numbers import size
from dashboard.widgets import permission, ui
from service.lifecycle.erasure import finish_erasures, remove_expired
from service.lifecycle.ledger import list_pending
from service.views.installation import (
    InstallationView,
    Overdue,
    erase_overdue,
    load_installation_view,
    overdue_sessions,
)


def installation_card() -> None:
    """Draw where the data lies, how much there is, which versions run."""
    facts = load_installation_view(context.environment_settings(), context.store())
    with ui.card("installation", _("This installation")):
        ui.facts(
            [
                (_("Data folder"), str(facts.data_dir)),
                (
                    _("Database ({kind}, schema {schema})").format(kind=facts.database, schema=facts.schema),
                    facts.database_place,
                ),
            ]
        )
        ui.facts(_facts(facts))
        ui.facts(list(facts.versions))


def pending_erasures_card() -> None:
    """Draw the erasures that are not finished, and what each waits for; nothing where there are none."""
    erasures = list_pending(context.environment_settings())
    if not erasures:
        return
    with ui.card("pending_erasures", _("Erasures that are not finished")):
        for erasure in erasures:
            reason = (
                ui.sentence(render(erasure.reason)) if erasure.reason is not None else _("It is being carried out.")
            )
            when = _("Begun {moment}.").format(moment=ui.day_and_time(erasure.begun_at))
            ui.note(f"{when} {reason}")
        if permission.may_change() and st.button(_("Try again now")):
            finish_erasures(context.environment_settings(), context.store())
            st.rerun()


def overdue_card() -> None:
    """Draw the sessions past their retention, and the two ways to deal with them."""
    overdue = overdue_sessions(context.store())
    with ui.card("overdue", _("Past their retention")):
        notice = st.session_state.pop("overdue_said", None)
        if notice is not None:
            st.html(f'<p class="fp-done">{ui.text(notice)}</p>')
        if not overdue:
            ui.note(_("No session is past its retention."))
            return
        ui.note(
            _(
                "The worker removes such recordings by itself, every hour, and keeps their results. Erasing takes the "
                "whole session: recording, results, notes and transcript. Questionnaires are kept."
            )
        )
        st.dataframe(_table(overdue), hide_index=True)
        if not permission.may_change():
            return
        with st.container(horizontal=True):
            if any(row.session.media_path for row in overdue) and st.button(_("Remove these recordings now")):
                count = remove_expired(context.environment_settings(), context.store())
                st.session_state.overdue_said = n_(
                    "{n} recording removed; the results are kept.",
                    "{n} recordings removed; the results are kept.",
                    count,
                )
                loaders.forget()
                st.rerun()
            if st.button(_("Erase these sessions"), type="tertiary", icon=":material/delete:"):
                confirm(len(overdue))


def confirm(count: int) -> None:
    """Ask once more, then erase."""
    st.dialog(_("Erase the sessions past their retention?"))(confirmation)(count)


def confirmation(count: int) -> None:
    """Draw what would be erased, and the button."""
    st.markdown(
        n_(
            "{n} session with recording, results, notes and transcript will be removed for good. "
            "Questionnaires are kept.",
            "{n} sessions with recording, results, notes and transcript will be removed for good. "
            "Questionnaires are kept.",
            count,
        )
    )
    sure = st.checkbox(_("I want to erase them"))
    if st.button(_("Erase"), type="primary", disabled=not sure):
        erased = erase_overdue(context.environment_settings(), context.store())
        st.session_state.overdue_said = n_("{n} session erased.", "{n} sessions erased.", erased.sessions)
        loaders.forget()
        st.rerun()


def _facts(installation: InstallationView) -> list[tuple[str, str]]:
    size_rows = (
        [] if installation.database_bytes is None else [(_("Size of the database"), size(installation.database_bytes))]
    )
    return [
        (_("Free disk space"), size(installation.free_bytes)),
        (_("Recordings"), size(installation.recordings_bytes)),
        (_("Sessions"), n_("{n} session", "{n} sessions", installation.sessions)),
        (_("Subjects"), n_("{n} subject", "{n} subjects", installation.subjects)),
        *size_rows,
    ]


def _table(overdue: list[Overdue]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("Subject"): [row.subject_label for row in overdue],
            _("Recorded"): [ui.day_and_time(row.session.recorded_at) for row in overdue],
            _("Kept until"): [ui.day(row.session.retain_until) if row.session.retain_until else "" for row in overdue],
            _("Recording"): [_("still there") if row.session.media_path else _("removed") for row in overdue],
        }
    )
