"""What the viewer's role allows: controls that would only be refused are left out, with one reason on the page."""

from __future__ import annotations

from dashboard import context, viewer
from dashboard.i18n import _, mark, render
from dashboard.widgets import ui
from db.actors import Role
from db.messages import MAY_NOT_ADMINISTER
from fer_phq.core.errors import StoreError

READS_ONLY = {
    Role.VIEWER: mark("Your account reads only (viewer): what would change something is left out."),
    Role.RESEARCHER: mark(
        "Your account reads only, under pseudonyms (researcher): what would change something, recordings, pictures and "
        "words are left out."
    ),
}


def may_change() -> bool:
    """Return whether the viewer may change what is stored."""
    return viewer.may_change(context.control())


def may_administer() -> bool:
    """Return whether the viewer may manage settings, models and accounts."""
    return viewer.may_administer(context.control())


def reading_note() -> None:
    """Say once on a page that the viewer's account reads only; nothing where it may change things."""
    role = _role()
    if role in READS_ONLY:
        ui.note(_(READS_ONLY[role]))


def administration_refusal() -> str | None:
    """Return why the viewer may not manage settings and models; None where they may."""
    return None if may_administer() else render(MAY_NOT_ADMINISTER(role=str(_role())))


def _role() -> Role | None:
    try:
        account = context.account()
    except StoreError:  # the page says itself what is wrong
        return None
    return None if account is None else account.role
