"""Behaviour series made of numbers whose truth is known, for tests of what is stored and shown."""

from __future__ import annotations

import dataclasses

import numpy as np

from fer_phq.behaviour.series import COLUMNS, EYE_COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations
from fer_phq.core.feature_series import FeatureSeries


def sample_behaviour(
    rate: float = 30.0, seconds: float = 60.0, gap: tuple[float, float] | None = None
) -> FeatureSeries:
    """A face of which every ten seconds are alike.

    It blinks at 1 and at 3 s (the lids meet at 1.1 and 3.1 s), smiles from 4 to 6 s, turns its head and its gaze from 6
    to 10 s, and holds them still until then.
    """
    time_s = np.arange(0, seconds, 1 / rate)
    phase = time_s % 10
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    column = {name: i for i, name in enumerate(COLUMNS)}
    values[:, column["presence"]] = 1
    turned = np.interp(phase, [6, 8, 10], [0, 20, 0])
    values[:, column["yaw_deg"]] = turned
    values[:, column["gaze_yaw_deg"]] = 0.7 * turned
    values[:, column["gaze_pitch_deg"]] = -0.5 * turned
    closed = sum(np.interp(phase, [at, at + 0.1, at + 0.15, at + 0.3], [0, 1, 1, 0], left=0, right=0) for at in (1, 3))
    values[:, column["eye_open_left"]] = values[:, column["eye_open_right"]] = 0.3 - 0.27 * closed
    values[:, column["mouth_open"]] = 0.05
    smile = np.interp(phase, [4, 4.1, 5.9, 6], [0, 1, 1, 0], left=0, right=0)
    for side in ("Left", "Right"):
        values[:, column[f"mouthSmile{side}"]] = 0.1 + 0.6 * smile
    if gap is not None:
        values[(time_s >= gap[0]) & (time_s < gap[1])] = np.nan
    return behaviour_series(values, time_s, display_durations(time_s, seconds), rate)


def with_hidden_eyes(series: FeatureSeries) -> FeatureSeries:
    """Return the series of the same face behind dark glasses: what is said of its eyes is missing."""
    values = series.values.copy()
    values[:, [series.names.index(name) for name in EYE_COLUMNS]] = np.nan
    return dataclasses.replace(series, values=values)
