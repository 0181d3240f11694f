"""BORIS's tables: aggregated events, and tabular events of its versions 7 to 9 (https://www.boris.unito.it/user_guide).

A behaviour is a tier; modifiers and the comment are the annotation's label. Times count from the recording's start:
BORIS adds an observation's time offset to them, and here it is taken off again.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fer_phq.annotations import messages
from fer_phq.annotations.readers.files import AnnotationFile, UnusableFile
from fer_phq.annotations.readers.times import seconds
from fer_phq.annotations.tiers import Annotation, Tier, one_line
from fer_phq.core.csv_input import DELIMITERS, Column, OtherColumns, Row, TableFormat, plain_name, read_table
from fer_phq.core.messages import Message

COLUMNS = (
    Column("behavior", required=True),
    Column("behavior_type", ("status",), required=True),
    Column("time", ("time_(s)",)),
    Column("start_(s)", ("start",)),
    Column("stop_(s)", ("stop",)),
    Column("behavioral_category"),
    Column("subject"),
    Column("observation_id"),
    Column("observation_type"),
    Column("time_offset_(s)", ("time_offset",)),
    Column("media_duration_(s)", ("total_length",)),
    Column("comment", ("comment_start",)),
    *(Column(name, (f"{name}s",)) for name in ("modifier",)),
    *(Column(f"modifier_#{number}") for number in range(1, 21)),
)
FORMAT = TableFormat(COLUMNS, OtherColumns.IGNORED)
_OFFSET_LINE = re.compile(r"\W*time offset(?: \(s\))?\W*?([-+]?\d+(?:[.,:]\d+)*)", re.IGNORECASE)
NO_SUBJECT = "no focal subject"
MOST_LINES_ABOVE = 200
"""Lines that may stand above the heading: BORIS 7 writes there what the observation is."""
LONGEST_HEADING = 100_000
"""Letters of the longest line that is looked at as a heading."""


@dataclass(frozen=True, order=True)
class Event:
    """Something that a coder noted, as BORIS stores it.

    Attributes:
        time_s: When, in seconds.
        number: Its place among the events.
        tier: The behaviour, with the subject where there is one.
        label: Its modifiers and its comment.
        kind: START, STOP or POINT.
        category: The behaviour's category.
        modifiers: What tells two states of one behaviour apart.
    """

    time_s: float
    number: int
    tier: str
    label: str
    kind: str
    category: str
    modifiers: str


def is_boris_table(text: str) -> bool:
    """Tell whether one of the first lines of a text is a heading of BORIS's."""
    return _heading_line(text) is not None


def read_boris_table(text: str, observation: str | None = None) -> AnnotationFile:
    """Read a table of BORIS.

    Args:
        text: The table.
        observation: Which observation of several to read.

    Raises:
        UnusableFile: A column or a time is missing, a state is never stopped, or there are several observations.
    """
    above = _heading_line(text)
    if above is None:
        raise UnusableFile(messages.NO_BORIS_COLUMNS())
    lines = list(io.StringIO(text, newline=""))
    table = read_table("".join(lines[above:]), FORMAT)
    if table.problems:
        raise UnusableFile(table.problems[0].message_with_place)
    rows = choose_observation(table.rows, observation)
    tiers = _spans(rows, above) if "start_(s)" in table.labels else pair_states(_events(rows, above))
    offset_s, warnings = _offset(rows, lines[:above])
    warnings += [messages.LIVE()] if any("live" in row["observation_type"].casefold() for row in rows) else []
    duration_s, media = media_length(row["media_duration_(s)"] for row in rows)
    warnings += [messages.SEVERAL_MEDIA(n=media)] if media > 1 else []
    shifted = shift(tiers, -offset_s)
    return AnnotationFile("BORIS", shifted, True, lists_codes=False, duration_s=duration_s, warnings=tuple(warnings))


def choose_observation(rows: Sequence[Row], observation: str | None) -> list[Row]:
    """Return the rows of one observation.

    Args:
        rows: Of the table.
        observation: Its name; None where there is only one.

    Raises:
        UnusableFile: There are several, or not this one.
    """
    names = list(dict.fromkeys(row["observation_id"] for row in rows))
    if observation is None and len(names) > 1:
        raise UnusableFile(messages.SEVERAL_OBSERVATIONS(names=tuple(names[:10])))
    if observation is not None and names != [""] and observation not in names:
        raise UnusableFile(messages.NO_SUCH_OBSERVATION(name=observation, names=tuple(names[:10])))
    return [row for row in rows if observation is None or row["observation_id"] in ("", observation)]


def pair_states(events: Iterable[Event]) -> tuple[Tier, ...]:
    """Join starts and stops of states, in the order of time.

    Args:
        events: Of one observation; those of one time in the file's order.

    Raises:
        UnusableFile: A state starts twice, or has no start or no stop.
    """
    annotations: dict[str, list[Annotation]] = {}
    categories: dict[str, str] = {}
    open_states: dict[tuple[str, str], Event] = {}
    for event in sorted(events):
        row = annotations.setdefault(event.tier, [])
        categories.setdefault(event.tier, event.category)
        key = (event.tier, event.modifiers)
        if event.kind == "POINT":
            row.append(Annotation(event.time_s, event.time_s, event.label))
        elif event.kind == "START":
            if key in open_states:
                raise UnusableFile(messages.STATE_RESTARTED(code=event.tier, time_s=event.time_s))
            open_states[key] = event
        else:
            start = open_states.pop(key, None)
            if start is None:
                raise UnusableFile(messages.STATE_NOT_STARTED(code=event.tier, time_s=event.time_s))
            row.append(Annotation(start.time_s, event.time_s, start.label))
    if open_states:
        first = min(open_states.values())
        raise UnusableFile(messages.STATE_OPEN(code=first.tier, time_s=first.time_s))
    return tuple(Tier(name, tuple(row), categories[name]) for name, row in annotations.items())


