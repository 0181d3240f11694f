"""An empty and a filled installation for the dashboard's tests, each in its own folder."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from migrated import migrate
from recordings import Recordings
from served import browser_tab, free_port
from streamlit.runtime.context import ContextProxy
from synthetic_sessions import seed_store

from dashboard import context
from db.store import Store
from db.urls import DATABASE_NAME
from fer_phq.video import probe
from service.ingest.media import MediaStore
from service.settings import AppSettings, load_settings


@pytest.fixture(autouse=True)
def cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The cookies of the browser at 192.0.2.1. Streamlit's test runner has neither; fill in a login to be logged in."""
    jar: dict[str, str] = {}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _context: jar))
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _context: "192.0.2.1"))
    return jar


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[AppSettings]:
    """Settings of a migrated, empty installation that the pages use, with a port that was free a moment ago."""
    settings = load_settings(data_dir=tmp_path / "data", port=free_port())
    settings.prepare()
    migrate(settings.database_url)
    context.use(settings)
    yield settings
    context.use(None)
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def store(installation: AppSettings) -> Iterator[Store]:
    """The installation's store."""
    with Store(installation.database_url, actor="cli") as opened:
        yield opened


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory, recordings: Recordings) -> Path:
    """A data folder with three demonstration subjects; each one's newest session has a recording that plays."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("filled") / "data")
    settings.prepare()
    migrate(settings.database_url)
    source = recordings(motion="moving", seconds=3, audio=True)
    info = probe(source)
    files = MediaStore(settings)
    part = files.copy_in(source, key=None)
    with files.locked():
        relative = files.move_in(part.path, info.sha256, key=None)
    with Store(settings.database_url, actor="cli") as store:
        seed_store(store, subjects=3, sessions=5, seconds=60, media=(relative, info))
    return settings.data_dir


@pytest.fixture
def filled(installation: AppSettings, filled_folder: Path) -> AppSettings:
    """The installation with what is in `filled_folder`; a store that is open already sees it."""
    shutil.copytree(filled_folder / "media", installation.media_dir, dirs_exist_ok=True)
    source = sqlite3.connect(filled_folder / DATABASE_NAME)
    target = sqlite3.connect(installation.data_dir / DATABASE_NAME)
    with closing(source), closing(target):
        source.backup(target)
    return installation


@pytest.fixture
def page() -> Iterator[Any]:
    """A browser tab; an error that JavaScript did not catch fails the test."""
    with browser_tab() as tab:
        yield tab
