"""Functionals of the behaviour second by second, in groups that a model may weigh against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.movement import STILL_DEG_S
from fer_phq.behaviour.seconds.series import COLUMNS, KIND
from fer_phq.core.feature_series import FeatureSeries

Float = npt.NDArray[np.float64]

STILL_ACTIVITY = 0.01
"""Facial activity a second below which a face is a still picture's: 0.004 is what compression and noise make of one,
faces of people and of the demonstration's puppet reach 0.03 to 0.09."""


def behaviour_functionals(series: FeatureSeries) -> dict[str, dict[str, float]]:
    """Compute the functionals of a session, by group.

    Args:
        series: A series of `fer_phq.behaviour.seconds.series.KIND`.

    Returns:
        `<column>.mean` and `<column>.sd` over the seconds, shares, and rates a minute; NaN where nothing was
        measured. A smile's duration is not among them: of two smiles in a session one at the threshold would halve it.
    """
    columns = {name: series.values[:, i].astype(np.float64) for i, name in enumerate(series.names)}
    speed = columns["head_speed_deg_s"]
    return {
        "behaviour.head_pose": _levels(columns, "pitch_deg", "yaw_deg", "roll_deg"),
        "behaviour.head_movement": _levels(columns, "head_speed_deg_s") | {"still.share": _share(speed, STILL_DEG_S)},
        "behaviour.smiles": _levels(columns, "smile")
        | {
            "smiling": _mean(columns["smiling"]),
            "smiles_a_minute": 60 * _mean(columns["smiles"]),
        },
        "behaviour.blinks": {
            "eyes_closed": _mean(columns["eyes_closed"]),
            "blinks_a_minute": 60 * _mean(columns["blinks"]),
        },
        "behaviour.looks": {name: _mean(columns[name]) for name in ("looking_down", "looking_away")},
        "behaviour.brows_and_mouth": _levels(
            columns, "mouth_open", "brow_lowering", "brow_raising", "facial_activity_per_s"
        ),
    }


def is_still(series: FeatureSeries) -> bool:
    """Tell whether behaviour is a still picture's, whose face never changes, however it is moved.

    Args:
        series: A series of `fer_phq.behaviour.seconds.series.KIND`; of any other kind nothing is known.
    """
    if series.kind != KIND:
        return False
    return _mean(series.values[:, COLUMNS.index("facial_activity_per_s")]) < STILL_ACTIVITY


def measured_seconds(series: FeatureSeries) -> npt.NDArray[np.bool_]:
    """Find the seconds in which both the head and the face are measured.

    Args:
        series: A series of `fer_phq.behaviour.seconds.series.KIND`.

    Returns:
        (n,) bool.
    """
    columns = [COLUMNS.index(name) for name in ("pitch_deg", "smile", "eyes_closed")]
    return np.asarray(np.isfinite(series.values[:, columns]).all(axis=1))


def _levels(columns: dict[str, Float], *names: str) -> dict[str, float]:
    levels = {}
    for name in names:
        levels[f"{name}.mean"] = _mean(columns[name])
        levels[f"{name}.sd"] = float(np.nanstd(columns[name])) if np.isfinite(columns[name]).any() else np.nan
    return levels


def _mean(values: npt.NDArray[np.floating[Any]]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _share(values: Float, below: float) -> float:
    visible = np.isfinite(values)
    return float((values[visible] < below).mean()) if visible.any() else np.nan