def shift(tiers: Iterable[Tier], seconds: float) -> tuple[Tier, ...]:
    """Move all annotations.

    Args:
        tiers: The tiers.
        seconds: By how much they come later.
    """
    return tuple(
        Tier(
            tier.name,
            tuple(
                Annotation(round(item.start_s + seconds, 6), round(item.end_s + seconds, 6), item.label)
                for item in tier.annotations
            ),
            tier.category,
        )
        for tier in tiers
    )


def tier_name(subject: str, behavior: str) -> str:
    """Return the name of a behaviour's tier.

    Args:
        subject: Who shows it; "" or BORIS's "No focal subject" for nobody.
        behavior: The behaviour's code.
    """
    named = one_line(subject)
    is_nobody = not named or named.casefold() == NO_SUBJECT
    return one_line(behavior) if is_nobody else f"{named}: {one_line(behavior)}"


def media_length(cells: Iterable[str]) -> tuple[float | None, int]:
    """Return the recording's length in seconds, where a table knows it, and how many media it has in a row.

    Args:
        cells: "61.2", or "61.2;30.0|61.2" for two files in a row beside another player's one.
    """
    first_player = next((cell for cell in cells if cell), "").split("|")[0].split(";")
    try:
        length_s = sum(float(part) for part in first_player)
    except ValueError:
        return None, 1
    return (length_s if math.isfinite(length_s) else None), len(first_player)


def _heading_line(text: str) -> int | None:
    """Return the index of the line that names BORIS's columns, or None."""
    for index, line in enumerate(io.StringIO(text, newline="")):
        if index > MOST_LINES_ABOVE:
            return None
        if len(line) > LONGEST_HEADING:
            continue
        for delimiter in DELIMITERS:
            cells = next(iter(csv.reader([line], delimiter=delimiter)), [])
            names = {FORMAT.names.get(plain_name(cell)) for cell in cells}
            if {"behavior", "behavior_type"} <= names and ("time" in names or {"start_(s)", "stop_(s)"} <= names):
                return index
    return None


def _spans(rows: Sequence[Row], above: int) -> tuple[Tier, ...]:
    """Return the tiers of aggregated events: a row is a state from start to stop, or a point."""
    annotations: dict[str, list[Annotation]] = {}
    categories: dict[str, str] = {}
    for row in rows:
        line = row.line + above
        kind = _kind(row, line, ("STATE", "POINT"))
        name = _tier(row, line)
        start_s = seconds(row["start_(s)"], line)
        if kind == "STATE" and _is_missing(row["stop_(s)"]):
            raise UnusableFile(messages.NO_STOP_TIME(line=line, code=name))
        end_s = start_s if kind == "POINT" else seconds(row["stop_(s)"], line)
        categories.setdefault(name, one_line(row["behavioral_category"]))
        annotations.setdefault(name, []).append(Annotation(start_s, end_s, _label(row)))
    return tuple(Tier(name, tuple(items), categories[name]) for name, items in annotations.items())


def _events(rows: Sequence[Row], above: int) -> list[Event]:
    events = []
    for number, row in enumerate(rows):
        line = row.line + above
        kind = _kind(row, line, ("START", "STOP", "POINT"))
        category = one_line(row["behavioral_category"])
        time_s = seconds(row["time"], line)
        events.append(Event(time_s, number, _tier(row, line), _label(row), kind, category, "|".join(_modifiers(row))))
    return events


def _kind(row: Row, line: int, kinds: Sequence[str]) -> str:
    kind = row["behavior_type"].upper() or "POINT"  # BORIS 7 leaves the status of a point empty
    if kind not in kinds:
        raise UnusableFile(messages.UNKNOWN_TYPE(line=line, type=kind[:40]))
    return kind


def _tier(row: Row, line: int) -> str:
    if not row["behavior"]:
        raise UnusableFile(messages.NO_BEHAVIOR(line=line))
    return tier_name(row["subject"], row["behavior"])


def _modifiers(row: Row) -> list[str]:
    names = ("modifier", *(f"modifier_#{number}" for number in range(1, 21)))
    return [row[name] for name in names if row[name] and row[name] != "None"]


def _label(row: Row) -> str:
    return one_line("; ".join([*_modifiers(row), *([row["comment"]] if row["comment"] else [])]))


def _offset(rows: Sequence[Row], above: Sequence[str]) -> tuple[float, list[Message]]:
    """Return the observation's time offset, from its column or from the lines above the heading, and what to say."""
    cells = [(match[1], line) for line, text in enumerate(above, 1) if (match := _OFFSET_LINE.match(text))]
    cells += [(row["time_offset_(s)"], row.line + len(above)) for row in rows]
    offsets = list(dict.fromkeys(seconds(cell, line) for cell, line in cells if not _is_missing(cell)))
    if len(offsets) > 1:
        raise UnusableFile(messages.SEVERAL_OFFSETS(one_s=offsets[0], other_s=offsets[1]))
    offset_s = offsets[0] if offsets else 0.0
    return offset_s, [messages.TIME_OFFSET(offset_s=offset_s)] if offset_s else []


def _is_missing(cell: str) -> bool:
    return cell.strip().upper() in ("", "NA", "NAN", "N/A")
