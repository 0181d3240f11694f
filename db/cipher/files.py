"""SQLite files that SQLCipher encrypts as a whole: how they are recognised, unlocked, made and converted.

What SQLite stores in plain begins with its name; any other file that is not empty is taken for an encrypted one where
the installation has a key. SQLCipher 4 with a raw key: AES-256 in CBC mode and an HMAC-SHA512 for each page
(https://www.zetetic.net/sqlcipher/design/).
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from db import messages
from fer_phq.core.encryption.key import InstallationKey, installation_key
from fer_phq.core.errors import StoreError

PLAIN_START = b"SQLite format 3\0"
PURPOSE = "database"
DRIVERS = ("sqlite3", "sqlcipher3")
_kinds: dict[tuple[str, int, int], bool] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Cipher:
    """The driver of an encrypted SQLite file, and its key.

    Attributes:
        driver: `sqlcipher3.dbapi2`, which has the interface of `sqlite3`.
        secret: 32 bytes.
    """

    driver: ModuleType
    secret: bytes = field(repr=False)

    @property
    def literal(self) -> str:
        """The key as SQL writes it."""
        return f"\"x'{self.secret.hex()}'\""

    def unlock(self, connection: Any, path: Path) -> None:
        """Give a new connection the key.

        Args:
            connection: Nothing was read by it yet.
            path: The file, as the error names it.

        Raises:
            StoreError: The file has another key, or is no database.
        """
        connection.execute(f"PRAGMA key = {self.literal}")
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except self.driver.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") != "SQLITE_NOTADB":
                raise
            raise StoreError(messages.SQLITE_KEY_WRONG(place=str(path))) from error


def is_encrypted(path: Path) -> bool:
    """Tell whether a SQLite file is encrypted as a whole; False where it is empty or not there.

    A process reads a file once, before a driver opens it: closing it drops every lock that the process has on it
    (POSIX).

    Args:
        path: The file.
    """
    with _lock:
        try:
            status = path.stat()
        except OSError:
            return False
        identity = (str(path), status.st_dev, status.st_ino)
        if identity not in _kinds:
            _kinds[identity] = status.st_size > 0 and not _starts_plain(path)
        return _kinds[identity]


def _starts_plain(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(PLAIN_START)) == PLAIN_START
    except OSError:
        return True  # the driver says what is wrong with it


def cipher_of(path: Path) -> Cipher | None:
    """Return how to open a SQLite file; None where Python's own driver does.

    Args:
        path: The file.

    Raises:
        StoreError: The file is encrypted, and SQLCipher is not installed.
        SettingsError: The installation's key cannot be read.
    """
    if not is_encrypted(path):
        return None
    key = installation_key()
    # Without a key Python's driver is left to say that this is no database of its own.
    return None if key is None else make_cipher(key)


def make_cipher(key: InstallationKey) -> Cipher:
    """Return the driver with the key of databases.

    Args:
        key: The installation's key.

    Raises:
        StoreError: SQLCipher is not installed.
    """
    try:
        from sqlcipher3 import dbapi2
    except ImportError as error:
        raise StoreError(messages.SQLCIPHER_MISSING(reason=str(error))) from error
    return Cipher(dbapi2, key.derive(PURPOSE))


def connect(path: Path, lock_timeout_s: float) -> Any:
    """Open a connection of its own to a SQLite file, which begins and commits nothing by itself.

    Args:
        path: The file.
        lock_timeout_s: Seconds to wait for another program's lock.

    Raises:
        StoreError: The file is encrypted, and SQLCipher is not installed or the key is another one.
        SettingsError: The installation's key cannot be read.
    """
    cipher = cipher_of(path)
    if cipher is None:
        return sqlite3.connect(path, timeout=lock_timeout_s, isolation_level=None)
    connection = cipher.driver.connect(str(path), timeout=lock_timeout_s, isolation_level=None)
    try:
        cipher.unlock(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def is_driver_error(error: BaseException | None) -> bool:
    """Tell whether an error is one of SQLite's drivers, Python's own or SQLCipher's.

    Args:
        error: The error; None for none.
    """
    return type(error).__module__.partition(".")[0] in DRIVERS


def create_encrypted(path: Path, key: InstallationKey) -> None:
    """Make an empty encrypted SQLite file, readable by its owner only, which every program then opens as such.

    Args:
        path: The file, which is not there or empty.
        key: The installation's key.

    Raises:
        StoreError: SQLCipher is not installed.
        OSError: The file cannot be made.
    """
    cipher = make_cipher(key)
    path.touch(mode=0o600)
    connection = cipher.driver.connect(str(path), isolation_level=None)
    try:
        cipher.unlock(connection, path)
        connection.execute("VACUUM")  # writes the first page
    finally:
        connection.close()
    status = path.stat()
    with _lock:
        _kinds[str(path), status.st_dev, status.st_ino] = True
