"""Accounts: the people who may log in, and their roles."""

from __future__ import annotations

import unicodedata

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from db import messages
from db.actors import Role
from db.engine import ConflictError
from db.queries.base import Queries, get_row, new_id, one_line, stored, utc_now
from db.records import AccountRecord, NotFoundError
from db.tables import AccountRow, ApiTokenRow, AuditNameRow, LoginRow
from fer_phq.core.errors import StoreError

MAX_NAME = 100


class AccountQueries(Queries):
    """Accounts of the installation. Only an administrator changes them."""

    def exist(self) -> bool:
        """Tell whether the installation has accounts: then nobody sees anything without a login."""
        with self._reading() as session:
            return bool(session.scalar(select(func.count()).select_from(AccountRow)))

    def create(
        self, *, name: str, role: Role, password: str | None = None, identity: str | None = None
    ) -> AccountRecord:
        """Create an account.

        Args:
            name: What the person is called: one line of 1 to 100 characters, not used yet in whatever capitals.
            role: What the person may do.
            password: The Argon2 hash of the password; None for a person who logs in with a provider of identities.
            identity: What the provider calls the person, as it will say it; None without one.

        Raises:
            ForbiddenError: The actor is no administrator.
            StoreError: The name is empty, too long, not one line, or taken, or the identity is another account's.
        """
        self._refuse_others()
        cleaned = one_line(name, MAX_NAME, messages.AN_ACCOUNT_NAME())
        row = AccountRow(
            id=new_id(),
            name=cleaned,
            key=account_key(cleaned),
            role=str(role),
            password=password,
            identity=identity,
            issuer=None,
            subject=None,
            created_at=utc_now(),
            disabled_at=None,
        )
        try:
            with self._writing() as session:
                _refuse_identity(session, row)
                session.add(row)
                session.add(AuditNameRow(id=row.id, name=cleaned))
                self._audit(session, "create", "account", row.id, str(role))
                return account_record(stored(session, row))
        except ConflictError:
            raise StoreError(messages.DUPLICATE_ACCOUNT(name=cleaned)) from None

    def list_all(self) -> list[AccountRecord]:
        """List the accounts by name.

        Raises:
            ForbiddenError: The actor is no administrator.
        """
        self._refuse_others()
        with self._reading() as session:
            return [account_record(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.key))]

    def get(self, *, name: str) -> AccountRecord:
        """Load the account with a name, whatever its capitals.

        Raises:
            NotFoundError: There is none.
        """
        with self._reading() as session:
            return account_record(_by_name(session, name))

    def password_of(self, *, name: str) -> tuple[AccountRecord, str] | None:
        """Load an account with the hash of its password; None where it does not exist, is disabled or has none."""
        query = select(AccountRow).where(AccountRow.key == account_key(name), AccountRow.disabled_at.is_(None))
        with self._reading() as session:
            row = session.scalar(query)
            return None if row is None or row.password is None else (account_record(row), row.password)

    def recognise(self, *, issuer: str, subject: str, identity: str | None) -> AccountRecord | None:
        """Load the account of a person of whom a provider of identities has made sure.

        The first login binds the account to the provider's subject. From then on this alone counts: an address that
        the provider gives to somebody else opens nothing.

        Args:
            issuer: The provider.
            subject: What it calls the person for ever.
            identity: What the account is entered under; None where the provider did not make sure of it.

        Returns:
            The account; None where there is none, it is disabled, or it is somebody else's.
        """
        with self._recording(self._acting()) as session:
            bound = select(AccountRow.id).where(AccountRow.issuer == issuer, AccountRow.subject == subject)
            row_id = session.scalar(bound)
            if row_id is None and identity is not None:
                unbound = select(AccountRow.id).where(AccountRow.identity == identity, AccountRow.subject.is_(None))
                row_id = session.scalar(unbound)
            row = None if row_id is None else get_row(session, AccountRow, row_id, lock=True)
            if row is None or row.disabled_at is not None:
                return None
            if row.subject is None:
                row.issuer = issuer
                row.subject = subject
                self._audit(session, "bind", "account", row.id, by=row.name)
            return account_record(row) if (row.issuer, row.subject) == (issuer, subject) else None

    def set_identity(self, *, name: str, identity: str) -> AccountRecord:
        """Let an account log in with a provider of identities, and no more with a password; every login of it ends.

        Args:
            name: The account's name.
            identity: What the provider calls the person.

        Raises:
            ForbiddenError: The actor is no administrator.
            NotFoundError: There is no such account.
            StoreError: The identity is another account's.
        """
        self._refuse_others()
        with self._writing() as session:
            row = _by_name(session, name)
            row.identity = identity
            row.password = None
            row.issuer = None
            row.subject = None
            _refuse_identity(session, row)
            session.execute(delete(LoginRow).where(LoginRow.account_id == row.id))
            self._audit(session, "set_identity", "account", row.id)
            return account_record(stored(session, row))

    def set_password(self, *, name: str, password: str) -> None:
        """Give an account another password, with which alone it logs in from now on; every login of it ends.

        Args:
            name: The account's name.
            password: The Argon2 hash.

        Raises:
            ForbiddenError: The actor is no administrator.
            NotFoundError: There is no such account.
        """
        self._refuse_others()
        with self._writing() as session:
            row = _by_name(session, name)
            row.password = password
            row.identity = None
            row.issuer = None
            row.subject = None
            session.execute(delete(LoginRow).where(LoginRow.account_id == row.id))
            self._audit(session, "set_password", "account", row.id)

    def set_role(self, *, name: str, role: Role) -> AccountRecord:
        """Give an account another role.

        Args:
            name: The account's name.
            role: What the person may do from now on.

        Raises:
            ForbiddenError: The actor is no administrator.
            NotFoundError: There is no such account.
            StoreError: It is the last administrator's.
        """
        self._refuse_others()
        with self._writing() as session:
            row = _by_name(session, name)
            _refuse_last(session, row, stays=role is Role.ADMINISTRATOR)
            row.role = str(role)
            self._audit(session, "set_role", "account", row.id, str(role))
            return account_record(stored(session, row))

    def set_disabled(self, *, name: str, disabled: bool) -> AccountRecord:
        """Close or open an account. Closing it ends its logins and revokes its tokens.

        Args:
            name: The account's name.
            disabled: Whether the person may log in no more.

        Raises:
            ForbiddenError: The actor is no administrator.
            NotFoundError: There is no such account.
            StoreError: It is the last administrator's.
        """
        self._refuse_others()
        with self._writing() as session:
            row = _by_name(session, name)
            if disabled:
                _refuse_last(session, row, stays=False)
                session.execute(delete(LoginRow).where(LoginRow.account_id == row.id))
                tokens = select(ApiTokenRow).where(ApiTokenRow.account_id == row.id, ApiTokenRow.revoked_at.is_(None))
                for token in session.scalars(tokens):
                    token.revoked_at = utc_now()
            row.disabled_at = utc_now() if disabled else None
            self._audit(session, "disable" if disabled else "enable", "account", row.id)
            return account_record(stored(session, row))


