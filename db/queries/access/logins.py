"""Logins in browsers, and the failed ones that limit the next."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from db.queries.access.accounts import account_record
from db.queries.base import Queries, get_row, utc_now
from db.records import AccountRecord
from db.tables import AccountRow, AttemptRow, LoginRow

SEEN_EVERY = timedelta(seconds=30)
"""How often a login in use is noted as seen: not at every request."""


class LoginQueries(Queries):
    """Logins, by the digest of the secret in the browser's cookie."""

    def open(self, *, account_id: str, digest: str, lasts: timedelta, origin: str = "", detail: str = "") -> None:
        """Note a login of an account.

        Args:
            account_id: The account's UUID.
            digest: SHA-256 of the cookie's secret, hexadecimal.
            lasts: How long it lasts at most.
            origin: The network address that it came from.
            detail: By what it came, for the audit; empty for a password.

        Raises:
            NotFoundError: There is no such account.
        """
        now = utc_now()
        with self._recording(self._acting()) as session:
            account = get_row(session, AccountRow, account_id)
            session.execute(delete(LoginRow).where(LoginRow.expires_at < now))
            login = LoginRow(
                digest=digest,
                account_id=account_id,
                origin=origin,
                created_at=now,
                seen_at=now,
                expires_at=now + lasts,
            )
            session.add(login)
            self._audit(session, "login", "account", account_id, detail, by=account.name, origin=origin)

    def find(self, *, digest: str, idle: timedelta) -> AccountRecord | None:
        """Load the account of a login, and note that it is in use.

        Args:
            digest: SHA-256 of the cookie's secret, hexadecimal.
            idle: How long a login lasts without being used.

        Returns:
            The account; None where the login does not exist, is over or was unused for too long, or where the account
            is disabled.
        """
        now = utc_now()
        with self._reading() as session:
            row = session.get(LoginRow, digest)
            if row is None or row.expires_at <= now or row.seen_at + idle <= now:
                return None
            account = session.get(AccountRow, row.account_id)
            if account is None or account.disabled_at is not None:
                return None
            record = account_record(account)
            seen_at = row.seen_at
        if now - seen_at > SEEN_EVERY:
            self._note_seen(digest, now)
        return record

    def close(self, *, digest: str) -> None:
        """End a login, where there is one."""
        with self._recording(self._acting()) as session:
            row = session.get(LoginRow, digest)
            if row is not None:
                account = get_row(session, AccountRow, row.account_id)
                self._audit(session, "logout", "account", row.account_id, by=account.name, origin=row.origin)
                session.delete(row)

    def add_failure(self, *, keys: tuple[str, ...], origin: str = "", detail: str = "") -> None:
        """Note a failed login.

        Args:
            keys: Digests of what it was tried with: the name, the address.
            origin: The network address that it came from.
            detail: Why it failed, for the audit; empty for a wrong name or password.
        """
        now = utc_now()
        with self._recording(self._acting()) as session:
            session.add_all([AttemptRow(key=key, at=now) for key in keys])
            session.execute(delete(AttemptRow).where(AttemptRow.at < now - timedelta(days=1)))
            self._audit(session, "refuse", "login", keys[0][:16], detail, origin=origin)

    def count_failures(self, *, key: str, since: datetime) -> int:
        """Count the failed logins with a name or from an address.

        Args:
            key: Digest of the name or the address.
            since: From when on they count.
        """
        query = select(func.count()).where(AttemptRow.key == key, AttemptRow.at >= since)
        with self._reading() as session:
            return session.scalar(query) or 0

    def clear_failures(self, *, key: str) -> None:
        """Forget the failed logins with a name, after one that worked.

        Args:
            key: Digest of the name.
        """
        with self._recording(self._acting()) as session:
            session.execute(delete(AttemptRow).where(AttemptRow.key == key))

    def _note_seen(self, digest: str, now: datetime) -> None:
        with self._recording(self._acting()) as session:
            row = session.get(LoginRow, digest)
            if row is not None:
                row.seen_at = now
