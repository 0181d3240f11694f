"""Tiers of annotations: what happens from one time to another, or at a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Annotation:
    """Something that happens in a recording.

    Attributes:
        start_s: When it begins, in seconds from the recording's start, 0 or more.
        end_s: When it ends, not before; at the same time where it is a point.
        label: What it is, one line.
    """

    start_s: float
    end_s: float
    label: str

    @property
    def is_point(self) -> bool:
        """Whether it has no length in milliseconds."""
        return milliseconds(self.end_s) <= milliseconds(self.start_s)


@dataclass(frozen=True)
class Tier:
    """Annotations of one kind.

    Attributes:
        name: What they are of, such as an expression or a speaker.
        annotations: In any order; they may overlap.
        category: What several tiers have in common, such as "expression".
    """

    name: str
    annotations: tuple[Annotation, ...]
    category: str = ""


@dataclass(frozen=True)
class CodedRecording:
    """All annotations of a recording.

    Attributes:
        name: What documents call it, such as its file's name.
        duration_s: Its length in seconds.
        tiers: Its tiers, each with a name of its own.
        origin: Who made the annotations, one line.

    Raises ValueError where two tiers have one name.
    """

    name: str
    duration_s: float
    tiers: tuple[Tier, ...]
    origin: str

    def __post_init__(self) -> None:
        """Check the names."""
        names = [tier.name for tier in self.tiers]
        if len(set(names)) < len(names):
            raise ValueError(f"Tiers need names of their own, got {', '.join(names)}.")


def milliseconds(seconds: float) -> int:
    """Return a time in whole milliseconds."""
    return round(seconds * 1000)


def one_line(text: str) -> str:
    """Return a text in one line, without what neither XML nor a table can hold."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def split_overlaps(annotations: Sequence[Annotation]) -> list[list[Annotation]]:
    """Lay annotations into as few rows as have no overlap, each in order of time.

    A tier of ELAN or Praat holds one thing at a time; a point takes a millisecond.

    Args:
        annotations: In any order.
    """
    rows: list[list[Annotation]] = []
    for annotation in sorted(annotations):
        start = _start(annotation)
        row = next((row for row in rows if max(milliseconds(row[-1].end_s), _start(row[-1]) + 1) <= start), None)
        if row is None:
            row = []
            rows.append(row)
        row.append(annotation)
    return rows


def _start(annotation: Annotation) -> int:
    return milliseconds(annotation.start_s)


def tier_rows(tier: Tier) -> list[tuple[str, list[Annotation]]]:
    """Return the rows of a tier with names: the tier's, and for further rows the tier's with a number."""
    rows = split_overlaps(tier.annotations) or [[]]
    return [(tier.name if number == 1 else f"{tier.name} ({number})", row) for number, row in enumerate(rows, 1)]
