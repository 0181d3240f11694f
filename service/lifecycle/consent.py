"""Consent: without it a stored recording is not analysed, and it can be withdrawn."""

from __future__ import annotations

from db.records import SessionRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.lifecycle import messages


class ConsentError(FerPhqError):
    """A session must not be analysed: nobody consented, or the consent was withdrawn."""


def check_consent(store: Store, session_id: str) -> None:
    """Check that a session may be analysed. Demonstrations are of nobody, and always may.

    Args:
        store: Where the session is.
        session_id: The session.

    Raises:
        ConsentError: It has no consent.
        NotFoundError: There is no such session.
    """
    session = store.sessions.get(session_id=session_id)
    if session.consent is not None or session.is_demo:
        return
    is_withdrawn = store.sessions.is_withdrawn(session_id=session_id)
    raise ConsentError(messages.CONSENT_WITHDRAWN() if is_withdrawn else messages.NO_CONSENT())


def check_not_withdrawn(store: Store, session_id: str) -> None:
    """Check that a session's stored results may be worked on again.

    Args:
        store: Where the session is.
        session_id: The session.

    Raises:
        ConsentError: The session's consent was withdrawn.
    """
    if store.sessions.is_withdrawn(session_id=session_id):
        raise ConsentError(messages.CONSENT_WITHDRAWN())


def withdraw_consent(store: Store, session_id: str, by: str = "") -> SessionRecord:
    """Withdraw a session's consent: its jobs stop, and new analyses are refused. What is stored stays until erased.

    Args:
        store: Where the session is.
        session_id: The session.
        by: Who notes the withdrawal.

    Returns:
        The session without consent.

    Raises:
        NotFoundError: There is no such session.
    """
    return store.sessions.withdraw_consent(session_id=session_id, by=by)
