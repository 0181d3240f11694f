"""Access control: who is behind a request, by the login in its cookie or by its token."""

from __future__ import annotations

import functools
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from db.actors import Actor, Role
from db.queries.access.accounts import account_key
from db.records import AccountRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.access import messages
from service.access.openid.identity import Identity, IdentityError
from service.access.passwords import matches
from service.settings import AppSettings

COOKIE = "ferphq_login"
"""Name of the cookie that holds the secret of a login."""
TOKEN_PREFIX = "ferphq_"
"""What every token of a program begins with, so that a scan for secrets finds one that leaked."""
FAILURES_OF_NAME = 5
"""Failed logins with one name within `FAILURE_WINDOW` after which the next are refused."""
FAILURES_OF_ADDRESS = 30
"""Failed logins from one address within `FAILURE_WINDOW` after which the next are refused."""
FAILURE_WINDOW = timedelta(minutes=15)
REMEMBER_S = 2.0
"""How long an answer of the store is remembered: a login that ended is refused within that time."""
SCOPES = ("read", "upload", "write", "administer")
"""What a token may be used for."""

request_actor: ContextVar[Actor | None] = ContextVar("request_actor", default=None)
"""Who is behind the request that is being answered; None where nobody asked over HTTP."""


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let what is done within the block be done by an actor.

    Args:
        actor: The actor.
    """
    before = request_actor.set(actor)
    try:
        yield
    finally:
        request_actor.reset(before)


class LoginError(FerPhqError):
    """Name or password are wrong, or were wrong too often."""


@dataclass(frozen=True)
class Visitor:
    """Who is behind a request.

    Attributes:
        account: The account; None for a visitor who is not logged in.
        actor: Who acts, for the store.
        needs_login: Whether the installation has accounts.
        scopes: What the request's token may be used for; None where a person logged in.
    """

    account: AccountRecord | None
    actor: Actor
    needs_login: bool
    scopes: tuple[str, ...] | None = None


class AccessControl:
    """The accounts of an installation, their logins and tokens."""

    def __init__(self, settings: AppSettings, store: Store, program: str = "dashboard") -> None:
        """Take the installation.

        Args:
            settings: The installation.
            store: The store, opened as a program that may do everything.
            program: The program, as the audit names it.
        """
        self._settings = settings
        self._store = store
        self._program = program
        self._memory: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the store's connections back."""
        self._store.close()

    def has_accounts(self) -> bool:
        """Return whether somebody has to log in."""
        return bool(self._remember("accounts", self._store.accounts.exist))

    def log_in(self, name: str, password: str, origin: str) -> str:
        """Open a login.

        Args:
            name: The account's name.
            password: Its password.
            origin: The address that asks.

        Returns:
            The login's secret, for the cookie.

        Raises:
            LoginError: Name or password are wrong, or were wrong too often; it does not say which.
        """
        keys = (_digest(f"name {account_key(name)}"), _digest(f"address {origin}"))
        self._refuse_after(FAILURES_OF_NAME, keys[0])
        self._refuse_after(FAILURES_OF_ADDRESS, keys[1])
        account, password_hash = self._store.accounts.password_of(name=name) or (None, None)
        if not matches(password, password_hash) or account is None:
            self._store.logins.add_failure(keys=keys, origin=origin)
            raise LoginError(messages.WRONG_LOGIN())
        self._store.logins.clear_failures(key=keys[0])
        return self._open(account, origin)

    def log_in_by_provider(self, identify: Callable[[], Identity], origin: str) -> str:
        """Open a login of somebody of whom the provider of identities makes sure.

        Failures are counted apart from those with passwords, so that neither way in closes the other.

        Args:
            identify: Asks the provider.
            origin: The address that asks.

        Returns:
            The login's secret, for the cookie.

        Raises:
            LoginError: There is no open account for the person, or this failed too often.
            IdentityError: The provider does not make sure of the person.
        """
        address = _digest(f"provider {origin}")
        self._refuse_after(FAILURES_OF_ADDRESS, address)
        try:
            identity = identify()
        except IdentityError as error:
            self._store.logins.add_failure(keys=(address,), origin=origin, detail=f"openid, {error.reason}")
            raise
        person = _digest(f"identity {identity.issuer} {identity.subject}")
        self._refuse_after(FAILURES_OF_NAME, person)
        account = self._store.accounts.recognise(
            issuer=identity.issuer, subject=identity.subject, identity=identity.entry
        )
        if account is None:
            self._store.logins.add_failure(keys=(person, address), origin=origin, detail="openid, no account")
            raise LoginError(messages.NO_ACCOUNT_OF_PERSON())
        self._store.logins.clear_failures(key=person)
        return self._open(account, origin, "openid")

    def note_forgery(self, origin: str) -> None:
        """Note in the audit an answer of the provider that is of no login of the browser that brings it.

        Another site can lead a browser here with one, so that it counts against nobody's logins, and after a few no
        more is noted.

        Args:
            origin: The address that it came from.
        """
        key = _digest(f"forgery {origin}")
        if self._failures(key) < FAILURES_OF_ADDRESS:
            self._store.logins.add_failure(keys=(key,), origin=origin, detail="openid, state")

    def note_refusal(self, visitor: Visitor, reason: str) -> None:
        """Note in the audit that a program's request was refused; after a few of a source no more is noted.

        Args:
            visitor: Who asked.
            reason: What was refused, without anything that the request says.
        """
        actor = visitor.actor
        key = _digest(f"refusal {actor.account_id or actor.origin}")
        if self._failures(key) < FAILURES_OF_ADDRESS:
            detail = f"{reason}, account {actor.account_id}" if actor.account_id else reason
            self._store.logins.add_failure(keys=(key,), origin=actor.origin, detail=detail)

    def _open(self, account: AccountRecord, origin: str, detail: str = "") -> str:
        """Open a login, and return its secret."""
        secret = secrets.token_urlsafe(32)
        lasts = timedelta(hours=self._settings.login_hours)
        digest = _digest(secret)
        self._store.logins.open(account_id=account.id, digest=digest, lasts=lasts, origin=origin, detail=detail)
        return secret

    def _failures(self, key: str) -> int:
        return self._store.logins.count_failures(key=key, since=datetime.now(UTC) - FAILURE_WINDOW)

    def _refuse_after(self, most: int, key: str) -> None:
        """Refuse a login after too many that failed."""
        if self._failures(key) >= most:
            minutes = round(FAILURE_WINDOW.total_seconds() / 60)
            raise LoginError(messages.TOO_MANY_FAILURES(minutes=minutes))

    def log_out(self, secret: str) -> None:
        """End a login.

        Args:
            secret: The login's secret; one that is over or unknown changes nothing.
        """
        digest = _digest(secret)
        self._store.logins.close(digest=digest)
        with self._lock:
            self._memory.pop(digest, None)

    def account(self, secret: str | None) -> AccountRecord | None:
        """Return the account of a login; None without one, or where it is over.

        Args:
            secret: The login's secret from the cookie; None without a cookie.
        """
        if not secret:
            return None
        digest = _digest(secret)
        idle = timedelta(minutes=self._settings.login_idle_minutes)
        find = functools.partial(self._store.logins.find, digest=digest, idle=idle)
        account: AccountRecord | None = self._remember(digest, find)
        return account

    def visitor(self, secret: str | None, authorization: str, origin: str) -> Visitor:
        """Return who is behind a request, for the guard at once.

        Args:
            secret: The login's secret from the cookie; None without a cookie.
            authorization: The `Authorization` header; '' without one.
            origin: The address that asks.
        """
        account, scopes = self._identify(secret, authorization)
        return Visitor(account, self.actor(account, origin), self.has_accounts(), scopes)

    def _identify(self, secret: str | None, authorization: str) -> tuple[AccountRecord | None, tuple[str, ...] | None]:
        """Return the account and, of a token, its scopes."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX):
            match = self._store.tokens.find(digest=_digest(token.strip()))
            return (None, None) if match is None else match
        return self.account(secret), None

    def actor(self, account: AccountRecord | None, origin: str) -> Actor:
        """Return who acts, for the store.

        Args:
            account: The account; None for a visitor who is not logged in.
            origin: The address that asks.

        Returns:
            The account's actor. Without an account: one that may do everything where there are no accounts, and one
            that sees nothing where there are.
        """
        if account is not None:
            return Actor(self._program, account.name, origin, account.id, account.role)
        if self.has_accounts():
            return Actor(self._program, "", origin, "", Role.VIEWER)
        return Actor(self._program, "", origin)

    def _remember(self, key: str, load: Callable[[], Any]) -> Any:
        now = time.monotonic()
        with self._lock:
            at, answer = self._memory.get(key, (-REMEMBER_S, None))
            if now - at < REMEMBER_S:
                return answer
        answer = load()
        with self._lock:
            if len(self._memory) > 1000:
                self._memory.clear()
            self._memory[key] = (now, answer)
        return answer


def new_token() -> tuple[str, str]:
    """Make a token for a program, and its digest for the store."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return token, _digest(token)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