def account_key(name: str) -> str:
    """Return a name as accounts are told apart: composed (NFKC), in small letters, without spaces around it."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()


def account_record(row: AccountRow) -> AccountRecord:
    """Return an account without its password.

    Args:
        row: The account's row.
    """
    return AccountRecord(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        identity=row.identity,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )


def _by_name(session: Session, name: str) -> AccountRow:
    row_id = session.scalar(select(AccountRow.id).where(AccountRow.key == account_key(name)))
    if row_id is None:
        raise NotFoundError(messages.NO_ACCOUNT(name=name[:MAX_NAME]))
    return get_row(session, AccountRow, row_id, lock=True)


def _refuse_identity(session: Session, row: AccountRow) -> None:
    """Refuse an identity that is another account's."""
    if row.identity is None:
        return
    same = select(AccountRow.id).where(AccountRow.identity == row.identity, AccountRow.id != row.id)
    with session.no_autoflush:
        if session.scalar(same) is not None:
            raise StoreError(messages.DUPLICATE_IDENTITY(identity=row.identity))


def _refuse_last(session: Session, row: AccountRow, *, stays: bool) -> None:
    """Refuse what would leave an installation with accounts and nobody who may manage them."""
    query = select(func.count()).where(
        AccountRow.role == str(Role.ADMINISTRATOR), AccountRow.disabled_at.is_(None), AccountRow.id != row.id
    )
    if not stays and row.role == Role.ADMINISTRATOR and not session.scalar(query):
        raise StoreError(messages.LAST_ADMINISTRATOR(name=row.name))
