"""Fixtures of the service tests: an installation in a temporary folder, and worker processes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from migrated import migrate

from db.records import SubjectRecord
from db.store import Store
from service.settings import AppSettings
from tests.worker_processes import Workers


@pytest.fixture
def settings(tmp_path: Path) -> AppSettings:
    """An installation with short timeouts, asked as TestClient asks."""
    made = AppSettings(
        data_dir=tmp_path / "data",
        min_free_bytes=0,
        worker_timeout_s=5,
        allowed_hosts=["testserver", "127.0.0.1", "localhost"],
    )
    made.prepare()
    return made


@pytest.fixture
def store(settings: AppSettings) -> Iterator[Store]:
    """The installation's store, migrated."""
    migrate(settings.database_url)
    with Store(settings.database_url, actor="dashboard") as opened:
        yield opened


@pytest.fixture
def subject(store: Store) -> SubjectRecord:
    """A person to record."""
    return store.subjects.create(label="S-01")


@pytest.fixture
def workers(settings: AppSettings, store: Store) -> Iterator[Workers]:
    """Worker processes over the installation; all are ended with the test."""
    made = Workers(settings)
    yield made
    made.end()
    assert not re.search(r"the chore \w+ failed", made.output())
