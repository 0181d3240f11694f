"""A clock that is wrong: a library that shifts a program's wall clock, and the file that says by how much."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "faults" / "clock.c"
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


class WrongClock:
    """The clock of the programs that are started with its environment.

    Attributes:
        environment: What a program needs in its environment to have this clock.
    """

    def __init__(self, folder: Path, ahead_s: int = 0) -> None:
        """Compile the library in a folder; the clock is so many seconds ahead, below 0 behind."""
        self._file = folder / "clock"
        library = folder / "clock.so"
        subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "TEST_CLOCK": str(self._file)}
        self.jump(ahead_s)

    def jump(self, ahead_s: int) -> None:
        """Put the clock so many seconds ahead of the right one."""
        self._file.write_text(f"{ahead_s}\n")
