"""Where a database in a file is, without SQLAlchemy: a program that needs no database does not wait for it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote

from fer_phq.core.paths import data_dir

DATABASE_NAME = "fer-phq.db"
_SQLITE = "sqlite:///"


def default_url() -> str:
    """Return FERPHQ_DATABASE_URL, else a SQLite file in FERPHQ_DATA_DIR, else one in the user's data directory."""
    if url := os.environ.get("FERPHQ_DATABASE_URL"):
        return url
    return sqlite_url(data_dir() / DATABASE_NAME)


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file, whatever characters its path holds."""
    return f"{_SQLITE}{quote(str(path), safe=' +/')}"


def may_exist(url: str) -> bool:
    """Return whether a database may be there: False for a SQLite file that is not."""
    return not url.startswith(_SQLITE) or Path(unquote(url.removeprefix(_SQLITE).partition("?")[0])).exists()
