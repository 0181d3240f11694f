"""Passwords of accounts: kept as Argon2id hashes (RFC 9106), refused where they are easily guessed."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from fer_phq.core.errors import SettingsError
from service.access import messages

SHORTEST = 12
"""Characters of the shortest password. NIST SP 800-63B (section 3.1.1.2) asks for length, not for kinds of signs."""
LONGEST = 200
"""Characters of the longest password: hashing takes time."""
DIFFERENT = 5
"""How many different characters a password has at least."""
COST = profiles.RFC_9106_LOW_MEMORY
"""Time, memory and threads that a hash takes: RFC 9106's second choice, 64 MiB."""


def check_password(password: str, name: str) -> None:
    """Refuse a password that is easily guessed.

    Args:
        password: The password.
        name: The account's name.

    Raises:
        SettingsError: It is too short, too long, holds the account's name or few different characters.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise SettingsError(messages.PASSWORD_LENGTH(shortest=SHORTEST, longest=LONGEST))
    if len(set(password)) < DIFFERENT or name.casefold() in password.casefold():
        raise SettingsError(messages.PASSWORD_GUESSED())


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, with its salt and parameters.

    Args:
        password: The password.
    """
    return _hasher().hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Return whether a password is the one of a hash. Without a hash it takes as long, and none matches.

    Args:
        password: The password.
        password_hash: What `hash_password` returned; None for an account that does not exist.
    """
    try:
        return _hasher().verify(password_hash or _hash_of_nobody(), password[:LONGEST]) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(COST)


@cache
def _hash_of_nobody() -> str:
    return hash_password("no account has this password")
