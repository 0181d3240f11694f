"""Two sessions of a person side by side: shares, measures and estimates, where one may be compared with the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from db.records import AnalysisSummary
from db.store import Store
from fer_phq.behaviour.aversion import is_of_gaze
from fer_phq.core.phq import PhqEstimate, PhqResult, Provenance
from fer_phq.features.measures import (
    BEHAVIOUR,
    GAZE_SHARE,
    MEASURES,
    RATE,
    RECOGNISED_SHARE,
    SHARES,
    VERSION,
    VERSION_KEY,
    Measure,
)
from fer_phq.longitudinal.periods import distinct_rates
from service.views.speech.voices import Telling
from service.views.trends import LOOKING_NAMES

CONDITIONS = frozenset({RATE, GAZE_SHARE, RECOGNISED_SHARE})
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
            another rate, with looks of the gaze and of the head, with voice, words or turns
            told in two ways.
        shares: The emotions' shares, in their order; empty where they must not be compared.
        are_shares_unlike: Whether both have shares and these were measured differently: by another model, or counted
            by frames.
        earlier: The estimate of the earlier session, or why there is none.
        later: That of the later one.
    """

    pairs: tuple[MeasurePair, ...]
    unlike: tuple[Measure, ...]
    shares: tuple[MeasurePair, ...]
    are_shares_unlike: bool
    earlier: PhqResult
    later: PhqResult

    @property
    def estimate_difference(self) -> float | None:
        """The later estimate less the earlier one.

        None unless the same head made both from the same modalities, on clinical labels: any other difference would
        be the heads' alone, or say nothing about the person.
        """
        earlier = self.earlier
        later = self.later
        if not isinstance(earlier, PhqEstimate) or not isinstance(later, PhqEstimate):
            return None
        heads = [(found.model_id, found.scale, found.modalities, found.provenance) for found in (earlier, later)]
        if heads[0] != heads[1] or earlier.provenance is not Provenance.CLINICAL:
            return None
        return later.score - earlier.score

    @property
    def do_intervals_overlap(self) -> bool:
        """Whether a score lies in the intervals of both estimates."""
        earlier = self.earlier
        later = self.later
        if not isinstance(earlier, PhqEstimate) or not isinstance(later, PhqEstimate):
            return False
        return earlier.low <= later.high and later.low <= earlier.high


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
    first_telling = _load_telling(store, earlier, first)
    second_telling = _load_telling(store, later, second)
    same = earlier.model_id == later.model_id and first.get(VERSION_KEY) == second.get(VERSION_KEY) == VERSION
    pairs = []
    unlike = []
    for measure in MEASURES:
        if measure.name in CONDITIONS or not (_is_measured(first, measure) and _is_measured(second, measure)):
            continue
        is_spoken_alike = first_telling.of(measure.name) == second_telling.of(measure.name)
        if same and is_spoken_alike and _measured_alike(measure, first, second):
            pairs.append(MeasurePair(measure, first[measure.name], second[measure.name]))
        else:
            unlike.append(measure)
    has_shares = earlier.emotions is not None and later.emotions is not None
    is_share_alike = earlier.model_id == later.model_id and not (earlier.counts_by_frames or later.counts_by_frames)
    return SessionPair(
        pairs=tuple(pairs),
        unlike=tuple(unlike),
        shares=_share_pairs(earlier, later) if is_share_alike else (),
        are_shares_unlike=has_shares and not is_share_alike,
        earlier=earlier.phq,
        later=later.phq,
    )


def _share_pairs(earlier: AnalysisSummary, later: AnalysisSummary) -> tuple[MeasurePair, ...]:
    """Return the emotions' shares of two analyses; nothing where one of them saw no face."""
    first = earlier.emotions
    second = later.emotions
    if first is None or second is None:
        return ()
    return tuple(MeasurePair(share, first[share.name], second[share.name]) for share in SHARES)


def _load_telling(store: Store, summary: AnalysisSummary, values: Mapping[str, float]) -> Telling:
    return Telling(
        store.features.turns_kind(analysis_id=summary.id),
        store.features.speaker_choice(analysis_id=summary.id),
        bool(summary.sidecar_digest),
        values.get(RECOGNISED_SHARE, math.nan),
    )


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
