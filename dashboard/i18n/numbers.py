"""Numbers as the viewer's language writes them: '3.2' in English, '3,2' in German."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.i18n import language, marks, percent_pattern, render
from service.ingest.messages import size_message

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


def lasting(seconds: float, *, is_cut: bool) -> str:
    """Write a length in seconds: '2.4 s', or '≥ 2.4 s' of what a gap or the recording's end cuts short.

    Args:
        seconds: The length.
        is_cut: Whether it is cut short.
    """
    return f"{'≥ ' if is_cut else ''}{decimal(seconds)} s"


def percent(share: float, digits: int = 0) -> str:
    """Write a share as a percentage: '25%' in English, '25 %' with a space that does not break in German.

    Args:
        share: 0 to 1.
        digits: Number of digits behind the decimal mark.
    """
    return percent_writer(digits)(share)


def percent_writer(digits: int = 0) -> Callable[[float], str]:
    """Make what `percent` does into a function that asks for the language only once, for many shares.

    Args:
        digits: Number of digits behind the decimal mark.
    """
    before, after = percent_pattern(language()).split("{}")
    decimal_mark = marks(language())[0]

    def write(share: float) -> str:
        return f"{before}{share:.{digits}%}".removesuffix("%").replace(".", decimal_mark) + after

    return write


def size(count: int) -> str:
    """Write a number of bytes, such as '1.5 GiB'."""
    return render(size_message(count))
