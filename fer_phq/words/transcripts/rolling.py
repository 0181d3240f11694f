"""Rolling captions: cues that show the line before again, as YouTube's, or one line growing word by word.

What such cues show is not what is said in them. Every word counts once, in the cue that shows it first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from fer_phq.words.transcripts.text import plain_text

FEWEST_REPEATS = 3
"""Cues that must repeat the one before them, and at least half of all must, before captions count as rolling."""
MOST_LINES = 6
"""Lines of a cue that may be shown again: no screen has more."""
CONTIGUOUS_S = 0.05
"""Seconds between two cues beyond which the second shows nothing of the first: it is said again."""
LONGEST_BLANK_S = 5.0
"""Seconds without any caption after which a line that stays above a new one is still the line of before."""

_MARKS = re.compile(r"[\W_]+")


@dataclass
class Cue:
    """A caption as a file has it.

    Attributes:
        line: Number of its line of times in the file, from 1.
        start_s: Seconds from the recording's start.
        end_s: Seconds from the recording's start.
        lines: Its lines of text with their markup; none is blank.
    """

    line: int
    start_s: float
    end_s: float
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Display:
    """What a cue shows: the words of each of its lines that has any, as they stand and for comparison.

    A line that is shown again may be corrected: it gets capitals, commas and a full stop.
    """

    lines: tuple[tuple[str, ...], ...]
    folded: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(itertools.chain.from_iterable(self.folded))

    def begins_with_lines(self, count: int) -> bool:
        """Return whether so many first words are whole lines above others."""
        ends = itertools.accumulate(map(len, self.folded[:-1]))
        return count in ends


def unroll(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """Take from rolling captions what each cue shows again.

    Args:
        cues: The cues in the order of the file.

    Returns:
        The cues, without those that show nothing new, and the number of cues that showed something again; the cues as
        they were and 0 where captions do not roll.
    """
    displays = [_display(cue) for cue in cues]
    repeats = [0] * len(cues)
    for i in range(1, len(cues)):
        words = _repeated_words(displays[i - 1], displays[i])
        pause_s = LONGEST_BLANK_S if displays[i].begins_with_lines(words) else CONTIGUOUS_S
        repeats[i] = words if _follows(cues[i - 1], cues[i], pause_s) else 0
    repeating = [i for i, words in enumerate(repeats) if words]
    # The same words twice may be said twice. Text that moves or grows, or a mark that moves in it, is not.
    moves = any(
        repeats[i] < len(displays[i].words)
        or (cues[i].lines != cues[i - 1].lines and displays[i].lines == displays[i - 1].lines)
        for i in repeating
    )
    pairs = sum(bool(before.lines and after.lines) for before, after in itertools.pairwise(displays))
    if not moves or len(repeating) < max(FEWEST_REPEATS, pairs / 2):
        return list(cues), 0
    unrolled: list[Cue] = []
    for cue, display, repeat in zip(cues, displays, repeats, strict=True):
        lines, grows = _lines_after(cue, display, repeat)
        if not repeat or not unrolled:
            unrolled.append(Cue(cue.line, cue.start_s, cue.end_s, list(cue.lines)))
        elif not lines or grows:
            unrolled[-1].lines[-1:] = [" ".join([*unrolled[-1].lines[-1:], *lines[:1]])]
            unrolled[-1].lines += lines[1:]
            unrolled[-1].end_s = max(unrolled[-1].end_s, cue.end_s)
        else:
            unrolled.append(Cue(cue.line, cue.start_s, cue.end_s, lines))
    return unrolled, len(repeating)


def _display(cue: Cue) -> _Display:
    words = (tuple(plain_text(line, references=True).split()) for line in cue.lines)
    lines = tuple(line for line in words if line)
    return _Display(lines, tuple(tuple(_MARKS.sub("", word.casefold()) or word for word in line) for line in lines))


def _follows(before: Cue, after: Cue, pause_s: float) -> bool:
    return before.start_s <= after.start_s <= before.end_s + pause_s


def _repeated_words(before: _Display, after: _Display) -> int:
    """Return how many of a cue's first words are the last lines of the one before it, as many lines as possible."""
    words = after.words
    for first in range(max(0, len(before.folded) - MOST_LINES), len(before.folded)):
        tail = tuple(itertools.chain.from_iterable(before.folded[first:]))
        if words[: len(tail)] == tail:
            return len(tail)
    return 0


def _lines_after(cue: Cue, display: _Display, repeat: int) -> tuple[list[str], bool]:
    """Return a cue's lines after its first words, and whether the first of them goes on a line that was shown."""
    lines = [line for line in cue.lines if plain_text(line, references=True)]
    for i, words in enumerate(display.lines):
        if repeat < len(words):
            rest = " ".join(words[repeat:]) if repeat else lines[i]
            return [rest, *lines[i + 1 :]], repeat > 0
        repeat -= len(words)
    return [], False
