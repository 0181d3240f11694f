"""Encrypting everything that is stored, or writing it in plain again.

Turning it on takes three steps, each of which may be killed and is carried on by the same call: from the first moment
on, whatever is written is encrypted; then stored recordings, waiting transcripts and rows follow, one by one; at last
the database is written anew, so that no plain copy stays in its file or its write-ahead log. What the disk has freed,
and backups and exports from before, are not reached.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from db.clearing import Obstacle, empty_log, rewrite_database
from db.encryption.conversion import convert_database
from db.engine import normalise_url, sqlite_file
from db.messages import ENCRYPTION_KEY_MISSING
from db.store import Store
from fer_phq.core.encryption.files import is_encrypted
from fer_phq.core.encryption.key import InstallationKey, installation_key
from fer_phq.core.encryption.values import MAGIC, decrypt_value, encrypt_value
from fer_phq.core.errors import StoreError
from service.ingest.media import MediaStore, storage_errors
from service.ingest.messages import STORED
from service.ingest.transcripts import WAITING
from service.lifecycle import messages
from service.lifecycle.task_files import remove_masked
from service.settings import AppSettings

Report = Callable[[str], None]
TRANSCRIPT_START = b'{"name":'
"""How a waiting transcript and an upload's state begin; other files in the incoming folder are recordings."""
WAIT_S = 10.0
PAUSE_S = 0.2


@dataclass(frozen=True)
class EncryptionCounts:
    """How much of an installation is encrypted.

    Attributes:
        encrypted_files: Number of recordings.
        plain_files: Number of recordings.
        encrypted_rows: Number of rows that may be encrypted, of series, faces, pictures and transcripts.
        plain_rows: Number of such rows.
        plain_uploads: Recordings and transcripts that come in and were begun in plain.
    """

    encrypted_files: int
    plain_files: int
    encrypted_rows: int
    plain_rows: int
    plain_uploads: int

    @property
    def encrypted(self) -> int:
        """Recordings and rows that are encrypted."""
        return self.encrypted_files + self.encrypted_rows

    @property
    def plain(self) -> int:
        """Recordings and rows that are not."""
        return self.plain_files + self.plain_rows


def count_encrypted(settings: AppSettings, store: Store | None = None) -> EncryptionCounts:
    """Count what is encrypted and what is plain.

    Args:
        settings: The installation.
        store: Its store; None opens it.

    Raises:
        StoreError: The database cannot be read.
    """
    if store is None:
        with Store(settings.database_url, actor="cli") as opened:
            return count_encrypted(settings, opened)
    media = MediaStore(settings)
    kinds = [_is_encrypted_file(media.path_of(relative)) for relative in media.list_all()]
    uploads = [_first_bytes(path, len(MAGIC)) for path in settings.incoming_dir.glob("*.part")]
    # A file that is encrypted while it grows begins with zeros until it is finished.
    plain_uploads = sum(bool(head.strip(b"\0")) and not head.lstrip(b"\0").startswith(b"FERPHQ") for head in uploads)
    return EncryptionCounts(kinds.count(True), kinds.count(False), *store.encryption.count_rows(), plain_uploads)


def turn_encryption(
    settings: AppSettings, store: Store, *, on: bool, on_progress: Report = lambda line: None, wait_s: float = WAIT_S
) -> EncryptionCounts:
    """Encrypt the installation, or write it in plain again; a call that was killed is carried on by the next.

    Workers and dashboards should be stopped: what they have open in that moment may fail to be read.

    Args:
        settings: The installation.
        store: Its store.
        on: Whether it is to be encrypted.
        on_progress: Receives a line at a time.
        wait_s: Seconds to wait for those who read the database.

    Returns:
        What is encrypted now.

    Raises:
        StoreError: The key is not there, or somebody reads the database and plain text is still in its log.
        StorageError: There is no room for a recording beside the old one.
        RecordingError: A recording is damaged; the others are converted.
        SettingsError: The key cannot be read.
    """
    store.encryption.begin(on=on)
    if on:
        remove_masked(settings, keep_s=0)  # they are in plain, and made again by the command
    key = store.encryption.key()
    media = MediaStore(settings)
    relatives = media.list_all()
    for number, relative in enumerate(relatives, 1):
        if media.convert(relative, key):
            on_progress(f"recording {number} of {len(relatives)}")
    for path in settings.incoming_dir.glob("*.part"):
        _convert_transcript(path, key)
    count = 0
    while converted := store.encryption.convert_rows():
        count += converted
        on_progress(f"{count} rows")
    _clear_database(settings, time.monotonic() + wait_s)
    if not store.encryption.finish():
        raise StoreError(messages.ENCRYPTION_UNFINISHED())
    return count_encrypted(settings, store)


def turn_database(settings: AppSettings, *, on: bool, wait_s: float = WAIT_S) -> None:
    """Encrypt the SQLite files of the installation as a whole with SQLCipher, or write them in plain again.

    Nothing of this process and no other program may have them open. A call that was killed is carried on by the next.

    Args:
        settings: The installation.
        on: Whether they are to be encrypted.
        wait_s: Seconds to wait for those who have them open.

    Raises:
        StoreError: No key is configured, SQLCipher is not installed, the database is PostgreSQL's, or somebody has it
            open.
        SettingsError: The key cannot be read.
    """
    if on and sqlite_file(normalise_url(settings.database_url)) is None:
        raise StoreError(messages.SERVER_ENCRYPTS())
    key = installation_key()
    if key is None:
        if on:
            raise StoreError(ENCRYPTION_KEY_MISSING())
        return  # nothing here can be encrypted: it was opened without a key
    deadline = time.monotonic() + wait_s
    # The database last: where it is encrypted, new files of the job engine become so.
    for url in (settings.dbos_database_url, settings.database_url):
        while obstacle := convert_database(url, key, encrypt=on):
            if obstacle is Obstacle.NO_ROOM:
                raise StoreError(messages.DATABASE_NEEDS_ROOM())
            if time.monotonic() > deadline:
                raise StoreError(messages.DATABASE_IS_OPEN())
            time.sleep(PAUSE_S)


def _convert_transcript(path: Path, key: InstallationKey | None) -> None:
    """Encrypt a waiting transcript, or write it in plain."""
    with storage_errors(STORED()):
        if not _first_bytes(path, len(MAGIC)).startswith(TRANSCRIPT_START if key is not None else MAGIC):
            return
        content = decrypt_value(path.read_bytes(), WAITING)
        draft = path.with_name(f"{path.name.removesuffix('.part')}.new.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content if key is None else encrypt_value(key, content, WAITING))
        draft.replace(path)


def _clear_database(settings: AppSettings, deadline: float) -> None:
    """Write the database anew, without what its pages held before, and empty its log."""
    while True:
        obstacle = rewrite_database(settings.database_url) or empty_log(settings.database_url)
        if obstacle is None:
            return
        if obstacle is Obstacle.NO_ROOM:
            raise StoreError(messages.ENCRYPTION_NEEDS_ROOM())
        if time.monotonic() > deadline:
            raise StoreError(messages.ENCRYPTION_WAITS_FOR_READER())
        time.sleep(PAUSE_S)


def _is_encrypted_file(path: Path) -> bool | None:
    try:
        return is_encrypted(path)
    except FileNotFoundError:
        return None


def _first_bytes(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except FileNotFoundError:
        return b""
