"""The guard before everything that the dashboard answers: pages, files, the stream of events, the API.

It refuses what comes from another site or under another host name (`service.access.source`), closes what is nobody's
to read, and adds to each answer what keeps other sites from framing or reading it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import StoreAwayError
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import Message as Sentence
from service.access import messages
from service.access.answers import (
    ENGLISH,
    Translate,
    accepted_language,
    error_answer,
    headers_of,
    problem_answer,
    write_english,
)
from service.access.browser import browser_mark, new_cookie
from service.access.control import COOKIE, AccessControl, acting_as
from service.access.listening import is_loopback
from service.access.source import (
    FORWARDED,
    INNER_PATHS,
    PROGRAM_PATHS,
    RefusedError,
    Source,
    check_source,
    host_name,
    is_trusted_proxy,
    read_source,
    sees_operations,
)
from service.settings import AppSettings

log = logging.getLogger(__name__)
CLOSED_PATHS = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
"""Streamlit's own routes that nobody needs here, each with everything below it."""
LOGIN_PATH = "/login"
LOGOUT_PATH = "/logout"
PROVIDER_PATH = "/login/provider"
"""Where a login with the provider of identities begins."""
ANSWER_PATH = "/login/provider/answer"
"""Where the provider leads back to."""
PREDICT_PATH = "/v1/predict"
"""Where a program has pictures analysed, of which nothing is stored."""
UPLOADS_PATH = "/v1/uploads"
"""Where a program begins uploads; each is below it."""
SESSIONS_PATH = "/v1/sessions"
"""Where a program has a file of the server's folder taken in."""
LIVE_PATH = "/v1/live"
"""Where a program has pictures analysed as they are taken, by a websocket."""
METRICS_PATH = "/metrics"
"""Where Prometheus reads how the installation does; the route itself says who may."""
HEALTH_PATHS = ("/api/health", "/healthz", "/readyz", "/_stcore/health")
"""Where a server is asked how it is, also while its database is away."""
OPEN_PATHS = (
    *(LOGIN_PATH, LOGOUT_PATH, PROVIDER_PATH, ANSWER_PATH),
    *(*HEALTH_PATHS, METRICS_PATH, "/favicon.png"),
)
"""What somebody reads who is not logged in: nothing of anybody."""
RETRY_S = 5
"""Seconds after which a program asks again whose answer needs a database that is away."""
POLICY_VIOLATION = 1008
"""The websocket's code for a connection that is refused (RFC 6455, section 7.4.1)."""
LONGEST_REASON = 120
"""Most characters of the reason of such a refusal: it has 123 bytes."""

CONTENT_POLICY = (
    "default-src 'self'",
    # Streamlit imports a component's script from a blob.
    "script-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self' data:",
    "connect-src 'self' blob:",
    "worker-src 'self' blob:",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
ENCRYPTED_SECONDS = 365 * 24 * 3600
"""How long a browser that came encrypted comes only encrypted."""
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=(), serial=(), midi=(), "
    "display-capture=()",
}
"""What every answer carries, beside its content policy."""


class LoginNeededError(RefusedError):
    """The request is of somebody who is not logged in, where there are accounts."""


