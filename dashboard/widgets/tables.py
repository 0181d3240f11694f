"""Tables of figures as HTML: a head, and rows that begin with a name."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dashboard.i18n.numbers import decimal


def figures_html(heads: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """Write a table that scrolls where it is too wide.

    Args:
        heads: The columns' names, as text.
        rows: Rows of HTML, such as of `row_html`.
        kind: A further class of the table; empty for none.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    classes = f"fp-table {kind}".strip()
    return (
        f'<div class="fp-scroll"><table class="{classes}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def row_html(name: str, cells: Sequence[str]) -> str:
    """Write a row.

    Args:
        name: What it is of, as text.
        cells: Its other cells, as HTML.
    """
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def bracketed(value: float, low: float, high: float) -> str:
    """Write a figure above its interval, as HTML.

    Args:
        value: The figure.
        low: The interval's lower end.
        high: Its upper end.
    """
    return f"{decimal(value, 2)}<br><small>[{decimal(low, 2)}; {decimal(high, 2)}]</small>"
