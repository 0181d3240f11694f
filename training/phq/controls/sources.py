"""What controls read in place of the subject: a matrix for each, or the reason why there is none.

No column of these matrices says what a face, a voice or words of the subject are like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.seconds.series import KIND as SECONDS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.messages import Message
from fer_phq.core.phq import Modality
from fer_phq.features.functionals import count_measured, level_functionals
from fer_phq.models.evidence.controls import ControlName
from fer_phq.models.head_report import FEWEST_SESSIONS, FEWEST_SUBJECTS
from fer_phq.words.functionals import word_functionals
from fer_phq.words.kinds import MINILM, PLAIN
from training.phq import messages
from training.phq.data.dataset import LabelledDataset
from training.phq.models.candidates import FeatureMatrix, Float

AGE = ("age",)
GROUPS = ("sex", "gender", "site", "clinic", "centre", "center")
"""Columns of a manifest that name a group; with `AGE` what the control `group` reads."""


@dataclass(frozen=True, eq=False)
class ControlInput:
    """What a control reads.

    Attributes:
        positions: (k,) int64, the sessions that have it.
        matrix: These sessions.
        columns: Names of the columns, or of what they are made from.
    """

    positions: npt.NDArray[np.int64]
    matrix: FeatureMatrix
    columns: tuple[str, ...]


def collect_inputs(data: LabelledDataset) -> Mapping[ControlName, ControlInput | Message]:
    """Collect what each control reads, but for shuffled labels, which read what the head does.

    Args:
        data: Labelled sessions; those of the head.

    Returns:
        The input of each control, or why there is none.
    """
    sources: dict[ControlName, Callable[[LabelledDataset], ControlInput | Message]] = {
        ControlName.INTERVIEWER: _interviewer_input,
        ControlName.LENGTH: _length_input,
        ControlName.GROUP: _group_input,
    }
    return {name: source(data) for name, source in sources.items()}


def _interviewer_input(data: LabelledDataset) -> ControlInput | Message:
    """Describe the speech of those who are not the subject."""
    positions = np.flatnonzero([series is not None for series in data.interviewers])
    if not len(positions):
        return messages.NO_INTERVIEWER()
    every = [series for series in data.interviewers if series is not None]
    if len({(series.kind, series.width) for series in every}) > 1:
        return messages.INTERVIEWERS_DIFFER()
    try:
        rows = [_describe_speech(series) for series in every]
    except FerPhqError as error:
        return messages.INTERVIEWER_UNUSABLE(reason=error.message)
    names, values = _tabulate(rows)
    embedded = [name.startswith("embedding_") for name in names]
    is_embedding = np.array(embedded, np.bool_)
    talk = _with_logarithms(values[:, ~is_embedding])
    blocks = ("talk",) * talk.shape[1] + ("meaning",) * int(is_embedding.sum())
    labels = ("embeddings" if hidden else name for name, hidden in zip(names, embedded, strict=True))
    every_value = np.concatenate([talk, values[:, is_embedding]], axis=1)
    return _build(data, positions, every_value, blocks, tuple(dict.fromkeys(labels)))


def _with_logarithms(values: Float) -> Float:
    """Add to columns (n, k) the logarithms of those that are never below 0: counts and times grow by factors."""
    positive = ~(values < 0).any(0)
    return np.concatenate([values, np.log1p(values[:, positive])], axis=1)


def _tabulate(rows: Sequence[Mapping[str, float]]) -> tuple[tuple[str, ...], Float]:
    """Return names and values (n, names) of what was measured in any row."""
    names = tuple(rows[0])
    values = np.array([[row[name] for name in names] for row in rows], np.float64)
    usable = np.flatnonzero(np.isfinite(values).any(0))
    return tuple(names[i] for i in usable), values[:, usable]


def _describe_speech(series: FeatureSeries) -> dict[str, float]:
    """Return functionals of an interviewer's utterances; of a kind that is not known, their number and levels."""
    if series.kind in (PLAIN, MINILM):
        return word_functionals(series)
    return {"utterances": float(len(series))} | level_functionals(series)


