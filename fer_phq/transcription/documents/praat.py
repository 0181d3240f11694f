"""Praat's TextGrid, in its long form (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fer_phq.core.speech.transcription import Segment, Transcription
from fer_phq.transcription.documents.marks import UNNAMED, marked_text, milliseconds, tiers


def textgrid(transcription: Transcription) -> str:
    """Return the TextGrid: an interval tier a speaker; intervals without speech are empty."""
    named = tiers(transcription) or {UNNAMED: []}  # a document without any tier is refused by some readers
    ends = [milliseconds(segment.end_s) for segments in named.values() for segment in segments]
    end = max([milliseconds(transcription.duration_s), 1, *ends])
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_seconds(end)}"]
    lines += ["tiers? <exists>", f"size = {len(named)}", "item []:"]
    for number, (name, segments) in enumerate(named.items(), 1):
        intervals = list(_intervals(segments, end))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{_quote(name)}"']
        lines += ["        xmin = 0", f"        xmax = {_seconds(end)}", f"        intervals: size = {len(intervals)}"]
        for index, (start, stop, text) in enumerate(intervals, 1):
            lines += [f"        intervals [{index}]:", f"            xmin = {_seconds(start)}"]
            lines += [f"            xmax = {_seconds(stop)}", f'            text = "{_quote(text)}"']
    return "\n".join(lines) + "\n"


def _intervals(segments: Sequence[Segment], end: int) -> Iterator[tuple[int, int, str]]:
    """Yield (start, stop, text) in milliseconds, without gaps and overlaps, from 0 to the end."""
    last = 0
    for segment in segments:
        start = max(last, milliseconds(segment.start_s))
        stop = milliseconds(segment.end_s)
        if stop <= start:
            continue
        if start > last:
            yield last, start, ""
        yield start, stop, marked_text(segment)
        last = stop
    if end > last:
        yield last, end, ""


def _seconds(time: int) -> str:
    return f"{time // 1000}.{time % 1000:03d}"


def _quote(text: str) -> str:
    return text.replace('"', '""')
