"""What other pictures need of a coded picture, read from the first bytes of its units, without decoding.

H.264 says so in `nal_ref_idc` and by its IDR pictures (Rec. ITU-T H.264, 7.4.1), HEVC by the type of its units (Rec.
ITU-T H.265, 7.4.2.2). Of other codecs nothing is known here. Runs in the decoder process only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

UNNEEDED = 1
"""No other picture needs this one."""

RESTART = 2
"""Nothing that is coded after this picture needs anything that is coded before it."""

PARAMETERS = 4
"""It comes with parameters that later pictures may need, or with what is not understood here."""

LAYERED = 8
"""It belongs to a higher temporal layer: pictures of lower layers may only seem to be unneeded."""

_PICTURE = 16
"""The unit holds a part of the picture."""

_ALL_PARTS = UNNEEDED | RESTART | _PICTURE
"""What must hold of each part of a picture to hold of the picture."""

_START = b"\0\0\1"

_Units = Iterator[int]
"""Where the units of a packet begin."""


def reference_reader(stream: Any) -> Callable[[Any], int] | None:
    """Return what reads the marks above from a track's packets; None where its codec does not say.

    Args:
        stream: A video track of an open PyAV container.
    """
    context = stream.codec_context
    extradata = bytes(context.extradata or b"")
    read_unit, length_bytes = _FORMATS.get(str(context.codec.canonical_name), (None, None))
    if read_unit is None or length_bytes is None:
        return None
    prefix = length_bytes(extradata)

    def read(packet: Any) -> int:
        data = bytes(packet)
        return _join(data, _prefixed(data, prefix) if prefix else _delimited(data), read_unit)

    return read


def _join(data: bytes, units: _Units, read_unit: Callable[[bytes, int], int]) -> int:
    """Return the marks of a packet from those of its units; where these cannot be told apart, it is needed."""
    parts = _ALL_PARTS
    marks = 0
    try:
        for place in units:
            unit = read_unit(data, place)
            marks |= unit
            if unit & _PICTURE:
                parts &= unit
    except (ValueError, IndexError):
        return PARAMETERS
    if not marks & _PICTURE:
        return PARAMETERS
    return marks & (PARAMETERS | LAYERED) | parts & (UNNEEDED | RESTART)


def _prefixed(data: bytes, length_bytes: int) -> _Units:
    """Yield where units begin that follow their lengths. Raises ValueError where those do not fill the packet."""
    end = 0
    while end < len(data):
        start = end + length_bytes
        end = start + int.from_bytes(data[end:start], "big")
        if not start < end <= len(data):
            raise ValueError("units that do not fill their packet")
        yield start


def _delimited(data: bytes) -> _Units:
    """Yield where units begin that follow start codes."""
    place = data.find(_START)
    while place >= 0:
        yield place + len(_START)
        place = data.find(_START, place + len(_START))


def _h264_prefix(extradata: bytes) -> int:
    """Return how many bytes tell a unit's length (ISO/IEC 14496-15, 5.3.3); 0 where start codes part the units."""
    return (extradata[4] & 3) + 1 if len(extradata) > 4 and extradata[0] == 1 else 0


def _h264_unit(data: bytes, place: int) -> int:
    head = data[place]
    kind = head & 31
    if kind in (6, 9, 12):  # hints, delimiters, filling
        return 0
    if not 1 <= kind <= 5:
        return PARAMETERS
    unneeded = 0 if head & 0x60 else UNNEEDED
    return _PICTURE | unneeded | (RESTART if kind == 5 else 0)


def _hevc_prefix(extradata: bytes) -> int:
    """Return how many bytes tell a unit's length (ISO/IEC 14496-15, 8.3.3); 0 where start codes part the units."""
    is_record = len(extradata) > 21 and (extradata[0] or extradata[1] or extradata[2] > 1)
    return (extradata[21] & 3) + 1 if is_record else 0


def _hevc_unit(data: bytes, place: int) -> int:
    kind = data[place] >> 1 & 63
    if kind in (35, 38, 39, 40):  # delimiters, filling, hints
        return 0
    if kind > 31:
        return PARAMETERS
    unneeded = UNNEEDED if kind <= 14 and kind % 2 == 0 else 0
    layered = 0 if data[place + 1] & 7 == 1 else LAYERED
    return _PICTURE | unneeded | layered | (RESTART if kind in (19, 20) else 0)


_FORMATS: dict[str, tuple[Callable[[bytes, int], int], Callable[[bytes], int]]] = {
    "h264": (_h264_unit, _h264_prefix),
    "hevc": (_hevc_unit, _hevc_prefix),
}
