"""Starts the dashboard's server: Streamlit's pages and, beside them, the routes that stream recordings.

`fer-phq dashboard` calls `main(settings)`; `python -m dashboard.launch` does the same with the environment's settings.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from dashboard import context
from dashboard.exports.reports.files import write_session_report
from dashboard.i18n import _, languages, render
from dashboard.login.routes import login_routes
from dashboard.theme.theme import theme_options
from dashboard.widgets import ui
from db.migrate import upgrade
from fer_phq.core.errors import FerPhqError, SettingsError
from fer_phq.core.paths import printable
from service.access.guard import Guard
from service.access.listening import check_listening
from service.api.routes import routes
from service.api.v1.application import create_api, mounted_routes
from service.logs import configure_logging
from service.messages import PORT_UNUSABLE
from service.settings import AppSettings, load_settings

SCRIPT = Path(__file__).with_name("main.py")
EVERYWHERE = ("0.0.0.0", "::", "")
"""Addresses that mean every network interface: a person opens `localhost` instead."""
MAX_TABLE_MIB = 32
"""Largest table or transcript that Streamlit takes into its memory; recordings go past it."""
log = logging.getLogger(__name__)


def main(settings: AppSettings | None = None) -> None:
    """Migrate the store, then serve the dashboard until it is stopped (Ctrl+C or SIGTERM).

    Prints the address once it listens.

    Args:
        settings: The installation's settings; None for those of the environment.

    Raises:
        FerPhqError: The store, the data folder or the port cannot be used, or others could reach the dashboard without
            a login or encryption.
    """
    configure_logging("WARNING", service=True)
    active = settings if settings is not None else load_settings()
    active.prepare()
    upgrade(active.database_url)
    context.use(active)
    check_listening(active, has_accounts=context.control().has_accounts)
    # The guard reads what proxies say. Uvicorn would believe it of everybody on this machine.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    port = _free_port(active)
    app(active, port=port).run(config=server_options(active, port=port))


def app(settings: AppSettings, *, port: int | None = None) -> st.App:
    """Build the ASGI application: the guard, the pages, `/api` for them, and `/v1` for programs.

    Args:
        settings: The installation's settings.
        port: The port that it listens on; None for the settings'.

    Raises:
        StoreError: The database cannot be used.
    """
    context.use(settings)
    store = context.store()
    address = dashboard_url(settings, port=port)

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
        print(f"The dashboard is open at {address} (Ctrl+C stops it).", flush=True)
        yield {}

    codes = tuple(languages())
    api = routes(settings, store, translate=render, languages=codes)
    programs = create_api(settings, store, translate=render, languages=codes, write_report=write_session_report)
    api += mounted_routes(programs)
    control = context.control()
    guard = Middleware(
        Guard,
        settings=settings,
        translate=render,
        languages=codes,
        inline_scripts=_page_scripts(),
        control=control,
    )
    api += login_routes(settings, control, codes)
    return st.App(SCRIPT, routes=api, middleware=[guard], lifespan=lifespan, on_script_error=show_error)


def dashboard_url(settings: AppSettings, *, port: int | None = None) -> str:
    """Return the address that a browser on this machine opens.

    Args:
        settings: The installation's settings.
        port: The port that the dashboard listens on; None for the settings'.
    """
    host = "localhost" if settings.address in EVERYWHERE else settings.address
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{host}:{port or settings.port}"


def server_options(settings: AppSettings, *, port: int | None = None) -> dict[str, Any]:
    """Return Streamlit's options: where to listen, nothing sent home, no code shown to a viewer, our theme.

    Args:
        settings: The installation's settings.
        port: The port to listen on; None for the settings'.
    """
    return {
        "server.address": settings.address,
        "server.port": port or settings.port,
        "server.headless": True,
        "server.sslCertFile": str(settings.tls_cert) if settings.tls_cert else None,
        "server.sslKeyFile": str(settings.tls_key) if settings.tls_key else None,
        "server.enableAgentApi": False,
        "server.maxUploadSize": MAX_TABLE_MIB,
        "server.corsAllowedOrigins": list(settings.allowed_origins),
        "server.enableStaticServing": True,
        "server.fileWatcherType": "none",
        "logger.hideWelcomeMessage": True,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "viewer",
        **theme_options(),
    }


def show_error(error: Exception) -> bool:
    """Show what went wrong as a sentence: ours as it stands, any other in general words with its trace in the log."""
    if isinstance(error, FerPhqError):
        ui.problem(error)
        return True
    log.error("A page failed.", exc_info=error)
    words = _("Something went wrong on this page. Reload it; if it happens again, look into the dashboard's log.")
    st.error(words, icon=":material/error:")
    return True


def _page_scripts() -> list[str]:
    """Return the scripts that stand in Streamlit's page itself."""
    page = Path(st.__file__).with_name("static") / "index.html"
    return re.findall(r"<script>(.*?)</script>", page.read_text(encoding="utf-8"), re.DOTALL)


def _free_port(settings: AppSettings) -> int:
    """Return the port to listen on, a free one for port 0. Raises SettingsError when it is taken or not allowed."""
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.address, settings.port))
        except OSError as error:
            message = PORT_UNUSABLE(address=settings.address, port=settings.port, reason=error.strerror or str(error))
            raise SettingsError(message) from error
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    try:
        main()
    except FerPhqError as error:
        sys.exit(f"Error: {printable(str(error))}")
