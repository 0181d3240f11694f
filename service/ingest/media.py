"""Recordings on disk: where they live, how they arrive, how much room they may take, how they go.

A recording is stored once by content, at `<data>/media/<first two hex digits>/<sha256>.<container>`; the store holds
that path relative to the media folder. Uploads grow in `<data>/incoming/` and are renamed into place when complete.
One lock file orders placing, deleting and sweeping, so that a file is never removed between its arrival and the
commit of the row that names it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from fer_phq.core.errors import FerPhqError
from service.settings import GIB, MIB, AppSettings

COPY_BYTES = 4 * MIB
ORPHAN_SECONDS = 600
"""Age below which a file that no session names is left alone: another machine may be about to commit its row."""
_RELATIVE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{2,4}")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

CONTENT_TYPES = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "3gp": "video/3gpp",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "ts": "video/mp2t",
    "mpg": "video/mpeg",
    "flv": "video/x-flv",
    "wmv": "video/x-ms-wmv",
    "ogv": "video/ogg",
}
"""What a browser is told of each container, by the extension under which we store it."""


class StorageError(FerPhqError):
    """A recording cannot be kept: the disk is full, a quota is reached or the folder cannot be written."""


class TooLargeError(StorageError):
    """A recording is larger than this installation takes."""


class IncomingFile:
    """A file in `<data>/incoming` that grows by `write`; it is gone after the `with` block unless it was moved away."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.path = folder / f"{secrets.token_hex(16)}.part"
        self.size = 0
        self._max_bytes = max_bytes
        with _storage_errors("begun"):
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._open = True

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append bytes. TooLargeError above the limit, StorageError when the disk takes no more."""
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise TooLargeError(too_large(self._max_bytes))
        rest = memoryview(chunk)
        with _storage_errors("written"):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def finish(self) -> None:
        """Force the bytes to the disk and close the file, which stays at `path`."""
        with _storage_errors("written"):
            os.fsync(self._descriptor)
            self._close()

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self._close()
        finally:
            self.path.unlink(missing_ok=True)


class MediaStore:
    """The recordings of one installation."""

    def __init__(self, settings: AppSettings) -> None:
        settings.prepare()
        self._settings = settings
        self._root = settings.media_dir
        self._incoming = settings.incoming_dir

    def path_of(self, relative: str) -> Path:
        """Where a stored recording is. StorageError for a path that this store did not make."""
        if not _RELATIVE.fullmatch(relative):
            raise StorageError(f"'{relative}' is not the path of a stored recording.")
        return self._root / relative

    def check_room(self, size: int) -> None:
        """Raise unless `size` more bytes may come: TooLargeError, or StorageError for the disk or the quota."""
        if size > self._settings.max_upload_bytes:
            raise TooLargeError(too_large(self._settings.max_upload_bytes))
        if size + self._settings.min_free_bytes > self.free_bytes():
            raise StorageError("There is too little free space on the server's disk for this recording; free some.")
        quota = self._settings.media_quota_bytes
        if quota is not None and self.used_bytes() + size > quota:
            raise StorageError(
                f"The stored recordings would take more than the {readable(quota)} set by FERPHQ_MEDIA_QUOTA_BYTES; "
                "erase sessions that are no longer needed."
            )

    def incoming(self) -> IncomingFile:
        """A fresh file for an upload; use it in a `with` block."""
        return IncomingFile(self._incoming, max_bytes=self._settings.max_upload_bytes)

    def copy_in(self, source: Path) -> IncomingFile:
        """A finished copy of `source` in the incoming folder; use it in a `with` block."""
        incoming = self.incoming()
        try:
            with _storage_errors("copied"), source.open("rb") as file:
                while chunk := file.read(COPY_BYTES):
                    incoming.write(chunk)
            incoming.finish()
        except BaseException:
            incoming.__exit__(None, None, None)
            raise
        return incoming

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the media lock: place a file and commit its row inside one block."""
        with _storage_errors("locked"):
            descriptor = os.open(self._settings.data_dir / "media.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def place(self, part: Path, sha256: str) -> str:
        """Move a complete file into the store, with the lock held; the relative path for its row is returned."""
        relative = f"{sha256[:2]}/{sha256}.{container_of(part)}"
        target = self.path_of(relative)
        with _storage_errors("stored"):
            target.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(part, target)
            os.utime(target)
            _sync_folder(target.parent)
        return relative

    def delete(self, relatives: Iterable[str], in_use: Callable[[str], bool]) -> int:
        """Remove the files that no session names (any more); how many went. A file already gone counts as gone."""
        removed = 0
        for relative in relatives:
            path = self.path_of(relative)
            with self.locked(), _storage_errors("removed"):
                if not in_use(relative):
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def sweep(self, in_use: Callable[[str], bool]) -> int:
        """Remove what a crash left behind: stored files without a row and unfinished uploads; how many went."""
        removed = 0
        for path in sorted(self._incoming.glob("*.part")):
            if _age(path) > self._settings.stale_upload_s:
                path.unlink(missing_ok=True)
                removed += 1
        orphans = [
            relative
            for path in self._files()
            if _RELATIVE.fullmatch(relative := path.relative_to(self._root).as_posix())
            and _age(path) > ORPHAN_SECONDS
            and not in_use(relative)
        ]
        return removed + self.delete(orphans, in_use)

    def free_bytes(self) -> int:
        """Bytes that may still be written to the media folder's disk."""
        return shutil.disk_usage(self._root).free

    def used_bytes(self) -> int:
        """Bytes that stored recordings and running uploads take."""
        return sum(_size(path) for path in [*self._files(), *self._incoming.glob("*.part")])

    def _files(self) -> list[Path]:
        return sorted(path for path in self._root.glob("??/*") if path.is_file())


def container_of(path: Path) -> str:
    """A file's container by its first bytes, as one of the extensions in `CONTENT_TYPES`, or 'bin'."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "mov" if brand == b"qt  " else "3gp" if brand[:2] == b"3g" else "mp4"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"  # QuickTime files older than the ftyp box
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm" if b"webm" in head[:256] else "mkv"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    starts = ((b"\0\0\1\xba", "mpg"), (b"\0\0\1\xb3", "mpg"), (b"FLV", "flv"), (b"OggS", "ogv"), (b"0&\xb2u", "wmv"))
    found = next((name for start, name in starts if head.startswith(start)), None)
    if found is not None:
        return found
    return "ts" if head[:1] == b"G" and head[188:189] == b"G" else "bin"


def content_type(path: Path) -> str:
    """The MIME type of a stored recording, by its extension."""
    return CONTENT_TYPES.get(path.suffix.removeprefix("."), "application/octet-stream")


def readable(size: int) -> str:
    """A number of bytes as words: '8 GiB', '300 MiB', '1.5 KiB'."""
    unit, name = (GIB, "GiB") if size >= GIB else (MIB, "MiB") if size >= MIB else (1024, "KiB")
    return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"


def too_large(limit: int) -> str:
    """The sentence for a recording above the limit."""
    return f"The recording is larger than the {readable(limit)} this installation takes; send a shorter or smaller one."


@contextmanager
def _storage_errors(verb: str) -> Iterator[None]:
    """Turn an OSError into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageError("The server's disk is full; free some space and send the recording again.") from error
        if error.errno == errno.EFBIG:
            raise TooLargeError("The server's file system takes no file that large; send a smaller one.") from error
        reason = error.strerror or str(error)
        raise StorageError(f"The recording could not be {verb} ({reason}); look at the data folder.") from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _age(path: Path) -> float:
    """Seconds since the file was last written; 0 when it has just gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
