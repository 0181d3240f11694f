"""What this installation is, and the sessions whose retention has ended."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import context, data, ui
from service.erasure import remove_expired
from service.media import readable
from service.overview import Overdue, Overview, erase_overdue, overdue_sessions, overview


def installation_card() -> None:
    """Where the data lies, how much there is, which versions run."""
    found = overview(context.given(), context.store())
    with ui.card("installation", "This installation"):
        ui.facts(
            [
                ("Data folder", str(found.data_dir)),
                (f"Database ({found.database}, schema {found.schema})", found.database_place),
            ]
        )
        ui.facts(_facts(found))
        ui.facts(list(found.versions))


def overdue_card() -> None:
    """Sessions past their retention, and the two ways to deal with them."""
    found = overdue_sessions(context.store())
    with ui.card("overdue", "Past their retention"):
        said = st.session_state.pop("overdue_said", None)
        if said is not None:
            st.html(f'<p class="fp-done">{ui.text(said)}</p>')
        if not found:
            ui.note("No session is past its retention.")
            return
        ui.note(
            "The worker removes such recordings by itself, every hour, and keeps their results. Erasing takes the "
            "whole session: recording, results, notes and transcript. Questionnaires are kept."
        )
        st.dataframe(_table(found), hide_index=True)
        with st.container(horizontal=True):
            if any(one.session.media_path for one in found) and st.button("Remove these recordings now"):
                count = remove_expired(context.given(), context.store())
                st.session_state.overdue_said = f"{ui.count(count, 'recording')} removed; the results are kept."
                data.forget()
                st.rerun()
            if st.button("Erase these sessions", type="tertiary", icon=":material/delete:"):
                confirm(len(found))


@st.dialog("Erase the sessions past their retention?")
def confirm(count: int) -> None:
    """Ask once more, then erase."""
    st.markdown(
        f"{ui.count(count, 'session')} with recording, results, notes and transcript will be removed for good. "
        "Questionnaires are kept."
    )
    sure = st.checkbox("I want to erase them")
    if st.button("Erase", type="primary", disabled=not sure):
        erased = erase_overdue(context.given(), context.store())
        st.session_state.overdue_said = f"{ui.count(erased.sessions, 'session')} erased."
        data.forget()
        st.rerun()


def _facts(found: Overview) -> list[tuple[str, str]]:
    size = [] if found.database_bytes is None else [("Size of the database", readable(found.database_bytes))]
    return [
        ("Free disk space", readable(found.free_bytes)),
        ("Recordings", readable(found.recordings_bytes)),
        ("Sessions", ui.count(found.sessions, "session")),
        ("Subjects", ui.count(found.subjects, "subject")),
        *size,
    ]


def _table(found: list[Overdue]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Subject": [one.subject_label for one in found],
            "Recorded": [ui.day_and_time(one.session.recorded_at) for one in found],
            "Kept until": [ui.day(one.session.retain_until) if one.session.retain_until else "" for one in found],
            "Recording": ["still there" if one.session.media_path else "removed" for one in found],
        }
    )
