"""Tokens of programs: what a program shows instead of a person's password."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from db import messages
from db.queries.access.accounts import account_record
from db.queries.base import Queries, get_row, new_id, one_line, stored, utc_now
from db.records import AccountRecord, TokenRecord
from db.tables import AccountRow, ApiTokenRow

MAX_NAME = 100


class TokenQueries(Queries):
    """Tokens, of which only the digest is kept."""

    def create(
        self, *, account_id: str, name: str, digest: str, scopes: Collection[str], expires_at: datetime
    ) -> TokenRecord:
        """Create a token.

        Args:
            account_id: The account whose rights the token has, within its scopes.
            name: What the token is for: one line of 1 to 100 characters.
            digest: SHA-256 of the token, hexadecimal.
            scopes: What it may be used for.
            expires_at: When it ends.

        Raises:
            ForbiddenError: The actor is no administrator.
            NotFoundError: There is no such account.
            StoreError: The name is empty, too long, or not one line.
        """
        self._refuse_others()
        row = ApiTokenRow(
            id=new_id(),
            account_id=account_id,
            name=one_line(name, MAX_NAME, messages.A_TOKEN_NAME()),
            digest=digest,
            scopes=" ".join(sorted(scopes)),
            created_at=utc_now(),
            expires_at=expires_at,
            revoked_at=None,
            used_at=None,
        )
        with self._writing() as session:
            account = get_row(session, AccountRow, account_id)
            session.add(row)
            self._audit(session, "create", "token", row.id, f"account {account_id}, {row.scopes}")
            return _record(stored(session, row), account.name)

    def list_all(self) -> list[TokenRecord]:
        """List the tokens, newest first.

        Raises:
            ForbiddenError: The actor is no administrator.
        """
        self._refuse_others()
        query = select(ApiTokenRow, AccountRow.name).join(AccountRow, AccountRow.id == ApiTokenRow.account_id)
        with self._reading() as session:
            rows = session.execute(query.order_by(ApiTokenRow.created_at.desc())).all()
            return [_record(row, name) for row, name in rows]

    def revoke(self, *, token_id: str) -> None:
        """End a token now.

        Raises:
            ForbiddenError: The actor is no administrator.
            NotFoundError: There is no such token.
        """
        self._refuse_others()
        with self._writing() as session:
            row = get_row(session, ApiTokenRow, token_id, lock=True)
            if row.revoked_at is None:
                row.revoked_at = utc_now()
                self._audit(session, "revoke", "token", token_id)

    def find(self, *, digest: str) -> tuple[AccountRecord, tuple[str, ...]] | None:
        """Load the account and the scopes of a token, and note that it was used.

        Args:
            digest: SHA-256 of the token, hexadecimal.

        Returns:
            Account and scopes; None where there is no such token, it ended or was revoked, or the account is disabled.
        """
        now = utc_now()
        with self._recording(self._acting()) as session:
            row = session.scalar(select(ApiTokenRow).where(ApiTokenRow.digest == digest))
            if row is None or row.revoked_at is not None or row.expires_at <= now:
                return None
            account = session.get(AccountRow, row.account_id)
            if account is None or account.disabled_at is not None:
                return None
            row.used_at = now
            return account_record(account), tuple(row.scopes.split())


def _record(row: ApiTokenRow, account: str) -> TokenRecord:
    return TokenRecord(
        id=row.id,
        account_id=row.account_id,
        account=account,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )
