"""`fer-phq demo`: a marked demonstration subject with analysed sessions, so that a newcomer sees full charts."""

from __future__ import annotations

from typing import Annotated

import typer

from fer_phq.core.errors import SettingsError
from service.cli import messages
from service.settings import load_settings

HELP = """
Create a demonstration subject: six analysed sessions over the past three months, and questionnaires.

The recordings are clips that were rendered from one public-domain portrait; the real pipeline analyses them with the
installed model. The questionnaires are made up. Everything is marked as a demonstration, and nothing of it is about a
person. Run again, it completes what an interrupted run left out and otherwise changes nothing.

Examples:

- `fer-phq demo`
- `fer-phq demo --reset` (erase it and make it anew, for instance after installing another model)
- `fer-phq demo --remove`

Exit code 0 when the demonstration is there (with `--remove`: gone), 1 when that was not possible.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo", help=HELP)(demo_command)


def demo_command(
    reset: Annotated[bool, typer.Option("--reset", help="Erase the demonstration and make it anew.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Erase the demonstration.")] = False,
) -> None:
    """Create, remake or remove the demonstration. `HELP` is the help."""
    from service.demo import create_demo, remove_demo

    if reset and remove:
        raise SettingsError(messages.RESET_AND_REMOVE())
    settings = load_settings()
    if reset or remove:
        print(remove_demo(settings).sentence, flush=True)
    if not remove:
        print(create_demo(settings, print_progress).sentence, flush=True)


def print_progress(line: str) -> None:
    """Write one line of progress to standard error."""
    typer.echo(line, err=True)
