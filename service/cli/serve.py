"""`fer-phq up | dashboard | serve | worker | db upgrade`: the long-running parts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from service.logs import configure_logging
from service.settings import AppSettings, load_settings

Address = Annotated[str | None, typer.Option(help="Network address to listen on (default 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (default 8501).")]
ApiPort = Annotated[int | None, typer.Option("--port", help="Port to listen on (default 8600).")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="up")(up_command)
    app.command(name="dashboard")(dashboard_command)
    app.command(name="serve")(serve_command)
    app.command(name="worker")(worker_command)
    group = typer.Typer(no_args_is_help=True, help="The database.")
    group.callback()(lambda: None)
    group.command(name="upgrade")(upgrade_command)
    app.add_typer(group, name="db")


def up_command(address: Address = None, port: Port = None) -> None:
    """Migrate the database, then run one worker and the dashboard together until Ctrl-C.

    A part that ends by itself is started again.

    Example: `fer-phq up --port 8600`
    """
    from service.access.listening import check_listening
    from service.cli.store import open_store
    from service.processes.supervision import Supervisor

    upgrade_command()
    settings = load_settings(**({"address": address} if address else {}))
    with open_store(settings) as store:
        check_listening(settings, has_accounts=store.accounts.exist)
    command = [sys.executable, "-m", "service.cli"]
    options = [*(["--address", address] if address else []), *(["--port", str(port)] if port else [])]
    parts = {"worker": [*command, "worker"], "dashboard": [*command, "dashboard", *options]}
    raise typer.Exit(Supervisor(parts, notify=lambda message: print(message, file=sys.stderr, flush=True)).run())


def dashboard_command(address: Address = None, port: Port = None) -> None:
    """Serve the dashboard (needs a worker beside it to analyse uploads: `fer-phq worker`, or use `fer-phq up`).

    Example: `fer-phq dashboard --port 8600`
    """
    from dashboard.launch import main
    from service.processes.lifeline import follow_starter

    follow_starter()
    options = {"address": address, "port": port}
    main(_reachable(load_settings(**{key: value for key, value in options.items() if value is not None})))


def serve_command(address: Address = None, port: ApiPort = None) -> None:
    """Serve the HTTP API for programs alone (the dashboard serves it, too). `GET /v1/openapi.json` says what it can do.

    Example: `fer-phq serve --port 8600`
    """
    from dashboard.exports.reports.files import write_session_report
    from dashboard.i18n import languages, render
    from service.api.v1.alone import serve

    configure_logging("WARNING", service=True)
    options = {"address": address, "api_port": port}
    settings = _reachable(load_settings(**{key: value for key, value in options.items() if value is not None}))
    serve(settings, translate=render, languages=tuple(languages()), write_report=write_session_report)


def worker_command() -> None:
    """Analyse queued recordings until Ctrl-C. With PostgreSQL, start as many as you like.

    On several machines they must share the data folder (`FERPHQ_DATA_DIR`), where the recordings are.

    Example: `FERPHQ_DATABASE_URL=postgresql://user@host/ferphq fer-phq worker`
    """
    from service.jobs.worker import run_worker
    from service.processes.lifeline import follow_starter

    follow_starter()
    configure_logging("INFO", service=True)
    raise typer.Exit(run_worker(load_settings()))


def upgrade_command() -> None:
    """Bring the database to this version's tables; safe to run again, and beside running workers.

    Example: `fer-phq db upgrade`
    """
    from db.migrate import upgrade

    settings = _reachable(load_settings())
    settings.prepare()
    revision = upgrade(settings.database_url)
    print(f"Database at revision {revision}.", flush=True)


def _reachable(settings: AppSettings) -> AppSettings:
    """Return the settings once their database answers. Raises StoreError when it stays away."""
    from service.processes.waiting import wait_for_database

    wait_for_database(settings.database_url, wait_s=settings.database_wait_s)
    return settings
