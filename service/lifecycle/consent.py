"""Consent and retention: without consent a recording is not analysed; until when a recording may be kept."""

from __future__ import annotations

from datetime import UTC, datetime

from db.records import SessionRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.lifecycle import messages


class ConsentError(FerPhqError):
    """A session must not be analysed: nobody consented, or the consent was withdrawn."""


class RetentionError(FerPhqError):
    """A session cannot be kept until a moment that is over."""


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


def check_retention(retain_until: datetime | None) -> None:
    """Check that a moment until which a recording is to be kept does not remove it at once, which nobody confirmed.

    Args:
        retain_until: The moment, timezone-aware; None for no limit.

    Raises:
        RetentionError: It is over.
    """
    if retain_until is not None and retain_until < datetime.now(UTC):
        raise RetentionError(messages.RETENTION_OVER())


def keep_until(store: Store, session_id: str, retain_until: datetime | None) -> SessionRecord:
    """Set until when a session's recording may be kept. A worker removes it within an hour of that moment.

    Args:
        store: Where the session is.
        session_id: The session.
        retain_until: The moment, timezone-aware; None for no limit.

    Returns:
        The session.

    Raises:
        RetentionError: The moment is over.
        NotFoundError: There is no such session.
    """
    check_retention(retain_until)
    return store.sessions.set_retention(session_id=session_id, retain_until=retain_until)
