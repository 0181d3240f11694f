"""Who acts on the store: a program, and the account of the person behind it where the installation has accounts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an account may do.

    A viewer reads the subjects that are shared with it. A clinician also changes them and adds subjects. A researcher
    reads every subject under a pseudonym, without recordings, pictures, notes and words. An administrator does
    everything and manages accounts.
    """

    VIEWER = "viewer"
    CLINICIAN = "clinician"
    RESEARCHER = "researcher"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Actor:
    """Who acts.

    Attributes:
        program: The program, such as `cli`, `dashboard` or `worker`.
        name: The person's name; empty where nobody is named.
        origin: Where from: a network address, or empty for this machine.
        account_id: The person's account; None without accounts.
        role: The account's role; None for an installation of one person, who may do everything.
    """

    program: str
    name: str = ""
    origin: str = ""
    account_id: str | None = None
    role: Role | None = None

    @property
    def changes(self) -> bool:
        """Whether the actor may change what is stored."""
        return self.role in (None, Role.CLINICIAN, Role.ADMINISTRATOR)

    @property
    def administers(self) -> bool:
        """Whether the actor may manage accounts, settings and models, and read the audit."""
        return self.role in (None, Role.ADMINISTRATOR)

    @property
    def sees_everybody(self) -> bool:
        """Whether the actor sees every subject, not only those of its own and shared ones."""
        return self.role in (None, Role.RESEARCHER, Role.ADMINISTRATOR)

    @property
    def sees_names(self) -> bool:
        """Whether the actor sees subjects' labels, recordings and free texts; a researcher sees pseudonyms."""
        return self.role is not Role.RESEARCHER
