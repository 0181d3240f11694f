"""WebVTT and SRT, whose cues are alike: a line of two times, then lines of text up to an empty one.

WebVTT: https://www.w3.org/TR/webvtt1/. SRT has no standard; its cues are numbered and may hold empty lines. Read here
rather than by a library: a damaged cue is told by its line, each voice of a cue stays its speaker's, and no file,
however made, takes more than linear time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from fer_phq.words.text import clock_seconds, plain_name, plain_text
from fer_phq.words.transcript import Row

_TIME = r"-?[\d:]+(?:[.,]\d+)?"
_TIMING = re.compile(rf"\s*({_TIME})\s*-->\s*({_TIME})(?=\s|$)", re.ASCII)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>")
_PREFIX = re.compile(r"\s*(?:>>+\s*|[-–—]\s*)?([^\W\d_][^:：<>\[\]{}\n]{0,39})(?::(?:\s+|$)|：\s*)")

PREFIXED = 0.8
"""Share of cues that must begin with `Name:` before such beginnings are taken for speakers."""
MAX_PREFIXES = 10
"""More names than this are not the speakers of a session."""


@dataclass
class _Cue:
    line: int
    start_s: float
    end_s: float
    lines: list[str] = field(default_factory=list)


def is_captions(lines: Sequence[str]) -> bool:
    """Whether a file is WebVTT by its first line or holds a line of two times."""
    return is_webvtt(lines) or any("-->" in line and _TIMING.match(line) for line in lines)


def is_webvtt(lines: Sequence[str]) -> bool:
    """Whether the first line is WebVTT's."""
    return re.match(r"WEBVTT(?:\s|$)", lines[0]) is not None if lines else False


def read_captions(lines: Sequence[str], webvtt: bool) -> tuple[list[Row], list[str]]:
    """Rows and warnings of a caption file's lines; `webvtt` says which of the two formats it is.

    Speakers come from WebVTT's voice tags, or else from `Name:` before the text where `_prefixes` finds them.
    """
    cues, unreadable = _cues(lines, webvtt)
    warnings = []
    if unreadable:
        warnings.append(
            f"{len(unreadable)} cues were left out because their times cannot be read (the first at line "
            f"{unreadable[0]}); write them as 00:01:02.500 --> 00:01:04.000."
        )
    tagged = any(_VOICE.search(line) for cue in cues for line in cue.lines)
    rows = [row for cue in cues for row in _voices(cue)] if tagged else _named(cues, warnings)
    shared = sum(len({row.speaker for row in cue}) > 1 for cue in _by_line(rows))
    if shared:
        warnings.append(f"{shared} cues hold more than one voice; each of them counts for its cue's whole time.")
    return rows, warnings


def _cues(lines: Sequence[str], webvtt: bool) -> tuple[list[_Cue], list[int]]:
    """The cues, and the lines of times that cannot be read (their text is left out with them)."""
    cues: list[_Cue] = []
    unreadable: list[int] = []
    cue: _Cue | None = None
    for number, line in enumerate(lines, 1):
        timing = _TIMING.match(line) if "-->" in line else None
        if timing or ("-->" in line and (webvtt or re.match(r"\s*-?\d[\d:.,]*\s*-->", line))):
            start, end = (clock_seconds(time) for time in timing.groups()) if timing else (None, None)
            if start is None or end is None:
                unreadable.append(number)
                cue = None
            else:
                cue = _Cue(number, start, end)
                cues.append(cue)
        elif not line.strip():
            cue = None if webvtt else cue  # WebVTT's comments, styles and identifiers follow empty lines
        elif cue is not None and not _is_number(lines, number - 1):
            cue.lines.append(line)
    return cues, unreadable


def _is_number(lines: Sequence[str], index: int) -> bool:
    """Whether a line is a cue's number: digits alone, right above a line of times."""
    return lines[index].strip().isdecimal() and index + 1 < len(lines) and "-->" in lines[index + 1]


def _voices(cue: _Cue) -> list[Row]:
    """A cue's text by WebVTT's voice tags; text outside of them has no speaker."""
    before, *tagged = _VOICE.split("\n".join(cue.lines))
    parts: list[tuple[str | None, str]] = [(None, before)]
    for name, text in zip(tagged[::2], tagged[1::2], strict=True):
        said, _, after = text.partition("</v>")
        parts += [(plain_name(name), said), (None, after)]
    said_by = [(name, plain_text(text, references=True)) for name, text in parts]
    return [_row(cue, name, text) for name, text in said_by if text] or [_row(cue, None, "")]


def _named(cues: Sequence[_Cue], warnings: list[str]) -> list[Row]:
    """Rows of cues without voice tags: speakers from `Name:` where that is consistent, else none."""
    names = _prefixes(cues)
    if not names:
        return [_row(cue, None, plain_text("\n".join(cue.lines), references=True)) for cue in cues]
    rows: list[Row] = []
    speaker: str | None = None
    continued = 0
    for cue in cues:
        parts: list[tuple[str | None, list[str]]] = []
        for line in cue.lines:
            name, said = _split_name(line)
            if name is not None and name.casefold() in names:
                speaker = names[name.casefold()]
                parts.append((speaker, [said]))
            elif parts:
                parts[-1][1].append(line)
            else:
                continued += bool(line.strip())
                parts.append((speaker, [line]))
        rows += [_row(cue, who, plain_text("\n".join(said), references=True)) for who, said in parts or [(None, [])]]
    if continued:
        warnings.append(f"{continued} cues name no speaker; they count as said by the speaker before them.")
    return rows


def _prefixes(cues: Sequence[_Cue]) -> dict[str, str]:
    """The names with which cues begin (folded case: as first spelled), or none where that is not consistent.

    Consistent: at least four of five cues begin with `Name:`, there are at most ten names, and they recur (at most one
    name for two cues, or two names in all).
    """
    spoken = [cue.lines[0] for cue in cues if cue.lines]
    found = [name for name, _ in map(_split_name, spoken) if name is not None]
    counts = Counter(name.casefold() for name in found)
    recur = len(counts) <= min(MAX_PREFIXES, max(2, len(spoken) // 2))
    if len(spoken) < 2 or len(found) < PREFIXED * len(spoken) or not recur:
        return {}
    return {name.casefold(): name for name in reversed(found)}


def _split_name(line: str) -> tuple[str | None, str]:
    """`Name: text` as (name, text); (None, line) when it does not begin so. A name has at most four words."""
    found = _PREFIX.match(plain_text(line))
    if found is None or len(found[1].split()) > 4:
        return None, line
    return plain_name(found[1]), found.string[found.end() :]


def _row(cue: _Cue, speaker: str | None, text: str) -> Row:
    return Row(cue.line, cue.start_s, cue.end_s, speaker, text)


def _by_line(rows: Sequence[Row]) -> list[list[Row]]:
    cues: dict[int, list[Row]] = {}
    for row in rows:
        cues.setdefault(row.line, []).append(row)
    return list(cues.values())
