"""Diarization error rate: how much of the speech is given to nobody, to the wrong speaker, or invented.

NIST's measure (Fiscus et al., 2006, "The Rich Transcription 2006 Spring meeting recognition evaluation"), overlaps
included: at each time so many speakers are missed, invented or confused as the two answers differ, under the pairing of
speakers that confuses least, over the time that everybody speaks. A collar leaves out the time around each true
boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from fer_phq.speakers import Turn

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DiarizationError:
    """Seconds of speech that an answer gets wrong; errors of several talks are added.

    Attributes:
        missed_s: Spoken and given to nobody.
        invented_s: Given to somebody and not spoken.
        confused_s: Given to another speaker.
        speech_s: Spoken in all; where two speak at once, both count.
    """

    missed_s: float
    invented_s: float
    confused_s: float
    speech_s: float

    @property
    def rate(self) -> float:
        """The diarization error rate; NaN without speech."""
        wrong_s = self.missed_s + self.invented_s + self.confused_s
        return wrong_s / self.speech_s if self.speech_s else float("nan")

    def __add__(self, other: DiarizationError) -> DiarizationError:
        return DiarizationError(
            self.missed_s + other.missed_s,
            self.invented_s + other.invented_s,
            self.confused_s + other.confused_s,
            self.speech_s + other.speech_s,
        )


def diarization_error(truth: Sequence[Turn], answer: Sequence[Turn], collar_s: float = 0.0) -> DiarizationError:
    """Compare turns with the truth.

    Args:
        truth: Who speaks when.
        answer: What is compared with it.
        collar_s: Seconds on each side of a true boundary that do not count.
    """
    bounds = [time for turn in (*truth, *answer) for time in (turn.start_s, turn.end_s)]
    true_bounds = [time for turn in truth for time in (turn.start_s, turn.end_s)]
    collars = [time + side for time in true_bounds for side in (-collar_s, collar_s)]
    edges = np.unique(np.array([*bounds, *collars], np.float64))
    if len(edges) < 2:
        return DiarizationError(0.0, 0.0, 0.0, 0.0)
    middles = (edges[:-1] + edges[1:]) / 2
    lengths = np.diff(edges)
    for time in true_bounds:
        lengths[np.abs(middles - time) < collar_s] = 0
    speaking = _activity(truth, middles)
    answering = _activity(answer, middles)
    together = np.einsum("st,at,t->sa", speaking, answering, lengths)
    rows, columns = linear_sum_assignment(together, maximize=True)
    count = speaking.sum(axis=0)
    answered = answering.sum(axis=0)
    both = float((np.minimum(count, answered) * lengths).sum())
    return DiarizationError(
        missed_s=float((np.maximum(count - answered, 0) * lengths).sum()),
        invented_s=float((np.maximum(answered - count, 0) * lengths).sum()),
        confused_s=both - float(together[rows, columns].sum()),
        speech_s=float((count * lengths).sum()),
    )


def _activity(turns: Sequence[Turn], times: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return who speaks at each time: (speakers, times), 0 or 1."""
    speakers = sorted({turn.speaker for turn in turns})
    active = np.zeros((len(speakers), len(times)), np.int64)
    for turn in turns:
        first, last = np.searchsorted(times, (turn.start_s, turn.end_s))
        active[speakers.index(turn.speaker), first:last] = 1
    return active
