"""The command line of quantisation."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from training import cli
from training.emotion import commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.quantize, argv, "training.emotion.quantization")


if __name__ == "__main__":
    sys.exit(main())
