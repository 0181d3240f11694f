"""Wall time of an analysis by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from fer_phq.core.analysis import Timing


class StageTimer:
    """Adds up the wall seconds of each stage."""

    def __init__(self) -> None:
        """Start at zero."""
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time inside the `with` to a stage, named as a field of `Timing`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[stage] += time.perf_counter() - started

    def timing(self) -> Timing:
        """Return the seconds so far, rounded to the millisecond."""
        return Timing(**{stage.name: round(self._seconds[stage.name], 3) for stage in fields(Timing)})
