"""Turning the encryption on and off, and the conversion of what was stored before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from db import messages
from db.encryption.columns import EncryptedBytes, EncryptedText, current_key
from db.encryption.state import SETTING, EncryptionState, key_of_writing, read_state, require_key
from db.queries.analyses.frames import convert_timelines, count_plain_timelines, timelines_to_convert
from db.queries.base import Queries, utc_now
from db.tables import Base, SettingRow
from fer_phq.core.encryption.key import InstallationKey, installation_key
from fer_phq.core.encryption.values import MAGIC, TEXT_MAGIC
from fer_phq.core.errors import StoreError


class EncryptionQueries(Queries):
    """Whether the installation is encrypted, and what of its rows is."""

    def state(self) -> EncryptionState | None:
        """Read whether the installation is encrypted; None where it never was, or is not any more."""
        with self._reading() as session:
            return read_state(session)

    def key(self) -> InstallationKey | None:
        """Return the key with which what comes in is encrypted; None where it is stored in plain.

        Raises:
            SettingsError: The key cannot be read.
        """
        with self._reading() as session:
            return key_of_writing(session)

    def begin(self, *, on: bool, by: str = "") -> None:
        """Encrypt what is written from now on, or write it in plain; what is there stays as it is.

        Args:
            on: Whether it is encrypted.
            by: The person who turns it on or off, for the audit; empty where nobody is named.

        Raises:
            ForbiddenError: The actor is no administrator.
            StoreError: No key is configured, or another one than the installation's.
            SettingsError: The key cannot be read.
        """
        self._refuse_others()
        with self._writing() as session:
            state = read_state(session)
            if state is None and not on:
                return
            key = installation_key() if state is None else require_key(state)
            if key is None:
                raise StoreError(messages.ENCRYPTION_NO_KEY())
            _write_state(session, EncryptionState(on, False, key.check))
            self._audit(session, "set", "setting", SETTING, "on" if on else "off", by=by)

    def finish(self) -> bool:
        """Note that everything is as the state says. Returns False where a row is not, and notes nothing.

        Raises:
            ForbiddenError: The actor is no administrator.
        """
        self._refuse_others()
        with self._writing() as session:
            state = read_state(session)
            if state is None:
                return True
            if timelines_to_convert(session, 1) or any(_next_keys(session, table, 1) for table in encrypted_tables()):
                return False
            if state.is_on:
                _write_state(session, replace(state, is_complete=True))
            else:
                session.execute(delete(SettingRow).where(SettingRow.key == SETTING))
            return True

    def convert_rows(self, *, most: int = 16) -> int:
        """Encrypt some rows that are plain or, while the encryption is turned off, the other way round.

        Args:
            most: How many rows at most; each may be large.

        Returns:
            How many were converted; 0 when none is left.

        Raises:
            ForbiddenError: The actor is no administrator.
            StoreError: A row cannot be decrypted.
        """
        self._refuse_others()
        with self._writing() as session:
            if converted := convert_timelines(session, most):
                return converted
            for table in encrypted_tables():
                keys = _next_keys(session, table, most)
                for row_key in keys:
                    _write_anew(session, table, row_key)
                if keys:
                    return len(keys)
            return 0

    def count_rows(self) -> tuple[int, int]:
        """Count the rows with values that are encrypted, and those with values that could be and are plain."""
        counts = [0, 0]
        with self._reading() as session:
            for table in encrypted_tables():
                condition = _is_encrypted(table)
                for number, which in enumerate((condition, ~condition)):
                    counts[number] += session.scalar(select(func.count()).select_from(table).where(which)) or 0
            counts[1] += count_plain_timelines(session)
        return counts[0], counts[1]


def encrypted_tables() -> list[Table]:
    """Return the tables with columns that are encrypted, each after those that it refers to."""
    return [table for table in Base.metadata.sorted_tables if _markers(table)]


def _markers(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns by which a row shows whether it is encrypted: it is as a whole, or not at all."""
    kinds = (EncryptedBytes, EncryptedText)
    return [column for column in table.columns if isinstance(column.type, kinds) and not column.nullable]


def _is_encrypted(table: Table) -> ColumnElement[bool]:
    column = _markers(table)[0]
    kind, start = (String, TEXT_MAGIC) if isinstance(column.type, EncryptedText) else (LargeBinary, MAGIC)
    return func.substr(type_coerce(column, kind), 1, len(start), type_=kind) == literal(start, kind)


def _next_keys(session: Session, table: Table, most: int) -> list[tuple[object, ...]]:
    """Return the primary keys of rows that are not as the transaction writes them."""
    condition = _is_encrypted(table)
    query = select(*table.primary_key.columns).where(condition if current_key() is None else ~condition)
    return [tuple(row) for row in session.execute(query.limit(most))]


def _write_anew(session: Session, table: Table, row_key: tuple[object, ...]) -> None:
    """Read a row and write it as the transaction writes rows. Rows of analyses are never changed, so it is replaced."""
    columns = table.primary_key.columns
    which = and_(*(column == value for column, value in zip(columns, row_key, strict=True)))
    connection = session.connection()
    row = connection.execute(select(table).where(which)).mappings().one()
    connection.execute(delete(table).where(which))
    connection.execute(insert(table).values(**row))


def _write_state(session: Session, state: EncryptionState) -> None:
    session.merge(SettingRow(key=SETTING, value=state.to_text(), updated_at=utc_now()))
