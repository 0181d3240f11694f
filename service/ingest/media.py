"""Recordings on disk: where they lie, how they come in, how much room they may take, how they are removed.

A recording is stored once by content, at `<data>/media/<first two hex digits>/<sha256>.<container>`; the store holds
that path relative to the media folder. Uploads grow in `<data>/incoming/` and are renamed into place when complete.
Where the installation is encrypted, what comes in is encrypted while it grows: no byte of it is written in plain. The
name is that of the content all the same, so that it is stored once.
One lock file orders moving in, deleting and sweeping, so that a file is never removed between its arrival and the
commit of the row that names it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from fer_phq.core.encryption.files import FileEncryption, content_size, is_encrypted, open_content
from fer_phq.core.encryption.key import InstallationKey
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.core.messages import Message
from service.ingest import messages
from service.settings import MIB, AppSettings

COPY_BYTES = 4 * MIB
ORPHAN_SECONDS = 600
"""Age below which a file that no session names is left alone: another machine may be about to commit its row."""
_RELATIVE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{2,4}")
_OWNER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGNATURES = (
    (b"\0\0\1\xba", "mpg"),
    (b"\0\0\1\xb3", "mpg"),
    (b"FLV", "flv"),
    (b"OggS", "ogv"),
    (b"0&\xb2u", "wmv"),
)
"""First bytes of the containers that need no further look."""
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
"""The MIME type of each container, by the extension under which a recording is stored."""


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal.

    Args:
        path: The file, which is read block by block, and decrypted where it is encrypted.

    Raises:
        RecordingError: It is encrypted and cannot be decrypted.
    """
    with open_content(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class StorageError(FerPhqError):
    """A recording cannot be kept: the disk is full, a quota is reached or the folder cannot be written."""


class TooLargeError(StorageError):
    """A recording is larger than this installation takes."""


class IncomingFile:
    """A file in `<data>/incoming` that grows by `write`. The `with` block removes it unless it was moved away.

    Attributes:
        path: The file.
        size: Bytes of content so far.
    """

    def __init__(self, folder: Path, *, max_bytes: int, owner: str = "", key: InstallationKey | None = None) -> None:
        """Create the file in a folder.

        Args:
            folder: Where it lies.
            max_bytes: The most that it may hold.
            owner: UUID of the subject it is of, by which an erasure finds it; empty where that is not known.
            key: With which it is encrypted while it grows; None writes it in plain.
        """
        self.path = folder / f"{owner_prefix(owner)}{secrets.token_hex(16)}.part"
        self.size = 0
        self._max_bytes = max_bytes
        with storage_errors(messages.CREATION()):
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._open = True
        self._encryption = None if key is None else FileEncryption(key, self._append)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append bytes.

        Args:
            chunk: The bytes.

        Raises:
            TooLargeError: The file is above the limit.
            StorageError: The disk takes no more.
        """
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise TooLargeError(messages.TOO_LARGE(limit=messages.size_message(self._max_bytes)))
        with storage_errors(messages.WRITTEN()):
            if self._encryption is None:
                self._append(chunk)
            else:
                self._encryption.add(chunk)

    def finish(self) -> None:
        """Force the bytes to the disk and close the file, which stays at `path`.

        Raises:
            StorageError: The disk takes no more.
        """
        with storage_errors(messages.WRITTEN()):
            if self._encryption is not None:
                os.pwrite(self._descriptor, self._encryption.finish(), 0)
            os.fsync(self._descriptor)
            self._close()

    def _append(self, chunk: bytes | bytearray | memoryview) -> None:
        remaining = memoryview(chunk)
        while remaining:
            remaining = remaining[os.write(self._descriptor, remaining) :]

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close the file and remove it where it still lies."""
        try:
            self._close()
        finally:
            self.path.unlink(missing_ok=True)


class MediaStore:
    """The recordings of one installation."""

    def __init__(self, settings: AppSettings) -> None:
        """Open the store, with its folders created where they are missing."""
        settings.prepare()
        self._settings = settings
        self._root = settings.media_dir
        self._incoming = settings.incoming_dir

    def path_of(self, relative: str) -> Path:
        """Return where a stored recording is.

        Args:
            relative: Its path relative to the media folder, as its row holds it.

        Raises:
            StorageError: It is not a path that this store made.
        """
        if not _RELATIVE.fullmatch(relative):
            raise StorageError(messages.NOT_A_STORED_PATH(path=relative))
        return self._root / relative

    def size_of(self, relatives: Iterable[str]) -> int:
        """Return how many bytes stored recordings take; those whose file is gone take none.

        Args:
            relatives: Their paths relative to the media folder.

        Raises:
            StorageError: One is not a path that this store made.
        """
        paths = [self.path_of(relative) for relative in relatives]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def check_room(self, size: int) -> None:
        """Check that there is room for a recording.

        Args:
            size: Bytes that are still to come.

        Raises:
            TooLargeError: It is larger than this installation takes.
            StorageError: It does not fit on the disk or into the quota.
        """
        if size > self._settings.max_upload_bytes:
            raise TooLargeError(messages.TOO_LARGE(limit=messages.size_message(self._settings.max_upload_bytes)))
        if size + self._settings.min_free_bytes > self.free_bytes():
            raise StorageError(messages.NO_ROOM())
        quota = self._settings.media_quota_bytes
        if quota is not None and self.used_bytes() + size > quota:
            raise StorageError(messages.OVER_QUOTA(quota=messages.size_message(quota)))

    def check_file(self, path: Path, *, display_name: str | None = None) -> None:
        """Check a file's size and that there is room for it, before any of it is read.

        Args:
            path: The file. One that is not there is left to whoever reads it.
            display_name: What the error calls it; its path when omitted.

        Raises:
            TooLargeError: It is larger than this installation takes.
            StorageError: It does not fit on the disk or into the quota.
        """
        size = check_size(self._settings, path, display_name=display_name)
        self.check_room(size)

    def incoming(self, owner: str = "", *, key: InstallationKey | None) -> IncomingFile:
        """Create a file for an upload, to be used in a `with` block.

        Args:
            owner: UUID of the subject it is of; empty where that is not known.
            key: With which it is encrypted, `Store.encryption.key`; None stores it in plain.

        Raises:
            StorageError: The incoming folder cannot be written.
        """
        return IncomingFile(self._incoming, max_bytes=self._settings.max_upload_bytes, owner=owner, key=key)

    def remove_incoming(self, owners: Iterable[str]) -> int:
        """Remove the unfinished uploads and waiting transcripts of subjects and sessions.

        Args:
            owners: Their UUIDs.

        Returns:
            How many files were removed.

        Raises:
            StorageError: A file cannot be removed.
        """
        removed = 0
        for prefix in filter(None, map(owner_prefix, owners)):
            for path in self._incoming.glob(f"{prefix}*.part"):
                with storage_errors(messages.REMOVED()):
                    path.unlink(missing_ok=True)
                removed += 1
        return removed

    def copy_in(self, path: Path, owner: str = "", *, key: InstallationKey | None) -> IncomingFile:
        """Copy a file into the incoming folder. Returns the finished copy, to be used in a `with` block.

        Args:
            path: The file.
            owner: UUID of the subject it is of; empty where that is not known.
            key: With which the copy is encrypted, `Store.encryption.key`; None stores it in plain.

        Raises:
            TooLargeError: It is larger than this installation takes.
            StorageError: It cannot be read, or the disk takes no more.
            RecordingError: It is encrypted and cannot be decrypted.
        """
        return _copy(path, self.incoming(owner, key=key))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the media lock. Move a file in and commit its row inside one block.

        Raises:
            StorageError: The lock file cannot be opened.
        """
        with storage_errors(messages.LOCKED()):
            descriptor = os.open(self._settings.data_dir / "media.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def move_in(self, part: Path, sha256: str, *, key: InstallationKey | None) -> str:
        """Move a complete file into the store. The caller holds the lock.

        Args:
            part: The file, on the same file system. Where the encryption was turned on or off since it was begun, it is
                written anew first.
            sha256: Hex digest of its content.
            key: With which it has to be encrypted, `Store.encryption.key`; None for a plain file.

        Returns:
            Its path relative to the media folder, for its row.

        Raises:
            StorageError: The media folder cannot be written.
        """
        relative = f"{sha256[:2]}/{sha256}.{container_of(part)}"
        target = self.path_of(relative)
        if is_encrypted(part) != (key is not None):
            self._rewrite(part, key)
        with storage_errors(messages.STORED()):
            target.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(part, target)
            os.utime(target)
            _sync_folder(target.parent)
        return relative

    def convert(self, relative: str, key: InstallationKey | None) -> bool:
        """Encrypt a stored recording, or write it in plain. The file is replaced when the new one is whole.

        Args:
            relative: Its path relative to the media folder.
            key: The key; None writes it in plain.

        Returns:
            Whether it was written anew; False where it is as it should be, or gone.

        Raises:
            StorageError: There is no room, or the disk takes no more.
            RecordingError: It cannot be decrypted, or its content is not that of its name.
        """
        path = self.path_of(relative)
        with self.locked(), storage_errors(messages.STORED()):
            if not path.is_file() or is_encrypted(path) == (key is not None):
                return False
            if content_size(path) + self._settings.min_free_bytes > self.free_bytes():
                raise StorageError(messages.NO_ROOM())
            if file_sha256(path) != path.stem:
                raise RecordingError(messages.NOT_ITS_CONTENT(name=path.name))
            self._rewrite(path, key)
        return True

    def list_all(self) -> list[str]:
        """List the stored recordings by their paths relative to the media folder."""
        relatives = [path.relative_to(self._root).as_posix() for path in self._files()]
        return [relative for relative in relatives if _RELATIVE.fullmatch(relative)]

    def _rewrite(self, path: Path, key: InstallationKey | None) -> None:
        """Write a file anew, encrypted or plain, and put it in the place of the old one."""
        incoming = IncomingFile(self._incoming, max_bytes=sys.maxsize, key=key)  # whatever the limit is by now
        with _copy(path, incoming) as copy, storage_errors(messages.STORED()):
            os.replace(copy.path, path)
            _sync_folder(path.parent)

    def delete(self, relatives: Iterable[str], in_use: Callable[[str], bool]) -> int:
        """Remove files that no session names (any more).

        Args:
            relatives: Their paths relative to the media folder.
            in_use: Whether a session names a path.

        Returns:
            How many were removed; a file that was gone already counts.

        Raises:
            StorageError: A path is not of this store, or a file cannot be removed.
        """
        removed = 0
        for relative in relatives:
            path = self.path_of(relative)
            with self.locked(), storage_errors(messages.REMOVED()):
                if not in_use(relative):
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def sweep(self, in_use: Callable[[str], bool]) -> int:
        """Remove what a crash left behind: stored files without a row, and unfinished uploads.

        Args:
            in_use: Whether a session names a path.

        Returns:
            How many files were removed.

        Raises:
            StorageError: A file cannot be removed.
        """
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
        """Return how many bytes may still be written to the media folder's disk."""
        return shutil.disk_usage(self._root).free

    def used_bytes(self) -> int:
        """Return how many bytes stored recordings and running uploads take."""
        return sum(_size(path) for path in [*self._files(), *self._incoming.glob("*.part")])

    def _files(self) -> list[Path]:
        return sorted(path for path in self._root.glob("??/*") if path.is_file())


def _copy(path: Path, incoming: IncomingFile) -> IncomingFile:
    """Copy a file's content into an incoming file, which is finished, or removed where that fails."""
    try:
        with storage_errors(messages.COPIED()), open_content(path) as file:
            while chunk := file.read(COPY_BYTES):
                incoming.write(chunk)
        incoming.finish()
    except BaseException:
        incoming.__exit__(None, None, None)
        raise
    return incoming


def owner_prefix(owner: str) -> str:
    """Return how the names of a subject's or session's incoming files begin; '' for what is not a UUID."""
    return f"{owner}." if _OWNER.fullmatch(owner) else ""


def check_size(settings: AppSettings, path: Path, *, display_name: str | None = None) -> int:
    """Check that a file is not larger than this installation takes, by its length and not by what its disk stores.

    Args:
        settings: The installation.
        path: The file. One that is not there is left to whoever reads it.
        display_name: What the error calls it; its path when omitted.

    Returns:
        Its length in bytes; 0 where there is none.

    Raises:
        TooLargeError: It is larger.
    """
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        return 0
    if size > settings.max_upload_bytes:
        limit = messages.size_message(settings.max_upload_bytes)
        raise TooLargeError(messages.LARGER_THAN_LIMIT(file=display_name or str(path), limit=limit))
    return size


def container_of(path: Path) -> str:
    """Read a file's container from its first bytes.

    Args:
        path: The file.

    Returns:
        One of the extensions in `CONTENT_TYPES`, or 'bin'.
    """
    with open_content(path) as file:
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
    for signature, container in _SIGNATURES:
        if head.startswith(signature):
            return container
    return "ts" if head[:1] == b"G" and head[188:189] == b"G" else "bin"


def content_type(path: Path) -> str:
    """Return the MIME type of a stored recording by the extension of its path."""
    return CONTENT_TYPES.get(path.suffix.removeprefix("."), "application/octet-stream")


@contextmanager
def storage_errors(step: Message) -> Iterator[None]:
    """Raise a StorageError for an OSError in the block.

    Args:
        step: What is done to the recording.

    Raises:
        StorageError: The disk is full, the file too large for it, or it fails otherwise.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageError(messages.DISK_FULL()) from error
        if error.errno == errno.EFBIG:
            raise TooLargeError(messages.FILE_SYSTEM_LIMIT()) from error
        reason = error.strerror or str(error)
        raise StorageError(messages.STORAGE_FAILED(step=step, reason=reason)) from error


def _sync_folder(folder: Path) -> None:
    """Force a rename in the folder to the disk, so that it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _age(path: Path) -> float:
    """Return the seconds since the file was last written; 0 when it has just gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
