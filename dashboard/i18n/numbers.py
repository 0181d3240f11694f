"""Numbers as the viewer's language writes them: '3.2' in English, '3,2' in German."""

from __future__ import annotations

from dashboard.i18n import language, marks, render
from service.ingest.sizes import size_message

MINUS = "\N{MINUS SIGN}"


def decimal(value: float, digits: int = 1, *, signed: bool = False) -> str:
    """Write a number with the language's decimal mark and a true minus.

    Args:
        value: The number.
        digits: How many digits stand behind the mark.
        signed: Whether positive numbers get a plus.
    """
    words = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return words.replace("-", MINUS).replace(".", marks(language())[0])


def short(value: float) -> str:
    """Write a number with no more digits than it needs: '2', '0.5'."""
    return f"{value:g}".replace(".", marks(language())[0])


def size(count: int) -> str:
    """Write a number of bytes, such as '1.5 GiB'."""
    return render(size_message(count))
