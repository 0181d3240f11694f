"""Utterances of a sound: where somebody speaks, cut at pauses and where speakers change, as the sound comes in.

Whether somebody speaks is silero-vad's judgement (`fer_phq.voice.speech`), 31 times a second.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.speakers import Turn
from fer_phq.speakers.turn import speaker_name
from fer_phq.video import SOUND_RATE
from fer_phq.voice.features import split_silence
from fer_phq.voice.kinds import SPEECH
from fer_phq.voice.speech import STAYS_SPEECH, WINDOW, SpeechDetector

PAUSE = round(0.9 * SOUND_RATE / WINDOW)
"""Windows without speech that end an utterance. Shorter ones leave short phrases alone, which are recognised worse."""

SHORTEST = 3
"""Windows of speech, 0.1 s, that an utterance has at least: less is a click."""

MARGIN = round(0.2 * SOUND_RATE)
"""Samples before and after an utterance that the recogniser is given as well: faint beginnings and ends of words."""

LONGEST_S = 15.0
"""Seconds after which an utterance without a pause is cut, where speech is least certain."""


@dataclass(frozen=True, eq=False)
class Utterance:
    """A piece of sound in which somebody speaks.

    Attributes:
        start: The first sample of speech, counted from the recording's start.
        stop: The sample after the last one of speech.
        samples: The sound, with a margin before and after.
        offset: Samples of the margin before.
        speaker: Who speaks; None where that is not known.
        overlap: Share of its time in which another speaks as well, 0 to 1.
    """

    start: int
    stop: int
    samples: FloatArray
    offset: int
    speaker: str | None = None
    overlap: float = 0.0


class UtteranceCutter:
    """Cuts sound into utterances as it comes in. It holds the present utterance's sound and no more."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        """Start before the first sample. `longest_s`: longest utterance in seconds, with its margins."""
        self._detector = SpeechDetector()
        self._longest = int((longest_s * SOUND_RATE - 2 * MARGIN) / WINDOW)
        self._sound: FloatArray = np.zeros(0, np.float32)
        self._first = 0  # the sample at which the sound that is held begins
        self._windows = 0  # windows that have a probability
        self._start: int | None = None  # the present utterance's first window
        self._last = 0  # its last window of speech
        self._probabilities: list[float] = []  # of its windows
        self._voiced = 0  # how many of them are speech

    def push(self, samples: FloatArray) -> list[Utterance]:
        """Return the utterances that end within the next samples, (n,) float32, 16 kHz."""
        self._sound = np.concatenate([self._sound, samples])
        return self._judge(self._detector.push(samples))

    def skip(self, count: int) -> list[Utterance]:
        """Return the utterance that digital silence ends; `count`: samples of the silence, whole windows."""
        ended = self._end()
        self._windows += count // WINDOW
        self._first += len(self._sound) + count
        self._sound = self._sound[:0]
        return ended

    def finish(self) -> list[Utterance]:
        """Return the utterances that the end of the sound ends."""
        return self._judge(self._detector.finish()) + self._end()

    def _judge(self, probabilities: FloatArray) -> list[Utterance]:
        ended: list[Utterance] = []
        for probability in probabilities.tolist():
            ended += self._add(probability)
            self._windows += 1
        if self._start is None:
            self._forget(self._windows * WINDOW - MARGIN)
        return ended

    def _add(self, probability: float) -> list[Utterance]:
        """Add a window's probability; return the utterance that it ends."""
        window = self._windows
        if self._start is None:
            if probability < SPEECH:
                return []
            self._start = window
            self._voiced = 0
        self._probabilities.append(probability)
        if probability >= STAYS_SPEECH:
            self._last = window
            self._voiced += 1
        elif window - self._last >= PAUSE:
            return self._end()
        if window + 1 - self._start >= self._longest:
            return self._cut()
        return []

    def _cut(self) -> list[Utterance]:
        """End a long utterance where speech is least certain in its second half, and begin the next there."""
        assert self._start is not None
        half = len(self._probabilities) // 2
        cut = half + int(np.argmin(self._probabilities[half:]))
        ended = self._build(self._start, self._start + cut)
        self._start += cut
        self._probabilities = self._probabilities[cut:]
        self._voiced = sum(probability >= STAYS_SPEECH for probability in self._probabilities)
        return ended

    def _end(self) -> list[Utterance]:
        if self._start is None:
            return []
        ended = self._build(self._start, self._last + 1) if self._voiced >= SHORTEST else []
        self._start = None
        self._probabilities = []
        return ended

    def _build(self, first: int, stop: int) -> list[Utterance]:
        """Build the utterance of windows, and forget the sound before its end."""
        start = first * WINDOW
        end = min(stop * WINDOW, self._first + len(self._sound))
        before = max(start - MARGIN, self._first)
        samples = self._sound[before - self._first : end + MARGIN - self._first].copy()
        self._forget(end - MARGIN)
        return [Utterance(start, end, samples, start - before)] if end > start else []

    def _forget(self, sample: int) -> None:
        count = min(max(0, sample - self._first), len(self._sound))
        self._sound = self._sound[count:]
        self._first += count


