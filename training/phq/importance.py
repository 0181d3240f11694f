"""Permutation importance by group: what a head loses on people left out when a group of its features is shuffled.

A group is a block of functionals, such as the movement of the head; of the attention network, which reads windows, it
is a modality. Its columns are exchanged between the sessions that a model has not seen, together, so that they keep
what they say of each other and lose what they say of the person (Breiman, 2001, Mach Learn 45:5-32; by group:
Gregorutti et al., 2015, Comput Stat Data Anal 90:15-35). Groups that say the same share their importance: where one of
them is shuffled, the other stands in, and both seem to matter little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.core.phq import Scale
from fer_phq.models.head_report import GroupImportance
from fer_phq.models.regressors import AttentionRegressor, Regressor, RegressorInput
from training.phq.models.candidates import FeatureMatrix, Float, fit_regressor
from training.phq.selection import outer_folds

SHUFFLES = 5
"""How often each group is shuffled in each fold."""


def permutation_importance(matrix: FeatureMatrix, model: str, scale: Scale, seed: int) -> tuple[GroupImportance, ...]:
    """Measure how much each group of features matters to a model on people that it has not seen.

    Args:
        matrix: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        scale: The scale of the scores; estimates are clipped to it.
        seed: Seed of the folds and of the shuffles.

    Returns:
        Each group, the one that matters most first.
    """
    rng = np.random.default_rng(seed)
    losses: dict[str, list[float]] = {}
    for train, test in outer_folds(matrix, seed):
        if len(test) < 2:  # alone, a session has nobody to be exchanged with
            continue
        regressor = fit_regressor(model, matrix.take(train), seed)
        part = matrix.take(test)
        for name, loss in _losses(regressor, part, scale, rng):
            losses.setdefault(name, []).append(loss)
    groups = (GroupImportance(name, float(np.mean(values)), float(np.std(values))) for name, values in losses.items())
    return tuple(sorted(groups, key=lambda group: -group.increase))


def _losses(
    regressor: Regressor, part: FeatureMatrix, scale: Scale, rng: np.random.Generator
) -> list[tuple[str, float]]:
    """Return the increase of the MAE by each shuffle of each group."""
    whole = _mae(regressor, part.described, part.totals, scale)
    reads_windows = isinstance(regressor, AttentionRegressor)
    names = list(dict.fromkeys(part.window_modalities if reads_windows else part.blocks))
    losses = []
    for name in names:
        for _ in range(SHUFFLES):
            order = rng.permutation(len(part))
            shuffled = _shuffle_windows(part, name, order) if reads_windows else _shuffle_rows(part, name, order)
            losses.append((str(name), _mae(regressor, shuffled, part.totals, scale) - whole))
    return losses


def _mae(regressor: Regressor, sessions: RegressorInput, totals: Float, scale: Scale) -> float:
    return float(np.abs(np.clip(regressor.predict(sessions), 0, scale.maximum) - totals).mean())


def _shuffle_rows(part: FeatureMatrix, block: str, order: npt.NDArray[np.int64]) -> RegressorInput:
    columns = np.array(part.blocks) == block
    rows = part.rows.copy()
    rows[:, columns] = part.rows[order][:, columns]
    return replace(part.described, rows=rows)


def _shuffle_windows(part: FeatureMatrix, modality: str, order: npt.NDArray[np.int64]) -> RegressorInput:
    """Give each session another one's windows of a modality, spread over as many windows as it has itself."""
    columns = np.array(part.window_modalities) == modality
    windows = tuple(
        _with_columns(before, part.windows[i], columns) for before, i in zip(part.windows, order, strict=True)
    )
    return replace(part.described, windows=windows)


def _with_columns(windows: FloatArray, source: FloatArray, columns: npt.NDArray[np.bool_]) -> FloatArray:
    rows = (np.arange(len(windows)) * len(source)) // len(windows)
    mixed = windows.copy()
    mixed[:, columns] = source[rows][:, columns]
    return mixed


def describe_group(name: str) -> str:
    """Write a group's name for a reader, as 'behaviour: head movement'."""
    modality, _, group = name.partition(".")
    return f"{modality}: {group.replace('_', ' ')}" if group else modality


def importance_rows(groups: Sequence[GroupImportance]) -> list[list[str]]:
    """Return a table's rows: group, increase of the MAE, and its SD."""
    return [[describe_group(group.name), f"{group.increase:+.2f}", f"{group.spread:.2f}"] for group in groups]
