"""Talks of two or more voices whose turns are known exactly: who speaks when, with gaps, overlaps and backchannels.

Gaps between turns follow Heldner & Edlund (2010, J Phonetics 38:555-568): their mean is near 0.2 s, and a good third
of them is below zero, an overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.speakers import Turn
from training.simulation.conversation import ANSWERS, QUESTIONS
from training.simulation.talks.voices import RATE, Voice

PHRASES = (*(f"{neutral}." for neutral, _ in ANSWERS), QUESTIONS[0], QUESTIONS[2])
BACKCHANNELS = ("Yes.", "No, not really.", "Mm hm.", "Right.")

GAP_S = (0.2, 0.4)
"""Mean and SD of the gap between two turns, in seconds."""
GAP_LIMITS_S = (-1.0, 1.5)
BEGINNING_S = 0.4
PAUSE_S = 0.5
"""Median of the pauses between two phrases of a turn, in s (Campione & Véronis, 2002, Speech Prosody, 199-202)."""
PAUSE_SPREAD = 0.5
"""SD of their logarithm."""
PAUSE_LIMITS_S = (0.3, 2.0)
BACKCHANNEL_SHARE = 0.3
"""Share of turns of `BACKCHANNEL_TURN_S` or more in whose midst somebody else says a word."""
BACKCHANNEL_TURN_S = 4.0
LEVEL_DB = (-26.0, 3.0)
"""Mean and SD over speakers of the level of speech (RMS)."""
SPEECH_DB = 35.0
"""Decibels below a phrase's loudest hundredth of a second down to which it counts as speech."""
TURN_PAUSE_S = 0.3
"""Silence of a speaker from which a turn is in two parts (NIST's Rich Transcription evaluations, 2006)."""


@dataclass(frozen=True, eq=False)
class Talk:
    """A talk.

    Attributes:
        tracks: (n, speakers) float32 samples from -1 to 1 at 16 kHz, a speaker alone in each.
        turns: Who speaks when, in the order of their starts; speakers are counted from 1, as they first speak.
    """

    tracks: FloatArray
    turns: tuple[Turn, ...]

    @property
    def sound(self) -> FloatArray:
        """(n,) samples of everybody."""
        mixture: FloatArray = self.tracks.sum(axis=1, dtype=np.float32)
        return mixture


@dataclass
class _Table:
    """The tracks of a talk while it is held."""

    tracks: FloatArray
    turns: list[Turn] = field(default_factory=list)

    def add_phrase(self, speaker: int, samples: FloatArray, start_s: float) -> float | None:
        """Add a phrase of a speaker, from 0; return its end in seconds, None where it does not fit."""
        first = round(start_s * RATE)
        if first < 0 or first + len(samples) > len(self.tracks):
            return None
        self.tracks[first : first + len(samples), speaker] += samples
        self.turns += [Turn(first / RATE + at, first / RATE + to, speaker + 1, 1.0) for at, to in speech_spans(samples)]
        return (first + len(samples)) / RATE

    def joined_turns(self) -> tuple[Turn, ...]:
        """Return the turns, across pauses below `TURN_PAUSE_S`, with speakers counted as they first speak."""
        joined: list[Turn] = []
        for turn in sorted(self.turns, key=lambda turn: (turn.speaker, turn.start_s)):
            last = joined[-1] if joined else None
            if last is not None and last.speaker == turn.speaker and turn.start_s - last.end_s < TURN_PAUSE_S:
                joined[-1] = Turn(last.start_s, max(last.end_s, turn.end_s), turn.speaker, 1.0)
            else:
                joined.append(turn)
        return tuple(sorted(joined))


def simulate_talk(voices: Sequence[Voice], seconds: float, rng: np.random.Generator) -> Talk:
    """Simulate a talk of so many voices.

    Args:
        voices: One for each speaker; each speaks.
        seconds: Duration.
        rng: Draws what is said, by whom and when.

    Raises:
        FerPhqError: A voice's program is missing or refuses.
    """
    table = _Table(np.zeros((round(seconds * RATE), len(voices)), np.float32))
    gains = 10 ** ((LEVEL_DB[0] + LEVEL_DB[1] * rng.normal(size=len(voices))) / 20)
    position_s = BEGINNING_S
    speaker = 0
    ends_s = np.zeros(len(voices))  # when each has last spoken: nobody speaks over themselves
    present = 1  # speakers so far: each is heard before anybody's third turn
    while True:
        start_s = max(position_s, float(ends_s[speaker]) + 0.1)
        end_s = _take_turn(table, speaker, voices[speaker], float(gains[speaker]), start_s, rng)
        if end_s is None:
            return Talk(table.tracks, table.joined_turns())
        ends_s[speaker] = end_s
        listeners = [i for i in range(present) if i != speaker]
        if listeners and end_s - start_s > BACKCHANNEL_TURN_S and rng.random() < BACKCHANNEL_SHARE:
            listener = int(rng.choice(listeners))
            word = voices[listener].speak(str(rng.choice(BACKCHANNELS))) * np.float32(gains[listener])
            at_s = max(rng.uniform(start_s + 1, end_s - 1.5), float(ends_s[listener]) + TURN_PAUSE_S)
            ends_s[listener] = table.add_phrase(listener, word, at_s) or ends_s[listener]
        if present < len(voices):
            speaker = present
            present += 1
        elif listeners:
            speaker = int(rng.choice(listeners))
        position_s = end_s + float(np.clip(rng.normal(*GAP_S), *GAP_LIMITS_S))


def _take_turn(
    table: _Table, speaker: int, voice: Voice, gain: float, start_s: float, rng: np.random.Generator
) -> float | None:
    """Say one to four phrases and return when the last one ends; None where the first does not fit."""
    end_s: float | None = None
    for phrase in rng.permutation(PHRASES)[: rng.integers(1, 5)]:
        pause_s = float(np.clip(rng.lognormal(np.log(PAUSE_S), PAUSE_SPREAD), *PAUSE_LIMITS_S))
        at_s = start_s if end_s is None else end_s + pause_s
        phrase_end_s = table.add_phrase(speaker, voice.speak(str(phrase)) * np.float32(gain), at_s)
        if phrase_end_s is None:
            break
        end_s = phrase_end_s
    return end_s


def speech_spans(samples: FloatArray) -> list[tuple[float, float]]:
    """Find when a phrase that is alone is spoken: (start, end) in seconds, without longer pauses inside it.

    Args:
        samples: (n,) samples at 16 kHz, without noise.
    """
    step = RATE // 100
    frames = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    level = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1))
    loud = np.flatnonzero(level > level.max() * 10 ** (-SPEECH_DB / 20))
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) * 0.01 > TURN_PAUSE_S)
    starts = [loud[0], *loud[breaks + 1]]
    ends = [*loud[breaks], loud[-1]]
    return [(start * 0.01, (end + 1) * 0.01) for start, end in zip(starts, ends, strict=True)]
