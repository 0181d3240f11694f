"""Types of columns whose values are encrypted where the installation is, and read whether they are or not.

The transaction says with which key it encrypts (`use_key`); reading takes the installation's key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import LargeBinary, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from fer_phq.core.encryption.key import InstallationKey
from fer_phq.core.encryption.values import (
    OVERHEAD,
    TEXT_MAGIC,
    decrypt_text,
    decrypt_value,
    encrypt_text,
    encrypt_value,
)

_key: ContextVar[InstallationKey | None] = ContextVar("encryption_key", default=None)


def current_key() -> InstallationKey | None:
    """Return the key with which the present transaction encrypts what it writes; None where it writes in plain."""
    return _key.get()


@contextmanager
def use_key(key: InstallationKey | None) -> Iterator[None]:
    """Encrypt what is written within the block.

    Args:
        key: The key; None writes in plain.
    """
    before = _key.set(key)
    try:
        yield
    finally:
        _key.reset(before)


class EncryptedBytes(TypeDecorator[bytes]):
    """Bytes that are encrypted where the installation is."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        """Take the name of the column, `table.column`, which is authenticated with its values."""
        super().__init__()
        self.column = column

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Return a value as the database keeps it.

        Args:
            value: The content.
            dialect: The database, unused.
        """
        key = current_key()
        return value if key is None or value is None else encrypt_value(key, value, self.column)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Return the content of a value.

        Args:
            value: The value as the database keeps it.
            dialect: The database, unused.
        """
        return None if value is None else decrypt_value(bytes(value), self.column)


class EncryptedText(TypeDecorator[str]):
    """A text that is encrypted where the installation is; the database cannot search or sort it."""

    impl = String
    cache_ok = True

    def __init__(self, column: str) -> None:
        """Take the name of the column, `table.column`, which is authenticated with its values."""
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return a text as the database keeps it.

        Args:
            value: The text.
            dialect: The database, unused.
        """
        key = current_key()
        if key is None or value is None:
            # A plain text must not pass for an encrypted one: it could not be read again.
            return value if value is None or not value.startswith(TEXT_MAGIC) else value.lstrip(TEXT_MAGIC[0])
        return encrypt_text(key, value, self.column)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return a text as it was written.

        Args:
            value: The text as the database keeps it.
            dialect: The database, unused.
        """
        return None if value is None else decrypt_text(value, self.column)


def length_check(column: str, length: str) -> str:
    """Return the condition that a column's content has a length, whether it is encrypted or not.

    Args:
        column: The column.
        length: The length in bytes, an expression of SQL.
    """
    return f"length({column}) - {length} IN (0, {OVERHEAD})"
