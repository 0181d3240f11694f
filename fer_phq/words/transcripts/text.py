"""Removal of markup from text, and times as captions and tables write them. Every pattern takes linear time."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.]*>|</>")
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_NOTE = re.compile(r"\[[^\[\]]*\]")
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});", re.ASCII)
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")

_FRAMES = re.compile(r"-?\d{1,2}:\d{1,2}:\d{1,2}[:;]\d{1,2}", re.ASCII)
_CLOCK = re.compile(r"(-?)(?:(\d{1,10}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?", re.ASCII)

SLOWEST_SPEECH = 0.3
"""Characters a second, over a whole transcript, below which whole numbers are not seconds. Speech has about 12; times
in milliseconds make it seem to have a thousandth of that."""


def plain_text(text: str, references: bool = False, notes: bool = False) -> str:
    """Strip a cue or cell of tags, [bracketed notes], invisible marks of direction, and double spaces; compose letters.

    Args:
        text: The text with markup.
        references: Also resolve character references such as `&amp;`, as captions have them.
        notes: Leave what stands in brackets.
    """
    if "<" in text:  # most texts hold none of these, and looking is quicker than searching
        text = _TAG.sub(" ", text)
    if "{" in text:
        text = _OVERRIDE.sub("", text)
    if "[" in text and not notes:
        text = _NOTE.sub(" ", text)
    if references and "&" in text:
        text = _REFERENCE.sub(lambda match: html.unescape(match[0]), text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return " ".join(text.split())


def plain_name(name: str) -> str | None:
    """Strip a speaker's name of markup; None when nothing is left."""
    return plain_text(name, references=True).rstrip(":").rstrip() or None


def clock_seconds(text: str) -> float | None:
    """Parse `[hours:]minutes:seconds[.fraction]`, possibly negative, as seconds; None when it is no such time."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    sign, hours, minutes, seconds, fraction = match.groups()
    if int(minutes) > 59 or int(seconds) > 59:
        return None
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    value = float(f"{whole}.{fraction}") if fraction else float(whole)  # the nearest float, as for a table's number
    return -value if sign else value


def is_frame_time(text: str) -> bool:
    """Return whether a time counts frames, `hours:minutes:seconds:frames`, whose rate is not known."""
    return _FRAMES.fullmatch(text) is not None


def is_too_slow(times: Sequence[tuple[float, float]], texts: Sequence[str]) -> bool:
    """Return whether texts are too short to be said in so many seconds, so that their times are milliseconds.

    Args:
        times: Start and end of each utterance, as if they were seconds.
        texts: What was said.
    """
    duration_s = sum(max(0.0, end_s - start_s) for start_s, end_s in times)
    return sum(map(len, texts)) < SLOWEST_SPEECH * duration_s
