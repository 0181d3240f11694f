"""Idempotency keys: a program that sends a request again learns what the first one did, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete
from sqlalchemy.exc import IntegrityError

from db.queries.base import Queries, utc_now
from db.records import IdempotencyRecord
from db.tables import IdempotencyKeyRow

LASTS = timedelta(hours=24)
"""How long a key is remembered."""


class IdempotencyQueries(Queries):
    """Keys by their digest; a key belongs to the account that sent it. No words of a request or answer are stored."""

    def begin(self, *, digest: str, request: str) -> IdempotencyRecord | None:
        """Note that a request with a key is carried out from now on.

        Args:
            digest: SHA-256 of the key, hexadecimal.
            request: Keyed digest of the request.

        Returns:
            None where the key is new; else what is remembered of the request that came with it.
        """
        owner = self._owner()
        with self._recording(self._acting()) as session:
            session.execute(delete(IdempotencyKeyRow).where(_has_expired(utc_now())))
            while True:
                new = IdempotencyKeyRow(
                    account_id=owner, digest=digest, request=request, status=None, ids={}, created_at=utc_now()
                )
                try:
                    with session.begin_nested():
                        session.add(new)
                    return None
                except IntegrityError:  # of two at once, the database lets one through
                    row = session.get(IdempotencyKeyRow, (owner, digest))
                if row is not None:  # the other's may be forgotten by now: then this is the first again
                    return IdempotencyRecord(row.request, row.status, row.ids)

    def finish(self, *, digest: str, status: int, ids: Mapping[str, str]) -> None:
        """Note what the request did.

        Args:
            digest: SHA-256 of its key, hexadecimal.
            status: The HTTP status of its answer.
            ids: UUIDs of what it made, by what they are the ids of.
        """
        owner = self._owner()
        with self._recording(self._acting()) as session:
            row = session.get(IdempotencyKeyRow, (owner, digest))
            if row is not None:
                row.status = status
                row.ids = dict(ids)

    def forget(self, *, digest: str) -> None:
        """Forget a key whose request did nothing, so that it can be sent again.

        Args:
            digest: SHA-256 of the key, hexadecimal.
        """
        owner = self._owner()
        with self._recording(self._acting()) as session:
            session.execute(
                delete(IdempotencyKeyRow).where(
                    IdempotencyKeyRow.account_id == owner, IdempotencyKeyRow.digest == digest
                )
            )

    def forget_expired(self, *, now: datetime | None = None) -> int:
        """Forget the keys of everybody that are older than `LASTS`.

        Args:
            now: The moment to compare with, timezone-aware; None for the present.

        Returns:
            The number of keys.
        """
        with self._recording(self._acting()) as session:
            rows = delete(IdempotencyKeyRow).where(_has_expired(now or utc_now()))
            return len(session.execute(rows.returning(IdempotencyKeyRow.digest)).all())

    def _owner(self) -> str:
        """Return whose keys they are: the actor's account, '' where there are no accounts."""
        return self._acting().account_id or ""


def _has_expired(now: datetime) -> ColumnElement[bool]:
    return IdempotencyKeyRow.created_at < now - LASTS
