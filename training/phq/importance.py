"""Permutation importance by group: what a head loses on people left out when a group of features is somebody else's.

A group is a block of functionals, such as the movement of the head; of the attention network, which reads windows, it
is a modality. In the sessions that a model has not seen its columns are exchanged, together, for those of another
person's session, so that they keep what they say of each other and lose what they say of the person (Breiman, 2001,
Mach Learn 45:5-32; by group: Gregorutti et al., 2015, Comput Stat Data Anal 90:15-35). The other person is any of them:
of few people a fold leaves out one or two, whose sessions tell the same when they are exchanged among themselves.
Groups that say the same share their importance: where one of them is exchanged, the other stands in, and both seem to
matter little.
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

EXCHANGES = 5
"""How often each group is exchanged in each fold."""


def permutation_importance(matrix: FeatureMatrix, model: str, scale: Scale, seed: int) -> tuple[GroupImportance, ...]:
    """Measure how much each group of features matters to a model on people that it has not seen.

    Args:
        matrix: Labelled sessions.
        model: The model's name, a key of `FAMILIES`.
        scale: The scale of the scores; estimates are clipped to it.
        seed: Seed of the folds and of the exchanges.

    Returns:
        Each group, the one that matters most first.
    """
    rng = np.random.default_rng(seed)
    losses: dict[str, list[float]] = {}
    for train, test in outer_folds(matrix, seed):
        regressor = fit_regressor(model, matrix.take(train), seed)
        for name, loss in _losses(regressor, matrix, test, scale, rng):
            losses.setdefault(name, []).append(loss)
    groups = (GroupImportance(name, float(np.mean(values)), float(np.std(values))) for name, values in losses.items())
    return tuple(sorted(groups, key=lambda group: -group.increase))


def _losses(
    regressor: Regressor, matrix: FeatureMatrix, test: npt.NDArray[np.int64], scale: Scale, rng: np.random.Generator
) -> list[tuple[str, float]]:
    """Return the increase of the MAE of the sessions left out by each exchange of each group."""
    part = matrix.take(test)
    whole = _mae(regressor, part.described, part.totals, scale)
    reads_windows = isinstance(regressor, AttentionRegressor)
    exchange = _exchange_windows if reads_windows else _exchange_rows
    names = list(dict.fromkeys(part.window_modalities if reads_windows else part.blocks))
    losses = []
    for name in names:
        for _ in range(EXCHANGES):
            donors = matrix.take(_draw_donors(matrix.subjects, test, rng))
            losses.append((str(name), _mae(regressor, exchange(part, donors, name), part.totals, scale) - whole))
    return losses


def _draw_donors(
    subjects: npt.NDArray[np.int64], test: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw a session of another person for each of these sessions."""
    return np.array([rng.choice(np.flatnonzero(subjects != subject)) for subject in subjects[test]], np.int64)


def _mae(regressor: Regressor, sessions: RegressorInput, totals: Float, scale: Scale) -> float:
    return float(np.abs(np.clip(regressor.predict(sessions), 0, scale.maximum) - totals).mean())


def _exchange_rows(part: FeatureMatrix, donors: FeatureMatrix, block: str) -> RegressorInput:
    columns = np.array(part.blocks) == block
    rows = part.rows.copy()
    rows[:, columns] = donors.rows[:, columns]
    return replace(part.described, rows=rows)


def _exchange_windows(part: FeatureMatrix, donors: FeatureMatrix, modality: str) -> RegressorInput:
    """Give each session another one's windows of a modality, spread over as many windows as it has itself."""
    columns = np.array(part.window_modalities) == modality
    pairs = zip(part.windows, donors.windows, strict=True)
    return replace(part.described, windows=tuple(_with_columns(windows, source, columns) for windows, source in pairs))


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
