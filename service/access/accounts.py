"""Accounts and tokens as an administrator manages them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db.actors import Role
from db.records import AccountRecord, TokenRecord
from db.store import Store
from fer_phq.core.errors import SettingsError
from fer_phq.core.paths import printable
from service.access import messages
from service.access.control import SCOPES, new_token
from service.access.openid.identity import MAX_ENTRY, entry_of
from service.access.openid.registration import Registration
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


def add_account_of_provider(
    store: Store, name: str, role: Role, identity: str, registration: Registration | None
) -> AccountRecord:
    """Add an account of a person who logs in with the provider of identities.

    Args:
        store: The store, acting for an administrator.
        name: What the person is called.
        role: What the person may do.
        identity: What the provider calls the person.
        registration: How the installation is registered with the provider; None where it is not.

    Raises:
        SettingsError: There is no provider, the identity cannot be used, or the first account is no administrator's.
        StoreError: The name cannot be used, or the identity is another account's.
    """
    entry = _checked_entry(identity, registration)
    if role is not Role.ADMINISTRATOR and not store.accounts.exist():
        raise SettingsError(messages.FIRST_ADMINISTRATOR())
    return store.accounts.create(name=name, role=role, identity=entry)


def change_to_provider(store: Store, name: str, identity: str, registration: Registration | None) -> AccountRecord:
    """Let an account log in with the provider of identities alone; its password goes, every login of it ends.

    Args:
        store: The store, acting for an administrator.
        name: The account's name.
        identity: What the provider calls the person.
        registration: How the installation is registered with the provider; None where it is not.

    Raises:
        SettingsError: There is no provider, or the identity cannot be used.
        NotFoundError: There is no such account.
        StoreError: The identity is another account's.
    """
    return store.accounts.set_identity(name=name, identity=_checked_entry(identity, registration))


def _checked_entry(identity: str, registration: Registration | None) -> str:
    """Return what an account is entered under.

    Raises:
        SettingsError: There is no provider, or the provider cannot say this.
    """
    if registration is None:
        raise SettingsError(messages.OIDC_MISSING())
    claim = registration.claim
    entry = entry_of(claim, identity)
    is_address = entry.count("@") == 1 and not entry.startswith("@") and not entry.endswith("@") and " " not in entry
    if not 0 < len(entry) <= MAX_ENTRY or not entry.isprintable() or (claim == "email" and not is_address):
        raise SettingsError(messages.OIDC_ENTRY(entry=printable(identity[:MAX_ENTRY]), claim=claim))
    return entry


def change_password(store: Store, name: str, password: str) -> None:
    """Give an account another password, with which alone it logs in from now on; every login of it ends.

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
