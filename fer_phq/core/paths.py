"""The data folder of this installation, and names of files: spellings, length, and how a terminal shows them."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import platformdirs

LONGEST_STEM = 200
"""Bytes of a file's name that are used in the names of files made from it: most systems allow 255 in all."""


DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, so that a name shows as another one."""


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Write a text so that a terminal or a log shows it and obeys nothing in it.

    Args:
        text: The text, such as a file's name, which anyone may have chosen.
        keep_lines: Whether line feeds and tabs stay as they are.

    Returns:
        The text with Python's escapes in place of control characters, breaks of lines, turns of the writing's
        direction and what is no character.
    """
    return "".join(ascii(c)[1:-1] if _is_control(c) and not (keep_lines and c in "\n\t") else c for c in text)


def _is_control(character: str) -> bool:
    return character in DIRECTIONS or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def data_dir() -> Path:
    """Return `FERPHQ_DATA_DIR` (a leading `~` is the home folder), else the system's folder for a user's data."""
    folder = os.environ.get("FERPHQ_DATA_DIR") or platformdirs.user_data_dir("fer-phq", appauthor=False)
    return Path(folder).expanduser().absolute()


def find_spelling(path: Path) -> Path:
    """Find a file whose name may be spelled with composed letters (NFC) or decomposed ones (NFD), which look the same.

    Args:
        path: The path as somebody wrote it.

    Returns:
        The path as the file system has it; the argument where there is no such file.
    """
    if str(path).isascii() or os.path.lexists(path):
        return path
    present = Path(path.anchor)
    for part in path.parts[1 if path.anchor else 0 :]:
        if not os.path.lexists(present / part):
            try:
                names = os.listdir(present)
            except OSError:
                return path
            composed = unicodedata.normalize("NFC", part)
            same = (name for name in names if unicodedata.normalize("NFC", name) == composed)
            part = next(same, part)
        present /= part
    return present if os.path.lexists(present) else path


def shorten_stem(stem: str, longest: int = LONGEST_STEM) -> str:
    """Return the start of a file's name that leaves room for an ending, cut between letters.

    Args:
        stem: The name without its ending.
        longest: The most bytes that the result has in UTF-8.
    """
    return os.fsencode(stem)[:longest].decode("utf-8", "ignore") if len(os.fsencode(stem)) > longest else stem
