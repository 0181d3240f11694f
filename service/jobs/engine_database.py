"""The job engine's SQLite file: in write-ahead mode, readable by its owner only, encrypted where the store's is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

from db.cipher.files import Cipher, cipher_of, connect
from db.encryption.conversion import prepare_database
from fer_phq.core.encryption.key import installation_key
from service.settings import AppSettings

LOCK_TIMEOUT_S = 30


def prepare_engine_database(settings: AppSettings) -> Engine | None:
    """Create the file where it is not there.

    Args:
        settings: The installation.

    Returns:
        The connection pool that the engine has to use; None where it opens the database by its URL.

    Raises:
        StoreError: The file is encrypted, and cannot be opened.
        OSError: The file cannot be made.
    """
    url = make_url(settings.dbos_database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    path = Path(url.database)
    path.touch(mode=0o600)
    prepare_database(settings.dbos_database_url, settings.database_url, installation_key())
    connection = connect(path, LOCK_TIMEOUT_S)
    try:
        connection.execute("PRAGMA journal_mode=WAL")  # readers beside a writer
    finally:
        connection.close()
    cipher = cipher_of(path)
    return None if cipher is None else _open(settings.dbos_database_url, path, cipher)


def _open(url: str, path: Path, cipher: Cipher) -> Engine:
    """Open the pool as the engine would, with the key."""
    engine = create_engine(url, module=cipher.driver)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        cipher.unlock(connection, path)
        connection.isolation_level = "IMMEDIATE"
        connection.execute(f"PRAGMA busy_timeout={1000 * LOCK_TIMEOUT_S}")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine
