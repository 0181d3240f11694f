"""The store of the installation, as the command line opens it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from db.actors import Actor
from service.settings import AppSettings, load_settings

if TYPE_CHECKING:
    from db.store import Store

PROGRAM = "cli"


@contextmanager
def open_store(settings: AppSettings | None = None) -> Iterator[Store]:
    """Migrate and open the store; who uses the command line may do everything, under the name of the system's user.

    Args:
        settings: The installation; None for the environment's.

    Raises:
        FerPhqError: The data folder or the database cannot be used.
    """
    from db.migrate import upgrade
    from db.store import Store

    active = settings if settings is not None else load_settings()
    active.prepare()
    upgrade(active.database_url)
    with Store(active.database_url, actor=command_line_actor) as store:
        yield store


def command_line_actor() -> Actor:
    """Return who uses the command line: the system's user, who may do everything."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        name = ""
    return Actor(PROGRAM, name)
