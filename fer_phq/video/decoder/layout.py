"""The outermost boxes of a file, read without a media library: whether all of it is there, and what follows its end."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fer_phq.core.encryption.files import open_content

_EBML = b"\x1aE\xdf\xa3"
_SEGMENT = b"\x18S\x80g"
_MAX_BOXES = 100_000


@dataclass(frozen=True)
class Layout:
    """What the outermost boxes say.

    Attributes:
        whole: The file ends where they say that it ends; False also where they do not say.
        fragmented: It is an MP4 whose index is spread over the file.
        appended: Share of the file, 0 to 1, that belongs to a second MP4 behind the first.
    """

    whole: bool = False
    fragmented: bool = False
    appended: float = 0.0


def read_layout(path: str) -> Layout:
    """Read the outermost boxes of an MP4, Matroska or AVI file; of others nothing is known.

    Args:
        path: The file.
    """
    with open_content(path) as stream:
        head = stream.read(12)
        size = stream.seek(0, 2)
        if head[:4] == b"RIFF":
            return Layout(whole=8 + int.from_bytes(head[4:8], "little") <= size)
        if head[:4] == _EBML:
            return Layout(whole=_segment_ends_inside(stream, size))
        if is_base_media(head):
            return _base_media_layout(stream, size)
    return Layout()


def is_avi(path: str) -> bool:
    """Return whether a file begins as an AVI.

    Args:
        path: The file.
    """
    with open_content(path) as stream:
        head = stream.read(12)
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def is_base_media(head: bytes) -> bool:
    """Return whether a file's first bytes are those of an MP4 or MOV.

    Args:
        head: At least 8 bytes.
    """
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def has_index(stream: Any) -> bool:
    """Return whether the outermost boxes of an MP4 hold a complete index.

    Args:
        stream: The open file.
    """
    size = stream.seek(0, 2)
    return any(kind == b"moov" and end <= size for kind, _, end in _boxes(stream, size))


def first_recording_end(path: str) -> int | None:
    """Return the byte at which a second MP4 begins behind a complete first one; None where none does.

    Args:
        path: The file.
    """
    with open_content(path) as stream:
        head = stream.read(12)
        return _second_file(stream, stream.seek(0, 2)) if is_base_media(head) else None


def _second_file(stream: Any, size: int) -> int | None:
    """Return where the second file type box begins, if an index stands before it."""
    kinds: set[bytes] = set()
    for kind, start, _ in _boxes(stream, size):
        if kind == b"ftyp" and {b"ftyp", b"moov"} <= kinds:
            return start
        kinds.add(kind)
    return None


def _base_media_layout(stream: Any, size: int) -> Layout:
    """Find fragments, and a second recording behind the first."""
    second = _second_file(stream, size)
    fragmented = False
    end = 0
    for kind, start, box_end in _boxes(stream, size):
        if start == second:
            break
        fragmented = fragmented or kind == b"moof"
        end = box_end
    appended = 0.0 if second is None else (size - second) / size
    return Layout(whole=end == (size if second is None else second), fragmented=fragmented, appended=appended)


def _boxes(stream: Any, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the outermost boxes of an MP4 (ISO/IEC 14496-12); the end may lie past the file's."""
    position = 0
    for _ in range(_MAX_BOXES):
        if position + 8 > size:
            return
        stream.seek(position)
        length, kind = struct.unpack(">I4s", stream.read(8))
        if length == 1:
            raw = stream.read(8)
            length = int.from_bytes(raw, "big") if len(raw) == 8 else 0
        length = length or size - position
        if length < 8:
            return
        yield kind, position, position + length
        position += length


def _segment_ends_inside(stream: Any, size: int) -> bool:
    """Return whether the first segment of a Matroska file states its size and lies in the file as a whole."""
    stream.seek(4)
    length = _variable_size(stream)
    if length is None:
        return False
    stream.seek(length, 1)
    if stream.read(4) != _SEGMENT:
        return False
    length = _variable_size(stream)
    return length is not None and stream.tell() + length <= size


def _variable_size(stream: Any) -> int | None:
    """Read a size of Matroska (RFC 8794, 4): leading zeros give its width; all ones say that it is not known."""
    first = stream.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    rest = stream.read(width - 1)
    number = int.from_bytes(bytes([first[0] & (1 << (8 - width)) - 1]) + rest, "big")
    return None if len(rest) < width - 1 or number == (1 << 7 * width) - 1 else number
