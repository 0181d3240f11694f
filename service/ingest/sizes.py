"""Numbers of bytes as a person reads them."""

from __future__ import annotations

from fer_phq.core.messages import Message
from service.ingest import messages
from service.settings import GIB, MIB

KIB = 1024


def size_message(size: int) -> Message:
    """Return a number of bytes in the largest unit that fits: '8 GiB', '300 MiB', '1.5 KiB'.

    Args:
        size: Bytes, not negative.
    """
    if size >= GIB:
        return messages.GIBIBYTES(amount=round(size / GIB, 1))
    if size >= MIB:
        return messages.MEBIBYTES(amount=round(size / MIB, 1))
    return messages.KIBIBYTES(amount=round(size / KIB, 1))
