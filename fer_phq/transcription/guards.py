"""Doubts about recognised words: a recogniser writes plausible words for breaths, music and other languages as well.

The bars were set on voices whose words were known, and on sounds without words; `benchmarks/bench_recognition.py`
measures them on others.
"""

from __future__ import annotations

import itertools
import re

from fer_phq.core.speech.transcription import Doubt
from fer_phq.transcription.recognizer import Hypothesis

LEAST_CONFIDENCE = 0.45
"""Confidence below which words are left out: of other languages, hardly any word is right."""

SURE = 0.7
"""Confidence from which words are not doubted."""

FEW_WORDS = 3
SURE_OF_FEW = 0.8
"""The same for at most so many words."""

INVENTIONS = frozenset({"you", "thank you for watching", "thanks for watching"})
"""What recognisers write where nobody speaks: phrases of the films that they were trained on, in small letters."""
SURE_OF_INVENTIONS = 0.95

FASTEST = 6.0
SLOWEST = 0.4
"""Words a second. Fast talk has five; the slowest is asked of utterances of more than `SLOW_S`."""
SLOW_S = 2.0

REPEATS = 4
"""Times that the same one to four words follow each other before they count as a circle."""
LONGEST_REPEAT = 4

SHARED = 0.3
"""Share of the time that another speaks as well, from which words may be theirs."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def find_doubts(hypothesis: Hypothesis, seconds: float, overlap: float = 0.0) -> tuple[Doubt, ...]:
    """Find why words should not be relied upon.

    Args:
        hypothesis: The words.
        seconds: How long somebody speaks, above 0.
        overlap: Share of that time in which another speaks as well, 0 to 1.
    """
    words = split_words(hypothesis.text)
    confidence = hypothesis.confidence
    rate = len(words) / seconds
    doubts = {
        Doubt.UNLIKELY: not confidence >= SURE,
        Doubt.SHORT: len(words) <= FEW_WORDS and not confidence >= SURE_OF_FEW,
        Doubt.INVENTED: " ".join(words) in INVENTIONS and not confidence >= SURE_OF_INVENTIONS,
        Doubt.REPEATED: _is_circular(words),
        Doubt.RATE: rate > FASTEST or (seconds > SLOW_S and rate < SLOWEST),
        Doubt.CUT: not hypothesis.is_complete,
        Doubt.OVERLAP: overlap >= SHARED,
    }
    return tuple(doubt for doubt, applies in doubts.items() if applies)


def is_left_out(hypothesis: Hypothesis, doubts: tuple[Doubt, ...]) -> bool:
    """Tell whether words are so doubtful that none are better: nobody said them, in all likelihood.

    Args:
        hypothesis: The words.
        doubts: What `find_doubts` says of them.
    """
    return not hypothesis.confidence >= LEAST_CONFIDENCE or Doubt.INVENTED in doubts


def split_words(text: str) -> list[str]:
    """Return the words of a text in small letters, without punctuation."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def _is_circular(words: list[str]) -> bool:
    """Return whether a few words follow each other again and again."""
    for length in range(1, LONGEST_REPEAT + 1):
        same = [words[i] == words[i + length] for i in range(len(words) - length)]
        longest = max((len(list(run)) for is_same, run in itertools.groupby(same) if is_same), default=0)
        if longest >= length * (REPEATS - 1):
            return True
    return False
