"""Which workers live, judged by whether their signs of life go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from db.records import WorkerRecord

LOOKS = 3
"""Looks without a new sign of life, at least, after which a worker counts as dead."""


class LifeSigns:
    """What one process has seen of the workers' signs of life.

    A sign carries the time of the database's clock, which may jump. So it counts only whether the sign is another than
    at the look before, and silence is measured by this process's own steady clock. A look adds a third of
    the time-out at most: silence while this process, or the database, was away itself is nobody's death.
    """

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without knowing anybody.

        Args:
            timeout_s: Seconds of silence after which a worker counts as dead.
            clock: Returns seconds that never go back.
        """
        self._timeout_s = timeout_s
        self._clock = clock
        self._looked_at = clock()
        self._signs: dict[str, tuple[datetime, int]] = {}
        self._silences: dict[str, float] = {}

    def living(self, workers: Iterable[WorkerRecord]) -> set[str]:
        """Look at the workers, and return the ids of those that live. Who is seen for the first time does.

        Args:
            workers: All workers that the store lists.
        """
        now = self._clock()
        elapsed = min(now - self._looked_at, self._timeout_s / LOOKS)
        self._looked_at = now
        signs = {worker.id: (worker.seen_at, worker.pid) for worker in workers}
        self._silences = {
            name: self._silences[name] + elapsed if self._signs.get(name) == sign else 0.0
            for name, sign in signs.items()
        }
        self._signs = signs
        return {name for name, silence in self._silences.items() if silence < self._timeout_s}
