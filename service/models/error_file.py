"""How a command of ours hands its error over to the process that started it: as a message in a file.

The file's path stands in the environment variable `FERPHQ_ERROR_FILE`. Without it a command only prints its error.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from fer_phq.core.messages import Message, from_json, to_json

VARIABLE = "FERPHQ_ERROR_FILE"


def write_error(message: Message) -> None:
    """Write a command's error to the file that its environment names, if it names one and the file can be written."""
    path = os.environ.get(VARIABLE)
    if path:
        with suppress(OSError):
            Path(path).write_text(json.dumps(to_json(message)), encoding="utf-8")


def read_error(path: Path) -> Message | None:
    """Read the error that a command wrote to `path`; None when it wrote none."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
