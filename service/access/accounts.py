"""Accounts and tokens as an administrator manages them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db.actors import Role
from db.records import AccountRecord, TokenRecord
from db.store import Store
from fer_phq.core.errors import SettingsError
from service.access import messages
from service.access.control import SCOPES, new_token
from service.access.passwords import check_password, hash_password

MOST_DAYS = 366
"""Days that a token lasts at most."""


def read_role(text: str) -> Role:
    """Return a role by its name.

    Args:
        text: The name.

    Raises:
        SettingsError: There is no such role.
    """
    try:
        return Role(text.strip().lower())
    except ValueError:
        roles = tuple(str(role) for role in Role)
        raise SettingsError(messages.UNKNOWN_ROLE(role=text, roles=roles)) from None


def add_account(store: Store, name: str, role: Role, password: str) -> AccountRecord:
    """Add an account.

    Args:
        store: The store, acting for an administrator.
        name: What the person is called.
        role: What the person may do.
        password: The password.

    Raises:
        SettingsError: The password is easily guessed, or the first account is no administrator's.
        StoreError: The name cannot be used.
    """
    check_password(password, name)
    if role is not Role.ADMINISTRATOR and not store.accounts.exist():
        raise SettingsError(messages.FIRST_ADMINISTRATOR())
    return store.accounts.create(name=name, role=role, password=hash_password(password))


def change_password(store: Store, name: str, password: str) -> None:
    """Give an account another password; every login of it ends.

    Args:
        store: The store, acting for an administrator.
        name: The account's name.
        password: The password.

    Raises:
        SettingsError: The password is easily guessed.
        NotFoundError: There is no such account.
    """
    check_password(password, name)
    store.accounts.set_password(name=name, password=hash_password(password))


def create_token(store: Store, account: str, name: str, scopes: tuple[str, ...], days: int) -> tuple[str, TokenRecord]:
    """Create a token for a program.

    Args:
        store: The store, acting for an administrator.
        account: Name of the account whose rights it has.
        name: What it is for.
        scopes: What it may be used for, of `SCOPES`.
        days: How long it lasts.

    Returns:
        The token, which nobody can read again, and its record.

    Raises:
        SettingsError: A scope or the number of days cannot be used.
        NotFoundError: There is no such account.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise SettingsError(messages.UNKNOWN_SCOPE(scope=scope, scopes=SCOPES))
    if not 1 <= days <= MOST_DAYS:
        raise SettingsError(messages.DAYS(most=MOST_DAYS))
    owner = store.accounts.get(name=account)
    token, digest = new_token()
    record = store.tokens.create(
        account_id=owner.id,
        name=name,
        digest=digest,
        scopes=scopes,
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    return token, record


def revoke_token(store: Store, token: str) -> TokenRecord:
    """End a token now.

    Args:
        store: The store, acting for an administrator.
        token: The token's id, or its beginning where that is of one token alone.

    Raises:
        SettingsError: There is no such token, or several begin so.
    """
    matching = [record for record in store.tokens.list_all() if record.id.startswith(token)]
    if len(matching) != 1 or not token:
        raise SettingsError(messages.NO_TOKEN(token=token))
    store.tokens.revoke(token_id=matching[0].id)
    return matching[0]
