"""The folder on the server from which an operator lets recordings be imported, and nothing outside it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db.records import MAX_TRANSCRIPT
from fer_phq.core.errors import FerPhqError
from fer_phq.core.paths import find_spelling
from fer_phq.video import RECORDING_SUFFIXES
from service.ingest import messages, transcripts
from service.settings import AppSettings

MAX_ENTRIES = 2000
"""Most entries of a folder that are listed."""


class FolderError(FerPhqError):
    """A file or folder may not be read from the server's folder, or is not there."""


@dataclass(frozen=True)
class Entry:
    """A file or folder inside the server's folder.

    Attributes:
        relative: Its path below the server's folder, with '/'.
        name: Its name.
        kind: `folder`, `recording`, `text` (a table or transcript) or `other`.
        size: Bytes; 0 for a folder.
        modified: When it was last changed, in UTC.
    """

    relative: str
    name: str
    kind: str
    size: int
    modified: datetime


def import_root(settings: AppSettings) -> Path:
    """Return the server's folder with links in its own path resolved.

    Args:
        settings: The installation.

    Raises:
        FolderError: There is none, or it cannot be read.
    """
    if settings.import_dir is None:
        raise FolderError(messages.NO_IMPORT_FOLDER())
    try:
        root = settings.import_dir.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise FolderError(messages.UNREADABLE_IMPORT_FOLDER(path=str(settings.import_dir))) from error
    if not root.is_dir():
        raise FolderError(messages.IMPORT_FOLDER_IS_NO_FOLDER(path=str(root)))
    return root


def resolve_path(settings: AppSettings, relative: str) -> Path:
    """Return where a path below the server's folder leads, with links resolved.

    Args:
        settings: The installation.
        relative: The path, with '/'.

    Raises:
        FolderError: It leads outside the folder, or nowhere.
    """
    root = import_root(settings)
    shortened = relative[:100]
    if "\0" in relative or relative.startswith("/") or ".." in relative.replace("\\", "/").split("/"):
        raise FolderError(messages.NOT_BELOW_IMPORT_FOLDER(path=shortened))
    try:
        path = find_spelling(root / relative).resolve(strict=True)
    except (OSError, RuntimeError):
        raise FolderError(messages.NOT_IN_IMPORT_FOLDER(path=shortened)) from None
    if path != root and root not in path.parents:
        raise FolderError(messages.LEADS_OUT(path=shortened))
    return path


def list_folder(settings: AppSettings, relative: str = "") -> tuple[Entry, ...]:
    """List a folder: folders first, then files, by name. Hidden entries and links that lead out are left out.

    Args:
        settings: The installation.
        relative: The folder's path below the server's folder.

    Returns:
        At most `MAX_ENTRIES` entries.

    Raises:
        FolderError: The path leads outside or nowhere, is no folder, or cannot be read.
    """
    root = import_root(settings)
    folder = resolve_path(settings, relative)
    if not folder.is_dir():
        raise FolderError(messages.NOT_A_FOLDER(path=relative[:100]))
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        reason = error.strerror or str(error)
        raise FolderError(messages.UNREADABLE_FOLDER(path=relative[:100], reason=reason)) from error
    entries = [entry for name in names[:MAX_ENTRIES] if (entry := _entry(settings, root, folder / name)) is not None]
    return tuple(sorted(entries, key=lambda entry: (entry.kind != "folder", entry.name.casefold())))


def find_recording(settings: AppSettings, relative: str) -> Path:
    """Return a file that may be imported. Its content is checked later.

    Args:
        settings: The installation.
        relative: The file's path below the server's folder.

    Raises:
        FolderError: There is no such file below the folder.
    """
    path = resolve_path(settings, relative)
    if not path.is_file():
        raise FolderError(messages.NOT_A_FILE(path=relative[:100]))
    return path


def read_transcript(settings: AppSettings, relative: str) -> transcripts.CheckedTranscript:
    """Read a transcript.

    Args:
        settings: The installation.
        relative: The file's path below the server's folder.

    Raises:
        FolderError: There is no such file below the folder, or it cannot be read.
        FerPhqError: The transcript cannot be used.
    """
    path = find_recording(settings, relative)
    try:
        with path.open("rb") as file:
            document = file.read(MAX_TRANSCRIPT + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FolderError(messages.UNREADABLE_TRANSCRIPT(path=relative[:100], reason=reason)) from error
    return transcripts.check_transcript(path.name, document)


def find_transcript(entries: tuple[Entry, ...], recording: Entry) -> Entry | None:
    """Return a recording's transcript: the file of the same name but for its ending, JSON only where there is no other.

    Args:
        entries: The entries of the recording's folder.
        recording: One of them.
    """
    texts = {entry.name: entry for entry in entries if entry.kind == "text"}
    name = transcripts.by_stem(texts).get(transcripts.folded_stem(recording.name))
    return None if name is None else texts[name]


def _entry(settings: AppSettings, root: Path, path: Path) -> Entry | None:
    relative = path.relative_to(root).as_posix() if root in path.parents else path.name
    try:
        resolve_path(settings, relative)
        status = path.stat()
    except (FolderError, OSError):
        return None
    ending = path.suffix.lower()
    kind = "other"
    if stat.S_ISDIR(status.st_mode):
        kind = "folder"
    elif not stat.S_ISREG(status.st_mode):
        return None
    elif ending in RECORDING_SUFFIXES:
        kind = "recording"
    elif ending in transcripts.SUFFIXES:
        kind = "text"
    size = 0 if kind == "folder" else status.st_size
    return Entry(relative, path.name, kind, size, datetime.fromtimestamp(status.st_mtime, UTC))
