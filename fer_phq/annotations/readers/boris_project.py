"""BORIS's project, a JSON document with the ethogram and the events of each observation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from fer_phq.annotations import messages
from fer_phq.annotations.readers.boris import Event, media_length, pair_states, shift, tier_name
from fer_phq.annotations.readers.files import AnnotationFile, UnusableFile
from fer_phq.annotations.readers.times import seconds
from fer_phq.annotations.tiers import Tier, one_line

Json = Mapping[str, Any]


def parse_json(text: str) -> Any:
    """Read JSON.

    Args:
        text: The document.

    Raises:
        UnusableFile: It is none, or is nested without end.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnusableFile(messages.NOT_JSON(line=error.lineno)) from None
    except (RecursionError, ValueError):  # a number of thousands of digits
        raise UnusableFile(messages.NOT_JSON(line=1)) from None


def read_boris_project(document: Any, observation: str | None = None) -> AnnotationFile:
    """Read an observation of a project. Behaviours that it does not use are tiers without annotations.

    Args:
        document: The project, as JSON has it.
        observation: Which observation of several to read.

    Raises:
        UnusableFile: It is no project, an event is damaged, a state is never stopped, or there are several
            observations.
    """
    if not isinstance(document, dict):
        raise UnusableFile(messages.NOT_BORIS())
    ethogram = _behaviors(document)
    recorded = _observation(document.get("observations"), observation)
    events = _events(recorded.get("events"), ethogram)
    offset_s = _offset_s(recorded.get("time offset"))
    coded = shift(pair_states(events), -offset_s)
    names = {tier.name for tier in coded}
    unused = [Tier(one_line(code), (), category) for code, (_, category) in ethogram.items() if code not in names]
    duration_s, media = _length(recorded)
    warnings = [messages.TIME_OFFSET(offset_s=offset_s)] if offset_s else []
    warnings += [messages.LIVE()] if recorded.get("type") == "LIVE" else []
    warnings += [messages.SEVERAL_MEDIA(n=media)] if media > 1 else []
    return AnnotationFile("BORIS", (*coded, *unused), True, duration_s=duration_s, warnings=tuple(warnings))


def _behaviors(document: Json) -> dict[str, tuple[bool, str]]:
    """Return by each behaviour's code whether it is a state, and its category."""
    behaviors = document.get("behaviors_conf")
    if not isinstance(behaviors, dict) or not all(isinstance(entry, dict) for entry in behaviors.values()):
        raise UnusableFile(messages.NOT_BORIS())
    return {
        str(entry.get("code", "")): (
            str(entry.get("type", "")).casefold().startswith("state"),
            one_line(str(entry.get("category") or "")),
        )
        for entry in behaviors.values()
    }


def _observation(observations: Any, name: str | None) -> Json:
    if not isinstance(observations, dict) or not all(isinstance(entry, dict) for entry in observations.values()):
        raise UnusableFile(messages.NOT_BORIS())
    if not observations:
        raise UnusableFile(messages.NO_OBSERVATIONS())
    names = tuple(map(str, observations))[:10]
    if name is None and len(observations) > 1:
        raise UnusableFile(messages.SEVERAL_OBSERVATIONS(names=names))
    selected = next(iter(observations.values())) if name is None else observations.get(name)
    if selected is None:
        raise UnusableFile(messages.NO_SUCH_OBSERVATION(name=str(name), names=names))
    entry: Json = selected
    return entry


def _events(rows: Any, ethogram: Mapping[str, tuple[bool, str]]) -> list[Event]:
    """Return the events; a state's starts and stops take turns, as BORIS has it."""
    events: list[Event] = []
    running: set[tuple[str, str]] = set()
    for number, row in enumerate(_in_order(rows), 1):
        time_s, subject, code, modifiers, comment = row
        if code not in ethogram:
            raise UnusableFile(messages.UNDEFINED_BEHAVIOR(number=number, code=code[:40]))
        is_state, category = ethogram[code]
        name = tier_name(subject, code)
        key = (name, modifiers)
        kind = "POINT" if not is_state else "STOP" if key in running else "START"
        if is_state:
            running ^= {key}
        label = one_line("; ".join(part for part in (modifiers.replace("|", "; "), comment) if part))
        events.append(Event(time_s, number, name, label, kind, category, modifiers))
    return events


def _in_order(rows: Any) -> list[tuple[float, str, str, str, str]]:
    """Return time, subject, behaviour, modifiers and comment of each event, by time."""
    if not isinstance(rows, list):
        raise UnusableFile(messages.NOT_BORIS())
    events = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) < 3:
            raise UnusableFile(messages.DAMAGED_EVENT(number=number))
        time_s = _number(row[0])
        if time_s is None and row[0] in ("NA", None):
            raise UnusableFile(messages.NO_TIMES())
        if time_s is None or not all(isinstance(cell, str) for cell in row[1:5]):
            raise UnusableFile(messages.DAMAGED_EVENT(number=number))
        subject, code, modifiers, comment = [*row[1:5], "", ""][:4]
        events.append((time_s, subject, code, modifiers, comment))
    return sorted(events, key=lambda event: event[0])


def _offset_s(offset: Any) -> float:
    """Return an observation's time offset in seconds; 0 where it has none."""
    if offset is None or offset == "":
        return 0.0
    offset_s = _number(offset)
    return seconds(str(offset), 1) if offset_s is None else offset_s


def _length(recorded: Json) -> tuple[float | None, int]:
    """Return the length of the first player's media in seconds, where it is known, and how many there are."""
    players = recorded.get("file")
    media = players.get("1") if isinstance(players, dict) else None
    info = recorded.get("media_info")
    lengths = info.get("length") if isinstance(info, dict) else None
    if not isinstance(media, list) or not media or not isinstance(lengths, dict):
        return None, 1
    return media_length([";".join(str(lengths.get(name)) for name in media)])[0], len(media)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