class Guard:
    """An ASGI application before another one."""

    def __init__(
        self,
        app: ASGIApp,
        settings: AppSettings,
        translate: Translate = write_english,
        languages: Sequence[str] = (ENGLISH,),
        inline_scripts: Sequence[str] = (),
        control: AccessControl | None = None,
    ) -> None:
        """Stand before an application.

        Args:
            app: The application.
            settings: The installation.
            translate: Writes messages in one of `languages`.
            languages: Codes of the languages in which a refusal can be answered.
            control: Who has to log in, and who is; None where nobody has to.
            inline_scripts: The texts of the scripts that stand in the pages themselves; any other does not run.
        """
        policy = "; ".join(CONTENT_POLICY)
        hashes = "".join(f" {script_hash(script)}" for script in inline_scripts)
        policy = policy.replace("script-src 'self'", f"script-src 'self'{hashes}")
        self._headers = {"Content-Security-Policy": policy, **HEADERS}
        self._app = app
        self._settings = settings
        self._translate = translate
        self._languages = languages
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        source = read_source(self._settings, scope)
        sender = _Sender(send, self._headers)
        # Not for this machine's own names, under which other programs answer without encryption.
        sender.stays_encrypted = source.is_encrypted and not any(is_loopback(host_name(host)) for host in source.hosts)
        try:
            check_source(self._settings, source)
            if _is_closed(source.path):
                await self._refuse(scope, receive, sender, messages.NOT_PUBLIC(), 404)
                return
            if _needs_cookie(scope):
                sender.cookie = new_cookie(secure=source.is_encrypted)
            with await self._acting(scope, source):
                await self._app(self._believed(scope, source), receive, sender)
        except LoginNeededError as error:
            await self._ask_for_login(scope, receive, sender, source, error)
        except RefusedError as error:
            await self._refuse(scope, receive, sender, error.message, 403)
        except StoreAwayError:
            if sender.has_started:
                raise
            await self._refuse(scope, receive, sender, messages.DATABASE_AWAY(), 503)
        except Exception:
            if scope["type"] == "websocket" or sender.has_started:
                raise
            number = uuid.uuid4().hex[:8]
            log.exception("request failed, number %s", number)
            await self._refuse(scope, receive, sender, messages.SERVER_ERROR(number=number), 500)

    def _believed(self, scope: Scope, source: Source) -> Scope:
        """Return the scope with what a trusted proxy says, and without what anybody else could have written."""
        believed = dict(scope)
        peer = scope.get("client")
        if peer is not None and is_trusted_proxy(self._settings, str(peer[0])):
            believed["client"] = (source.client, peer[1] if source.client == peer[0] else 0)
            if source.is_encrypted:
                believed["scheme"] = "wss" if scope["type"] == "websocket" else "https"
        else:
            names = {name.encode() for name in FORWARDED}
            believed["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() not in names]
        believed["state"] = {**scope.get("state", {}), "source": source}
        return believed

    async def _acting(self, scope: Scope, source: Source) -> AbstractContextManager[None]:
        """Let what the request does be done by whoever is behind it.

        Raises:
            LoginNeededError: Somebody has to log in first.
            RefusedError: The request's token may not be used for this.
        """
        if self._control is None:
            return nullcontext()
        headers = Headers(scope=scope)
        secret = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        authorization = headers.get("authorization", "")
        try:
            visitor = await anyio.to_thread.run_sync(self._control.visitor, secret, authorization, source.client)
        except StoreError:
            if needs_database(source):
                raise
            return nullcontext()
        try:
            if visitor.account is None and visitor.needs_login and source.path not in OPEN_PATHS:
                raise LoginNeededError(messages.LOGIN_NEEDED())
            if visitor.scopes is not None:
                _check_scope(visitor.scopes, scope, source)
        except (LoginNeededError, RefusedError) as error:
            # A browser whose login has ended is led to it; a program is refused, and the audit says so.
            if source.path.startswith(("/api/", *PROGRAM_PATHS)):
                await anyio.to_thread.run_sync(self._control.note_refusal, visitor, error.message.code)
            raise
        return acting_as(visitor.actor)

    async def _ask_for_login(
        self, scope: Scope, receive: Receive, send: Send, source: Source, error: LoginNeededError
    ) -> None:
        """Lead somebody who opens a page to the login, and answer anything else with 401."""
        if scope["type"] == "http" and scope.get("method") == "GET" and not source.path.startswith(INNER_PATHS):
            query = scope.get("query_string", b"").decode("latin-1")
            page = f"{source.path}?{query}" if query else source.path
            answer = RedirectResponse(f"{LOGIN_PATH}?next={quote(page, safe='')}", 303, {"Cache-Control": "no-store"})
            await answer(scope, receive, send)
            return
        await self._refuse(scope, receive, send, error.message, 401)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, message: Sentence, status: int) -> None:
        """Answer with a sentence: as JSON below `/api`, as a problem to programs, else as text.

        A websocket is closed before it opens.
        """
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": str(message)[:LONGEST_REASON]})
            return
        accepts = Headers(scope=scope).get("accept-language", "")
        answer: Response
        if scope["path"].startswith(PROGRAM_PATHS):
            answer = problem_answer(
                message, status, accepts=accepts, languages=self._languages, translate=self._translate
            )
            if status == 401:
                answer.headers["WWW-Authenticate"] = 'Bearer realm="fer-phq"'
            if status == 503:
                answer.headers["Retry-After"] = str(RETRY_S)
        elif scope["path"].startswith("/api/"):
            answer = error_answer(
                message, status, accepts=accepts, languages=self._languages, translate=self._translate
            )
        else:
            language = accepted_language(accepts, self._languages)
            sentence = self._translate(message, language)
            answer = PlainTextResponse(sentence, status_code=status, headers=headers_of(language))
        await answer(scope, receive, send)


