"""Who looks at a page: the account of the login in the viewer's cookie, and what they have read."""

from __future__ import annotations

import time

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from db.actors import Actor
from db.records import AccountRecord
from db.store import Store
from service.access.control import COOKIE, AccessControl, request_actor

PROGRAM = "dashboard"
READ_AGAIN_S = 600.0
"""Seconds within which reading the same thing again makes no further entry of the audit."""
_READ = "entries_of_reads"


def actor(control: AccessControl) -> Actor:
    """Return who acts: the viewer of the page that runs, or whoever is behind the request that is answered.

    Args:
        control: The installation's access control.
    """
    if get_script_run_ctx(suppress_warning=True) is not None:  # a page: its login may have ended since it was opened
        return control.actor(account(control), st.context.ip_address or "")
    requested = request_actor.get()
    return control.actor(None, "") if requested is None else requested


def account(control: AccessControl) -> AccountRecord | None:
    """Return the viewer's account; None where nobody is logged in.

    Args:
        control: The installation's access control.
    """
    return control.account(st.context.cookies.get(COOKIE))


def is_logged_out(control: AccessControl) -> bool:
    """Return whether the viewer has to log in before anything is shown.

    Args:
        control: The installation's access control.
    """
    return control.has_accounts() and account(control) is None


def note_read(store: Store, kind: str, object_id: str) -> None:
    """Note in the audit that the viewer reads somebody's data, once in a while.

    Args:
        store: The store, acting for the viewer.
        kind: What is read: `session` or `subject`.
        object_id: Its id.
    """
    reads: dict[tuple[str, str], float] = st.session_state.setdefault(_READ, {})
    now = time.monotonic()
    if now - reads.get((kind, object_id), -READ_AGAIN_S) < READ_AGAIN_S:
        return
    store.audit.add(action="read", object_kind=kind, object_id=object_id)
    reads[kind, object_id] = now


def may_change(control: AccessControl) -> bool:
    """Return whether the viewer may change what is stored.

    Args:
        control: The installation's access control.
    """
    return actor(control).changes


def may_administer(control: AccessControl) -> bool:
    """Return whether the viewer may manage settings, models and accounts.

    Args:
        control: The installation's access control.
    """
    return actor(control).administers
