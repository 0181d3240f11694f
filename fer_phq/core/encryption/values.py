"""Encrypted values: what a column of the database holds, or a small file, encrypted as a whole.

A value is `MAGIC`, a nonce of 12 random bytes, the ciphertext, a tag of 16 bytes (AES-256-GCM). The column is
authenticated with it, the row is not: a value that is moved into another column, or changed, is refused; one that is
exchanged for that of another row of the same column is not noticed. A value without `MAGIC` is plain: it is from before
the encryption was turned on.
"""

from __future__ import annotations

import base64
import os
from functools import lru_cache
from typing import Any

from fer_phq.core.encryption import messages
from fer_phq.core.encryption.key import InstallationKey, installation_key, library
from fer_phq.core.errors import StoreError

MAGIC = b"\0FERPHQ\1"
TEXT_MAGIC = "\N{NO-BREAK SPACE}fer-phq 1 "
"""How an encrypted text begins; a plain one that begins so is stored without the space."""
_NONCE = 12
OVERHEAD = len(MAGIC) + _NONCE + 16
"""Bytes by which an encrypted value is longer than its content."""


def encrypt_value(key: InstallationKey, content: bytes, column: str) -> bytes:
    """Encrypt a value.

    Args:
        key: The installation's key.
        content: What is encrypted.
        column: Where it will be, as `table.column`.
    """
    nonce = os.urandom(_NONCE)
    return MAGIC + nonce + bytes(_cipher(key).encrypt(nonce, content, column.encode()))


def decrypt_value(value: bytes, column: str) -> bytes:
    """Return the content of a value, which may be plain.

    Args:
        value: As it is stored.
        column: Where it is, as `table.column`.

    Raises:
        StoreError: No key is configured, or the value was changed or is of another key or column.
        SettingsError: The key cannot be read.
    """
    if not value.startswith(MAGIC):
        return value
    key = installation_key()
    if key is None:
        raise StoreError(messages.VALUE_NEEDS_KEY())
    cipher = _cipher(key)
    from cryptography.exceptions import InvalidTag

    body = memoryview(value)[len(MAGIC) :]
    try:
        return bytes(cipher.decrypt(bytes(body[:_NONCE]), bytes(body[_NONCE:]), column.encode()))
    except (InvalidTag, ValueError):
        raise StoreError(messages.VALUE_CHANGED(column=column)) from None


def encrypt_text(key: InstallationKey, content: str, column: str) -> str:
    """Encrypt a text as a text.

    Args:
        key: The installation's key.
        content: What is encrypted.
        column: Where it will be, as `table.column`.
    """
    return TEXT_MAGIC + base64.b64encode(encrypt_value(key, content.encode(), column)).decode("ascii")


def decrypt_text(value: str, column: str) -> str:
    """Return the content of a text, which may be plain.

    Args:
        value: As it is stored.
        column: Where it is, as `table.column`.

    Raises:
        StoreError: No key is configured, or the text was changed or is of another key or column.
        SettingsError: The key cannot be read.
    """
    if not value.startswith(TEXT_MAGIC):
        return value
    try:
        content = base64.b64decode(value.removeprefix(TEXT_MAGIC), validate=True)
    except ValueError:
        raise StoreError(messages.VALUE_CHANGED(column=column)) from None
    if not content.startswith(MAGIC):
        raise StoreError(messages.VALUE_CHANGED(column=column))
    return decrypt_value(content, column).decode()


@lru_cache(maxsize=4)
def _cipher(key: InstallationKey) -> Any:
    with library():
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key.derive("values"))
