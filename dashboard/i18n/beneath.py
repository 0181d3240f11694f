"""What the layers below say, in the viewer's language.

Their sentences are English, filled in already, and many lie in the store so (an analysis's warnings, a job's error). A
page shows one as `told(sentence)`: it is recognised by the template of which it was made, and said with the template's
translation. What a catalogue lacks stays English.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.i18n import SOURCE, language, mark, marks, read_catalogue
from dashboard.i18n.extract import FIELD

PARTS = (
    mark("Row {row}: {problem}"),
    mark("{sessions} sessions of {people} people"),
    mark(
        "Trained on simulated {scale} labels only ({file}): a demonstration of the machinery, without evidence about "
        "any person."
    ),
    mark("the analysis failed"),
    mark("the face was found in {share} of the sampled frames"),
    mark("Stopping."), mark("Analysed."), mark("Cancelled."),
    mark("A tag"), mark("What happened"),
    mark("begun"), mark("written"), mark("copied"), mark("locked"), mark("stored"), mark("removed"),
    mark("training"), mark("scoring"), mark("without a name"), mark("no speakers by name"),
    mark("{scale} questionnaire"), mark("subject"), mark("session"), mark("analysis"), mark("job"),
    mark("questionnaire"), mark("note"), mark("event"),
)  # fmt: skip
"""Parts of their sentences that do not stand there as one text."""
HERE = ("dashboard/i18n/beneath.py", "dashboard/i18n/vocabulary.py")
"""Files of the dashboard whose texts are said below."""
NUMBER = re.compile(r"(-?\d+)\.(\d+(?: \w+)?)")
"""With its unit, if any."""
LONGEST = 600
"""Characters of a sentence."""


@dataclass(frozen=True)
class Pattern:
    """A sentence's template: `regex` has a group for each of `names`, and `quoted` are those between quotation marks,
    which are somebody's own words. own: how many characters are the template's own."""

    regex: re.Pattern[str]
    own: int
    names: tuple[str, ...]
    quoted: frozenset[str]
    translation: str


def told(sentence: str) -> str:
    """A sentence of the layers below in the viewer's language; as it is where the catalogue does not know it.

    So is one that is longer than any that is meant: patterns take their time with what a stranger has put into it.
    """
    return sentence if language() == SOURCE or len(sentence) > LONGEST else _told(language(), sentence)


def told_all(sentences: Sequence[str]) -> list[str]:
    """`told` of each."""
    return [told(one) for one in sentences]


@functools.lru_cache(maxsize=4096)
def _told(code: str, sentence: str) -> str:
    for _file, pattern in _patterns(code):
        if match := pattern.regex.fullmatch(sentence):
            filled = {
                name: value if name in pattern.quoted else _filled_in(code, value)
                for name, value in zip(pattern.names, match.groups(), strict=True)
            }
            return pattern.translation.format(**filled)
    return sentence


def _filled_in(code: str, value: str) -> str:
    """What was filled in: a number as the language writes it, a part of a sentence, or what it is."""
    return NUMBER.sub(rf"\1{marks(code)[0]}\2", value) if NUMBER.fullmatch(value) else _told(code, value)


@functools.cache
def _patterns(code: str) -> list[tuple[str, Pattern]]:
    """Templates with their files, those with the most words of their own first: they say the most."""
    found = []
    for message in read_catalogue(code) or ():
        files = [file for file, _line in message.locations if not file.startswith("dashboard/") or file in HERE]
        if files and isinstance(message.id, str) and message.id and message.string:
            found.append((files[0], _pattern(message.id, str(message.string))))
    return sorted(found, key=lambda one: -one[1].own)


def _pattern(template: str, translation: str) -> Pattern:
    pieces = FIELD.split(template)  # words, name, words, name, words
    regex = "".join("(.+?)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
    quoted = frozenset(pieces[i] for i in range(1, len(pieces), 2) if pieces[i - 1].endswith("'"))
    own = sum(map(len, pieces[::2]))
    return Pattern(re.compile(regex, re.DOTALL), own, tuple(pieces[1::2]), quoted, translation)
