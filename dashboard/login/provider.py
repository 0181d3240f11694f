"""The way through the provider of identities: from the button on the login page to the page that was wanted."""

from __future__ import annotations

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.login.answers import NO_STORE, LoginAnswers, client_of, inner_path
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from service.access import messages
from service.access.control import AccessControl, LoginError
from service.access.guard import ANSWER_PATH, LOGIN_PATH, PROVIDER_PATH, source_of
from service.access.openid.flow import COOKIE, LASTS_S, Flow, ForgedError
from service.access.openid.identity import IdentityError

MAX_AT_ONCE = 8
"""Most logins that wait for the provider at the same time."""
PATIENCE_S = 25.0
"""Seconds after which a provider that answers drop by drop is not waited for."""


class ProviderLogin:
    """The handlers."""

    def __init__(self, answers: LoginAnswers, control: AccessControl, flow: Flow | None) -> None:
        """Take what answers, the access control, and the way through the provider; None where none is named."""
        self._answers = answers
        self._control = control
        self._flow = flow
        self._limiter = anyio.CapacityLimiter(MAX_AT_ONCE)

    async def begin(self, request: Request) -> Response:
        """Send the person to the provider, and remember in a cookie what it must answer."""
        target = inner_path(request.query_params.get("next", "/"))
        source = source_of(request.scope)
        if self._flow is None or source is None or not await anyio.to_thread.run_sync(self._control.has_accounts):
            return RedirectResponse(LOGIN_PATH, 303, NO_STORE)
        flow = self._flow
        # The guard has refused every name that is not this installation's.
        redirect_uri = f"{'https' if source.is_encrypted else 'http'}://{source.hosts[-1]}{ANSWER_PATH}"
        try:
            with anyio.fail_after(PATIENCE_S):
                address, cookie = await anyio.to_thread.run_sync(
                    lambda: flow.begin(redirect_uri=redirect_uri, target=target),
                    abandon_on_cancel=True,
                    limiter=self._limiter,
                )
        except (IdentityError, TimeoutError) as error:
            return self._answers.page(request, error=_sentence(error), target=target)
        answer = RedirectResponse(address, 303, NO_STORE)
        secure = source.is_encrypted
        answer.set_cookie(
            COOKIE, cookie, max_age=LASTS_S, path=PROVIDER_PATH, httponly=True, samesite="lax", secure=secure
        )
        return answer

    async def finish(self, request: Request) -> Response:
        """Log in whom the provider sends back; what was remembered serves once."""
        if self._flow is None:
            return RedirectResponse(LOGIN_PATH, 303, NO_STORE)
        flow = self._flow
        fields = dict(request.query_params)
        origin = client_of(request)
        target = "/"
        try:
            attempt = flow.take_back(request.cookies.get(COOKIE, ""), fields)
            target = inner_path(attempt.target)
            with anyio.fail_after(PATIENCE_S):
                secret = await anyio.to_thread.run_sync(
                    lambda: self._control.log_in_by_provider(lambda: flow.finish(attempt, fields), origin),
                    abandon_on_cancel=True,
                    limiter=self._limiter,
                )
        except ForgedError as error:
            # The cookie stays: another site that leads here must not end a login that has begun.
            await anyio.to_thread.run_sync(self._control.note_forgery, origin)
            return self._answers.page(request, error=error.message)
        except (LoginError, IdentityError, TimeoutError) as error:
            answer: Response = self._answers.page(request, error=_sentence(error), target=target)
        else:
            answer = self._answers.enter(request, secret, target)
        answer.delete_cookie(COOKIE, path=PROVIDER_PATH)
        return answer


def _sentence(error: Exception) -> Message:
    return error.message if isinstance(error, FerPhqError) else messages.PROVIDER_SILENT()
