"""The folder on the server from which an operator lets recordings be taken: what lies there, and nothing outside it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db.records import MAX_TRANSCRIPT
from fer_phq.core.errors import FerPhqError
from service.ingest import transcripts
from service.settings import AppSettings

RECORDINGS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".3gp", ".wmv", ".flv", ".ogv")
"""File names that count as recordings inside a folder; a file named itself may have any name."""
MOST = 2000
"""How many files of a folder are listed."""


class FolderError(FerPhqError):
    """A file or folder may not be taken from the server, or is not there."""


@dataclass(frozen=True)
class Entry:
    """A file or folder. relative: its path below the allowed folder, with '/'. kind: `folder`, `recording`, `text`
    (a table or transcript), or `other`. size: bytes, 0 for a folder. modified: timezone-aware."""

    relative: str
    name: str
    kind: str
    size: int
    modified: datetime


def root(settings: AppSettings) -> Path:
    """The allowed folder, without links in its own path. FolderError when there is none or it cannot be read."""
    if settings.import_dir is None:
        raise FolderError(
            "No folder on the server is open to this page; set FERPHQ_IMPORT_DIR to the one that holds recordings."
        )
    try:
        found = settings.import_dir.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise FolderError(
            f"The folder {settings.import_dir} of FERPHQ_IMPORT_DIR cannot be read; check its name and permissions."
        ) from error
    if not found.is_dir():
        raise FolderError(f"{settings.import_dir} of FERPHQ_IMPORT_DIR is not a folder; name one.")
    return found


def inside(settings: AppSettings, relative: str) -> Path:
    """Where a path below the allowed folder leads, links followed. FolderError when it leads outside or nowhere."""
    top = root(settings)
    shown = relative[:100]
    if "\0" in relative or relative.startswith("/") or ".." in relative.replace("\\", "/").split("/"):
        raise FolderError(f"'{shown}' is no path below the server's folder for recordings.")
    try:
        found = (top / relative).resolve(strict=True)
    except (OSError, RuntimeError):
        raise FolderError(f"There is no '{shown}' in the server's folder for recordings.") from None
    if found != top and top not in found.parents:
        raise FolderError(f"'{shown}' leads out of the server's folder for recordings and is not taken.")
    return found


def list_folder(settings: AppSettings, relative: str = "") -> tuple[Entry, ...]:
    """What lies in a folder: folders first, then files, by name; hidden ones and links that lead out are left out.

    At most `MOST` entries. FolderError as `inside`, or when it is no folder or cannot be read.
    """
    top = root(settings)
    folder = inside(settings, relative)
    if not folder.is_dir():
        raise FolderError(f"'{relative[:100]}' is not a folder.")
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        raise FolderError(f"The folder '{relative[:100]}' cannot be read: {error.strerror or error}.") from error
    listed = [entry for name in names[:MOST] if (entry := _entry(settings, top, folder / name)) is not None]
    return tuple(sorted(listed, key=lambda entry: (entry.kind != "folder", entry.name.casefold())))


def recording(settings: AppSettings, relative: str) -> Path:
    """A file below the allowed folder that may be taken in. FolderError when there is none; what it holds is judged
    later, by its content."""
    path = inside(settings, relative)
    if not path.is_file():
        raise FolderError(f"'{relative[:100]}' is not a file.")
    return path


def transcript(settings: AppSettings, relative: str) -> transcripts.ReadTranscript:
    """A transcript below the allowed folder. FolderError, or FerPhqError when it cannot be used."""
    path = recording(settings, relative)
    try:
        with path.open("rb") as file:
            document = file.read(MAX_TRANSCRIPT + 1)
        return transcripts.check_transcript(path.name, document)
    except OSError as error:
        raise FolderError(f"'{relative[:100]}' cannot be read: {error.strerror or error}.") from error


def beside(entries: tuple[Entry, ...], chosen: Entry) -> Entry | None:
    """The transcript of a recording among its folder's entries: the file of the same name but for its ending."""
    stem = chosen.name.rsplit(".", 1)[0].casefold()
    for entry in entries:
        name, _, ending = entry.name.casefold().rpartition(".")
        if entry.kind == "text" and name == stem and f".{ending}" in transcripts.SUFFIXES:
            return entry
    return None


def _entry(settings: AppSettings, top: Path, path: Path) -> Entry | None:
    relative = path.relative_to(top).as_posix() if top in path.parents else path.name
    try:
        inside(settings, relative)
        found = path.stat()
    except (FolderError, OSError):
        return None
    ending = path.suffix.lower()
    kind = "other"
    if stat.S_ISDIR(found.st_mode):
        kind = "folder"
    elif not stat.S_ISREG(found.st_mode):
        return None
    elif ending in RECORDINGS:
        kind = "recording"
    elif ending in transcripts.SUFFIXES:
        kind = "text"
    size = 0 if kind == "folder" else found.st_size
    return Entry(relative, path.name, kind, size, datetime.fromtimestamp(found.st_mtime, UTC))
