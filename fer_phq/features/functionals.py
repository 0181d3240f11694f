"""Functionals: one row of numbers that describes a whole session, whatever its length, gaps and missing modalities.

Columns come in blocks, which a model may weigh against each other: `face.expressions` (from emotion probabilities),
`voice.prosody` and `words.talk` (of features whose columns are known), `words.meaning` (sentence embeddings), and of
any other features `<modality>.level` and `<modality>.change`. What cannot be measured is NaN.

Which expressions: dwell, transitions and intensity as in Girard et al. (2014, Image Vis Comput 32:641-647) and Scherer
et al. (2014, Image Vis Comput 32:648-658: smile duration and intensity); expressivity and its lack (blunting) as in
Gaebel & Woelwer (2004, Eur Arch Psychiatry Clin Neurosci 254:46-52).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS, emotion_index
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.timeline.gaps import steps_without_gap
from fer_phq.voice.features import COLUMNS, SPEECH
from fer_phq.voice.features import KIND as PROSODY
from fer_phq.voice.functionals import voice_functionals
from fer_phq.words.functionals import word_functionals
from fer_phq.words.kinds import MINILM, PLAIN

Float = npt.NDArray[np.float64]

SMILE = 0.5
"""Probability of happiness from which a frame counts as smiling."""


@dataclass(frozen=True, eq=False)
class Functionals:
    """values (p,) float64 with NaN for what was not measured; names and blocks (p,) say what they are."""

    values: Float
    names: tuple[str, ...]
    blocks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


def functionals(features: SessionFeatures, modalities: Sequence[Modality]) -> Functionals:
    """The functionals of these modalities, in fixed order. Raises ValueError when one of them is missing."""
    blocks: dict[str, dict[str, float]] = {}
    for modality in Modality:
        if modality not in modalities:
            continue
        channel = features.series(modality)
        if channel is None:
            raise ValueError(f"The session has no {modality}.")
        if modality is Modality.FACE and features.emotions is not None and channel.time_s is not None:
            blocks["face.expressions"] = expression_functionals(features.emotions, channel.time_s)
        if channel.kind == PROSODY:
            blocks["voice.prosody"] = voice_functionals(channel)
        elif channel.kind in (PLAIN, MINILM):
            statistics = word_functionals(channel)
            embedding = {name for name in statistics if name.startswith("embedding_")}
            blocks["words.talk"] = {name: value for name, value in statistics.items() if name not in embedding}
            blocks["words.meaning"] = {name: value for name, value in statistics.items() if name in embedding}
        else:
            blocks[f"{modality}.level"] = level_functionals(channel)
            blocks[f"{modality}.change"] = change_functionals(channel)
    return Functionals(
        values=np.array([value for block in blocks.values() for value in block.values()], np.float64),
        names=tuple(f"{block}.{name}" for block, columns in blocks.items() for name in columns),
        blocks=tuple(block for block, columns in blocks.items() for _ in columns),
    )


def count_measured(channel: FeatureSeries) -> int:
    """Rows that say something of the person."""
    return int(is_measured(channel).sum())


def is_measured(channel: FeatureSeries) -> npt.NDArray[np.bool_]:
    """(rows,) which rows speak of the person: those with speech in them for a voice, else those with any number."""
    if channel.kind == PROSODY:
        return np.asarray(channel.values[:, COLUMNS.index("speech_probability")] >= SPEECH)
    return np.asarray(np.isfinite(channel.values).any(1))


def level_functionals(channel: FeatureSeries) -> dict[str, float]:
    """Mean and standard deviation of each column over the rows in which it was measured."""
    mean, spread = mean_and_sd(channel.values.astype(np.float64))
    missing = ~np.isfinite(channel.values).any(0)
    mean[missing] = spread[missing] = np.nan
    return _by_column(channel, mean=mean, sd=spread)


def mean_and_sd(rows: Float) -> tuple[Float, Float]:
    """Mean and standard deviation (p,) of columns of rows (n, p) over what was measured; 0 where nothing was."""
    present = np.isfinite(rows)
    count = np.maximum(present.sum(0), 1)
    mean = np.where(present, rows, 0).sum(0) / count
    with np.errstate(invalid="ignore"):
        deviation = np.where(present, rows - mean, 0)
    return mean, np.sqrt((deviation**2).sum(0) / count)


def change_functionals(channel: FeatureSeries) -> dict[str, float]:
    """Of each column: mean absolute change from row to row (gaps left out), and slope, in SDs from first to last row.

    Rows without times count as equally spaced.
    """
    rows = len(channel)
    time_s = channel.time_s if channel.time_s is not None else np.arange(rows, dtype=np.float64)
    within_run = steps_without_gap(time_s)
    values = channel.values.astype(np.float64)
    present = np.isfinite(values)
    steps = np.abs(np.diff(values, axis=0))[within_run]
    measured = np.isfinite(steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        activity = np.where(measured, steps, 0).sum(0) / measured.sum(0)
        centred = np.where(present, time_s[:, None], np.nan)
        centred = np.where(present, centred - np.nansum(centred, 0) / present.sum(0), 0)
        filled = np.where(present, values, 0)
        deviation = np.where(present, filled - filled.sum(0) / present.sum(0), 0)
        slope = (centred * deviation).sum(0) / (centred**2).sum(0) * (time_s[-1] - time_s[0])
        slope = slope / (np.sqrt((deviation**2).sum(0) / present.sum(0)) + 1e-6)
    return _by_column(channel, activity=activity, slope=slope)


def expression_functionals(emotions: FloatArray, time_s: TimeArray) -> dict[str, float]:
    """What a face did over a session: emotions (t, 7) at time_s (t,), t >= 1."""
    probability = emotions.astype(np.float64)
    mean = probability.mean(0)
    top = probability.argmax(1)
    within_run = steps_without_gap(time_s)
    step = float(np.median(np.diff(time_s)[within_run])) if within_run.any() else np.nan
    minutes = step * len(top) / 60
    runs = _runs(top, within_run)
    smiles = _runs(probability[:, emotion_index("happiness")] >= SMILE, within_run)
    neutral = probability[:, emotion_index("neutral")]
    moved = np.abs(np.diff(probability, axis=0)).sum(1)[within_run] / 2
    out = {f"{name}.mean": float(mean[i]) for i, name in enumerate(EMOTIONS)}
    out |= {f"{name}.sd": float(probability[:, i].std()) for i, name in enumerate(EMOTIONS)}
    out |= {f"{name}.share": float((top == i).mean()) for i, name in enumerate(EMOTIONS)}
    out |= {f"{name}.slope": _slope(probability[:, i], time_s) for i, name in enumerate(EMOTIONS)}
    return out | {
        "expressivity": float(1 - neutral.mean()),
        "expressivity.sd": float(neutral.std()),
        "blunting": float((neutral >= 0.5).mean()),
        "entropy": float(-(mean * np.log(mean + 1e-9)).sum()),
        "dwell_s": float(np.mean([count for _, count in runs]) * step),
        "dwell_neutral_s": _mean_dwell(runs, emotion_index("neutral")) * step,
        "transitions_a_minute": float((np.diff(top)[within_run] != 0).sum() / minutes) if minutes > 0 else np.nan,
        "smiling": float((probability[:, emotion_index("happiness")] >= SMILE).mean()),
        "smiles_a_minute": sum(1 for smiling, _ in smiles if smiling) / minutes if minutes > 0 else np.nan,
        "smile_s": _mean_dwell(smiles, True) * step,
        "movement": float(moved.mean()) if len(moved) else np.nan,
    }


def _runs(states: npt.NDArray[np.generic], within_run: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(state, rows) of each stretch of one state; a gap ends a stretch."""
    ends = np.flatnonzero((np.asarray(np.diff(states.astype(int)) != 0)) | ~within_run)
    bounds = np.r_[-1, ends, len(states) - 1]
    return [(int(states[stop]), int(stop - start)) for start, stop in itertools.pairwise(bounds)]


def _mean_dwell(runs: Sequence[tuple[int, int]], state: int) -> float:
    """Mean rows of a state's stretches; 0 where it never was."""
    lengths = [count for run_state, count in runs if run_state == state]
    return float(np.mean(lengths)) if lengths else 0.0


def _slope(values: Float, time_s: TimeArray) -> float:
    """Least-squares change from the session's first row to its last; 0 where time stands still."""
    centred = time_s - time_s.mean()
    spread = float((centred**2).sum())
    return float((centred * (values - values.mean())).sum() / spread * (time_s[-1] - time_s[0])) if spread else 0.0


def _by_column(channel: FeatureSeries, **statistics: Float) -> dict[str, float]:
    names = channel.names or tuple(str(i) for i in range(channel.width))
    return {
        f"{name}.{statistic}": float(value)
        for statistic, values in statistics.items()
        for name, value in zip(names, values, strict=True)
    }
