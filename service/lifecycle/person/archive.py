"""The export of a person as one ZIP, streamed: neither the file nor a recording is in memory as a whole."""

from __future__ import annotations

import time
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from db.records import SubjectRecord
from db.store import Store
from service.ingest.media import MediaStore
from service.lifecycle.export import MOST_SESSIONS, Manifest, entries
from service.settings import AppSettings

COMPRESSED = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".jpg", ".npz", ".parquet"})
"""Endings of files that a ZIP makes no smaller."""


def recording_bytes(settings: AppSettings, store: Store, subject_id: str) -> int:
    """Return how large a person's recordings are: what an export of them takes at least.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject_id: The subject.
    """
    sessions = store.sessions.list_recent(subject_id=subject_id, limit=MOST_SESSIONS)
    relatives = [row.session.media_path for row in sessions if row.session.media_path is not None]
    return MediaStore(settings).size_of(relatives)


def begin_archive(store: Store, subject_id: str) -> SubjectRecord:
    """Note in the audit that a person is exported, by whoever may.

    Args:
        store: Where the subject is.
        subject_id: The subject.

    Raises:
        NotFoundError: There is no such subject.
        ForbiddenError: The actor may not export a person.
    """
    subject = store.subjects.get(subject_id=subject_id)
    store.subjects.note_export(subject_id=subject_id)
    return subject


def stream_archive(settings: AppSettings, store: Store, subject: SubjectRecord, name: str) -> Iterator[bytes]:
    """Yield the export of a person as a ZIP, a piece at a time. Nothing of it lies on the disk.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject: The subject.
        name: What the folder is called within the ZIP.

    Raises:
        FerPhqError: The person is erased meanwhile, or a recording cannot be read: the ZIP is not whole.
    """
    return stream_zip(name, _files(settings, store, subject))


def stream_zip(name: str, files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """Yield files as a ZIP, a piece at a time. Nothing of it lies on the disk.

    Args:
        name: What the folder is called within the ZIP.
        files: The path of each file within the folder, and its content.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, pieces in files:
            entry = zipfile.ZipInfo(f"{name}/{path}", date_time=time.gmtime()[:6])
            entry.external_attr = 0o600 << 16
            stored = Path(path).suffix.lower() in COMPRESSED
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as target:
                for piece in pieces:
                    target.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def _files(settings: AppSettings, store: Store, subject: SubjectRecord) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the files of the export; of a recording that is not there, nothing."""
    manifest = Manifest()
    for entry in entries(settings, store, subject):
        pieces = manifest.pieces(entry)
        if entry.open is None:
            deque(pieces, maxlen=0)
        else:
            yield entry.name, pieces
    yield manifest.NAME, [manifest.content()]


class _Sink:
    """What a ZIP is written to: a stream that cannot go back, emptied piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        pieces = b"".join(self._pieces)
        self._pieces.clear()
        return pieces
