"""Functionals: one row of numbers that describes a whole session, whatever its length and gaps.

Columns come in blocks, which a model may weigh against each other: `face.expressions` (from emotion probabilities),
`voice.prosody`, `words.talk` and the groups of `behaviour` (from series whose columns are known), `words.meaning`
(sentence embeddings), and `<modality>.level` and `<modality>.change` for any other series. What cannot be measured is
NaN.

A face with times is brought onto the grid (`fer_phq.timeline.grid`) first, so that its functionals do not depend on how
often the recording was sampled. Of one that was sampled less often than the grid only levels, means and shares are
known: movement, transitions, dwell and smiles a minute are NaN.

Sources of the expressions: dwell, transitions and intensity as in Girard et al. (2014, Image Vis Comput 32:641-647) and
Scherer et al. (2014, Image Vis Comput 32:648-658: smile duration and intensity); expressivity and its lack (blunting)
as in Gaebel & Woelwer (2004, Eur Arch Psychiatry Clin Neurosci 254:46-52).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.seconds.functionals import behaviour_functionals, measured_seconds
from fer_phq.behaviour.seconds.series import KIND as SECONDS
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS, emotion_index
from fer_phq.core.feature_series import GRID_HZ, FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.timeline.gaps import steps_without_gap
from fer_phq.timeline.grid import is_below_grid, steps_on_grid, to_grid
from fer_phq.voice.functionals import voice_functionals
from fer_phq.voice.kinds import COLUMNS, SPEECH
from fer_phq.voice.kinds import KIND as PROSODY
from fer_phq.words.functionals import word_functionals
from fer_phq.words.kinds import MINILM, PLAIN

Float = npt.NDArray[np.float64]

SMILE = 0.5
"""Probability of happiness from which a frame counts as smiling."""
DYNAMICS = ("dwell_s", "dwell_neutral_s", "transitions_a_minute", "smiles_a_minute", "smile_s", "movement")
"""Functionals of expressions that depend on what neighbouring rows show."""


@dataclass(frozen=True, eq=False)
class Functionals:
    """The functionals of a session.

    Attributes:
        values: (p,) float64, NaN where not measured.
        names: (p,) `<block>.<name>`.
        blocks: (p,) the block of each.
    """

    values: Float
    names: tuple[str, ...]
    blocks: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of functionals."""
        return len(self.values)


def functionals(features: SessionFeatures, modalities: Sequence[Modality]) -> Functionals:
    """Compute the functionals of some modalities.

    Args:
        features: The session's modalities.
        modalities: Those to describe.

    Returns:
        The functionals in the order of `Modality`, whatever the order of `modalities`.

    Raises:
        ValueError: A modality is missing.
    """
    features = to_grid(features)
    blocks: dict[str, dict[str, float]] = {}
    for modality in Modality:
        if modality not in modalities:
            continue
        series = features.series(modality)
        if series is None:
            raise ValueError(f"The session has no {modality}.")
        if modality is Modality.FACE and features.emotions is not None and series.time_s is not None:
            blocks["face.expressions"] = expression_functionals(
                features.emotions, series.time_s, dynamics=not is_below_grid(series)
            )
        if series.kind == PROSODY:
            blocks["voice.prosody"] = voice_functionals(series)
        elif series.kind in (PLAIN, MINILM):
            statistics = word_functionals(series)
            embedding = {name for name in statistics if name.startswith("embedding_")}
            blocks["words.talk"] = {name: value for name, value in statistics.items() if name not in embedding}
            blocks["words.meaning"] = {name: value for name, value in statistics.items() if name in embedding}
        elif series.kind == SECONDS:
            blocks |= behaviour_functionals(series)
        else:
            blocks[f"{modality}.level"] = level_functionals(series)
            blocks[f"{modality}.change"] = change_functionals(series, _grid_steps(series, modality))
    return Functionals(
        values=np.array([value for block in blocks.values() for value in block.values()], np.float64),
        names=tuple(f"{block}.{name}" for block, columns in blocks.items() for name in columns),
        blocks=tuple(block for block, columns in blocks.items() for _ in columns),
    )


def count_measured(series: FeatureSeries) -> int:
    """Count the rows for which `is_measured` holds."""
    return int(is_measured(series).sum())


def is_measured(series: FeatureSeries) -> npt.NDArray[np.bool_]:
    """Find the rows that measure the person: those with speech, those with head and face, else those with any number.

    Args:
        series: One modality, with n rows.

    Returns:
        (n,) bool.
    """
    if series.kind == PROSODY:
        return np.asarray(series.values[:, COLUMNS.index("speech_probability")] >= SPEECH)
    if series.kind == SECONDS:
        return measured_seconds(series)
    return np.asarray(np.isfinite(series.values).any(1))


def level_functionals(series: FeatureSeries) -> dict[str, float]:
    """Compute the mean and the standard deviation of each column over the rows in which it was measured.

    Returns:
        `<column>.mean` and `<column>.sd`, NaN for a column that was never measured.
    """
    mean, sd = mean_and_sd(series.values.astype(np.float64))
    is_missing = ~np.isfinite(series.values).any(0)
    mean[is_missing] = np.nan
    sd[is_missing] = np.nan
    return _by_column(series, mean=mean, sd=sd)


def mean_and_sd(rows: Float) -> tuple[Float, Float]:
    """Compute the mean and the standard deviation of columns over their finite values.

    Args:
        rows: (n, p).

    Returns:
        Mean (p,) and standard deviation (p,), 0 for a column without finite values.
    """
    is_number = np.isfinite(rows)
    count = np.maximum(is_number.sum(0), 1)
    mean = np.where(is_number, rows, 0).sum(0) / count
    with np.errstate(invalid="ignore"):
        deviation = np.where(is_number, rows - mean, 0)
    return mean, np.sqrt((deviation**2).sum(0) / count)


