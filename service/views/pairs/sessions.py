"""Two sessions of a person side by side: the measures of both, where one may be compared with the other."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from db.records import AnalysisSummary
from db.store import Store
from fer_phq.behaviour.aversion import is_of_gaze
from fer_phq.features.measures import BEHAVIOUR, GAZE_SHARE, MEASURES, RATE, VERSION, VERSION_KEY, Measure
from fer_phq.longitudinal.periods import distinct_rates
from service.views.speech.voices import TALK_NAMES, TURN_NAMES, VOICE_NAMES, voice_of
from service.views.trends import LOOKING_NAMES

CONDITIONS = frozenset({RATE, GAZE_SHARE})
"""Measures that say how others were measured."""


@dataclass(frozen=True)
class MeasurePair:
    """A measure of two sessions.

    Attributes:
        measure: The measure.
        earlier: Its value in the earlier session.
        later: Its value in the later one.
    """

    measure: Measure
    earlier: float
    later: float

    @property
    def difference(self) -> float:
        """The later value less the earlier one."""
        return self.later - self.earlier


@dataclass(frozen=True)
class SessionPair:
    """The measures that two sessions share.

    Attributes:
        pairs: Those that may be compared, in their order.
        unlike: Those that both have and that were measured differently: by another model or an earlier version, at
            another rate, with looks of the gaze and of the head, with the voice or turns told in two ways.
    """

    pairs: tuple[MeasurePair, ...]
    unlike: tuple[Measure, ...]


def load_session_pair(store: Store, earlier: AnalysisSummary, later: AnalysisSummary) -> SessionPair:
    """Load the measures of two analyses.

    Args:
        store: The store.
        earlier: The analysis of the earlier session.
        later: The analysis of the later session.

    Raises:
        NotFoundError: An analysis is gone.
    """
    first = store.measures.get(analysis_id=earlier.id)
    second = store.measures.get(analysis_id=later.id)
    tellings = [_load_telling(store, summary) for summary in (earlier, later)]
    same = earlier.model_id == later.model_id and first.get(VERSION_KEY) == second.get(VERSION_KEY) == VERSION
    pairs = []
    unlike = []
    for measure in MEASURES:
        if measure.name in CONDITIONS or not (_is_measured(first, measure) and _is_measured(second, measure)):
            continue
        if same and _measured_alike(measure, first, second) and len({told.of(measure) for told in tellings}) == 1:
            pairs.append(MeasurePair(measure, first[measure.name], second[measure.name]))
        else:
            unlike.append(measure)
    return SessionPair(tuple(pairs), tuple(unlike))


@dataclass(frozen=True)
class _Telling:
    """How it was told who speaks in a session, and which speaker is the subject.

    Attributes:
        kind: The kind of its turns; None where they were not told.
        choice: A `SpeakerChoice`; None without a turn.
        has_sidecar: Whether files were given beside the recording.
    """

    kind: str | None
    choice: str | None
    has_sidecar: bool

    def of(self, measure: Measure) -> Hashable:
        """Return what must be alike in two sessions for a measure of the voice or of turn taking to be compared."""
        if measure.name in VOICE_NAMES:
            return voice_of(self.choice, has_sidecar=self.has_sidecar)
        if measure.name in TURN_NAMES:
            return self.kind, None if measure.name in TALK_NAMES else self.choice
        return None


def _load_telling(store: Store, summary: AnalysisSummary) -> _Telling:
    kind = store.features.turns_kind(analysis_id=summary.id)
    choice = store.features.speaker_choice(analysis_id=summary.id)
    return _Telling(kind, choice, bool(summary.sidecar_digest))


def _is_measured(values: Mapping[str, float], measure: Measure) -> bool:
    return math.isfinite(values.get(measure.name, math.nan))


def _measured_alike(measure: Measure, first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    """Tell whether a measure is of one kind in both sessions, as lines of Trends demand it."""
    if measure.modality != BEHAVIOUR:
        return True
    if len(distinct_rates([values.get(RATE, math.nan) for values in (first, second)])) != 1:
        return False
    if measure.name not in LOOKING_NAMES:
        return True
    shares = [values.get(GAZE_SHARE, math.nan) for values in (first, second)]
    return is_of_gaze(shares[0]) == is_of_gaze(shares[1])
