"""Render the demonstration's clips: `python -m training.simulation.puppet OUT`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from training import cli
from training.simulation.puppet.clips import render_clips


@cli.command
def render_command(
    out: Annotated[Path, typer.Argument(help="Folder for the clips; those that ship are in service/demo/clips.")],
) -> None:
    """Render the demonstration's clips."""
    for path in render_clips(out):
        print(path, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(render_command, argv, "training.simulation.puppet")


if __name__ == "__main__":
    sys.exit(main())
