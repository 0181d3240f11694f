"""Render the demonstration's clips: `python -m training.simulation.puppet OUT`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from training.simulation.puppet.clips import render_clips


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, render every script into the folder and return the exit code.

    Args:
        argv: The arguments; those of the process when omitted.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training.simulation.puppet", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("out", type=Path, help="folder for the clips; those that ship are in service/demo/clips")
    options = parser.parse_args(argv)
    try:
        for path in render_clips(options.out):
            print(path, flush=True)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
