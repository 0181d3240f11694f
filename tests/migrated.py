"""Migrated, empty SQLite databases as copies of one: a migration takes longer than most tests that need its result."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from db.engine import normalise_url, sqlite_file
from db.migrate import upgrade
from db.urls import sqlite_url

NAME = "fer-phq.db"


def migrate(url: str) -> None:
    """Do to a SQLite database what `upgrade` does, where there is none yet; leave one that exists to `upgrade`."""
    path = sqlite_file(normalise_url(url))
    if path is None or path.exists():
        upgrade(url)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(Path(_template().name) / NAME, path)  # with its mode: readable by its owner only


@cache
def _template() -> TemporaryDirectory[str]:
    """A folder with one migrated database, removed when the tests end."""
    folder = TemporaryDirectory(prefix="fer-phq-tests-")
    upgrade(sqlite_url(Path(folder.name) / NAME))
    assert [file.name for file in Path(folder.name).iterdir()] == [NAME], "everything is in the one file"
    return folder
