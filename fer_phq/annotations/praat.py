"""Praat's TextGrid, in its long form (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fer_phq.annotations.tiers import Annotation, CodedRecording, Tier, milliseconds, one_line, tier_rows

_NOTHING = Tier("annotations", ())
"""The tier of a recording without any: some readers refuse a document without a tier."""


def textgrid(recording: CodedRecording) -> str:
    """Return the TextGrid: an interval tier for each tier, further ones for what overlaps, a point tier for points.

    Args:
        recording: The annotations.
    """
    ends = [milliseconds(annotation.end_s) for tier in recording.tiers for annotation in tier.annotations]
    end = max([milliseconds(recording.duration_s), 1, *ends])
    parts = [part for tier in recording.tiers or (_NOTHING,) for part in _parts(tier, end)]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_seconds(end)}"]
    lines += ["tiers? <exists>", f"size = {len(parts)}", "item []:"]
    for number, part in enumerate(parts, 1):
        lines += [f"    item [{number}]:", *part]
    return "\n".join(lines) + "\n"


def _parts(tier: Tier, end: int) -> Iterator[list[str]]:
    """Yield the lines of each tier of the document that a tier becomes."""
    points = sorted(annotation for annotation in tier.annotations if annotation.is_point)
    lengths = Tier(tier.name, tuple(annotation for annotation in tier.annotations if not annotation.is_point))
    if lengths.annotations or not points:
        for name, row in tier_rows(lengths):
            yield _interval_tier(name, row, end)
    if points:
        name = f"{tier.name} (points)" if lengths.annotations else tier.name
        yield _point_tier(name, points, end)


def _interval_tier(name: str, row: Sequence[Annotation], end: int) -> list[str]:
    intervals = list(_intervals(row, end))
    lines = [*_head("IntervalTier", name, end), f"        intervals: size = {len(intervals)}"]
    for index, (start, stop, text) in enumerate(intervals, 1):
        lines += [f"        intervals [{index}]:", f"            xmin = {_seconds(start)}"]
        lines += [f"            xmax = {_seconds(stop)}", f"            text = {_quote(text)}"]
    return lines


def _point_tier(name: str, points: Sequence[Annotation], end: int) -> list[str]:
    by_time: dict[int, list[str]] = {}
    for point in points:  # a point tier has one point at a time
        by_time.setdefault(milliseconds(point.start_s), []).append(one_line(point.label))
    lines = [*_head("TextTier", name, end), f"        points: size = {len(by_time)}"]
    for index, (time, labels) in enumerate(by_time.items(), 1):
        lines += [f"        points [{index}]:", f"            number = {_seconds(time)}"]
        lines += [f"            mark = {_quote('; '.join(labels))}"]
    return lines


def _head(kind: str, name: str, end: int) -> list[str]:
    title = _quote(one_line(name))
    return [
        f'        class = "{kind}"',
        f"        name = {title}",
        "        xmin = 0",
        f"        xmax = {_seconds(end)}",
    ]


def _intervals(row: Sequence[Annotation], end: int) -> Iterator[tuple[int, int, str]]:
    """Yield (start, stop, text) in milliseconds, without gaps, from 0 to the end."""
    last = 0
    for annotation in row:
        start, stop = milliseconds(annotation.start_s), milliseconds(annotation.end_s)
        if start > last:
            yield last, start, ""
        yield start, stop, one_line(annotation.label)
        last = stop
    if end > last:
        yield last, end, ""


def _seconds(time: int) -> str:
    return f"{time // 1000}.{time % 1000:03d}"


def _quote(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
