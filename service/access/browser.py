"""The browser that asks, recognised by a cookie, so that a link made for one does not work in another."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping

COOKIE = "ferphq_browser"
"""Name of the cookie: a random text that says nothing of the person."""
_VALUE = re.compile(r"[A-Za-z0-9_-]{32}")


def browser_mark(cookies: Mapping[str, str]) -> str:
    """Return what a link holds of the browser that it is made for; '' for a browser without the cookie.

    Args:
        cookies: The browser's cookies.
    """
    value = str(cookies.get(COOKIE, ""))
    return hashlib.sha256(value.encode()).hexdigest()[:32] if _VALUE.fullmatch(value) else ""


def new_cookie(*, secure: bool) -> str:
    """Return a `Set-Cookie` header for a browser that has none.

    Args:
        secure: Whether the browser may send it over encrypted connections only.
    """
    value = secrets.token_urlsafe(24)
    return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