def change_functionals(series: FeatureSeries, within_run: npt.NDArray[np.bool_] | None = None) -> dict[str, float]:
    """Compute how much each column changes from row to row, and its slope over the session.

    Rows without times count as equally spaced.

    Args:
        series: n rows.
        within_run: (n - 1,) bool, the steps between rows of one run; those without a gap when omitted.

    Returns:
        `<column>.activity`, the mean absolute change between neighbouring rows of a run without a gap, and
        `<column>.slope`, the least-squares change from the first to the last row in standard deviations.
    """
    rows = len(series)
    time_s = series.time_s if series.time_s is not None else np.arange(rows, dtype=np.float64)
    if within_run is None:
        within_run = steps_without_gap(time_s)
    values = series.values.astype(np.float64)
    is_number = np.isfinite(values)
    steps = np.abs(np.diff(values, axis=0))[within_run]
    measured = np.isfinite(steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        activity = np.where(measured, steps, 0).sum(0) / measured.sum(0)
        centred = np.where(is_number, time_s[:, None], np.nan)
        centred = np.where(is_number, centred - np.nansum(centred, 0) / is_number.sum(0), 0)
        filled = np.where(is_number, values, 0)
        deviation = np.where(is_number, filled - filled.sum(0) / is_number.sum(0), 0)
        slope = (centred * deviation).sum(0) / (centred**2).sum(0) * (time_s[-1] - time_s[0])
        slope = slope / (np.sqrt((deviation**2).sum(0) / is_number.sum(0)) + 1e-6)
    return _by_column(series, activity=activity, slope=slope)


def expression_functionals(emotions: FloatArray, time_s: TimeArray, *, dynamics: bool = True) -> dict[str, float]:
    """Describe the expressions of a face over a session.

    Args:
        emotions: (n, 7) probabilities in the order of `EMOTIONS`, without gaps, n >= 1.
        time_s: (n,) seconds on the grid, increasing.
        dynamics: Whether the face was looked at as often as the grid; else what depends on neighbouring rows is NaN.
    """
    probability = emotions.astype(np.float64)
    mean = probability.mean(0)
    top = probability.argmax(1)
    within_run = steps_on_grid(time_s)
    step = 1 / GRID_HZ
    minutes = step * len(top) / 60
    runs = _runs(top, within_run)
    smiles = _runs(probability[:, emotion_index("happiness")] >= SMILE, within_run)
    neutral = probability[:, emotion_index("neutral")]
    movement = np.abs(np.diff(probability, axis=0)).sum(1)[within_run] / 2
    out = {f"{name}.mean": float(mean[i]) for i, name in enumerate(EMOTIONS)}
    out |= {f"{name}.sd": float(probability[:, i].std()) for i, name in enumerate(EMOTIONS)}
    out |= {f"{name}.share": float((top == i).mean()) for i, name in enumerate(EMOTIONS)}
    out |= {f"{name}.slope": _slope(probability[:, i], time_s) for i, name in enumerate(EMOTIONS)}
    out |= {
        "expressivity": float(1 - neutral.mean()),
        "expressivity.sd": float(neutral.std()),
        "blunting": float((neutral >= 0.5).mean()),
        "entropy": float(-(mean * np.log(mean + 1e-9)).sum()),
        "dwell_s": float(np.mean([count for _, count in runs]) * step),
        "dwell_neutral_s": _mean_dwell(runs, emotion_index("neutral")) * step,
        "transitions_a_minute": float((np.diff(top)[within_run] != 0).sum() / minutes),
        "smiling": float((probability[:, emotion_index("happiness")] >= SMILE).mean()),
        "smiles_a_minute": sum(1 for smiling, _ in smiles if smiling) / minutes,
        "smile_s": _mean_dwell(smiles, True) * step,
        "movement": float(movement.mean()) if len(movement) else np.nan,
    }
    return out if dynamics else out | dict.fromkeys(DYNAMICS, np.nan)


def _grid_steps(series: FeatureSeries, modality: Modality) -> npt.NDArray[np.bool_] | None:
    """Return the steps between neighbours of a face on the grid, none of one below it; None for any other series."""
    if modality is not Modality.FACE or series.time_s is None:
        return None
    return steps_on_grid(series.time_s) & (not is_below_grid(series))


def _runs(states: npt.NDArray[np.generic], within_run: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the state and the number of rows of each run of one state; a gap ends a run."""
    ends = np.flatnonzero((np.asarray(np.diff(states.astype(int)) != 0)) | ~within_run)
    bounds = np.r_[-1, ends, len(states) - 1]
    return [(int(states[stop]), int(stop - start)) for start, stop in itertools.pairwise(bounds)]


def _mean_dwell(runs: Sequence[tuple[int, int]], state: int) -> float:
    """Return the mean number of rows of a state's runs; 0 without any."""
    lengths = [count for run_state, count in runs if run_state == state]
    return float(np.mean(lengths)) if lengths else 0.0


def _slope(values: Float, time_s: TimeArray) -> float:
    """Return the least-squares change from the session's first row to its last; 0 where time stands still."""
    centred = time_s - time_s.mean()
    spread = float((centred**2).sum())
    return float((centred * (values - values.mean())).sum() / spread * (time_s[-1] - time_s[0])) if spread else 0.0


def _by_column(series: FeatureSeries, **statistics: Float) -> dict[str, float]:
    names = series.names or tuple(str(i) for i in range(series.width))
    return {
        f"{name}.{statistic}": float(value)
        for statistic, values in statistics.items()
        for name, value in zip(names, values, strict=True)
    }
