"""Reading of WebVTT and SRT, whose cues are alike: a line of two times, then lines of text up to an empty one.

WebVTT: https://www.w3.org/TR/webvtt1/; a line that holds spaces is not empty and ends no cue. SRT has no standard; its
cues are numbered and may hold empty lines. They are read here rather than by a library: a damaged cue is reported
by its line, each voice of a cue stays its speaker's, and no file, however made, takes more than linear time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from fer_phq.core.messages import Message
from fer_phq.words import messages
from fer_phq.words.transcripts.labels import split_speakers
from fer_phq.words.transcripts.rolling import Cue, unroll
from fer_phq.words.transcripts.text import clock_seconds, is_frame_time, plain_name, plain_text
from fer_phq.words.transcripts.transcript import Row, UnusableTranscript

_TIME = r"-?[\d:;]+(?:[.,]\d+)?"
_TIMING = re.compile(rf"\s*({_TIME})\s*-->\s*({_TIME})(?=\s|$)", re.ASCII)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:\s([^<>]*))?>")
_NO_NAME = "?"
"""The speaker of voice tags without a name: somebody who is not the speakers with names."""
_TIMING_START = re.compile(r"\s*-?\d[\d:;.,]*\s*-->", re.ASCII)


def is_captions(lines: Sequence[str]) -> bool:
    """Return whether a file is WebVTT by its first line or holds a line of two times."""
    return is_webvtt(lines) or any("-->" in line and _TIMING.match(line) for line in lines)


def is_webvtt(lines: Sequence[str]) -> bool:
    """Return whether the first line is WebVTT's."""
    return re.match(r"WEBVTT(?:\s|$)", lines[0]) is not None if lines else False


def read_captions(lines: Sequence[str], webvtt: bool) -> tuple[list[Row], list[Message]]:
    """Read the rows of a caption file.

    Speakers come from WebVTT's voice tags, or else from `Name:` before the text where `split_speakers` finds them.

    Args:
        lines: The file's lines.
        webvtt: The file is WebVTT, not SRT.

    Returns:
        Rows, and warnings about what was left out or assumed.

    Raises:
        UnusableTranscript: No cue has times that can be read.
    """
    cues, unreadable_lines = _read_cues(lines, webvtt)
    warnings: list[Message] = []
    if unreadable_lines:
        number = unreadable_lines[0]
        template = messages.TIMES_IN_FRAMES if _has_frame_time(lines[number - 1]) else messages.TIMES_UNREADABLE
        if not cues:
            reason = messages.FRAME_TIMES if template is messages.TIMES_IN_FRAMES else messages.NO_TIMES
            raise UnusableTranscript(reason(line=number))
        warnings.append(template(n=len(unreadable_lines), line=number))
    cues, repeats = unroll(cues)
    if repeats:
        warnings.append(messages.CUES_ROLL(n=repeats))
    if any(_VOICE.search(line) for cue in cues for line in cue.lines):
        rows = []
        for cue in cues:
            rows += _rows_by_voice_tag(cue)
    else:
        rows = _rows_by_label(cues, warnings)
    speakers: defaultdict[int, set[str | None]] = defaultdict(set)
    for row in rows:
        speakers[row.line].add(row.speaker)
    shared = sum(len(names) > 1 for names in speakers.values())
    if shared:
        warnings.append(messages.SEVERAL_VOICES(n=shared))
    return rows, warnings


def _read_cues(lines: Sequence[str], webvtt: bool) -> tuple[list[Cue], list[int]]:
    """Return the cues, and the lines of times that cannot be read (their text is left out with them)."""
    cues: list[Cue] = []
    unreadable_lines: list[int] = []
    cue: Cue | None = None
    for number, line in enumerate(lines, 1):
        timing = _TIMING.match(line) if "-->" in line else None
        if timing or ("-->" in line and (webvtt or _TIMING_START.match(line))):
            start_s = clock_seconds(timing[1]) if timing else None
            end_s = clock_seconds(timing[2]) if timing else None
            if start_s is None or end_s is None:
                unreadable_lines.append(number)
                cue = None
            else:
                cue = Cue(number, start_s, end_s)
                cues.append(cue)
        elif not line.strip():
            if webvtt and not line:
                cue = None  # comments, styles and identifiers follow empty lines
        elif cue is not None and not _is_number(lines, number - 1):
            cue.lines.append(line)
    return cues, unreadable_lines


def _has_frame_time(line: str) -> bool:
    """Return whether one of a line's two times counts frames."""
    timing = _TIMING.match(line)
    return timing is not None and (is_frame_time(timing[1]) or is_frame_time(timing[2]))


def _is_number(lines: Sequence[str], index: int) -> bool:
    """Return whether a line is a cue's number: digits alone, right above a line of times."""
    return lines[index].strip().isdecimal() and index + 1 < len(lines) and "-->" in lines[index + 1]


def _rows_by_voice_tag(cue: Cue) -> list[Row]:
    """Split a cue's text by WebVTT's voice tags; text outside of them has no speaker."""
    before, *tagged = _VOICE.split("\n".join(cue.lines))
    parts: list[tuple[str | None, str]] = [(None, before)]
    for name, text in zip(tagged[::2], tagged[1::2], strict=True):
        inside, _, after = text.partition("</v>")
        parts += [(plain_name(name or "") or _NO_NAME, inside), (None, after)]
    rows = [_row(cue, name, plain_text(text, references=True)) for name, text in parts]
    return [row for row in rows if row.text] or [_row(cue, None, "")]


def _rows_by_label(cues: Sequence[Cue], warnings: list[Message]) -> list[Row]:
    """Return rows of cues without voice tags: speakers from `Name:` where that is consistent, else none."""
    entries, continued = split_speakers([cue.lines for cue in cues])
    if continued:
        warnings.append(messages.SPEAKER_CONTINUED(n=continued))
    return [
        _row(cue, speaker, plain_text(text, references=True))
        for cue, parts in zip(cues, entries, strict=True)
        for speaker, text in parts
    ]


def _row(cue: Cue, speaker: str | None, text: str) -> Row:
    return Row(cue.line, cue.start_s, cue.end_s, speaker, text)
