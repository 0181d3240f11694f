"""What a report is made of, whatever it is written as: titles, words, facts, tables, charts."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

DPI = 200


@dataclass(frozen=True)
class Heading:
    """Begins a part."""

    text: str


@dataclass(frozen=True)
class Words:
    """A paragraph; a warning is set apart so that it is not overlooked, a note is quiet."""

    text: str
    kind: Literal["", "note", "warning"] = ""


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rows:
    """A table of text: a head of k names, rows of k cells."""

    head: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure, and in words what it shows."""

    figure: Figure
    alt: str

    def png(self) -> bytes:
        """Draw the figure as PNG."""
        out = io.BytesIO()
        self.figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
        return out.getvalue()


Block = Heading | Words | Facts | Rows | Chart


@dataclass(frozen=True, eq=False)
class Report:
    """A report.

    Attributes:
        title: Its title.
        lead: One line below the title.
        origin: When and by what it was made, below every page.
        blocks: What it holds, from the top.
    """

    title: str
    lead: str
    origin: str
    blocks: tuple[Block, ...]
