"""Speakers' labels before what they say: `Name: text`, `[SPEAKER_00]: text`, `(speaker 0) text`.

A label is whatever people are called in calls: a telephone number, an id, an emoji, a name of many words. What tells a
label from a sentence with a colon is that nearly all of a transcript's entries begin with one, and that few recur.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence

from fer_phq.words.transcripts.text import plain_name, plain_text

PREFIXED = 0.8
"""Share of entries that must begin with a label before such beginnings count as speakers."""
MAX_LABELS = 10
"""More labels than this are not the speakers of a session."""
LONG_LABEL = 4
"""Words beyond which a label that is there once must be spelled like a name."""
FEWEST_TURNS = 0.1
"""Share of entries that begin with a label, at least, where labels stand only at the start of each speaker's turn."""
CHANGES = 0.8
"""Share of those labels that must differ from the one before them."""

_TURN = r"\s*(?:>>+\s*|[-–—]\s*)?"
_COLON = re.compile(_TURN + r"((?:[^\s:：<>{}]|:(?=[^\s:]))(?:[^:：<>{}\n]|:(?=[^\s:])){0,79}?)\s*(?::(?:\s+|$)|：\s*)")
_BRACKETS = _TURN + r"(?:\[([^\[\]():：<>{}\n]{1,80})\]|\(([^\[\]():：<>{}\n]{1,80})\))\s*"
_BRACKETS_COLON = re.compile(_BRACKETS + r"(?::(?:\s+|$)|：\s*)")
_BRACKETS_ALONE = re.compile(_BRACKETS + r"(?=\S)")
_TURN_MARK = re.compile(r"\s*(?:>>+|[-–—])")
_UNKNOWN_SPEAKER = re.compile(r"(?:speaker)?[\s_#-]*\?+", re.IGNORECASE)

Split = Callable[[str], tuple[str | None, str]]
"""Splits a line into its label and the text after it; the label is None where it has none."""


def split_speakers(entries: Sequence[Sequence[str]]) -> tuple[list[list[tuple[str | None, str]]], int]:
    """Split every entry of a transcript by the speakers' labels, where these are consistent.

    Consistent: at least four of five entries begin with a label, there are at most ten labels, and they recur (at most
    one label for two entries, or two labels in all). Or labels stand only where the speaker changes, as captions have
    them: the first entry has one, each recurs, and one seldom follows itself. Lines without a label are said by the
    speaker before them.

    Args:
        entries: The lines of each cue or row, with their markup.

    Returns:
        The parts (speaker, text with markup) of each entry, and the number of lines without a label at an entry's
        start. Without consistent labels each entry is one part without a speaker.
    """
    split, names = _find_labels(entries)
    if not names:
        return [[(None, "\n".join(lines))] for lines in entries], 0
    rows: list[list[tuple[str | None, str]]] = []
    speaker: str | None = None
    continued = 0
    for lines in entries:
        parts: list[tuple[str | None, list[str]]] = []
        for line in lines:
            label, text = split(line)
            if label is not None and label.casefold() in names:
                speaker = names[label.casefold()]
                parts.append((speaker, [text]))
            elif parts:
                parts[-1][1].append(line)
            else:
                continued += bool(line.strip())
                parts.append((speaker, [line]))
        rows.append([(name, "\n".join(texts)) for name, texts in parts] or [(None, "")])
    return rows, continued


def _find_labels(entries: Sequence[Sequence[str]]) -> tuple[Split, dict[str, str | None]]:
    """Find the way of labelling, and the labels (folded case: as first spelled, None for an unknown speaker)."""
    first_lines = [next((line for line in lines if line.strip()), "") for lines in entries if lines]
    for split in (_split_colon, _split_brackets):
        labels = [label for label, _ in map(split, first_lines) if label is not None]
        counts = Counter(label.casefold() for label in labels)
        labels = [label for label in labels if counts[label.casefold()] > 1 or _is_like_name(label)]
        names = {label.casefold(): _speaker(label) for label in reversed(labels)}
        recur = len(names) <= min(MAX_LABELS, max(2, len(first_lines) // 2))
        if len(first_lines) >= 2 and len(labels) >= PREFIXED * len(first_lines) and recur:
            return split, names | _later_labels(entries, split, names)
    names = _labels_of_turns(first_lines)
    return _split_colon, names | _later_labels(entries, _split_colon, names) if names else {}


def _labels_of_turns(first_lines: Sequence[str]) -> dict[str, str | None]:
    """Find the labels that stand only where the speaker changes; none where these are not consistent."""
    labels = [label for label, _ in map(_split_colon, first_lines)]
    first = labels[0] if labels else None
    if first is None:
        return {}
    counts = Counter(label.casefold() for label in labels if label is not None and _is_alike(label, first))
    names = {
        label.casefold(): _speaker(label)
        for label in reversed(labels)
        if label is not None and counts[label.casefold()] > 1
    }
    turns = [label.casefold() for label in labels if label is not None and label.casefold() in names]
    changes = sum(before != after for before, after in itertools.pairwise(turns))
    is_consistent = (
        2 <= len(names) <= MAX_LABELS
        and first.casefold() in names
        and len(turns) >= FEWEST_TURNS * len(first_lines)
        and changes >= CHANGES * (len(turns) - 1)
    )
    return names if is_consistent else {}


def _later_labels(
    entries: Sequence[Sequence[str]], split: Split, names: dict[str, str | None]
) -> dict[str, str | None]:
    """Find the labels of people who only speak later in an entry: after a dash, or more than once."""
    later_lines = [line for lines in entries for line in lines[1:]]
    labels = [(label, line) for label, line in ((split(line)[0], line) for line in later_lines) if label is not None]
    counts = Counter(label.casefold() for label, _ in labels)
    others = {
        label.casefold(): _speaker(label)
        for label, line in reversed(labels)
        if label.casefold() not in names
        and any(_is_alike(label, name or "a") for name in names.values())
        and (counts[label.casefold()] > 1 or _TURN_MARK.match(line))
    }
    return others if len(names) + len(others) <= MAX_LABELS else {}


def _split_colon(line: str) -> tuple[str | None, str]:
    """Split `Name: text` or `[Name]: text`."""
    bracketed = _BRACKETS_COLON.match(plain_text(line, notes=True))
    if bracketed is not None:
        return plain_name(bracketed[1] or bracketed[2]), bracketed.string[bracketed.end() :]
    match = _COLON.match(plain_text(line))
    return (None, line) if match is None else (plain_name(match[1]), match.string[match.end() :])


def _split_brackets(line: str) -> tuple[str | None, str]:
    """Split `[Name] text` or `(Name) text`."""
    match = _BRACKETS_ALONE.match(plain_text(line, notes=True))
    return (None, line) if match is None else (plain_name(match[1] or match[2]), match.string[match.end() :])


def _is_short(label: str) -> bool:
    return len(label.split()) <= LONG_LABEL


def _is_alike(label: str, name: str) -> bool:
    """Return whether a short label is spelled as a speaker's name: without a small letter first, unless that has it."""
    return _is_short(label) and (name[0].islower() or not label[0].islower())


def _is_like_name(label: str) -> bool:
    """Return whether a label may be somebody's who speaks once: short, or without small letters at its two ends."""
    words = label.split()
    return _is_short(label) or not (words[0][0].islower() or words[-1][0].islower())


def _speaker(label: str) -> str | None:
    return None if _UNKNOWN_SPEAKER.fullmatch(label) else label
