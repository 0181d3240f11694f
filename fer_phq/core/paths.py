"""The data folder of this installation, for the store, the models and the service."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """Return `FERPHQ_DATA_DIR` (a leading `~` is the home folder), else the system's folder for a user's data."""
    folder = os.environ.get("FERPHQ_DATA_DIR") or platformdirs.user_data_dir("fer-phq", appauthor=False)
    return Path(folder).expanduser().absolute()
