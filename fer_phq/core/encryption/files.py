"""Encrypted files: a recording encrypted in pieces, written while it comes in and read from anywhere in it.

A file is a header and pieces of `PIECE_BYTES`, the last one shorter, each followed by its tag of 16 bytes. Every file
has a key of its own, derived from the installation's with the header's random salt. A piece's nonce is its number. The
header holds the length and the SHA-256 of the content and has a tag itself. So a piece that is changed, left out, put
elsewhere or taken from another file is noticed when it is read, and a file that is cut or drawn out when it is opened.
A file under the name of another content, `<sha256>.<ending>`, is noticed when it is opened, too.

The header is written last: a file that was not finished begins with zeros and is no encrypted file.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fer_phq.core.encryption import messages
from fer_phq.core.encryption.key import InstallationKey, installation_key, library
from fer_phq.core.errors import RecordingError

MAGIC = b"FERPHQ\0\1"
PIECE_BYTES = 64 << 10
TAG_BYTES = 16
_SALT_BYTES = 32
_FACTS = struct.Struct(f">{len(MAGIC)}s{_SALT_BYTES}sQ32s")
HEADER_BYTES = _FACTS.size + TAG_BYTES
_NONCE_OF_HEADER = b"\xff" * 12
_PURPOSE = "recording"
_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{2,4}")
_process_key: bytes | None = None
"""The key of the one file that this process may read, where it does not have the installation's."""