def _length_input(data: LabelledDataset) -> ControlInput | Message:
    """Describe how long sessions last, and how long the subject is seen and heard."""
    columns, values = _tabulate([measure_lengths(features) for features in data.features])
    both = _with_logarithms(values)
    return _build(data, np.arange(len(data)), both, ("length",) * both.shape[1], columns)


def measure_lengths(features: SessionFeatures) -> dict[str, float]:
    """Measure how long a session lasts, and how much of its subject there is.

    Args:
        features: The session's modalities.

    Returns:
        length_s: seconds to the last row of any modality. face_rows, voice_rows, behaviour_rows: rows in which the
        subject was seen or heard. talk_s, utterances, words: of the subject's words. NaN for what is not there.
    """
    lengths = {"length_s": _last_second(features)}
    for modality in (Modality.FACE, Modality.VOICE, Modality.BEHAVIOUR):
        series = features.series(modality)
        is_usable = series is not None and (modality is not Modality.BEHAVIOUR or series.kind == SECONDS)
        lengths[f"{modality}_rows"] = float(count_measured(series)) if series is not None and is_usable else np.nan
    words = features.series(Modality.WORDS)
    talk = word_functionals(words) if words is not None and words.kind in (PLAIN, MINILM) else {}
    return lengths | {name: talk.get(name, np.nan) for name in ("talk_s", "utterances", "words")}


def _last_second(features: SessionFeatures) -> float:
    """Return the time of the last row of any modality; NaN where no row has one."""
    every = [features.series(modality) for modality in Modality]
    ends = [float(series.time_s[-1]) for series in every if series is not None and series.time_s is not None]
    return max(ends, default=np.nan)


def _group_input(data: LabelledDataset) -> ControlInput | Message:
    """Describe sex, age and site, from the manifest's columns of these names."""
    named = {column for session in data.sessions for column in session.groups}
    columns = sorted(column for column in named if column.casefold() in (*AGE, *GROUPS))
    parts = {}
    for column in columns:
        cells = [session.groups.get(column, "") for session in data.sessions]
        part = _tabulate_ages(cells) if column.casefold() in AGE else _indicate(cells)
        if part.shape[1]:
            parts[column] = part
    if not parts:
        return messages.NO_GROUPS()
    values = np.concatenate(list(parts.values()), axis=1)
    return _build(data, np.arange(len(data)), values, ("group",) * values.shape[1], tuple(parts))


def _tabulate_ages(cells: list[str]) -> Float:
    """Return ages (n, 1 and the words among them) as numbers, NaN where there is none; as classes without two ages."""
    ages = np.array([_parse_age(cell) for cell in cells])
    if len(np.unique(ages[np.isfinite(ages)])) < 2:
        return _indicate(cells)
    words = sorted({cell for cell, age in zip(cells, ages, strict=True) if cell and np.isnan(age)})
    return np.stack([ages, *(np.array([float(cell == word) for cell in cells]) for word in words)], axis=1)


def _parse_age(cell: str) -> float:
    """Return a cell as a number; NaN for none, such as '30-39'."""
    try:
        age = float(cell)
    except ValueError:
        return np.nan
    return age if np.isfinite(age) else np.nan


def _indicate(cells: list[str]) -> Float:
    """Return (n, values) float64: 1 where a session has a value; no column where all have the same."""
    values = sorted(set(cells) - {""})
    if len(values) < 2:
        return np.zeros((len(cells), 0))
    return np.array([[float(cell == value) for value in values] for cell in cells])


def _build(
    data: LabelledDataset,
    positions: npt.NDArray[np.int64],
    rows: Float,
    blocks: tuple[str, ...],
    columns: tuple[str, ...],
) -> ControlInput | Message:
    """Make a matrix of some sessions, or say that they are too few."""
    subjects = data.subjects[positions]
    people = len(np.unique(subjects))
    if len(positions) < FEWEST_SESSIONS or people < FEWEST_SUBJECTS:
        return messages.TOO_FEW_FOR_CONTROL(sessions=len(positions), people=people)
    matrix = FeatureMatrix(
        rows.astype(np.float64), data.totals[positions], subjects, blocks, maximum=data.scale.maximum
    )
    return ControlInput(positions, matrix, columns)
