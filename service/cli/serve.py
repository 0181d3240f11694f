"""`fer-phq up | dashboard | worker | db upgrade`: the long-running parts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Annotated

import typer

from service.logs import configure_logging
from service.settings import load_settings

Address = Annotated[str | None, typer.Option(help="Network address to listen on (default 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (default 8501).")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="up")(up_command)
    app.command(name="dashboard")(dashboard_command)
    app.command(name="worker")(worker_command)
    group = typer.Typer(no_args_is_help=True, help="The database.")
    group.callback()(lambda: None)
    group.command(name="upgrade")(upgrade_command)
    app.add_typer(group, name="db")


def up_command(address: Address = None, port: Port = None) -> None:
    """Migrate the database, then run one worker and the dashboard together until Ctrl-C.

    Example: `fer-phq up --port 8600`
    """
    from service.access.listening import check_listening
    from service.cli.store import open_store

    upgrade_command()
    settings = load_settings(**({"address": address} if address else {}))
    with open_store(settings) as store:
        check_listening(settings, has_accounts=store.accounts.exist)
    command = [sys.executable, "-m", "service.cli"]
    options = [*(["--address", address] if address else []), *(["--port", str(port)] if port else [])]
    parts = {
        # Sessions of their own: a Ctrl-C reaches this process alone, which then asks each part once to stop.
        "worker": subprocess.Popen([*command, "worker"], start_new_session=True),
        "dashboard": subprocess.Popen([*command, "dashboard", *options], start_new_session=True),
    }
    raise typer.Exit(wait_for_any(parts))


def wait_for_any(parts: dict[str, subprocess.Popen[bytes]]) -> int:
    """Wait until a part ends or a signal comes, stop the others, and return the exit code."""
    stop: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    while not stop and all(part.poll() is None for part in parts.values()):
        time.sleep(0.2)
    ended = [name for name, part in parts.items() if part.poll() is not None]
    for part in parts.values():
        if part.poll() is None:
            part.terminate()
    for part in parts.values():
        try:
            part.wait(timeout=15)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()
    if stop:
        return 0
    print(f"Error: the {ended[0]} ended, so everything was stopped; its message is above.", file=sys.stderr)
    return 1


def dashboard_command(address: Address = None, port: Port = None) -> None:
    """Serve the dashboard (needs a worker beside it to analyse uploads: `fer-phq worker`, or use `fer-phq up`).

    Example: `fer-phq dashboard --port 8600`
    """
    from dashboard.launch import main

    options = {"address": address, "port": port}
    main(load_settings(**{key: value for key, value in options.items() if value is not None}))


def worker_command() -> None:
    """Analyse queued recordings until Ctrl-C. With PostgreSQL, start as many as you like.

    On several machines they must share the data folder (`FERPHQ_DATA_DIR`), where the recordings are.

    Example: `FERPHQ_DATABASE_URL=postgresql://user@host/ferphq fer-phq worker`
    """
    from service.jobs.worker import run_worker

    configure_logging("INFO", service=True)
    raise typer.Exit(run_worker(load_settings()))


def upgrade_command() -> None:
    """Bring the database to this version's tables; safe to run again, and beside running workers.

    Example: `fer-phq db upgrade`
    """
    from db.migrate import upgrade

    settings = load_settings()
    settings.prepare()
    revision = upgrade(settings.database_url)
    print(f"Database at revision {revision}.", flush=True)
