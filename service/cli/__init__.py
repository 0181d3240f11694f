"""The command line `fer-phq`: one module a group of commands. `main` turns every known error into one sentence.

Exit codes: 0 everything done; 1 something could not be done (the sentence on standard error says what); 2 the
command was not understood; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from fer_phq import __version__
from fer_phq.core.errors import FerPhqError
from fer_phq.core.paths import printable
from service.cli.commands import RootGroup
from service.logs import configure_logging
from service.models.error_file import write_error

START = f"""\
fer-phq {__version__} reads wellbeing from session recordings. Not a diagnosis.

  fer-phq demo                  make a marked demonstration to look at
  fer-phq up                    start the dashboard and print its address
  fer-phq analyze session.mp4   analyse a recording here
  fer-phq doctor                check this installation
  fer-phq --help                list all commands
"""
"""What the command says alone."""

app = typer.Typer(
    name="fer-phq",
    cls=RootGroup,
    help="Emotion timelines and PHQ estimates from session recordings. Not a diagnosis.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(is_on: bool) -> None:
    if is_on:
        print(f"fer-phq {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command; without one, say what to do first."""
    if context.invoked_subcommand is None:
        print(START, end="")


def main() -> None:
    """Run the command line; the entry point of the console script."""
    try:
        configure_logging("WARNING")
        app()
    except FerPhqError as error:
        write_error(error.message)
        sys.exit(fail(str(error)))
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong, and nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)


def fail(sentence: str) -> int:
    """Print an error's sentence to standard error, and return the exit code 1."""
    print(f"Error: {printable(sentence)}", file=sys.stderr)
    return 1
