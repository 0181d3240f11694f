"""Labelled sessions with their features, as the tables that models are fitted on: one a set of modalities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from fer_phq.core.analysis import Settings
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.phq import Modality, Scale
from fer_phq.features.functionals import Functionals, count_measured, functionals
from fer_phq.features.windows import window_modalities, windows
from fer_phq.models.phq_head import InputSpec
from training.phq.data.sessions import LabelledSession
from training.phq.models.candidates import Table

FEWEST_SESSIONS = 10
FEWEST_SUBJECTS = 5
"""A set of modalities that fewer sessions, or fewer people, have is not trained."""

FEWEST_ROWS = {Modality.FACE: Settings().min_face_frames, Modality.VOICE: 1, Modality.WORDS: 1}
"""A session with fewer rows does not have the modality; for the face as where an analysis is judged."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """Sessions and their features, in one order."""

    sessions: tuple[LabelledSession, ...]
    features: tuple[SessionFeatures, ...]

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def scale(self) -> Scale:
        """The scale of every score."""
        return self.sessions[0].scale

    @property
    def totals(self) -> npt.NDArray[np.float64]:
        """(n,) PHQ scores."""
        return np.array([session.score for session in self.sessions], np.float64)

    @property
    def subjects(self) -> npt.NDArray[np.int64]:
        """(n,) numbers of the people, in the order of their ids."""
        return np.unique([session.subject_id for session in self.sessions], return_inverse=True)[1].astype(np.int64)

    @property
    def items(self) -> npt.NDArray[np.float64] | None:
        """(n, items of the scale) the questionnaires' answers, NaN where only the total is known; None without any."""
        if not any(session.items for session in self.sessions):
            return None
        unknown = (np.nan,) * self.scale.items
        return np.array([session.items or unknown for session in self.sessions], np.float64)

    @property
    def people(self) -> int:
        """Different subjects."""
        return len({session.subject_id for session in self.sessions})

    def take(self, chosen: npt.NDArray[np.int64]) -> Gathered:
        """The sessions at these positions."""
        return Gathered(tuple(self.sessions[i] for i in chosen), tuple(self.features[i] for i in chosen))

    def having(self, modalities: Sequence[Modality]) -> Gathered:
        """The sessions that have all of these modalities."""
        has = [all(_rows(found, one) >= FEWEST_ROWS[one] for one in modalities) for found in self.features]
        return self.take(np.flatnonzero(has))


@dataclass(frozen=True, eq=False)
class SetTable:
    """A modality set's table with what a head must know of its inputs."""

    modalities: tuple[Modality, ...]
    table: Table
    columns: Functionals
    inputs: dict[Modality, InputSpec]


def modality_sets(data: Gathered) -> list[tuple[Modality, ...]]:
    """Every set of modalities that enough sessions of enough people have, the smallest sets first."""
    sets = [chosen for size in (1, 2, 3) for chosen in combinations(Modality, size)]
    return [chosen for chosen in sets if _enough(data.having(chosen))]


def _enough(data: Gathered) -> bool:
    return len(data) >= FEWEST_SESSIONS and data.people >= FEWEST_SUBJECTS and len(set(data.totals)) > 1


def set_table(data: Gathered, modalities: tuple[Modality, ...]) -> SetTable:
    """The table of the sessions that have these modalities. Raises FerPhqError where their features differ in kind."""
    having = data.having(modalities)
    inputs = {modality: _input(having, modality) for modality in modalities}
    rows = [functionals(features, modalities) for features in having.features]
    for session, row in zip(having.sessions, rows, strict=True):
        if row.names != rows[0].names:
            raise FerPhqError(f"{session.name} has other columns than {having.sessions[0].name}: use one kind of file.")
    table = Table(
        np.stack([row.values for row in rows]),
        having.totals,
        having.subjects,
        rows[0].blocks,
        segments=tuple(windows(features, modalities) for features in having.features),
        parts=window_modalities({modality: taken.width for modality, taken in inputs.items()}),
        maximum=having.scale.maximum,
        items=having.items,
    )
    return SetTable(modalities, table, rows[0], inputs)


def _input(data: Gathered, modality: Modality) -> InputSpec:
    channels = [features.series(modality) for features in data.features]
    found = [channel for channel in channels if channel is not None]
    first = found[0]
    for session, channel in zip(data.sessions, found, strict=True):
        if (channel.width, channel.kind) != (first.width, first.kind):
            one, other = (f"{c.width} numbers a row of {c.kind or 'an unnamed kind'}" for c in (channel, first))
            raise FerPhqError(
                f"{session.name} has another {modality} than {data.sessions[0].name} ({one}; {other}): use one kind."
            )
    return InputSpec(first.width, first.kind, max(1, min(map(count_measured, found)) // 2))


def _rows(features: SessionFeatures, modality: Modality) -> int:
    """How many rows of a modality say something."""
    channel = features.series(modality)
    return 0 if channel is None else count_measured(channel)
