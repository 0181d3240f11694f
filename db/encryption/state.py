"""Whether a database's installation is encrypted, as its settings say, and with which key.

The row `encryption` of the settings holds whether new values and recordings are encrypted, whether everything older has
followed, and the key's check, which says nothing of the key. Where there is no such row, nothing is encrypted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, column, select, table
from sqlalchemy.orm import Session

from db import messages
from db.engine import normalise_url, open_engine, store_errors
from fer_phq.core.encryption.key import InstallationKey, installation_key
from fer_phq.core.errors import StoreError

SETTING = "encryption"
_SETTINGS = table("settings", column("key"), column("value"))


@dataclass(frozen=True)
class EncryptionState:
    """What the settings say of the encryption.

    Attributes:
        is_on: Whether what is written from now on is encrypted; False while it is turned off.
        is_complete: Whether everything older is as `is_on` says.
        check: The check of the key.
    """

    is_on: bool
    is_complete: bool
    check: str

    def to_text(self) -> str:
        """Return the setting's value."""
        return json.dumps({"on": self.is_on, "complete": self.is_complete, "check": self.check})


def parse_state(value: str) -> EncryptionState:
    """Read the value of the setting.

    Args:
        value: What `EncryptionState.to_text` returned.

    Raises:
        StoreError: It is something else.
    """
    try:
        body = json.loads(value)
        return EncryptionState(bool(body["on"]), bool(body["complete"]), str(body["check"]))
    except (ValueError, KeyError, TypeError):
        raise StoreError(messages.ENCRYPTION_UNREADABLE()) from None


def read_state(connection: Session | Connection) -> EncryptionState | None:
    """Read the state in an open transaction; None where nothing is encrypted.

    Args:
        connection: The open transaction.

    Raises:
        StoreError: The setting cannot be read.
    """
    value = connection.scalar(select(_SETTINGS.c.value).where(_SETTINGS.c.key == SETTING))
    return None if value is None else parse_state(value)


def require_key(state: EncryptionState) -> InstallationKey:
    """Return the installation's key, which must be the one that the state names.

    Args:
        state: The installation's state.

    Raises:
        StoreError: No key is configured, or another one.
        SettingsError: The key cannot be read.
    """
    key = installation_key()
    if key is None:
        raise StoreError(messages.ENCRYPTION_KEY_MISSING())
    if not key.fits(state.check):
        raise StoreError(messages.ENCRYPTION_KEY_WRONG(place=key.place))
    return key


def check_key(engine: Engine) -> None:
    """Make sure that the key of an encrypted installation is there, before anything is read or written.

    Args:
        engine: The database's connection pool.

    Raises:
        StoreError: No key is configured, or another one.
        SettingsError: The key cannot be read.
    """
    with engine.connect() as connection:
        state = read_state(connection)
    if state is not None:
        require_key(state)


def key_of_writing(session: Session) -> InstallationKey | None:
    """Return the key with which an open transaction has to encrypt what it writes; None where it writes in plain.

    Args:
        session: The open transaction.

    Raises:
        StoreError: The installation is encrypted and its key is not there.
        SettingsError: The key cannot be read.
    """
    state = read_state(session)
    return None if state is None or not state.is_on else require_key(state)


def state_of(url: str) -> EncryptionState | None:
    """Read the state of a database; None where nothing is encrypted.

    Args:
        url: The database.

    Raises:
        StoreError: The database or its setting cannot be read.
    """
    parsed = normalise_url(url)
    with store_errors(parsed):
        engine = open_engine(parsed)
        try:
            with engine.connect() as connection:
                return read_state(connection)
        finally:
            engine.dispose()
