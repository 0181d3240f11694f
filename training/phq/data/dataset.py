"""Labelled sessions with their features, and the matrices that heads are fitted on: one a set of modalities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.reasons import LEAST_VISIBLE_S
from fer_phq.core.analysis import Settings
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.messages import Message
from fer_phq.core.phq import MODALITY_NAMES, Modality, Scale
from fer_phq.features.functionals import Functionals, count_measured, functionals
from fer_phq.features.windows import window_modalities, windows
from fer_phq.models.head_report import FEWEST_SESSIONS, FEWEST_SUBJECTS
from fer_phq.models.phq_head import InputSpec
from fer_phq.timeline.grid import is_below_grid, to_grid
from training.phq import messages
from training.phq.data.sessions import LabelledSession
from training.phq.models.candidates import FeatureMatrix

FEWEST_ROWS = {
    Modality.FACE: Settings.min_face_frames,
    Modality.VOICE: 1,
    Modality.WORDS: 1,
    Modality.BEHAVIOUR: int(LEAST_VISIBLE_S),
}
"""A session with fewer rows does not have the modality; the limit for the face is that of an analysis, that for the
behaviour that of its measures."""


@dataclass(frozen=True, eq=False)
class LabelledDataset:
    """Labelled sessions and their features.

    Attributes:
        sessions: At least one session with its score, all on one scale.
        features: Of each session, in the same order.
        notes: What the report says of the sessions, such as what of them is not used.
        interviewers: Of each session the utterances of those who are not the subject, None where they are not known;
            empty where they were not looked for. No head reads them.
    """

    sessions: tuple[LabelledSession, ...]
    features: tuple[SessionFeatures, ...]
    notes: tuple[Message, ...] = ()
    interviewers: tuple[FeatureSeries | None, ...] = ()

    def __len__(self) -> int:
        """Return the number of sessions."""
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
        """Number of different subjects."""
        return len({session.subject_id for session in self.sessions})

    def take(self, positions: npt.NDArray[np.int64]) -> LabelledDataset:
        """Return the sessions at these positions (k,)."""
        return LabelledDataset(
            tuple(self.sessions[i] for i in positions),
            tuple(self.features[i] for i in positions),
            interviewers=tuple(self.interviewers[i] for i in positions) if self.interviewers else (),
        )

    def with_modalities(self, modalities: Sequence[Modality]) -> LabelledDataset:
        """Return the sessions that have all of these modalities."""
        complete = [
            all(_measured_rows(features, modality) >= FEWEST_ROWS[modality] for modality in modalities)
            for features in self.features
        ]
        return self.take(np.flatnonzero(complete))


@dataclass(frozen=True, eq=False)
class HeadData:
    """What one head is fitted on.

    Attributes:
        modalities: The set of modalities that every session has.
        matrix: The sessions as models read them.
        columns: The functionals of the first session, which name the matrix's columns.
        inputs: What the head takes of each modality.
    """

    modalities: tuple[Modality, ...]
    matrix: FeatureMatrix
    columns: Functionals
    inputs: dict[Modality, InputSpec]


def modality_sets(data: LabelledDataset) -> list[tuple[Modality, ...]]:
    """Return every set of modalities that enough sessions of enough people have, the smallest sets first.

    Args:
        data: Labelled sessions. A set whose sessions all have the same score is no set to learn from.
    """
    sets = [modalities for size in range(1, len(Modality) + 1) for modalities in combinations(Modality, size)]
    return [modalities for modalities in sets if _is_enough(data.with_modalities(modalities))]


def _is_enough(data: LabelledDataset) -> bool:
    return len(data) >= FEWEST_SESSIONS and data.people >= FEWEST_SUBJECTS and len(set(data.totals)) > 1


def build_head_data(data: LabelledDataset, modalities: tuple[Modality, ...]) -> HeadData:
    """Compute functionals and windows of the sessions that have a set of modalities.

    Args:
        data: Labelled sessions; those without one of the modalities are passed over.
        modalities: The head's modalities.

    Raises:
        FerPhqError: The sessions' features differ in kind.
    """
    complete = data.with_modalities(modalities)
    inputs = {modality: _input(complete, modality) for modality in modalities}
    rows = [functionals(features, modalities) for features in complete.features]
    for session, row in zip(complete.sessions, rows, strict=True):
        if row.names != rows[0].names:
            raise FerPhqError(messages.OTHER_COLUMNS(name=session.name, name2=complete.sessions[0].name))
    matrix = FeatureMatrix(
        np.stack([row.values for row in rows]),
        complete.totals,
        complete.subjects,
        rows[0].blocks,
        windows=tuple(windows(features, modalities) for features in complete.features),
        window_modalities=window_modalities({modality: head_input.width for modality, head_input in inputs.items()}),
        maximum=complete.scale.maximum,
        items=complete.items,
    )
    return HeadData(modalities, matrix, rows[0], inputs)


def _input(data: LabelledDataset, modality: Modality) -> InputSpec:
    every_series = [to_grid(features).series(modality) for features in data.features]
    present = [series for series in every_series if series is not None]
    first = present[0]
    for session, series in zip(data.sessions, present, strict=True):
        if (series.width, series.kind) != (first.width, first.kind):
            raise FerPhqError(
                messages.OTHER_KIND(
                    name=session.name,
                    modality=MODALITY_NAMES[modality](),
                    name2=data.sessions[0].name,
                    one=_kind_message(series),
                    other=_kind_message(first),
                )
            )
    return InputSpec(first.width, first.kind, max(1, min(map(count_measured, present)) // 2))


def _kind_message(series: FeatureSeries) -> Message:
    return messages.FEATURE_KIND(width=series.width, kind=series.kind or messages.UNNAMED_KIND())


def _measured_rows(features: SessionFeatures, modality: Modality) -> int:
    """Count the rows of a modality in which something was measured: 0 without it, and of a face below the grid."""
    series = to_grid(features).series(modality)
    if series is None or (modality is Modality.FACE and is_below_grid(series)):
        return 0
    return count_measured(series)
