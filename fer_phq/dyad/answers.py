"""Smiles that are returned, and time in which both people look ahead, against what chance makes of them.

Smiles of one person are often answered by the other's, within a second or two (Heerey & Crossley, 2013, Psychol Sci
24:1446-1455). Chance is the same share when one person's course is shifted against the other's, by each whole second
from ten on, its end joined to its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_phq.behaviour.aversion import averted_spans, downward_spans
from fer_phq.behaviour.columns import LONGEST_STEP_S, column, row_times, stretches
from fer_phq.behaviour.expression import smile, smile_spans
from fer_phq.behaviour.measures import has_gaze
from fer_phq.behaviour.spans import Span
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.dyad.signals import RATE_HZ, Signal

ANSWER_S = 3.0
"""Seconds from the beginning of a smile within which the other person's begins."""
LEAST_SMILES = 5
"""Smiles below which a share of them says nothing."""
LEAST_SEEN_S = 60.0
"""Seconds in which both people are seen, below which a share of them says nothing."""
LEAST_SHIFT_S = 10.0
LEAST_SHIFTS = 19
"""Shifts below which chance is not known: with fewer, no share could be rarer than one in twenty."""


@dataclass(frozen=True)
class Coincidence:
    """How often something of two people comes together.

    Attributes:
        share: Share of the cases, 0 to 1.
        chance: The same share with one person's course shifted, on average.
        p: Share of the shifts, none among them, that give as much.
        cases: Of how many smiles, or seconds, it is the share.
    """

    share: float
    chance: float
    p: float
    cases: float


def returned_smiles(person: FeatureSeries, partner: FeatureSeries, grid: TimeArray) -> Coincidence | None:
    """Compute the share of one person's smiles that the other person returns.

    A smile counts whose beginning was seen, while the other person's mouth is seen for three seconds and does not smile
    already.

    Args:
        person: Whose smiles may be returned.
        partner: Who may return them.
        grid: (n,) seconds, from `fer_phq.dyad.signals.signal_times`.

    Returns:
        The share; None with fewer than five such smiles, or too little time to shift.
    """
    onsets = np.zeros(len(grid))
    time_s, smiles = row_times(person), smile(person)
    for span in smile_spans(person):
        if not _begins_unseen(smiles, time_s, span):
            onsets[np.searchsorted(grid[:-1], span.onset_s)] += 1.0
    return _coincidence(onsets, onsets, _answers(partner, grid), LEAST_SMILES)


def mutual_looking(person: FeatureSeries, partner: FeatureSeries, grid: TimeArray) -> Coincidence | None:
    """Compute the share of the time in which both people look ahead: to where each of them usually looks.

    Where the usual place is the other person, as in a talk face to face or by video, they then look at each other.
    That it is so is not measured.

    Args:
        person: One person's behaviour series.
        partner: The other's.
        grid: (n,) seconds, from `fer_phq.dyad.signals.signal_times`.

    Returns:
        The share; None where both are seen for less than a minute, or the gaze was not looked for.
    """
    if not (has_gaze(person) and has_gaze(partner)):
        return None
    ahead = _ahead(person, grid)
    seconds = np.isfinite(ahead) / RATE_HZ
    return _coincidence(seconds, seconds * np.nan_to_num(ahead), _ahead(partner, grid), LEAST_SEEN_S)


def _begins_unseen(smiles: FloatArray, time_s: TimeArray, span: Span) -> bool:
    """Return whether a smile may have begun before it is seen: what is not seen, or the start, lies before it."""
    row = int(np.searchsorted(time_s, span.onset_s - 1e-9))
    return row == 0 or not np.isfinite(smiles[row - 1]) or time_s[row] - time_s[row - 1] > LONGEST_STEP_S


def _answers(series: FeatureSeries, grid: TimeArray) -> Signal:
    """Return whether a smile begins within three seconds of each time, (n,) 0 or 1; NaN where that cannot be told."""
    spans = smile_spans(series)
    time_s = row_times(series)
    answers = np.full(len(grid), np.nan)
    for first, last in stretches(np.isfinite(smile(series)), time_s):
        answers[(grid >= time_s[first]) & (grid + ANSWER_S <= time_s[last])] = 0.0
    for span in spans:
        before = (grid < span.onset_s) & (grid >= span.onset_s - ANSWER_S)
        answers[before & np.isfinite(answers)] = 1.0
    for span in spans:
        answers[(grid >= span.onset_s) & (grid <= span.offset_s)] = np.nan
    return answers


def _ahead(series: FeatureSeries, grid: TimeArray) -> Signal:
    """Return whether a person looks neither down nor to a side, (n,) 0 or 1; NaN where the head is not seen."""
    time_s = row_times(series)
    ahead = np.full(len(grid), np.nan)
    for first, last in stretches(np.isfinite(column(series, "pitch_deg")), time_s):
        ahead[(grid >= time_s[first]) & (grid <= time_s[last])] = 1.0
    for span in (*downward_spans(series), *averted_spans(series)):
        ahead[(grid >= span.onset_s) & (grid <= span.offset_s) & np.isfinite(ahead)] = 0.0
    return ahead


def _coincidence(cases: Signal, so: Signal, partner: Signal, least: float) -> Coincidence | None:
    """Compute in how many cases something is so of both people, and the same of shifted courses.

    Args:
        cases: (n,) how many cases the person has at each time, 0 or more.
        so: (n,) how many of them it is so in.
        partner: (n,) whether it is so of the other person, 0 or 1; NaN where that is unknown: those are no cases.
        least: Cases below which there is no share.
    """
    counts = _shifted_sums(cases, np.isfinite(partner).astype(float))
    hits = _shifted_sums(so, np.nan_to_num(partner))
    step = round(RATE_HZ)
    shifts = np.arange(round(LEAST_SHIFT_S) * step, len(partner) - round(LEAST_SHIFT_S) * step + 1, step)
    shifts = shifts[counts[shifts] >= least - 1e-6]
    if counts[0] < least - 1e-6 or len(shifts) < LEAST_SHIFTS:
        return None
    share = hits[0] / counts[0]
    shares = hits[shifts] / counts[shifts]
    p = (1 + int((shares >= share - 1e-9).sum())) / (1 + len(shares))
    return Coincidence(float(share), float(shares.mean()), p, float(counts[0]))


def _shifted_sums(first: Signal, second: Signal) -> Signal:
    """Return the sum of products with the second course shifted by each number of places, its ends joined."""
    return np.fft.irfft(np.conj(np.fft.rfft(first)) * np.fft.rfft(second), len(first))