def find_utterances(blocks: Iterable[FloatArray], longest_s: float = LONGEST_S) -> Iterator[Utterance]:
    """Find the utterances of a sound.

    Args:
        blocks: Consecutive blocks of any length: float32 samples, mono, 16 kHz, -1 to 1.
        longest_s: Longest utterance in seconds, with its margins.

    Yields:
        Utterances in their order, each once its end was heard.
    """
    cutter = UtteranceCutter(longest_s)
    for samples, is_settled in split_silence(blocks):
        yield from cutter.skip(len(samples)) if is_settled else cutter.push(samples)
    yield from cutter.finish()


LEAST_TURN = round(0.15 * SOUND_RATE)
"""Samples of an utterance that a turn has at least, to count as part of it."""


class TurnDivider:
    """Divides utterances where the speaker changes. Utterances come in their order."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        """Take the turns, in any order; they may overlap."""
        spans = [(round(t.start_s * SOUND_RATE), round(t.end_s * SOUND_RATE), speaker_name(t.speaker)) for t in turns]
        self._spans = sorted(spans)

    def divide(self, utterance: Utterance) -> list[Utterance]:
        """Return the parts of an utterance, each with its speaker; all of its sound is in one of them.

        Where several speak at once, the time belongs to the one who began later, until that turn ends.
        """
        self._spans = [span for span in self._spans if span[1] > utterance.start]
        here = [
            (max(start, utterance.start), min(stop, utterance.stop), speaker)
            for start, stop, speaker in itertools.takewhile(lambda span: span[0] < utterance.stop, self._spans)
            if min(stop, utterance.stop) - max(start, utterance.start) >= LEAST_TURN
        ]
        pieces = _pieces(here, utterance)
        return [_part(utterance, start, stop, speaker, here) for start, stop, speaker in pieces]


_Span = tuple[int, int, str]


def _pieces(spans: Sequence[_Span], utterance: Utterance) -> list[tuple[int, int, str | None]]:
    """Return consecutive pieces from the utterance's start to its stop, one for each change of the speaker."""
    edges = sorted({edge for start, stop, _ in spans for edge in (start, stop)})
    owners: list[tuple[int, str]] = []
    for start, stop in itertools.pairwise(edges):
        speaking = [span for span in spans if span[0] <= start and span[1] >= stop]
        if speaking:
            owners.append((start, max(speaking)[2]))
    runs = [next(run) for _, run in itertools.groupby(owners, key=lambda owner: owner[1])]
    if not runs:
        return [(utterance.start, utterance.stop, None)]
    starts = [utterance.start, *(start for start, _ in runs[1:])]
    stops = [*starts[1:], utterance.stop]
    return [(start, stop, speaker) for start, stop, (_, speaker) in zip(starts, stops, runs, strict=True)]


def _part(utterance: Utterance, start: int, stop: int, speaker: str | None, spans: Sequence[_Span]) -> Utterance:
    """Return a piece of an utterance; a cut between speakers has no margin, which would be the other's words."""
    origin = utterance.start - utterance.offset
    first = 0 if start == utterance.start else start - origin
    last = len(utterance.samples) if stop == utterance.stop else stop - origin
    overlaps = [min(end, stop) - max(begin, start) for begin, end, name in spans if name != speaker]
    shared = sum(max(0, overlap) for overlap in overlaps)
    overlap = min(1.0, shared / (stop - start))
    return Utterance(start, stop, utterance.samples[first:last], start - origin - first, speaker, overlap)
