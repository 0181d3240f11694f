"""Simulated movement of two people of one recording, who go together by a known amount and with a known lag."""

from __future__ import annotations

import numpy as np

from fer_phq.dyad.signals import RATE_HZ, Signal

MOVEMENT_S = 1.5
"""Seconds that somebody's movement keeps its course."""
LEVEL_S = 60.0
"""Seconds over which somebody moves much or little."""
LEVEL_SD = 0.4
NOISE_SD = 0.1
"""How badly movement is measured, in the logarithm."""
LONGEST_LAG_S = 10.0


def simulate_dyads(
    rng: np.random.Generator, dyads: int, minutes: float, coupling: float = 0.0, lag_s: float = 0.0
) -> tuple[Signal, Signal]:
    """Simulate how fast the heads of two people turn.

    Args:
        rng: Draws.
        dyads: How many pairs of people.
        minutes: Length of a recording.
        coupling: Share of each person's movement, as a standard deviation, that comes from a course that both have, 0
            to 1.
        lag_s: Seconds after which the second person has it, -10 to 10.

    Returns:
        Two signals, (dyads, n) each, ten values a second.
    """
    n = round(minutes * 60 * RATE_HZ)
    before = round(LONGEST_LAG_S * RATE_HZ)
    late = round(lag_s * RATE_HZ)
    shared = wander(rng, dyads, n + 2 * before, MOVEMENT_S)
    apart = np.sqrt(1 - coupling**2)
    first = apart * wander(rng, dyads, n, MOVEMENT_S) + coupling * shared[:, before : before + n]
    second = apart * wander(rng, dyads, n, MOVEMENT_S) + coupling * shared[:, before - late : before - late + n]
    return _activity(rng, first), _activity(rng, second)


def wander(rng: np.random.Generator, people: int, n: int, seconds: float) -> Signal:
    """Draw noise of mean 0 and variance 1 that keeps its course for some seconds.

    Args:
        rng: Draws.
        people: Rows.
        n: Columns, ten a second.
        seconds: Time after which the correlation with what was falls to 1/e.
    """
    keep = np.exp(-1 / (RATE_HZ * seconds))
    noise = rng.normal(size=(people, n))
    noise[:, 1:] *= np.sqrt(1 - keep**2)
    for i in range(1, n):
        noise[:, i] += keep * noise[:, i - 1]
    return noise


def _activity(rng: np.random.Generator, course: Signal) -> Signal:
    """Return how much people move: never below 0, more at some times of the recording, and measured badly."""
    people, n = course.shape
    level = LEVEL_SD * wander(rng, people, n, LEVEL_S)
    activity: Signal = np.exp(course + level + NOISE_SD * rng.normal(size=course.shape))
    return activity
