"""`fer-phq doctor`: whether the installation is healthy, and what to do where it is not."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.settings import load_settings

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="doctor")(doctor_command)


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list of the checks on standard output.")] = False,
    hashes: Annotated[bool, typer.Option("--hashes", help="Read every recording and compare its hash.")] = False,
) -> None:
    """Check the installation: folder, disk, decoder, device, database, recordings, clock, workers, models.

    Erasures that are not finished are named, too. Nothing is changed.

    Example: `fer-phq doctor --json | jq '.[] | select(.state != "ok")'`

    Exit code 0 when there is no problem (warnings are none), 1 when there is.
    """
    from service.lifecycle.doctor import Health, examine

    checks = examine(load_settings(), with_hashes=hashes)
    if as_json:
        rows = [
            {
                "name": check.name,
                "state": str(check.health),
                "message": str(check.message),
                "advice": None if check.advice is None else str(check.advice),
            }
            for check in checks
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        table = Table("check", "", "what was seen", "what to do")
        for check in checks:
            advice = "" if check.advice is None else str(check.advice)
            state = Text(str(check.health), style=COLOURS[check.health])
            table.add_row(check.name, state, Text(str(check.message)), Text(advice))
        Console().print(table)
    raise typer.Exit(1 if any(check.health is Health.PROBLEM for check in checks) else 0)
