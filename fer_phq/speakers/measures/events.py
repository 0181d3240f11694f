"""What happens between speakers: who holds the floor, who takes it and when, and what is said inside another's turn.

The terms follow Heldner & Edlund (2010, J Phonetics 38:555-568): silence with a change of speaker is a gap, silence
without one a pause; speech of two at once is an overlap, between speakers where the floor changes and within a
speaker's turn where it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fer_phq.speakers.turn import PAUSE_S, Turn

LONGEST_BACKCHANNEL_S = 1.0
"""Seconds up to which what is said inside another's turn is a backchannel: a very short utterance is at most a second
long (Edlund, Heldner, Al Moubayed, Gravano & Hirschberg, 2010, Proc. Fonetik, 11-16)."""
LEAST_INTERRUPTION_S = 0.5
"""Seconds of overlap from which a floor was taken by interruption. Shorter ones are ends of turns that were foreseen,
as most overlaps are (Sacks, Schegloff & Jefferson, 1974, Language 50:696-735)."""
LEAST_REACTION_S = 0.2
"""Seconds before which nobody can react to speech (Heldner & Edlund, 2010): who begins earlier began at once with the
other, and neither interrupts nor answers."""


@dataclass(frozen=True)
class TurnAtTalk:
    """A speaker's stretches of speech in a row, until somebody else takes the floor.

    Attributes:
        stretches: In the order of their starts, with pauses between them; at least one.
    """

    stretches: tuple[Turn, ...]

    @property
    def speaker(self) -> int:
        """Who holds the floor."""
        return self.stretches[0].speaker

    @property
    def start_s(self) -> float:
        """Start of the first stretch, in seconds."""
        return self.stretches[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last stretch, in seconds."""
        return self.stretches[-1].end_s

    @property
    def duration_s(self) -> float:
        """Seconds from start to end, pauses included."""
        return self.end_s - self.start_s

    @property
    def pauses_s(self) -> tuple[float, ...]:
        """Seconds between its stretches."""
        return tuple(after.start_s - before.end_s for before, after in pairwise(self.stretches))


@dataclass(frozen=True)
class Transfer:
    """The floor goes from one speaker to another.

    Attributes:
        before: The last stretch of who had the floor.
        after: The first stretch of who takes it.
    """

    before: Turn
    after: Turn

    @property
    def offset_s(self) -> float:
        """Floor transfer offset in seconds: of a gap above 0, of an overlap below."""
        return self.after.start_s - self.before.end_s

    @property
    def is_interruption(self) -> bool:
        """Whether the floor was taken from somebody who was in the midst of speaking."""
        is_reaction = self.after.start_s - self.before.start_s >= LEAST_REACTION_S
        return is_reaction and -self.offset_s >= LEAST_INTERRUPTION_S


@dataclass(frozen=True)
class Inset:
    """A stretch of speech that lies wholly inside another speaker's, who goes on.

    Attributes:
        turn: The stretch.
        around: The other's.
    """

    turn: Turn
    around: Turn

    @property
    def is_reaction(self) -> bool:
        """Whether the other had spoken for long enough to be heard."""
        return self.turn.start_s - self.around.start_s >= LEAST_REACTION_S

    @property
    def is_backchannel(self) -> bool:
        """Whether it is short."""
        return self.is_reaction and self.turn.duration_s <= LONGEST_BACKCHANNEL_S

    @property
    def is_interruption(self) -> bool:
        """Whether it is long, so that it was an attempt to take the floor, which failed."""
        return self.is_reaction and self.turn.duration_s > LONGEST_BACKCHANNEL_S


@dataclass(frozen=True)
class Exchange:
    """What happens between the speakers of a recording.

    Attributes:
        stretches: Everybody's speech, in the order of starts; one speaker's never overlap.
        turns: Turns at talk, in the order of starts.
        transfers: Changes of the floor between them.
        insets: What is said inside another's stretch.
    """

    stretches: tuple[Turn, ...]
    turns: tuple[TurnAtTalk, ...]
    transfers: tuple[Transfer, ...]
    insets: tuple[Inset, ...]


def find_exchange(turns: Iterable[Turn]) -> Exchange:
    """Find turns at talk, changes of the floor and what is said inside another's turn.

    Args:
        turns: Everybody's stretches of speech, in any order. Those of one speaker with a pause below 0.3 s are one.
    """
    stretches = join_stretches(turns)
    insets = _find_insets(stretches)
    inside = {inset.turn for inset in insets}
    floor: list[list[Turn]] = []
    for stretch in stretches:
        if stretch in inside:
            continue
        if floor and floor[-1][-1].speaker == stretch.speaker:
            floor[-1].append(stretch)
        else:
            floor.append([stretch])
    at_talk = tuple(TurnAtTalk(tuple(row)) for row in floor)
    transfers = tuple(Transfer(before.stretches[-1], after.stretches[0]) for before, after in pairwise(at_talk))
    return Exchange(stretches, at_talk, transfers, insets)


def join_stretches(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Join each speaker's stretches across pauses below 0.3 s, and return all in the order of their starts."""
    joined: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (turn.speaker, turn.start_s, turn.end_s)):
        last = joined[-1] if joined else None
        if last is None or last.speaker != turn.speaker or turn.start_s - last.end_s >= PAUSE_S:
            joined.append(turn)
            continue
        confidence = min(last.confidence, turn.confidence)
        joined[-1] = Turn(last.start_s, max(last.end_s, turn.end_s), turn.speaker, confidence)
    return tuple(sorted(joined))


def count_seconds(stretches: Sequence[Turn]) -> tuple[float, float]:
    """Compute for how long somebody speaks, and for how long two or more do at once, in seconds.

    Args:
        stretches: Everybody's, of which one speaker's never overlap.
    """
    changes = sorted([(turn.start_s, 1) for turn in stretches] + [(turn.end_s, -1) for turn in stretches])
    speech_s = 0.0
    overlapped_s = 0.0
    speaking = 0
    for (time_s, change), (next_s, _) in pairwise(changes):
        speaking += change
        speech_s += (next_s - time_s) * (speaking >= 1)
        overlapped_s += (next_s - time_s) * (speaking >= 2)
    return speech_s, overlapped_s


def _find_insets(stretches: Sequence[Turn]) -> tuple[Inset, ...]:
    """Find the stretches that lie wholly inside another speaker's, in the order of starts.

    Of two that begin and end together neither lies inside the other.
    """
    insets: list[Inset] = []
    latest: dict[int, Turn] = {}  # of each speaker the last stretch so far: earlier ones have ended before
    for stretch in sorted(stretches, key=lambda turn: (turn.start_s, -turn.end_s)):
        around = [
            turn
            for speaker, turn in latest.items()
            if speaker != stretch.speaker
            and turn.end_s >= stretch.end_s
            and (turn.start_s, turn.end_s) != (stretch.start_s, stretch.end_s)
        ]
        if around:
            insets.append(Inset(stretch, max(around, key=lambda turn: turn.end_s)))
        latest[stretch.speaker] = stretch
    return tuple(insets)
