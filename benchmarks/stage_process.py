"""A process that runs the stages of `stages.py` on the code of a checkout, when it is asked to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = Path(__file__).with_name("stages.py")


class StageError(RuntimeError):
    """A stage could not be run."""


class StageProcess:
    """The stages of one checkout on one clip, on one thread."""

    def __init__(self, tree: Path, clip: Path, fps: float = 2.0) -> None:
        """Start the process.

        Args:
            tree: The checkout whose code is run.
            clip: A recording.
            fps: Frames a second that are sampled.

        Raises:
            StageError: It does not start, or imports the project from elsewhere.
        """
        paths = os.pathsep.join([str(tree), str(tree / "tests")])
        limits = {"OMP_NUM_THREADS": "1", "FERPHQ_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        limits["FERPHQ_FACE_RATE"] = "0"  # what sessions are stored with is the same in versions before it
        self._tree = tree
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), str(clip), f"{fps:g}"],
            cwd=tree,
            env=os.environ | limits | {"PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        origin = Path(self._read().get("tree", "")).resolve()
        if origin != tree.resolve():
            self.close()
            raise StageError(f"The stages were to run the code of {tree}, and ran that of {origin}.")

    def run(self, stage: str) -> tuple[float, int]:
        """Run a stage once.

        Args:
            stage: Of `stages.STAGES`.

        Returns:
            Its processor seconds, and the number of rows it made.

        Raises:
            StageError: This checkout cannot run it.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(stage + "\n")
        self._process.stdin.flush()
        result = self._read()
        if "error" in result:
            raise StageError(f"{stage} of {self._tree}: {result['error']}")
        return result["cpu_s"], result["rows"]

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise StageError(f"The stages of {self._tree} ended with exit code {code}.")
        result: dict[str, Any] = json.loads(line)
        return result

    def __enter__(self) -> StageProcess:
        """Return the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()
