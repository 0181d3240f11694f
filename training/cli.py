"""Commands of the training package: typed functions, each declared once, that `fer-phq` and `python -m` share.

A module of commands imports nothing heavy before a command runs, so that `fer-phq --help` needs no PyTorch.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import typer

from fer_phq.core.errors import FerPhqError
from fer_phq.core.paths import printable
from training import messages

Command = TypeVar("Command", bound=Callable[..., None])

OURS = ("training", "fer_phq", "service")
"""Packages that no extra brings: a module that is missing in them is a fault of this project."""


def command(function: Command) -> Command:
    """Mark a function as a command: a package that it needs and that is not installed is named in one sentence.

    Args:
        function: Its parameters are the command's arguments and options, annotated for typer; its docstring is the
            help. It imports what it needs when it runs.

    Raises:
        FerPhqError: Raised by the marked function where a package is not installed.
    """

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except ModuleNotFoundError as error:
            package = (error.name or "").split(".")[0]
            if package in OURS:
                raise
            raise FerPhqError(messages.PACKAGE_MISSING(package=error.name or "")) from None

    return checked  # type: ignore[return-value]


def run(function: Callable[..., None], argv: Sequence[str] | None, module: str) -> int:
    """Run one command as `python -m MODULE`.

    Args:
        function: The command.
        argv: Its arguments; those of the process by default.
        module: Name of the module, for the help.

    Returns:
        The exit code: 0 done; 1 it could not be done, and standard error says why in one sentence; 2 the arguments
        were not understood; 130 interrupted.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
    app.command()(function)
    try:
        app(args=argv, prog_name=f"python -m {module}")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except FerPhqError as error:
        print(f"Error: {printable(str(error))}", file=sys.stderr)
        return 1
    return 0


def print_progress(line: object) -> None:
    """Print a line on the progress of a command to standard error, at once."""
    print(line, file=sys.stderr, flush=True)
