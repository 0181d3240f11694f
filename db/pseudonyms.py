"""Pseudonyms in place of subjects' labels, for the transactions of somebody who may not see names."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

UNKNOWN = "R-?"
"""Pseudonym of a label that came in after the transaction had begun."""


class Pseudonyms:
    """The pseudonym of each label, and back."""

    def __init__(self, by_label: Mapping[str, str]) -> None:
        """Take the pseudonyms by their labels."""
        self._by_label = dict(by_label)
        self._labels = {pseudonym: label for label, pseudonym in by_label.items()}

    def pseudonym(self, label: str) -> str:
        """Return the pseudonym of a label.

        Args:
            label: A subject's label.
        """
        return self._by_label.get(label, UNKNOWN)

    def label(self, pseudonym: str) -> str:
        """Return the label of a pseudonym; of any other text, one that no subject has.

        Args:
            pseudonym: What the reader calls the subject.
        """
        return self._labels.get(pseudonym, "")


_pseudonyms: ContextVar[Pseudonyms | None] = ContextVar("pseudonyms", default=None)


def current_pseudonyms() -> Pseudonyms | None:
    """Return the pseudonyms of the present transaction; None where labels are shown."""
    return _pseudonyms.get()


@contextmanager
def use_pseudonyms(pseudonyms: Pseudonyms | None) -> Iterator[None]:
    """Show pseudonyms within the block.

    Args:
        pseudonyms: The pseudonyms; None shows labels.
    """
    before = _pseudonyms.set(pseudonyms)
    try:
        yield
    finally:
        _pseudonyms.reset(before)


def new_pseudonym() -> str:
    """Make a pseudonym that says nothing of the person: random, of 40 bits."""
    return f"R-{secrets.token_hex(5).upper()}"
