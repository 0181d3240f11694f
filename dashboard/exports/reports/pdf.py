"""A report as PDF (A4), by ReportLab, in DejaVu Sans, which writes Latin, Greek and Cyrillic names as they are."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch, mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from dashboard.exports.reports.blocks import Block, Chart, Facts, Heading, Report, Rows, Words
from dashboard.exports.reports.figures import WIDTH
from dashboard.i18n import language
from dashboard.theme.palette import LIGHT

FONT = "DejaVuSans"
BOLD = "DejaVuSans-Bold"
_INK = HexColor(LIGHT.ink)
_MUTED = HexColor(LIGHT.muted)
_LINE = HexColor(LIGHT.line)
_TEXT = ParagraphStyle("text", fontName=FONT, fontSize=9, leading=13, textColor=_INK, spaceAfter=5)
_STYLES = {
    "": _TEXT,
    "note": ParagraphStyle("note", _TEXT, textColor=_MUTED),
    "warning": ParagraphStyle(
        "warning", _TEXT, backColor=HexColor(LIGHT.inset), borderPadding=5, spaceBefore=7, spaceAfter=10
    ),
    "title": ParagraphStyle("title", _TEXT, fontName=BOLD, fontSize=17, leading=22, spaceAfter=2),
    "heading": ParagraphStyle("heading", _TEXT, fontName=BOLD, fontSize=11.5, spaceBefore=11, keepWithNext=1),
    "cell": ParagraphStyle("cell", _TEXT, fontSize=8, leading=11, spaceAfter=0),
    "head": ParagraphStyle("head", _TEXT, fontSize=8, leading=11, spaceAfter=0, textColor=_MUTED),
}
_WIDTH = WIDTH * inch
PADDING = 6
"""Points that ReportLab leaves at each side within the margins, and to the right of a cell."""
LETTER = 5.0
SHORTEST = 6
LONGEST = 60
"""Points that a letter in a cell takes on average; a text asks for room for this many letters at least and at most."""


def to_pdf(report: Report) -> bytes:
    """Write the report as a PDF document with a title, page numbers and the line below every page."""
    _fonts()
    out = io.BytesIO()
    margin = (A4[0] - _WIDTH) / 2
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=margin - PADDING, rightMargin=margin - PADDING, topMargin=16 * mm,
        bottomMargin=18 * mm, title=f"{report.title}: {report.lead}", author="fer-phq", lang=language(), invariant=1,
    )  # fmt: skip
    story: list[Flowable] = [_words(report.title, "title"), _words(report.lead, "note")]
    story += [flowable for block in report.blocks for flowable in _block(block)]

    def foot(canvas: Any, page: Any) -> None:
        canvas.setFont(FONT, 7)
        canvas.setFillColor(_MUTED)
        canvas.drawString(margin, 10 * mm, report.origin)
        canvas.drawRightString(A4[0] - margin, 10 * mm, str(page.page))

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _words(text: str, style: str = "") -> Paragraph:
    """Make a paragraph of text that holds no markup of its own."""
    return Paragraph(escape(text).replace("\n", "<br/>"), _STYLES[style])


def _block(block: Block) -> list[Flowable]:
    match block:
        case Heading(text):
            return [_words(text, "heading")]
        case Words(text, kind):
            return [_words(text, kind)]
        case Facts(pairs):
            rows = [[_words(name, "head"), _words(value, "cell")] for name, value in pairs]
            return [Table(rows, colWidths=[0.26 * _WIDTH, 0.74 * _WIDTH], style=_table_style(0)), Spacer(1, 5)]
        case Rows(head, cells):
            rows = [[_words(name, "head") for name in head], *([_words(cell, "cell") for cell in row] for row in cells)]
            widths = _widths(head, cells)
            return [Table(rows, colWidths=widths, repeatRows=1, style=_table_style(0.4)), Spacer(1, 5)]
        case Chart():
            png = block.png()
            width, height = ImageReader(io.BytesIO(png)).getSize()
            return [Image(io.BytesIO(png), _WIDTH, _WIDTH * height / width), Spacer(1, 3)]


def _widths(head: tuple[str, ...], cells: tuple[tuple[str, ...], ...]) -> list[float]:
    """Choose columns as wide as their longest text, within bounds; no word is broken where there is room for all."""
    columns = list(zip(head, *cells, strict=True))
    lengths = [min(max(SHORTEST, *(len(text) for text in column)), LONGEST) for column in columns]
    needed = [max(_wide(word) for text in column for word in ("", *text.split())) + PADDING for column in columns]
    spare = _WIDTH - sum(needed)
    if spare < 0:
        return [_WIDTH * length / sum(lengths) for length in lengths]
    wished = [max(LETTER * length - least, 1) for length, least in zip(lengths, needed, strict=True)]
    return [least + spare * length / sum(wished) for least, length in zip(needed, wished, strict=True)]


def _wide(word: str) -> float:
    """Return the points that a word takes in a cell."""
    return stringWidth(word, FONT, _STYLES["cell"].fontSize)


def _table_style(line: float) -> TableStyle:
    commands: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    return TableStyle([*commands, *([("LINEBELOW", (0, 0), (-1, -1), line, _LINE)] if line else [])])


@functools.cache
def _fonts() -> None:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (FONT, BOLD):
        registerFont(TTFont(name, folder / f"{name}.ttf"))
    registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)
