"""The key of an installation: 256 random bits, in a file of its owner's or in the system's keyring.

The environment says where: `FERPHQ_ENCRYPTION_KEY_FILE`, a file with 64 hexadecimal digits that nobody but its owner
may read, or `FERPHQ_ENCRYPTION_KEYRING=1` for the keyring. Whoever loses the key loses what is encrypted.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from fer_phq.core.encryption import messages
from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import Message

FILE_VARIABLE = "FERPHQ_ENCRYPTION_KEY_FILE"
KEYRING_VARIABLE = "FERPHQ_ENCRYPTION_KEYRING"
KEY_BYTES = 32
KEYRING_SERVICE = "fer-phq"
KEYRING_ENTRY = "encryption"
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_PRIVATE_BITS = stat.S_IRWXG | stat.S_IRWXO
_OFF = ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class InstallationKey:
    """The key from which all others are derived.

    Attributes:
        secret: 32 bytes.
        place: Where it comes from, as a person reads it.
    """

    secret: bytes = field(repr=False)
    place: Message | str = field(default="", compare=False)

    def derive(self, purpose: str, salt: bytes = b"") -> bytes:
        """Derive the key of a purpose: 32 bytes.

        Args:
            purpose: What it is for; another purpose has another key.
            salt: What distinguishes keys of one purpose, such as those of two files.
        """
        with library():
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        context = f"fer-phq 1 {purpose}".encode()
        return HKDF(SHA256(), KEY_BYTES, salt or None, context).derive(self.secret)

    @cached_property
    def check(self) -> str:
        """What tells this key from another and says nothing of it: 32 hexadecimal digits."""
        return self.derive("check")[:16].hex()

    def fits(self, check: str) -> bool:
        """Tell whether a check is this key's.

        Args:
            check: The `check` of some key.
        """
        return hmac.compare_digest(self.check, check)


@contextmanager
def library() -> Iterator[None]:
    """Load the library `cryptography` within the block; where that fails, one sentence says so.

    Raises:
        SettingsError: It is not installed, or cannot be loaded.
    """
    try:
        yield
    except ImportError as error:
        raise SettingsError(messages.LIBRARY_MISSING(reason=str(error))) from error


def is_configured() -> bool:
    """Tell whether the environment says where the key is."""
    return key_file() is not None or _uses_keyring()


def key_file() -> Path | None:
    """Return the file that the environment names as the key's; None where it names none."""
    path = os.environ.get(FILE_VARIABLE, "")
    return Path(path).expanduser().absolute() if path else None


def installation_key() -> InstallationKey | None:
    """Read the installation's key; None where none is configured.

    Raises:
        SettingsError: It cannot be read, is no key, or others may read it.
    """
    path = key_file()
    if path is not None and _uses_keyring():
        raise SettingsError(messages.TWO_PLACES())
    if path is not None:
        return _read_file(path)
    return _read_keyring() if _uses_keyring() else None


def create_key_file(path: Path) -> None:
    """Make a key and write it into a new file, readable by its owner only.

    Args:
        path: The file.

    Raises:
        SettingsError: The file exists or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise SettingsError(messages.KEY_EXISTS(place=str(path))) from None
    except OSError as error:
        raise SettingsError(messages.KEY_UNWRITABLE(path=str(path), reason=error.strerror or str(error))) from error


def create_keyring_entry() -> None:
    """Make a key and put it into the system's keyring.

    Raises:
        SettingsError: There is an entry already, or the keyring cannot be used.
    """
    keyring = _keyring()
    try:
        if keyring.get_password(KEYRING_SERVICE, KEYRING_ENTRY) is not None:
            raise SettingsError(messages.KEY_EXISTS(place=messages.THE_KEYRING(name=KEYRING_ENTRY)))
        keyring.set_password(KEYRING_SERVICE, KEYRING_ENTRY, secrets.token_hex(KEY_BYTES))
    except keyring.errors.KeyringError as error:
        raise SettingsError(messages.KEYRING_FAILED(reason=str(error) or type(error).__name__)) from error


def _uses_keyring() -> bool:
    return os.environ.get(KEYRING_VARIABLE, "").strip().lower() not in _OFF


def _read_file(path: Path) -> InstallationKey:
    try:
        status = path.stat()
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(messages.KEY_FILE_UNREADABLE(path=str(path), reason=reason)) from None
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(messages.KEY_MALFORMED(place=str(path)))
    if status.st_mode & _PRIVATE_BITS:
        raise SettingsError(messages.KEY_FILE_OPEN(path=str(path)))
    return _read_content(path, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=8)
def _read_content(path: Path, changed_ns: int, number: int) -> InstallationKey:
    """Read a key file, once for each of its states."""
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(256)
    except UnicodeDecodeError:
        raise SettingsError(messages.KEY_MALFORMED(place=str(path))) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(messages.KEY_FILE_UNREADABLE(path=str(path), reason=reason)) from None
    return _parse(text, str(path))


@lru_cache(maxsize=1)
def _read_keyring() -> InstallationKey:
    """Read the key of the system's keyring, once: it may ask a person to unlock it."""
    keyring = _keyring()
    try:
        text = keyring.get_password(KEYRING_SERVICE, KEYRING_ENTRY)
    except keyring.errors.KeyringError as error:
        raise SettingsError(messages.KEYRING_FAILED(reason=str(error) or type(error).__name__)) from error
    return _parse(text or "", messages.THE_KEYRING(name=KEYRING_ENTRY))


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise SettingsError(messages.KEYRING_MISSING()) from None
    return keyring


def _parse(text: str, place: Message | str) -> InstallationKey:
    digits = text.strip()
    if not _HEX.fullmatch(digits) or len(set(digits.lower())) == 1:
        raise SettingsError(messages.KEY_MALFORMED(place=place))
    return InstallationKey(bytes.fromhex(digits), place)
