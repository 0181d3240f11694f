"""The export of a person as one ZIP, streamed: neither the file nor a recording is in memory as a whole."""

from __future__ import annotations

import secrets
import shutil
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from db.store import Store
from service.ingest.media import MediaStore, owner_prefix
from service.lifecycle import messages
from service.lifecycle.export import MOST_SESSIONS, ExportError, export_subject
from service.settings import MIB, AppSettings

FOLDER = "exports"
"""Where exports lie, in the data folder, while they are handed out."""
STALE_S = 6 * 3600
"""How old a folder is that nobody hands out any more."""
COMPRESSED = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".jpg", ".npz"})
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


def check_plain(store: Store, subject_id: str) -> None:
    """Check that an export may lie in the data folder while it is handed out: not where what is stored is encrypted.

    Args:
        store: The store.
        subject_id: The subject, whom the error names by the id.

    Raises:
        ExportError: What is stored is encrypted, so the command writes the export where its user says.
    """
    if store.encryption.key() is not None:
        raise ExportError(messages.EXPORT_ENCRYPTED(subject_id=subject_id))


def prepare_archive(settings: AppSettings, store: Store, subject_id: str) -> Path:
    """Write the export of a person into a folder of its own, from which `stream_archive` makes a ZIP.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject_id: The subject.

    Raises:
        NotFoundError: There is no such subject.
        ForbiddenError: The actor may not export a person.
        StorageError: The disk has too little room for a copy of the recordings.
        ExportError: What is stored is encrypted, or the folder cannot be written.
    """
    try:
        check_plain(store, subject_id)
    except ExportError:
        store.audit.add(action="refuse", object_kind="subject", object_id=subject_id, detail="an export in plain")
        raise
    MediaStore(settings).check_room(recording_bytes(settings, store, subject_id))
    folder = settings.data_dir / FOLDER / f"{owner_prefix(subject_id)}{secrets.token_hex(8)}"
    export_subject(settings, store, subject_id, folder)
    return folder


def stream_archive(folder: Path, name: str) -> Iterator[bytes]:
    """Yield a folder as a ZIP, a piece at a time, and remove it at the end.

    Args:
        folder: The folder.
        name: What the folder is called within the ZIP.
    """
    sink = _Sink()
    try:
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo.from_file(path, f"{name}/{path.relative_to(folder).as_posix()}")
                stored = path.suffix.lower() in COMPRESSED
                entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                    while piece := source.read(MIB):
                        target.write(piece)
                        yield sink.take()
                yield sink.take()
        yield sink.take()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_archives(settings: AppSettings, subject_ids: Iterable[str] = ()) -> int:
    """Remove folders that were left over when a download was broken off.

    Args:
        settings: The installation.
        subject_ids: The subjects whose folders go; those of others go when they are old.

    Returns:
        How many folders were removed.
    """
    prefixes = tuple(filter(None, map(owner_prefix, subject_ids)))
    removed = 0
    for folder in (settings.data_dir / FOLDER).glob("*"):
        with suppress(OSError):
            is_old = time.time() - folder.stat().st_mtime > STALE_S
            if is_old or folder.name.lstrip(".").startswith(prefixes or ("/",)):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


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
