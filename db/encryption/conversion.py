"""A SQLite database written anew as an encrypted file, or as a plain one, while nobody else has it open."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from db import messages
from db.cipher.files import Cipher, cipher_of, create_encrypted, is_encrypted, make_cipher
from db.clearing import Obstacle, obstacle_of
from db.engine import describe_url, normalise_url, sqlite_file, store_errors
from fer_phq.core.encryption.key import InstallationKey
from fer_phq.core.errors import StoreError

ROOM_FACTOR = 1.1
ROOM_MARGIN = 1 << 20
"""Bytes of free disk that a conversion needs beside the database's size."""
BLOCK = 1 << 20
"""Bytes that are overwritten at a time."""


def is_database_encrypted(url: str) -> bool:
    """Tell whether a database is a SQLite file that is encrypted as a whole.

    Args:
        url: The database.
    """
    path = sqlite_file(normalise_url(url))
    return path is not None and is_encrypted(path)


def prepare_database(url: str, like: str, key: InstallationKey | None) -> None:
    """Make a new SQLite file an encrypted one, where another database is; leave everything else as it is.

    Args:
        url: The database, which is used where its file is there already.
        like: The other database.
        key: The installation's key; None where there is none.

    Raises:
        StoreError: SQLCipher is not installed.
        OSError: The file cannot be made.
    """
    path = sqlite_file(normalise_url(url))
    if path is None or key is None or not is_database_encrypted(like):
        return
    if not path.exists() or path.stat().st_size == 0:
        create_encrypted(path, key)


def convert_database(url: str, key: InstallationKey, *, encrypt: bool, lock_timeout_s: float = 1.0) -> Obstacle | None:
    """Write a SQLite database anew, encrypted or in plain.

    Nothing is changed where it is so already. A kill leaves the old database or the new one, each of them whole. This
    process must have no connection to it. The old file is overwritten with zeros; a disk that writes elsewhere than it
    read (SSD, snapshots) keeps the old blocks until it needs them.

    Args:
        url: The database; PostgreSQL is left as it is.
        key: The installation's key.
        encrypt: Whether it becomes encrypted.
        lock_timeout_s: Seconds to wait for another program's lock.

    Returns:
        None when it is done, else what kept it from being done.

    Raises:
        StoreError: The database cannot be read or written, or SQLCipher is not installed.
    """
    parsed = normalise_url(url)
    path = sqlite_file(parsed)
    if path is None or not path.is_file() or is_encrypted(path) == encrypt:
        return None
    if path.stat().st_size * ROOM_FACTOR + ROOM_MARGIN > shutil.disk_usage(path.parent).free:
        return Obstacle.NO_ROOM
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    cipher = make_cipher(key)
    present = cipher_of(path)
    with store_errors(parsed):
        try:
            _make_draft(draft, key, encrypt)
            with closing(cipher.driver.connect(str(path), timeout=lock_timeout_s, isolation_level=None)) as connection:
                if present is not None:
                    present.unlock(connection, path)
                obstacle = _copy(connection, draft, cipher, encrypt)
                if obstacle is None:
                    _check_copy(connection, parsed)
                    _put_into_place(connection, draft, path)
                return obstacle
        finally:
            draft.unlink(missing_ok=True)


def _make_draft(draft: Path, key: InstallationKey, encrypt: bool) -> None:
    if encrypt:
        create_encrypted(draft, key)
    else:
        draft.touch(mode=0o600)


def _copy(connection: Any, draft: Path, cipher: Cipher, encrypt: bool) -> Obstacle | None:
    """Copy all tables into the draft, and leave the database locked against everybody."""
    try:
        # Leaving the write-ahead log needs that nobody else has the file open; from then on nobody gets in.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        if connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
            return Obstacle.BUSY
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        connection.execute(f"ATTACH DATABASE ? AS draft KEY {cipher.literal if encrypt else repr('')}", (str(draft),))
        connection.execute("SELECT sqlcipher_export('draft')").fetchone()
    except Exception as error:
        return obstacle_of(error)
    return None


def _check_copy(connection: Any, url: URL) -> None:
    """Raise StoreError where the draft does not hold what the database does."""
    faults = [row[0] for row in connection.execute("PRAGMA draft.integrity_check")]
    listing = "SELECT type, name, sql FROM {}.sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
    schemas = [connection.execute(listing.format(name)).fetchall() for name in ("main", "draft")]
    if faults != ["ok"] or schemas[0] != schemas[1]:
        raise StoreError(messages.NOT_CONVERTED(url=describe_url(url)))
    for kind, name, _ in schemas[0]:
        if kind == "table":
            counts = [_count(connection, schema, name) for schema in ("main", "draft")]
            if counts[0] != counts[1]:
                raise StoreError(messages.NOT_CONVERTED(url=describe_url(url)))


def _count(connection: Any, schema: str, table: str) -> int:
    name = table.replace('"', '""')
    return int(connection.execute(f'SELECT count(*) FROM {schema}."{name}"').fetchone()[0])


def _put_into_place(connection: Any, draft: Path, path: Path) -> None:
    connection.execute("DETACH DATABASE draft")
    _sync(draft)
    with path.open("r+b", buffering=0) as old:
        draft.replace(path)
        _sync(path.parent)
        # Also where it becomes plain: who opened the old file meanwhile, and waits, must not write into it.
        _overwrite(old.fileno())


def _overwrite(descriptor: int) -> None:
    """Write zeros over a file that has no name any more."""
    size = os.fstat(descriptor).st_size
    for start in range(0, size, BLOCK):
        os.pwrite(descriptor, bytes(min(BLOCK, size - start)), start)
    os.fsync(descriptor)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
