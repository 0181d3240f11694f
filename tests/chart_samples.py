"""Tidy frames as charts and reports take them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_phq.emotions import EMOTIONS


def frames(states: str = "ffggflgf") -> pd.DataFrame:
    """A timeline at 2 frames/s: f is a face, l a face of low quality, g a gap."""
    n = len(states)
    rng = np.random.default_rng(7)
    values = rng.dirichlet(np.ones(7), n)
    table = pd.DataFrame(values, columns=list(EMOTIONS))
    table.insert(0, "time_s", np.arange(n) / 2)
    table["from_s"], table["to_s"] = table["time_s"] - 0.25, table["time_s"] + 0.25
    table["state"] = [{"f": "face", "l": "low", "g": "gap"}[s] for s in states]
    table["quality"] = np.where(table["state"] == "low", 0.1, 0.8)
    table.loc[table["state"] == "gap", [*EMOTIONS, "quality"]] = np.nan
    return table


def trend(provenance: str | None = "simulated", n: int = 4) -> pd.DataFrame:
    """Weekly sessions with the same emotions and the same estimate; provenance None: without one."""
    table = pd.DataFrame(np.full((n, 7), 1 / 7), columns=list(EMOTIONS))
    table["recorded_at"] = pd.date_range("2026-03-01", periods=n, freq="7D")
    table["phq_score"], table["phq_low"], table["phq_high"] = 9.0, 4.0, 15.0
    table["phq_scale"], table["phq_provenance"], table["phq_model_id"] = "PHQ-8", provenance, "head-1"
    if provenance is None:
        table[["phq_score", "phq_low", "phq_high"]] = np.nan
        table["phq_scale"] = None
    return table


def answers(n: int = 3) -> pd.DataFrame:
    """Up to three questionnaires, two weeks apart."""
    return pd.DataFrame(
        {
            "answered_at": pd.date_range("2026-03-02", periods=n, freq="14D"),
            "total": [14, 11, 6][:n],
            "scale": ["PHQ-9"] * n,
            "change": [""] * n,
            "words": [""] * n,
            "segment": [0] * n,
        }
    )
