"""The values of the measures of turn taking, and why some are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_phq.core.messages import Message
from fer_phq.speakers import messages
from fer_phq.speakers.measures.declared import TURN_MEASURES, Scope, TurnMeasure
from fer_phq.speakers.measures.events import Exchange, count_seconds, find_exchange
from fer_phq.speakers.turn import Turn

LEAST_EVENTS = 5
"""Events from which their mean and median are measured: of fewer, a single one decides."""
LARGEST_OVERLAP = 0.3
"""Share of the speech by part that two speak at once from which microphones hear the others as well. In talks it is a
few per cent (Levinson & Torreira 2015, Front Psychol 6:731)."""
_TOLERANCE_S = 0.1  # that turns may end after the recording: sound ends with a block

_OF_ONE = frozenset(["speaking_share", "silence_share"])


@dataclass(frozen=True)
class Measured:
    """A measure's value, or why there is none.

    Attributes:
        value: In the measure's unit; None where it cannot be told.
        reason: Why it cannot; None where there is a value.
        events: How many events a mean or median is of; None for others.
    """

    value: float | None
    reason: Message | None = None
    events: int | None = None


@dataclass(frozen=True)
class TurnTaking:
    """How the speakers of a recording take turns.

    Attributes:
        talk: Of all together, by the names of `TURN_MEASURES`.
        speakers: Of each speaker who has a turn.
        warnings: What limits the values.
    """

    talk: Mapping[str, Measured]
    speakers: Mapping[int, Mapping[str, Measured]]
    warnings: tuple[Message, ...] = ()


def measure_turns(turns: Sequence[Turn], duration_s: float, *, is_by_part: bool = False) -> TurnTaking:
    """Measure how speakers take turns.

    Args:
        turns: Everybody's stretches of speech, in any order, such as `Diarization.turns`.
        duration_s: Length of the recording's sound in seconds.
        is_by_part: Whether speakers are tracks or channels, of which each may hear the others; else they were told by
            their voices.

    Returns:
        Each measure of the talk and of each speaker, with a value or a reason.

    Raises:
        ValueError: The length is no positive number, or turns end after it.
    """
    last_s = max((turn.end_s for turn in turns), default=0.0)
    if not (math.isfinite(duration_s) and duration_s > 0 and last_s <= duration_s + _TOLERANCE_S):
        raise ValueError(f"A recording of {duration_s:g} s cannot have turns that end at {last_s:g} s.")
    exchange = find_exchange(turns)
    numbers = sorted({turn.speaker for turn in exchange.stretches})
    reason = _reason(exchange, len(numbers), is_by_part)
    return TurnTaking(
        _measure(exchange, None, duration_s, reason),
        {number: _measure(exchange, number, duration_s, reason) for number in numbers},
        (messages.BY_VOICES(),) if reason is None and not is_by_part else (),
    )


def _reason(exchange: Exchange, speakers: int, is_by_part: bool) -> Message | None:
    """Return why turn taking cannot be measured; None where it can."""
    if not speakers:
        return messages.NO_TURNS()
    if speakers == 1:
        return messages.ONE_SPEAKER()
    speech_s, overlapped_s = count_seconds(exchange.stretches)
    if is_by_part and overlapped_s > LARGEST_OVERLAP * speech_s:
        return messages.CROSSTALK(share=overlapped_s / speech_s)
    return None


def _measure(exchange: Exchange, speaker: int | None, duration_s: float, reason: Message | None) -> dict[str, Measured]:
    """Measure a speaker, or all together."""
    scope = Scope.TALK if speaker is None else Scope.SPEAKER
    declared = [measure for measure in TURN_MEASURES if scope in measure.scopes]
    samples = _events(exchange, speaker)
    shares = _shares(exchange, speaker, duration_s)
    measured: dict[str, Measured] = {}
    for measure in declared:
        is_missing = reason is not None and not (measure.name in _OF_ONE and reason.code == messages.ONE_SPEAKER.code)
        if is_missing:
            measured[measure.name] = Measured(None, reason)
        elif measure.unit == "share":
            measured[measure.name] = Measured(shares[measure.name])
        elif measure.unit == "number":
            measured[measure.name] = Measured(float(len(samples[measure.name])))
        else:
            measured[measure.name] = _middle(measure, samples)
    return measured


def _middle(measure: TurnMeasure, samples: Mapping[str, Sequence[float]]) -> Measured:
    """Return the mean or median of events; a reason where they are few."""
    stem, kind, _ = measure.name.split("_")
    values = samples[f"{stem}s"]
    if len(values) < LEAST_EVENTS:
        return Measured(None, messages.FEW_EVENTS(count=len(values), least=LEAST_EVENTS), len(values))
    middle = np.mean(values) if kind == "mean" else np.median(values)
    return Measured(float(middle), None, len(values))


def _events(exchange: Exchange, speaker: int | None) -> dict[str, list[float]]:
    """Collect the seconds of each event, of a speaker or of all."""

    def is_counted(number: int) -> bool:
        return speaker in (None, number)

    turns = [turn for turn in exchange.turns if is_counted(turn.speaker)]
    transfers = [transfer for transfer in exchange.transfers if is_counted(transfer.after.speaker)]
    insets = [inset for inset in exchange.insets if is_counted(inset.turn.speaker)]
    offsets = [transfer.offset_s for transfer in transfers]
    return {
        "turns": [turn.duration_s for turn in turns],
        "pauses": [pause_s for turn in turns for pause_s in turn.pauses_s],
        "responses": offsets,
        "gaps": [offset_s for offset_s in offsets if offset_s > 0],
        "overlaps": [-offset_s for offset_s in offsets if offset_s < 0],
        "interruptions_successful": [-transfer.offset_s for transfer in transfers if transfer.is_interruption],
        "interruptions_unsuccessful": [inset.turn.duration_s for inset in insets if inset.is_interruption],
        "backchannels": [inset.turn.duration_s for inset in insets if inset.is_backchannel],
    }


def _shares(exchange: Exchange, speaker: int | None, duration_s: float) -> dict[str, float]:
    """Compute the shares of a speaker, or of all; none where nobody speaks."""
    if not exchange.stretches:
        return {}
    speech_s, overlapped_s = count_seconds(exchange.stretches)
    summed_s = sum(turn.duration_s for turn in exchange.stretches)
    own_s = sum(turn.duration_s for turn in exchange.stretches if speaker in (None, turn.speaker))
    return {
        "silence_share": max(0.0, 1 - speech_s / duration_s),
        "overlap_share": overlapped_s / speech_s,
        "speaking_share": min(1.0, own_s / duration_s),
        "speech_share": own_s / summed_s,
    }
