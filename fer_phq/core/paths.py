"""Where a person's data lives: one answer for the store, the models and the service."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """`FERPHQ_DATA_DIR` (a leading `~` is the home folder), else the user's data directory of this system."""
    folder = os.environ.get("FERPHQ_DATA_DIR") or platformdirs.user_data_dir("fer-phq", appauthor=False)
    return Path(folder).expanduser().absolute()
