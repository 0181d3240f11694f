"""The API served alone, by `fer-phq serve` or `uvicorn service.api:app`: its own guard, the dashboard's rules."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Sequence

import anyio.to_thread
import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from db.migrate import upgrade
from db.store import Store
from fer_phq.core.errors import SettingsError, StoreError
from service.access.answers import ENGLISH, Translate, write_english
from service.access.control import AccessControl, request_actor
from service.access.guard import LONGEST_REASON, POLICY_VIOLATION, Guard, needs_database, source_of
from service.access.listening import check_address, check_listening
from service.api import messages
from service.api.v1.answers.problems import Sentences
from service.api.v1.application import create_api
from service.api.v1.exports.reports import WriteReport
from service.api.v1.pictures import live
from service.settings import AppSettings, load_settings

PROGRAM = "api"
"""The program, as the audit names it."""
STOP_S = 8
"""Longest wait for what is still being answered when the server stops: streams of events end only then."""


def create_app(
    settings: AppSettings | None = None,
    *,
    translate: Translate = write_english,
    languages: Sequence[str] = (ENGLISH,),
    write_report: WriteReport | None = None,
) -> ASGIApp:
    """Migrate the store, and build the API behind its guard.

    Args:
        settings: The installation; None for the environment's.
        translate: Writes messages in one of `languages`.
        languages: Codes of the languages in which messages can be written.
        write_report: Writes a session's report; None where there is nobody who writes any.

    Raises:
        FerPhqError: The store or the data folder cannot be used.
    """
    active = settings if settings is not None else load_settings()
    active.prepare()
    upgrade(active.database_url)
    control = AccessControl(active, Store(active.database_url, actor=PROGRAM), PROGRAM)
    store = Store(active.database_url, actor=lambda: request_actor.get() or control.actor(None, ""))
    api = create_api(active, store, translate=translate, languages=languages, write_report=write_report)
    checked = _ListeningCheck(api, active, control.has_accounts, Sentences(translate, languages))
    return Guard(checked, active, translate, languages, control=control)


def serve(
    settings: AppSettings,
    *,
    translate: Translate = write_english,
    languages: Sequence[str] = (ENGLISH,),
    write_report: WriteReport | None = None,
) -> None:
    """Serve the API until it is stopped (Ctrl+C or SIGTERM). Prints the address once it can listen.

    Args:
        settings: The installation.
        translate: Writes messages in one of `languages`.
        languages: Codes of the languages in which messages can be written.
        write_report: Writes a session's report; None where there is nobody who writes any.

    Raises:
        FerPhqError: The store, the data folder or the port cannot be used, or others could reach the API without a
            login or encryption.
    """
    app = create_app(settings, translate=translate, languages=languages, write_report=write_report)
    with Store(settings.database_url, actor=PROGRAM) as store:
        check_listening(settings, has_accounts=store.accounts.exist)
    listener = _listen(settings)
    config = uvicorn.Config(
        app,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        proxy_headers=False,  # the guard reads what proxies say
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=STOP_S,
        ws_max_size=2 * live.MAX_BYTES,
        ws_max_queue=4,
    )
    address, port = listener.getsockname()[:2]
    host = f"[{address}]" if ":" in address else address
    print(
        f"The API answers at {'https' if settings.tls_cert else 'http'}://{host}:{port} (Ctrl+C stops it).", flush=True
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listen(settings: AppSettings) -> socket.socket:
    """Return a socket on the port of the settings, a free one for port 0. Raises SettingsError where it is taken."""
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.address, settings.api_port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        message = messages.PORT_UNUSABLE(address=settings.address, port=settings.api_port, reason=reason)
        raise SettingsError(message) from error
    return listener


class _ListeningCheck:
    """Refuses each request that came in where the rules of listening would not have let it.

    `uvicorn service.api:app --host ...` listens before anything here is asked.
    """

    def __init__(
        self, app: ASGIApp, settings: AppSettings, has_accounts: Callable[[], bool], sentences: Sentences
    ) -> None:
        self._app = app
        self._settings = settings
        self._has_accounts = has_accounts
        self._sentences = sentences

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        source = source_of(scope)
        check = functools.partial(
            check_address,
            str((scope.get("server") or ("",))[0]),
            has_accounts=self._has_accounts,
            has_encryption=source is not None and source.is_encrypted,
            has_trusted_proxy=bool(self._settings.trusted_proxy),
        )
        try:
            await anyio.to_thread.run_sync(check)
        except SettingsError as error:
            if scope["type"] == "websocket":
                reason = str(error.message)[:LONGEST_REASON]
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})
                return
            await self._sentences.answer(Request(scope), error.message, 403)(scope, receive, send)
            return
        except StoreError:
            if source is None or needs_database(source):
                raise
        await self._app(scope, receive, send)