def _check_scope(scopes: Sequence[str], scope: Scope, source: Source) -> None:
    """Refuse what the request's token is not for: tokens are for the API alone."""
    needed = _needed_scope(str(scope.get("method")), source.path)
    if not source.path.startswith(("/api/", *PROGRAM_PATHS)) or needed not in scopes:
        raise RefusedError(messages.SCOPE_NEEDED(scope=needed))


def _needed_scope(method: str, path: str) -> str:
    """Return the scope that a token needs. A prediction changes nothing, though it comes by POST.

    Whoever uploads has to ask how far the upload is, and reads nothing else by it.
    """
    if path == UPLOADS_PATH or path.startswith(f"{UPLOADS_PATH}/") or (path == SESSIONS_PATH and method == "POST"):
        return "upload"
    if method in ("GET", "HEAD") or path in (PREDICT_PATH, LIVE_PATH):
        return "read"
    return "upload" if path.startswith("/api/") else "write"


class _Sender:
    """The way back of an answer, on which its headers are completed.

    Attributes:
        has_started: Whether the answer has begun.
        cookie: A cookie that the answer sets; '' for none.
        stays_encrypted: Whether the browser must not come back without encryption.
    """

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.has_started = False
        self.cookie = ""
        self.stays_encrypted = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            headers = MutableHeaders(scope=message)
            _complete(headers, self._headers)
            if self.stays_encrypted:
                headers["Strict-Transport-Security"] = f"max-age={ENCRYPTED_SECONDS}"
            if self.cookie:
                headers.append("Set-Cookie", self.cookie)
        await self._send(message)


def script_hash(script: str) -> str:
    """Return a script as a content policy names it.

    Args:
        script: The text between the script's tags.
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _complete(headers: MutableHeaders, additions: Mapping[str, str]) -> None:
    """Set the headers that keep other sites out, and take back what lets any of them read."""
    for name, value in additions.items():
        headers[name] = value
    if headers.get("access-control-allow-origin") == "*":
        del headers["access-control-allow-origin"]


def _needs_cookie(scope: Scope) -> bool:
    """Return whether a browser asks for a page and has no cookie of ours yet."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith(INNER_PATHS):
        return False
    request = Request(scope)
    asks_page = request.headers.get("sec-fetch-dest", "document") == "document"
    return asks_page and "text/html" in request.headers.get("accept", "") and not browser_mark(request.cookies)


def _is_closed(path: str) -> bool:
    trimmed = path.rstrip("/")
    return any(trimmed == closed or trimmed.startswith(f"{closed}/") for closed in CLOSED_PATHS)


def needs_database(source: Source) -> bool:
    """Return whether a request cannot be answered without a database: who is behind it has to be known first.

    How the server is, and to programs on this machine how the installation does, is said also then: that is what is
    asked for.

    Args:
        source: Where the request comes from.
    """
    return source.path not in HEALTH_PATHS and not (source.path == METRICS_PATH and sees_operations(source))


def source_of(scope: Any) -> Source | None:
    """Return where a request comes from, as the guard read it; None where no guard stands before the application."""
    source = scope.get("state", {}).get("source")
    return source if isinstance(source, Source) else None
