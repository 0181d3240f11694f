"""Face tracks as they are named on the command line."""

from __future__ import annotations

from fer_phq.core.errors import SettingsError
from service.cli import messages

TRACK_IDS = "ID[,ID...]"
"""What the help calls them."""


def parse_tracks(text: str) -> tuple[int, ...]:
    """Read ids of face tracks, separated by commas.

    Args:
        text: Such as "0,3".

    Raises:
        SettingsError: It is anything else.
    """
    ids = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in ids):
        raise SettingsError(messages.NO_TRACK_IDS(text=text))
    return tuple(int(part) for part in ids)
