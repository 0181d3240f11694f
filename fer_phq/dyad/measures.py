"""The measures of two people of one recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fer_phq.behaviour.columns import row_times
from fer_phq.core.arrays import TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.dyad.answers import Coincidence, mutual_looking, returned_smiles
from fer_phq.dyad.signals import Signal, face_signal, head_signal, hide_jolts, signal_times
from fer_phq.dyad.synchrony import Synchrony, count_windows, synchrony


@dataclass(frozen=True)
class DyadMeasures:
    """What two people of a recording have in common; None where there is too little of it.

    Attributes:
        head: Synchrony of how fast the heads turn. A positive lag: the partner follows the subject.
        face: Synchrony of how much the faces change, speech included.
        smiles_returned_by_partner: Of the subject's smiles, those that the partner returns.
        smiles_returned_by_subject: Of the partner's smiles, those that the subject returns.
        looking: Time in which both look ahead.
    """

    head: Synchrony | None
    face: Synchrony | None
    smiles_returned_by_partner: Coincidence | None
    smiles_returned_by_subject: Coincidence | None
    looking: Coincidence | None


def measure_dyad(subject: FeatureSeries, partner: FeatureSeries) -> DyadMeasures:
    """Compute the measures of two people.

    Args:
        subject: The subject's behaviour series.
        partner: The other person's, of the same recording.
    """
    grid = _grid(subject, partner)
    return DyadMeasures(
        head=synchrony(*_signals(head_signal, subject, partner, grid)),
        face=synchrony(*_signals(face_signal, subject, partner, grid)),
        smiles_returned_by_partner=returned_smiles(subject, partner, grid),
        smiles_returned_by_subject=returned_smiles(partner, subject, grid),
        looking=mutual_looking(subject, partner, grid),
    )


def together_windows(subject: FeatureSeries, partner: FeatureSeries) -> int:
    """Return in how many windows of half a minute both heads are seen and move.

    Args:
        subject: The subject's behaviour series.
        partner: The partner's.
    """
    grid = _grid(subject, partner)
    return count_windows(*_signals(head_signal, subject, partner, grid))


def _signals(
    signal_of: Callable[[FeatureSeries, TimeArray], Signal],
    subject: FeatureSeries,
    partner: FeatureSeries,
    grid: TimeArray,
) -> tuple[Signal, Signal]:
    """Return a signal of both people, without what moved both pictures at once."""
    people = (subject, partner)
    first, second = (hide_jolts(signal_of(person, grid), *people, grid) for person in people)
    return first, second


def _grid(subject: FeatureSeries, partner: FeatureSeries) -> TimeArray:
    ends = [float(row_times(series)[-1]) for series in (subject, partner) if len(series)]
    return signal_times(max(ends, default=0.0))
