"""Wall time of an analysis by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from fer_phq.core.analysis import Timing

STAGES = ("decode", "detect", "embed", "heads", "listen", "behaviour")
"""The fields of `Timing` that are seconds."""


class StageTimer:
    """Adds up the wall seconds of each stage, of all threads that work on it."""

    def __init__(self) -> None:
        """Start at zero."""
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = Lock()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time inside the `with` to a stage, named as a field of `Timing`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - started
            with self._lock:
                self._seconds[stage] += passed

    def timing(self, device: str, precision: str) -> Timing:
        """Return the seconds so far, rounded to the millisecond.

        Args:
            device: What found and embedded the faces.
            precision: What the emotion network computed in.
        """
        return Timing(**{stage: round(self._seconds[stage], 3) for stage in STAGES}, device=device, precision=precision)
