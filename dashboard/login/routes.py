"""`/login` and `/logout`: they set and take away the cookie that the guard reads."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.i18n import render, speaking
from dashboard.login.page import login_page
from service.access.answers import accepted_language
from service.access.control import COOKIE, AccessControl, LoginError
from service.access.guard import LOGIN_PATH, LOGOUT_PATH, source_of
from service.settings import AppSettings

MAX_FORM_BYTES = 8192
NO_STORE = {"Cache-Control": "no-store"}


def login_routes(settings: AppSettings, control: AccessControl, languages: Sequence[str]) -> list[BaseRoute]:
    """Return the routes.

    Args:
        settings: The installation.
        control: Its access control.
        languages: Codes of the languages in which the page can be shown.
    """
    login = Login(settings, control, languages)
    return [
        Route(LOGIN_PATH, login.show, methods=["GET"]),
        Route(LOGIN_PATH, login.open, methods=["POST"]),
        Route(LOGOUT_PATH, login.close, methods=["GET", "POST"]),
    ]


class Login:
    """The handlers."""

    def __init__(self, settings: AppSettings, control: AccessControl, languages: Sequence[str]) -> None:
        """Take the installation, its access control and the languages."""
        self._settings = settings
        self._control = control
        self._languages = languages

    async def show(self, request: Request) -> Response:
        """Answer the page; where nobody has to log in, lead to the dashboard."""
        target = inner_path(request.query_params.get("next", "/"))
        if not await anyio.to_thread.run_sync(self._control.has_accounts):
            return RedirectResponse("/", 303, NO_STORE)
        return self._page(request, target=target)

    async def open(self, request: Request) -> Response:
        """Log in with the form's name and password."""
        form = await _read_form(request)
        target = inner_path(form.get("next", "/"))
        name = form.get("name", "")
        source = source_of(request.scope)
        origin = source.client if source is not None else ""
        try:
            secret = await anyio.to_thread.run_sync(self._control.log_in, name, form.get("password", ""), origin)
        except LoginError as error:
            with speaking(self._language(request)):
                sentence = render(error.message, self._language(request))
            return self._page(request, name=name, error=sentence, target=target, status=401)
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

    async def close(self, request: Request) -> Response:
        """End the login and lead to the page where another begins."""
        secret = request.cookies.get(COOKIE, "")
        if secret:
            await anyio.to_thread.run_sync(self._control.log_out, secret)
        answer = RedirectResponse(LOGIN_PATH, 303, NO_STORE)
        answer.delete_cookie(COOKIE)
        return answer

    def _language(self, request: Request) -> str:
        return self._settings.language or accepted_language(request.headers.get("accept-language", ""), self._languages)

    def _page(
        self, request: Request, *, name: str = "", error: str = "", target: str = "/", status: int = 200
    ) -> HTMLResponse:
        language = self._language(request)
        with speaking(language):
            html = login_page(name=name, error=error, target=target, language=language)
        return HTMLResponse(html, status_code=status, headers=NO_STORE)


def inner_path(target: str) -> str:
    """Return where a login leads: the path if it is one of this installation, else the first page.

    Args:
        target: What the address says.
    """
    parts = urlsplit(target)
    is_inner = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return target if is_inner and target.isprintable() else "/"


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; nothing of one that is too long to be a login."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}
