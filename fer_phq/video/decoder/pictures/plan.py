"""Which coded pictures are decoded so that the sampled ones come out as if all were. Runs in the decoder process only.

A picture is left out where no other needs it, or where what is coded after the last sampled picture of a group ends
before the next group that begins anew. Where codec or recording leave a doubt, there is no plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.video.decoder.container import CodedPictures
from fer_phq.video.decoder.recording import Recording
from fer_phq.video.decoder.references import LAYERED, PARAMETERS, RESTART, UNNEEDED
from fer_phq.video.sampling import EPSILON_S, displayed_at_rate

DECODE = 0
PASS_OVER = 1
"""The decoder reads the packet's parameters and leaves the picture out."""
DROP = 2
"""The decoder does not get the packet."""

MOST_PICTURES = 2_000_000
"""Of a recording with more, of nine hours at 60 a second, all is decoded: planning takes memory for each picture."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What is done with each coded picture.

    Attributes:
        stamps: (n,) presentation stamps in the order of coding, ticks of the track.
        actions: (n,) uint8: `DECODE`, `PASS_OVER` or `DROP`.
        expected: (m,) stamps of the pictures that must come out, ascending.
    """

    stamps: npt.NDArray[np.int64]
    actions: npt.NDArray[np.uint8]
    expected: npt.NDArray[np.int64]


def plan_decoding(recording: Recording, fps: float) -> Plan | None:
    """Plan what is decoded so that a recording can be sampled at a rate; None where all of it has to be.

    Args:
        recording: The recording, with its index.
        fps: Target times per second.
    """
    index = recording.index
    times = recording.times
    if index is None or times is None or index.coded is None or recording.cut_short or index.joints:
        return None
    coded = index.coded
    if not 0 < len(times) <= MOST_PICTURES or (coded.marks & LAYERED).any():
        return None
    displayed = displayed_at_rate(((float(time_s), None) for time_s in times), fps, recording.end_s)
    sampled = np.fromiter((time_s for time_s, _ in displayed), np.float64)
    actions = _choose(coded, _is_sampled(coded, sampled, recording.info.zero_s))
    if not actions.any():
        return None
    return Plan(coded.stamps, actions, np.sort(coded.stamps[actions == DECODE]))


def _is_sampled(coded: CodedPictures, sampled: npt.NDArray[np.float64], zero_s: float) -> npt.NDArray[np.bool_]:
    """Return which coded pictures are displayed at the sampled times."""
    times = coded.stamps * coded.time_base - zero_s
    following = np.clip(np.searchsorted(sampled, times), 0, len(sampled) - 1)
    near = np.minimum(np.abs(sampled[following] - times), np.abs(sampled[following - 1] - times))
    is_sampled: npt.NDArray[np.bool_] = near <= EPSILON_S
    return is_sampled


def _choose(coded: CodedPictures, sampled: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Choose an action for each coded picture."""
    required = np.flatnonzero(sampled | (coded.marks & PARAMETERS != 0))
    restarts = np.flatnonzero(coded.marks & RESTART)
    actions = np.full(len(coded.stamps), DECODE, np.uint8)
    actions[(coded.marks & UNNEEDED != 0) & ~sampled] = PASS_OVER
    groups = np.searchsorted(restarts, np.arange(len(actions)), side="right")
    last_required = np.full(len(restarts) + 1, -1)
    np.maximum.at(last_required, groups[required], required)
    actions[np.arange(len(actions)) > last_required[groups]] = DROP
    return actions
