"""What the routes of the login answer: the page, and the cookie of somebody who has logged in."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dashboard.i18n import render, speaking
from dashboard.login.page import login_page
from fer_phq.core.messages import Message
from service.access.answers import accepted_language
from service.access.control import COOKIE
from service.access.guard import source_of
from service.settings import AppSettings

NO_STORE = {"Cache-Control": "no-store"}


class LoginAnswers:
    """The answers, in the language of whoever asks."""

    def __init__(self, settings: AppSettings, languages: Sequence[str], *, has_provider: bool = False) -> None:
        """Take the installation, the languages, and whether a provider of identities is named."""
        self._settings = settings
        self._languages = languages
        self._has_provider = has_provider

    def enter(self, request: Request, secret: str, target: str) -> Response:
        """Answer somebody who has logged in: with the cookie, and the page that they wanted.

        Args:
            request: The request.
            secret: The login's secret.
            target: The page, a path of this installation.
        """
        source = source_of(request.scope)
        answer = RedirectResponse(target, 303, NO_STORE)
        answer.set_cookie(
            COOKIE,
            secret,
            max_age=round(self._settings.login_hours * 3600),
            httponly=True,
            samesite="lax",
            secure=source is not None and source.is_encrypted,
        )
        return answer

    def page(
        self, request: Request, *, name: str = "", error: Message | None = None, target: str = "/"
    ) -> HTMLResponse:
        """Answer the login page.

        Args:
            request: The request.
            name: What was typed as name before.
            error: What was wrong with the last try; None at the first.
            target: Where the login leads, a path of this installation.
        """
        language = self._settings.language or accepted_language(
            request.headers.get("accept-language", ""), self._languages
        )
        with speaking(language):
            html = login_page(
                name=name,
                error="" if error is None else render(error, language),
                target=target,
                language=language,
                provider=self._has_provider,
            )
        return HTMLResponse(html, status_code=200 if error is None else 401, headers=NO_STORE)


def client_of(request: Request) -> str:
    """Return the address that asks; '' where it is not known.

    Args:
        request: The request.
    """
    source = source_of(request.scope)
    return source.client if source is not None else ""


def inner_path(target: str) -> str:
    """Return where a login leads: the path if it is one of this installation, else the first page.

    Args:
        target: What the address says.
    """
    if not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(target)
    is_inner = not parts.netloc and not parts.scheme
    return target if is_inner and target.isprintable() else "/"
