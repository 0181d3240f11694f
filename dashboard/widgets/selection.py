"""The subject and the session on show, which travel with the menu from page to page, and labels for choosing by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TypeVar

import streamlit as st

from dashboard import context, viewer
from db.records import SessionRecord

SUBJECT = "subject_on_show"
SESSION = "session_on_show"
"""Keys of the viewer's state. No widget has them: Streamlit forgets a widget's value when its page is left."""

Key = TypeVar("Key", bound=str | None)


def subject_on_show(ids: Collection[str]) -> str | None:
    """Return the subject that the address names, else the one that was shown last on any page.

    Args:
        ids: The subjects that there are.

    Returns:
        Its id; None where neither is among `ids`.
    """
    candidates = (st.query_params.get("subject"), st.session_state.get(SUBJECT))
    return next((subject_id for subject_id in candidates if subject_id in ids), None)


def show_subject(subject_id: str) -> None:
    """Make a subject the one on show; a session of another subject is not on show any more.

    Args:
        subject_id: The subject's UUID; that its data is read goes into the audit.
    """
    viewer.note_read(context.store(), "subject", subject_id)
    if st.session_state.get(SUBJECT) != subject_id:
        st.session_state.pop(SESSION, None)
    st.session_state[SUBJECT] = subject_id


def session_on_show() -> str | None:
    """Return the id of the session that was shown last on the Session page; None where its subject is not on show."""
    session_id: str | None = st.session_state.get(SESSION)
    return session_id


def show_session(session: SessionRecord) -> None:
    """Make a session, and its subject, the ones on show."""
    show_subject(session.subject_id)
    viewer.note_read(context.store(), "session", session.id)
    st.session_state[SESSION] = session.id


def forget_session() -> None:
    """Have no session on show, as after its erasure."""
    st.session_state.pop(SESSION, None)


def forget_subject() -> None:
    """Have no subject on show, as after its erasure."""
    st.session_state.pop(SUBJECT, None)
    forget_session()


def unique_labels(labels: Mapping[Key, str], *details: Mapping[Key, str]) -> dict[Key, str]:
    """Tell equal labels apart, since Streamlit identifies the options of a box by their labels.

    Args:
        labels: The label of each id.
        details: What is added, one after the other, to labels that are still equal, such as a file's name.

    Returns:
        Labels that are all different; where details do not tell them apart, they are counted.
    """
    unique = dict(labels)
    for detail in details:
        counts = Counter(unique.values())
        unique = {
            key: f"{label} · {detail[key]}" if counts[label] > 1 and detail.get(key) else label
            for key, label in unique.items()
        }
    seen: Counter[str] = Counter()
    counts = Counter(unique.values())
    for key, label in unique.items():
        seen[label] += 1
        if counts[label] > 1:
            unique[key] = f"{label} ({seen[label]})"
    return unique
