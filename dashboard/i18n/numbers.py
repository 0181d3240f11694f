"""Numbers as the viewer's language writes them: '3.2' in English, '3,2' in German."""

from __future__ import annotations

from dashboard.i18n import language, marks, render
from service.ingest.sizes import size_message

MINUS = "\N{MINUS SIGN}"


def decimal(value: float, digits: int = 1, *, signed: bool = False) -> str:
    """A number with so many digits behind the decimal mark and a true minus; signed: with a plus, too."""
    words = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return words.replace("-", MINUS).replace(".", marks(language())[0])


def short(value: float) -> str:
    """A number with no more digits than it needs: '2', '0.5'."""
    return f"{value:g}".replace(".", marks(language())[0])


def size(count: int) -> str:
    """A number of bytes, such as '1.5 GiB'."""
    return render(size_message(count))
