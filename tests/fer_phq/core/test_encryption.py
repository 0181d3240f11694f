"""Keys, encrypted files and encrypted values: what comes back, and what is noticed of every change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from fer_phq.core.encryption.files import (
    HEADER_BYTES,
    PIECE_BYTES,
    TAG_BYTES,
    FileEncryption,
    content_size,
    file_key,
    is_encrypted,
    open_content,
)
from fer_phq.core.encryption.key import InstallationKey, create_key_file, create_keyring_entry, installation_key
from fer_phq.core.encryption.values import MAGIC, OVERHEAD, decrypt_text, decrypt_value, encrypt_text, encrypt_value
from fer_phq.core.errors import RecordingError, SettingsError, StoreError

STEP = PIECE_BYTES + TAG_BYTES


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallationKey:
    """The key of the environment."""
    path = tmp_path / "installation.key"
    create_key_file(path)
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(path))
    loaded = installation_key()
    assert loaded is not None
    return loaded


def encrypted(path: Path, key: InstallationKey, content: bytes, block: int = 10_007) -> Path:
    with path.open("wb") as file:
        encryption = FileEncryption(key, file.write)  # type: ignore[arg-type]
        for start in range(0, len(content), block):
            encryption.add(content[start : start + block])
        header = encryption.finish()
        file.seek(0)
        file.write(header)
    return path


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 5])
def test_a_file_is_read_as_it_was_written_and_from_anywhere(tmp_path: Path, key: InstallationKey, size: int) -> None:
    content = os.urandom(size)
    path = encrypted(tmp_path / "a", key, content)
    assert is_encrypted(path)
    assert content_size(path) == size
    with open_content(path) as file:
        assert file.read() == content
        for start in (0, 1, size // 2, PIECE_BYTES - 3, size, size + 10):
            file.seek(start)
            assert file.read(10) == content[start : start + 10]
        assert file.seek(-min(size, 4), os.SEEK_END) == size - min(size, 4)
        assert file.read() == content[size - min(size, 4) :]
    raw = path.read_bytes()
    assert all(content[start : start + 8] not in raw for start in range(0, size - 8, 4096))


def test_two_files_of_one_content_have_nothing_in_common(tmp_path: Path, key: InstallationKey) -> None:
    first, second = (encrypted(tmp_path / name, key, b"x" * 100).read_bytes() for name in "ab")
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]
    assert file_key(tmp_path / "a") != file_key(tmp_path / "b")


def _flip(raw: bytearray, position: int) -> bytes:
    raw[position] ^= 1
    return bytes(raw)


CHANGES = {
    "a flipped bit of the salt": lambda raw, other: _flip(raw, 20),
    "a flipped bit of the length": lambda raw, other: _flip(raw, 47),
    "a flipped bit of the header's tag": lambda raw, other: _flip(raw, HEADER_BYTES - 1),
    "a flipped bit of a piece": lambda raw, other: _flip(raw, HEADER_BYTES + 100),
    "a flipped bit of the last tag": lambda raw, other: _flip(raw, -1),
    "the last piece cut off": lambda raw, other: bytes(raw[: HEADER_BYTES + 2 * STEP]),
    "one byte cut off": lambda raw, other: bytes(raw[:-1]),
    "cut within the header": lambda raw, other: bytes(raw[:50]),
    "drawn out": lambda raw, other: bytes(raw) + b"\0",
    "two pieces exchanged": lambda raw, other: (
        bytes(raw[:HEADER_BYTES])
        + raw[HEADER_BYTES + STEP : HEADER_BYTES + 2 * STEP]
        + raw[HEADER_BYTES : HEADER_BYTES + STEP]
        + raw[HEADER_BYTES + 2 * STEP :]
    ),
    "a piece of another file": lambda raw, other: (
        bytes(raw[:HEADER_BYTES]) + other[HEADER_BYTES : HEADER_BYTES + STEP] + raw[HEADER_BYTES + STEP :]
    ),
    "the header of another file": lambda raw, other: bytes(other[:HEADER_BYTES]) + bytes(raw[HEADER_BYTES:]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_file_is_noticed(tmp_path: Path, key: InstallationKey, change: str) -> None:
    contents = [os.urandom(2 * PIECE_BYTES + 500) for _ in range(2)]
    raw, other = (encrypted(tmp_path / str(n), key, content).read_bytes() for n, content in enumerate(contents))
    path = tmp_path / "changed"
    path.write_bytes(CHANGES[change](bytearray(raw), other))
    with pytest.raises(RecordingError, match="changed"), open_content(path) as file:
        file.read()


def test_a_file_under_another_name_is_noticed(tmp_path: Path, key: InstallationKey) -> None:
    from hashlib import sha256

    names = [tmp_path / f"{sha256(content).hexdigest()}.mp4" for content in (b"a", b"b")]
    for path, content in zip(names, (b"a", b"b"), strict=True):
        encrypted(path, key, content)
        with open_content(path) as file:
            assert file.read() == content
    shutil.copy(names[0], names[1])
    with pytest.raises(RecordingError, match="another recording"):
        open_content(names[1])


def test_a_file_that_was_not_finished_is_no_encrypted_file(tmp_path: Path, key: InstallationKey) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        FileEncryption(key, file.write).add(b"x" * 2 * PIECE_BYTES)  # type: ignore[arg-type]
    assert not is_encrypted(path)


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"plain")
    assert file_key(tmp_path / "a") is None
    assert content_size(tmp_path / "a") == 5
    with open_content(tmp_path / "a") as file:
        assert file.read() == b"plain"


def test_another_key_and_no_key_are_one_sentence_each(
    tmp_path: Path, key: InstallationKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encrypted(tmp_path / "a", key, b"x" * 100)
    value = encrypt_value(key, b"word", "t.c")
    create_key_file(tmp_path / "other.key")
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(tmp_path / "other.key"))
    with pytest.raises(RecordingError, match="another key"):
        open_content(path)
    with pytest.raises(StoreError, match="another key"):
        decrypt_value(value, "t.c")
    monkeypatch.delenv("FERPHQ_ENCRYPTION_KEY_FILE")
    with pytest.raises(RecordingError, match="no key is configured"):
        open_content(path)
    with pytest.raises(StoreError, match="no key is configured"):
        decrypt_value(value, "t.c")


def test_values_come_back_and_changes_of_them_are_noticed(key: InstallationKey) -> None:
    value = encrypt_value(key, b"word", "t.c")
    assert len(value) == len(b"word") + OVERHEAD
    assert b"word" not in value
    assert value != encrypt_value(key, b"word", "t.c")
    assert decrypt_value(value, "t.c") == b"word"
    assert decrypt_value(b"plain", "t.c") == b"plain"
    for position in range(len(MAGIC), len(value)):
        with pytest.raises(StoreError, match=r"t\.c"):
            decrypt_value(_flip(bytearray(value), position), "t.c")
    for other in (lambda: decrypt_value(value, "t.d"), lambda: decrypt_value(value[:20], "t.c")):
        with pytest.raises(StoreError):
            other()
    text = encrypt_text(key, "Grüße", "t.c")
    assert decrypt_text(text, "t.c") == "Grüße"
    assert decrypt_text("plain", "t.c") == "plain"
    for changed in (text[:-4], text + "!", text[:12]):
        with pytest.raises(StoreError):
            decrypt_text(changed, "t.c")


def test_a_key_file_that_others_may_read_or_that_holds_no_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "installation.key"
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEY_FILE", str(path))
    with pytest.raises(SettingsError, match="cannot be read"):
        installation_key()
    create_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    first = installation_key()
    assert first is not None
    assert first.secret.hex() not in repr(first)
    with pytest.raises(SettingsError, match="never written over"):
        create_key_file(path)
    assert installation_key() == first
    for mode in (0o640, 0o604):
        path.chmod(mode)
        with pytest.raises(SettingsError, match="chmod 600"):
            installation_key()
    path.chmod(0o600)
    for text in ("", "secret", "0" * 64, "g" * 64, first.secret.hex()[:-1], "\xff"):
        path.write_text(text)
        with pytest.raises(SettingsError, match="64 hexadecimal digits"):
            installation_key()
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEYRING", "1")
    with pytest.raises(SettingsError, match="both set"):
        installation_key()


def test_a_key_is_made_in_the_keyring_and_read_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERPHQ_ENCRYPTION_KEY_FILE", raising=False)
    monkeypatch.setenv("FERPHQ_ENCRYPTION_KEYRING", "1")
    try:
        import keyring
        from keyring.backend import KeyringBackend
    except ImportError:
        with pytest.raises(SettingsError, match="pip install keyring"):
            installation_key()
        return

    class Memory(KeyringBackend):  # type: ignore[misc]
        priority = 1.0
        entries: ClassVar[dict[tuple[str, str], str]] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.entries.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.entries[service, username] = password

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        with pytest.raises(SettingsError, match="does not hold a key"):
            installation_key()
        create_keyring_entry()
        assert installation_key() is not None
        with pytest.raises(SettingsError, match="never written over"):
            create_keyring_entry()
    finally:
        keyring.set_keyring(before)
