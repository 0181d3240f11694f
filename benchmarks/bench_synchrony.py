"""Synchrony of two people: how often chance passes for it, and how well a known coupling and its lag are told.

    python benchmarks/bench_synchrony.py

The people are simulated (training/simulation/behaviour/dyads.py). Prints two tables.
"""

from __future__ import annotations

import numpy as np

from fer_phq.dyad.synchrony import Synchrony, synchrony
from training.simulation.behaviour.dyads import simulate_dyads

DYADS = 400
MINUTES = (5.0, 10.0, 30.0, 60.0)
COUPLED_DYADS = 60
COUPLINGS = (0.3, 0.5, 0.7)
LAGS_S = (0.0, 1.2, -2.5)
NEAR_S = 0.2


def measure(rng: np.random.Generator, dyads: int, minutes: float, coupling: float, lag_s: float) -> list[Synchrony]:
    """Return the synchrony of simulated pairs."""
    signals = simulate_dyads(rng, dyads, minutes, coupling, lag_s)
    results = [synchrony(first, second) for first, second in zip(*signals, strict=True)]
    return [result for result in results if result is not None]


def share(conditions: list[bool]) -> str:
    """Write a share in percent."""
    return f"{np.mean(conditions):.1%}" if conditions else "-"


def print_chance(rng: np.random.Generator) -> None:
    """Print how often unrelated people seem to go together."""
    print("| minutes | p ≤ 0.05 | correlation p ≤ 0.05 | lag told | effect's interval holds 0 |")
    print("|---|---|---|---|---|")
    for minutes in MINUTES:
        results = measure(rng, DYADS, minutes, 0.0, 0.0)
        cells = [
            f"{minutes:g}",
            share([result.p <= 0.05 for result in results]),
            share([result.correlation_p <= 0.05 for result in results]),
            share([result.lag_s is not None for result in results]),
            share([result.effect_low <= 0 <= result.effect_high for result in results]),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def print_power(rng: np.random.Generator) -> None:
    """Print how often coupled people are told, and how well their lag."""
    print("\n| minutes | coupling | p ≤ 0.05 | correlation p ≤ 0.05 | lag told | within 0.2 s | in its interval |")
    print("|---|---|---|---|---|---|---|")
    for minutes in MINUTES:
        for coupling in COUPLINGS:
            pairs = [
                (result, lag_s)
                for lag_s in LAGS_S
                for result in measure(rng, COUPLED_DYADS // len(LAGS_S), minutes, coupling, lag_s)
            ]
            lags = [(r.lag_s, r.lag_low_s, r.lag_high_s, lag_s) for r, lag_s in pairs if r.lag_s is not None]
            cells = [
                f"{minutes:g}",
                f"{coupling:g}",
                share([result.p <= 0.05 for result, _ in pairs]),
                share([result.correlation_p <= 0.05 for result, _ in pairs]),
                share([result.lag_s is not None for result, _ in pairs]),
                share([abs(lag - truth) <= NEAR_S + 1e-9 for lag, _, _, truth in lags]),
                share([low - 1e-9 <= truth <= high + 1e-9 for _, low, high, truth in lags]),
            ]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    print_chance(np.random.default_rng(1))
    print_power(np.random.default_rng(2))
