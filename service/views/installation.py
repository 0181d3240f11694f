"""What an installation is: where its data lies, how much of it there is, and which versions it runs."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from db.engine import describe_url, normalise_url, sqlite_file
from db.migrate import current_revision
from db.records import SessionRecord
from db.store import Store
from fer_phq import __version__
from service.ingest.media import MediaStore
from service.lifecycle.erasure import ErasureCounts, erase_session
from service.settings import AppSettings

PACKAGES = ("streamlit", "onnxruntime", "onnxruntime-gpu", "sqlalchemy", "torch")
"""Packages whose versions are told, where they are installed: an installation that only analyses has no PyTorch, and
one for a graphics card has another package of onnxruntime."""


@dataclass(frozen=True)
class InstallationView:
    """An installation's facts. Sizes are bytes; database_bytes is None where a server keeps the database."""

    data_dir: Path
    free_bytes: int
    recordings_bytes: int
    database: str
    database_place: str
    database_bytes: int | None
    schema: str
    sessions: int
    subjects: int
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Overdue:
    """A session whose retention has ended, with its subject's label."""

    session: SessionRecord
    subject_label: str


def load_installation_view(settings: AppSettings, store: Store) -> InstallationView:
    """Collect where an installation's data lies, how much there is and which versions run.

    Args:
        settings: The installation's settings.
        store: The store.

    Raises:
        StoreError: The database cannot be read.
    """
    url = normalise_url(settings.database_url)
    file = sqlite_file(url)
    subjects = store.subjects.list_all()
    media = MediaStore(settings)
    return InstallationView(
        data_dir=settings.data_dir,
        free_bytes=media.free_bytes(),
        recordings_bytes=media.used_bytes(),
        database="SQLite" if file is not None else "PostgreSQL",
        database_place=describe_url(url),
        database_bytes=None if file is None else _bytes_of(file),
        schema=current_revision(settings.database_url) or "none",
        sessions=sum(subject.sessions for subject in subjects),
        subjects=len(subjects),
        versions=(("fer-phq", __version__), ("Python", platform.python_version()), *_package_versions()),
    )


def overdue_sessions(store: Store) -> list[Overdue]:
    """List all sessions whose retention has ended, the longest overdue first, with or without their recordings.

    The worker removes such recordings by itself and keeps their results.
    """
    labels = {subject.id: subject.label for subject in store.subjects.list_all()}
    sessions = store.sessions.list_past_retention(with_recording=False)
    return [Overdue(session, labels.get(session.subject_id, "")) for session in sessions]


def erase_overdue(settings: AppSettings, store: Store, now: datetime | None = None) -> ErasureCounts:
    """Erase every session whose retention has ended: its results, its recording, its notes and transcript.

    Args:
        settings: The installation's settings.
        store: The store.
        now: The moment that retention is measured against, timezone-aware; None for the present.

    Returns:
        How much was erased.
    """
    at = now or datetime.now(UTC)
    sessions = analyses = files = 0
    for session in store.sessions.list_past_retention(now=at, with_recording=False):
        erased = erase_session(settings, store, session.id)
        sessions = sessions + 1
        analyses = analyses + erased.analyses
        files = files + erased.files
    return ErasureCounts(sessions, analyses, 0, files)


def _package_versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def _bytes_of(file: Path) -> int:
    """Return the size of a SQLite database with its write-ahead log."""
    parts = [file, file.with_name(f"{file.name}-wal")]
    return sum(part.stat().st_size for part in parts if part.exists())
