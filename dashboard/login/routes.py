"""`/login`, `/logout` and the way through the provider of identities: they set and take away the guard's cookie."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.login.answers import NO_STORE, LoginAnswers, client_of, inner_path
from dashboard.login.provider import ProviderLogin
from service.access.control import COOKIE, AccessControl, LoginError
from service.access.guard import ANSWER_PATH, LOGIN_PATH, LOGOUT_PATH, PROVIDER_PATH
from service.access.openid.flow import Flow
from service.access.openid.provider import Provider
from service.access.openid.registration import read_registration
from service.settings import AppSettings

MAX_FORM_BYTES = 8192


def login_routes(settings: AppSettings, control: AccessControl, languages: Sequence[str]) -> list[BaseRoute]:
    """Return the routes.

    Args:
        settings: The installation.
        control: Its access control.
        languages: Codes of the languages in which the page can be shown.

    Raises:
        SettingsError: The provider of identities cannot be used as the settings name it.
    """
    registration = read_registration(settings)
    flow = None if registration is None else Flow(Provider(registration), settings.secret_key)
    answers = LoginAnswers(settings, languages, has_provider=flow is not None)
    login = Login(answers, control)
    provider = ProviderLogin(answers, control, flow)
    return [
        Route(LOGIN_PATH, login.show, methods=["GET"]),
        Route(LOGIN_PATH, login.open, methods=["POST"]),
        Route(LOGOUT_PATH, login.close, methods=["GET", "POST"]),
        Route(PROVIDER_PATH, provider.begin, methods=["GET"]),
        Route(ANSWER_PATH, provider.finish, methods=["GET"]),
    ]


class Login:
    """The handlers."""

    def __init__(self, answers: LoginAnswers, control: AccessControl) -> None:
        """Take what answers, and the access control."""
        self._answers = answers
        self._control = control

    async def show(self, request: Request) -> Response:
        """Answer the page; where nobody has to log in, lead to the dashboard."""
        target = inner_path(request.query_params.get("next", "/"))
        if not await anyio.to_thread.run_sync(self._control.has_accounts):
            return RedirectResponse("/", 303, NO_STORE)
        return self._answers.page(request, target=target)

    async def open(self, request: Request) -> Response:
        """Log in with the form's name and password."""
        form = await _read_form(request)
        target = inner_path(form.get("next", "/"))
        name = form.get("name", "")
        origin = client_of(request)
        try:
            secret = await anyio.to_thread.run_sync(self._control.log_in, name, form.get("password", ""), origin)
        except LoginError as error:
            return self._answers.page(request, name=name, error=error.message, target=target)
        return self._answers.enter(request, secret, target)

    async def close(self, request: Request) -> Response:
        """End the login and lead to the page where another begins."""
        secret = request.cookies.get(COOKIE, "")
        if secret:
            await anyio.to_thread.run_sync(self._control.log_out, secret)
        answer = RedirectResponse(LOGIN_PATH, 303, NO_STORE)
        answer.delete_cookie(COOKIE)
        return answer


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; nothing of one that is too long to be a login."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}
