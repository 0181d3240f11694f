"""Figures with their spread, and tables of them in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Spread:
    """What repetitions gave: median, lowest and highest."""

    median: float
    low: float
    high: float

    def text(self, scale: float = 1.0, digits: int = 1) -> str:
        """Return the median with the range in brackets, of values times `scale`."""
        values = (f"{value * scale:,.{digits}f}" for value in (self.median, self.low, self.high))
        return "{} ({} to {})".format(*values)


def spread(values: Sequence[float]) -> Spread:
    """Return median and range of repetitions."""
    return Spread(float(np.median(values)), float(min(values)), float(max(values)))


def markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def timed(call: Callable[[], object], repetitions: int) -> Spread:
    """Call again and again, after a first time that does not count, and return the seconds of a call."""
    from time import perf_counter

    call()
    seconds = []
    for _ in range(repetitions):
        begin = perf_counter()
        call()
        seconds.append(perf_counter() - begin)
    return spread(seconds)


def plain(value: Any) -> Any:
    """Return spreads within a document as dictionaries, as JSON takes them."""
    if isinstance(value, Spread):
        return asdict(value)
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value
