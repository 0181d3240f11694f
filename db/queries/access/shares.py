"""Which account may see which subject."""

from __future__ import annotations

from sqlalchemy import select

from db.queries.base import Queries, get_row, utc_now
from db.records import ShareRecord
from db.tables import AccountRow, SubjectRow, SubjectShareRow


class ShareQueries(Queries):
    """Sharing of subjects between accounts."""

    def add(self, *, subject_id: str, account_id: str) -> None:
        """Let an account see a subject; nothing changes where it does already.

        Args:
            subject_id: The subject's UUID.
            account_id: The account's UUID.

        Raises:
            ForbiddenError: The actor may not change anything.
            NotFoundError: There is no such subject, or no such account.
        """
        with self._writing() as session:
            get_row(session, SubjectRow, subject_id)
            get_row(session, AccountRow, account_id)
            if session.get(SubjectShareRow, (subject_id, account_id)) is None:
                row = SubjectShareRow(subject_id=subject_id, account_id=account_id, owner=False, at=utc_now())
                session.add(row)
                self._audit(session, "share", "subject", subject_id, f"account {account_id}")

    def remove(self, *, subject_id: str, account_id: str) -> None:
        """Let an account see a subject no more, where it did.

        Args:
            subject_id: The subject's UUID.
            account_id: The account's UUID.

        Raises:
            ForbiddenError: The actor may not change anything.
            NotFoundError: There is no such subject.
        """
        with self._writing() as session:
            get_row(session, SubjectRow, subject_id)
            row = session.get(SubjectShareRow, (subject_id, account_id))
            if row is not None:
                session.delete(row)
                self._audit(session, "unshare", "subject", subject_id, f"account {account_id}")

    def list_of(self, *, subject_id: str) -> list[ShareRecord]:
        """List the accounts that may see a subject, besides administrators and researchers.

        Raises:
            NotFoundError: There is no such subject.
        """
        query = (
            select(SubjectShareRow, AccountRow.name)
            .join(AccountRow, AccountRow.id == SubjectShareRow.account_id)
            .where(SubjectShareRow.subject_id == subject_id)
            .order_by(SubjectShareRow.owner.desc(), AccountRow.key)
        )
        with self._reading() as session:
            get_row(session, SubjectRow, subject_id)
            return [
                ShareRecord(account_id=row.account_id, account=name, owner=row.owner, at=row.at)
                for row, name in session.execute(query)
            ]