@dataclass(frozen=True)
class _Header:
    salt: bytes
    size: int
    sha256: bytes
    facts: bytes
    tag: bytes

    @property
    def pieces(self) -> int:
        return -(-self.size // PIECE_BYTES)

    @property
    def file_bytes(self) -> int:
        return HEADER_BYTES + self.size + self.pieces * TAG_BYTES


def use_file_key(key: bytes) -> None:
    """Read encrypted files with this key from now on, in a process that does not have the installation's.

    The library is loaded and tried here, so that it works where no more files may be opened.

    Args:
        key: The file's key, 32 bytes.
    """
    global _process_key
    cipher = _cipher(key)
    cipher.decrypt(bytes(12), cipher.encrypt(bytes(12), b"", b""), b"")
    _process_key = key


def is_encrypted(path: str | Path) -> bool:
    """Tell whether a file is encrypted, by its first bytes.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def file_key(path: str | Path) -> bytes | None:
    """Return the key of an encrypted file, for a process that reads this file alone; None where it is plain.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read.
        RecordingError: No key is configured, the file is of another key, or it was changed.
        SettingsError: The key cannot be read.
    """
    with open(path, "rb") as file:
        header = _read_header(file)
        return None if header is None else _checked_key(file, header, path)


def open_content(path: str | Path) -> io.BufferedReader:
    """Open a file for reading; of an encrypted one its content is read, of any other its bytes.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read.
        RecordingError: It is encrypted and no key is configured, it is of another key, or it was changed. Reading
            raises it for what shows then.
        SettingsError: The key cannot be read.
    """
    file = open(path, "rb")  # noqa: SIM115, the caller closes it
    try:
        header = _read_header(file)
        if header is None:
            file.seek(0)
            return file
        key = _checked_key(file, header, path)
        return io.BufferedReader(EncryptedFile(file, header, key, str(path)), PIECE_BYTES)
    except BaseException:
        file.close()
        raise


def content_size(path: str | Path) -> int:
    """Return the length of a file's content in bytes; that of an encrypted one is what its header says.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        header = _read_header(file)
        return os.fstat(file.fileno()).st_size if header is None else header.size


class EncryptedFile(io.RawIOBase):
    """The content of an encrypted file, for reading, with a position that can be moved."""

    def __init__(self, file: BinaryIO, header: _Header, key: bytes, name: str) -> None:
        """Read an open file, which is closed with this one.

        Args:
            file: The open file.
            header: Its checked header.
            key: Its key.
            name: What it is called.
        """
        super().__init__()
        self.name = name
        self._file = file
        self._size = header.size
        self._cipher = _cipher(key)
        self._position = 0
        self._piece = b""
        self._piece_number = -1

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the content."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position.

        Args:
            offset: Bytes from where `whence` says.
            whence: From the start, the present position or the end.

        Raises:
            ValueError: It would be before the start.
        """
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start of the file")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read until the buffer is full or the content ends.

        Raises:
            RecordingError: The file was changed.
        """
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and self._position < self._size:
            number, offset = divmod(self._position, PIECE_BYTES)
            block = self._read_piece(number)[offset : offset + len(view) - filled]
            view[filled : filled + len(block)] = block
            filled += len(block)
            self._position += len(block)
        return filled

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
            self._piece = b""
        super().close()

    def _read_piece(self, number: int) -> bytes:
        if number != self._piece_number:
            self._file.seek(HEADER_BYTES + number * (PIECE_BYTES + TAG_BYTES))
            size = min(PIECE_BYTES, self._size - number * PIECE_BYTES)
            self._piece = _decrypt(self._cipher, _nonce(number), self._file.read(size + TAG_BYTES), b"")
            self._piece_number = number
        return self._piece


class FileEncryption:
    """The encryption of a file that grows: content goes in, and what is written comes out."""

    def __init__(self, key: InstallationKey, write: Callable[[bytes], None]) -> None:
        """Begin a file with the room for its header.

        Args:
            key: The installation's key.
            write: Appends bytes to the file.
        """
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._cipher = _cipher(key.derive(_PURPOSE, self._salt))
        self._write = write
        self._digest = hashlib.sha256()
        self._size = 0
        self._number = 0
        self._rest = bytearray()
        write(bytes(HEADER_BYTES))

    def add(self, block: bytes | bytearray | memoryview) -> None:
        """Encrypt more of the content."""
        self._digest.update(block)
        self._size += len(block)
        self._rest += block
        whole = len(self._rest) - len(self._rest) % PIECE_BYTES
        for start in range(0, whole, PIECE_BYTES):
            self._add_piece(bytes(self._rest[start : start + PIECE_BYTES]))
        del self._rest[:whole]

    def finish(self) -> bytes:
        """Write the rest of the content. Returns the header, which belongs at the start of the file."""
        if self._rest:
            self._add_piece(bytes(self._rest))
        facts = _FACTS.pack(MAGIC, self._salt, self._size, self._digest.digest())
        return facts + bytes(self._cipher.encrypt(_NONCE_OF_HEADER, b"", facts))

    def _add_piece(self, piece: bytes) -> None:
        self._write(self._cipher.encrypt(_nonce(self._number), piece, b""))
        self._number += 1


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _read_header(file: BinaryIO) -> _Header | None:
    """Read the header from the start of an open file; None where it is not encrypted."""
    head = file.read(HEADER_BYTES)
    if not head.startswith(MAGIC):
        return None
    if len(head) < HEADER_BYTES:
        raise RecordingError(messages.FILE_CHANGED())
    facts = head[: _FACTS.size]
    _, salt, size, sha256 = _FACTS.unpack(facts)
    return _Header(salt, size, sha256, facts, head[_FACTS.size :])


def _checked_key(file: BinaryIO, header: _Header, path: str | Path) -> bytes:
    """Return a file's key, with which its header is authentic and fits its length and its name."""
    key = _process_key
    if key is None:
        installation = installation_key()
        if installation is None:
            raise RecordingError(messages.FILE_NEEDS_KEY())
        key = installation.derive(_PURPOSE, header.salt)
    try:
        _decrypt(_cipher(key), _NONCE_OF_HEADER, header.tag, header.facts)
    except RecordingError:
        raise RecordingError(messages.FILE_OTHER_KEY()) from None
    if os.fstat(file.fileno()).st_size != header.file_bytes:
        raise RecordingError(messages.FILE_CHANGED())
    name = _NAME.fullmatch(Path(path).name)
    if name is not None and name[1] != header.sha256.hex():
        raise RecordingError(messages.FILE_EXCHANGED())
    return key


def _cipher(key: bytes) -> Any:
    with library():
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _decrypt(cipher: Any, nonce: bytes, block: bytes, facts: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return bytes(cipher.decrypt(nonce, block, facts))
    except (InvalidTag, ValueError):
        raise RecordingError(messages.FILE_CHANGED()) from None
