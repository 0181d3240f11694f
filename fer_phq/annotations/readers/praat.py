"""Praat's TextGrid, long and short (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html).

Both forms are the same to Praat: texts in quotation marks, free-standing numbers and flags such as <exists>, in order.
All else, such as `xmin =`, is a comment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from fer_phq.annotations import messages
from fer_phq.annotations.readers.files import AnnotationFile, UnusableFile
from fer_phq.annotations.tiers import Annotation, Tier, one_line

_VALUE = re.compile(
    r'(?P<text>"(?:[^"]|"")*")'
    r"|(?P<flag>(?<!\S)<[A-Za-z]+>(?!\S))"
    r"|(?P<number>(?<!\S)[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\S))"
    r"|(?P<comment>(?<!\S)![^\n]*)",
    re.ASCII,
)
INTERVALS = "IntervalTier"
POINTS = "TextTier"
EXISTS = "<exists>"


def is_textgrid(text: str) -> bool:
    """Tell whether a text begins as a text file of Praat does."""
    return "ooTextFile" in text[:200]


def read_textgrid(text: str) -> AnnotationFile:
    """Read a TextGrid. Intervals without a text are what lies between annotations.

    Args:
        text: The document.

    Raises:
        UnusableFile: It holds another object, or ends in the middle.
    """
    values = _Values(text)
    kind = values.text()
    if kind == "ooTextFile short":  # as Praat wrote it until 2009
        kind = values.text().strip('"')
    elif kind == "ooTextFile":
        kind = values.text()
    if kind != "TextGrid":
        raise UnusableFile(messages.NOT_TEXTGRID())
    start_s = values.number()
    end_s = values.number()
    count = int(values.number()) if values.flag() == EXISTS else 0
    tiers: dict[str, Tier] = {}
    for _ in range(count):
        tier = _read_tier(values)
        if tier.name in tiers:
            raise UnusableFile(messages.REPEATED_TIER(name=tier.name))
        tiers[tier.name] = tier
    warnings = (messages.LATE_GRID(start_s=start_s),) if start_s else ()
    return AnnotationFile("Praat", tuple(tiers.values()), duration_s=end_s, warnings=warnings)


def _read_tier(values: _Values) -> Tier:
    kind = values.text()
    if kind not in (INTERVALS, POINTS):
        raise values.damage()
    name = one_line(values.text())
    values.number()
    values.number()
    annotations = []
    for _ in range(int(values.number())):
        start_s = values.number()
        end_s = values.number() if kind == INTERVALS else start_s
        label = one_line(values.text())
        if label or kind == POINTS:
            annotations.append(Annotation(start_s, end_s, label))
    return Tier(name, tuple(annotations))


class _Values:
    """The values of a document, one after another."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._matches: Iterator[re.Match[str]] = (
            match for match in _VALUE.finditer(text) if match.lastgroup != "comment"
        )
        self._count = 0
        self._position = 0

    def _take(self, kind: str) -> str:
        match = next(self._matches, None)
        self._count += 1
        if match is None:
            self._position = len(self._text)
            raise self.damage()
        self._position = match.start()
        if match.lastgroup != kind:
            raise self.damage()
        return match[0]

    def damage(self) -> UnusableFile:
        """Return what to raise where the value read last is none that may stand there."""
        line = self._text.count("\n", 0, self._position) + 1
        return UnusableFile(messages.DAMAGED_TEXTGRID(number=self._count, line=line))

    def text(self) -> str:
        return self._take("text")[1:-1].replace('""', '"')

    def number(self) -> float:
        value = float(self._take("number"))
        if not math.isfinite(value):
            raise self.damage()
        return value

    def flag(self) -> str:
        return self._take("flag")
