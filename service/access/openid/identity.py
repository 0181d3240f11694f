"""A person of whom a provider of identities has made sure, and what an account is entered under."""

from __future__ import annotations

from dataclasses import dataclass

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message

MAX_ENTRY = 320
"""Characters of the longest entry: an e-mail address."""


@dataclass(frozen=True)
class Identity:
    """A person of whom a provider has made sure.

    Attributes:
        issuer: The provider.
        subject: What it calls the person for ever, and gives to nobody else.
        entry: What the person's account is entered under; None where the provider did not say it, or has not
            verified it.
    """

    issuer: str
    subject: str
    entry: str | None


class IdentityError(FerPhqError):
    """The provider did not make sure of a person, or not well enough.

    Attributes:
        reason: Why, in a word for the audit.
    """

    def __init__(self, message: Message, reason: str) -> None:
        """Take what the person reads, and what the audit says.

        Args:
            message: What the person reads.
            reason: Why, in a word for the audit.
        """
        super().__init__(message)
        self.reason = reason


def entry_of(claim: str, value: str) -> str:
    """Return what is compared of what a provider says: addresses and user names do not differ in capitals alone.

    Other letters than ASCII's stay as they are: some of them become an ASCII letter in small, and would be
    somebody else's address.

    Args:
        claim: The claim that it is, such as `email`.
        value: What the provider says, or the administrator entered.
    """
    text = value.strip()
    return text.lower() if claim in ("email", "preferred_username") and text.isascii() else text
