"""Times as tables of other programs write them."""

from __future__ import annotations

import re

from fer_phq.annotations import messages
from fer_phq.annotations.readers.files import UnusableFile

_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,15})?(?:[eE]-?\d{1,2})?", re.ASCII)
_WITH_COMMA = re.compile(r"-?\d{1,12},\d{1,15}", re.ASCII)
_CLOCK = re.compile(r"(-?)(\d{1,4}):([0-5]?\d):([0-5]?\d(?:\.\d{1,9})?)", re.ASCII)


def seconds(cell: str, line: int) -> float:
    """Read a time: seconds, or hours:minutes:seconds.

    Args:
        cell: As the table has it.
        line: Its line, from 1.

    Raises:
        UnusableFile: It is neither, or has a comma: 1,500 may be 1.5 or 1500.
    """
    if _NUMBER.fullmatch(cell):
        return float(cell)
    clock = _CLOCK.fullmatch(cell)
    if clock:
        sign, hours, minutes, rest = clock.groups()
        time_s = 3600 * int(hours) + 60 * int(minutes) + float(rest)
        return -time_s if sign else time_s
    if _WITH_COMMA.fullmatch(cell):
        raise UnusableFile(messages.COMMA(line=line, cell=cell))
    raise UnusableFile(messages.NOT_A_TIME(line=line, cell=cell[:40]))
