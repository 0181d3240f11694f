"""Reading of WebVTT and SRT, whose cues are alike: a line of two times, then lines of text up to an empty one.

WebVTT: https://www.w3.org/TR/webvtt1/. SRT has no standard; its cues are numbered and may hold empty lines. They are
read here rather than by a library: a damaged cue is reported by its line, each voice of a cue stays its speaker's, and
no file, however made, takes more than linear time.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from fer_phq.core.messages import Message
from fer_phq.words import messages
from fer_phq.words.transcripts.text import clock_seconds, plain_name, plain_text
from fer_phq.words.transcripts.transcript import Row

_TIME = r"-?[\d:]+(?:[.,]\d+)?"
_TIMING = re.compile(rf"\s*({_TIME})\s*-->\s*({_TIME})(?=\s|$)", re.ASCII)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>")
_PREFIX = re.compile(r"\s*(?:>>+\s*|[-–—]\s*)?([^\W\d_][^:：<>\[\]{}\n]{0,39})(?::(?:\s+|$)|：\s*)")

PREFIXED = 0.8
"""Share of cues that must begin with `Name:` before such beginnings count as speakers."""
MAX_PREFIXES = 10
"""More names than this are not the speakers of a session."""


@dataclass
class _Cue:
    line: int
    start_s: float
    end_s: float
    lines: list[str] = field(default_factory=list)


def is_captions(lines: Sequence[str]) -> bool:
    """Return whether a file is WebVTT by its first line or holds a line of two times."""
    return is_webvtt(lines) or any("-->" in line and _TIMING.match(line) for line in lines)


def is_webvtt(lines: Sequence[str]) -> bool:
    """Return whether the first line is WebVTT's."""
    return re.match(r"WEBVTT(?:\s|$)", lines[0]) is not None if lines else False


def read_captions(lines: Sequence[str], webvtt: bool) -> tuple[list[Row], list[Message]]:
    """Read the rows of a caption file.

    Speakers come from WebVTT's voice tags, or else from `Name:` before the text where `_prefixes` finds them.

    Args:
        lines: The file's lines.
        webvtt: The file is WebVTT, not SRT.

    Returns:
        Rows, and warnings about what was left out or assumed.
    """
    cues, unreadable_lines = _read_cues(lines, webvtt)
    warnings: list[Message] = []
    if unreadable_lines:
        warnings.append(messages.TIMES_UNREADABLE(n=len(unreadable_lines), line=unreadable_lines[0]))
    if any(_VOICE.search(line) for cue in cues for line in cue.lines):
        rows = []
        for cue in cues:
            rows += _rows_by_voice_tag(cue)
    else:
        rows = _rows_by_prefix(cues, warnings)
    speakers: defaultdict[int, set[str | None]] = defaultdict(set)
    for row in rows:
        speakers[row.line].add(row.speaker)
    shared = sum(len(names) > 1 for names in speakers.values())
    if shared:
        warnings.append(messages.SEVERAL_VOICES(n=shared))
    return rows, warnings


def _read_cues(lines: Sequence[str], webvtt: bool) -> tuple[list[_Cue], list[int]]:
    """Return the cues, and the lines of times that cannot be read (their text is left out with them)."""
    cues: list[_Cue] = []
    unreadable_lines: list[int] = []
    cue: _Cue | None = None
    for number, line in enumerate(lines, 1):
        timing = _TIMING.match(line) if "-->" in line else None
        if timing or ("-->" in line and (webvtt or re.match(r"\s*-?\d[\d:.,]*\s*-->", line))):
            start_s = clock_seconds(timing[1]) if timing else None
            end_s = clock_seconds(timing[2]) if timing else None
            if start_s is None or end_s is None:
                unreadable_lines.append(number)
                cue = None
            else:
                cue = _Cue(number, start_s, end_s)
                cues.append(cue)
        elif not line.strip():
            cue = None if webvtt else cue  # WebVTT's comments, styles and identifiers follow empty lines
        elif cue is not None and not _is_number(lines, number - 1):
            cue.lines.append(line)
    return cues, unreadable_lines


def _is_number(lines: Sequence[str], index: int) -> bool:
    """Return whether a line is a cue's number: digits alone, right above a line of times."""
    return lines[index].strip().isdecimal() and index + 1 < len(lines) and "-->" in lines[index + 1]


def _rows_by_voice_tag(cue: _Cue) -> list[Row]:
    """Split a cue's text by WebVTT's voice tags; text outside of them has no speaker."""
    before, *tagged = _VOICE.split("\n".join(cue.lines))
    parts: list[tuple[str | None, str]] = [(None, before)]
    for name, text in zip(tagged[::2], tagged[1::2], strict=True):
        inside, _, after = text.partition("</v>")
        parts += [(plain_name(name), inside), (None, after)]
    rows = [_row(cue, name, plain_text(text, references=True)) for name, text in parts]
    return [row for row in rows if row.text] or [_row(cue, None, "")]


def _rows_by_prefix(cues: Sequence[_Cue], warnings: list[Message]) -> list[Row]:
    """Return rows of cues without voice tags: speakers from `Name:` where that is consistent, else none."""
    names = _prefixes(cues)
    if not names:
        return [_row(cue, None, plain_text("\n".join(cue.lines), references=True)) for cue in cues]
    rows: list[Row] = []
    speaker: str | None = None
    continued = 0
    for cue in cues:
        parts: list[tuple[str | None, list[str]]] = []
        for line in cue.lines:
            name, text = _split_name(line)
            if name is not None and name.casefold() in names:
                speaker = names[name.casefold()]
                parts.append((speaker, [text]))
            elif parts:
                parts[-1][1].append(line)
            else:
                continued += bool(line.strip())
                parts.append((speaker, [line]))
        for name, texts in parts or [(None, [])]:
            rows.append(_row(cue, name, plain_text("\n".join(texts), references=True)))
    if continued:
        warnings.append(messages.SPEAKER_CONTINUED(n=continued))
    return rows


def _prefixes(cues: Sequence[_Cue]) -> dict[str, str]:
    """Return the names with which cues begin (folded case: as first spelled), or none where that is not consistent.

    Consistent: at least four of five cues begin with `Name:`, there are at most ten names, and they recur (at most one
    name for two cues, or two names in all).
    """
    first_lines = [cue.lines[0] for cue in cues if cue.lines]
    names = [name for name, _ in map(_split_name, first_lines) if name is not None]
    counts = Counter(name.casefold() for name in names)
    recur = len(counts) <= min(MAX_PREFIXES, max(2, len(first_lines) // 2))
    if len(first_lines) < 2 or len(names) < PREFIXED * len(first_lines) or not recur:
        return {}
    return {name.casefold(): name for name in reversed(names)}


def _split_name(line: str) -> tuple[str | None, str]:
    """Split `Name: text` into (name, text); (None, line) when it does not begin so. A name has at most four words."""
    match = _PREFIX.match(plain_text(line))
    if match is None or len(match[1].split()) > 4:
        return None, line
    return plain_name(match[1]), match.string[match.end() :]


def _row(cue: _Cue, speaker: str | None, text: str) -> Row:
    return Row(cue.line, cue.start_s, cue.end_s, speaker, text)
