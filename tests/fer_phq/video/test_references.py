"""What a coded picture says of the others' need for it; where it cannot be understood, it counts as needed."""

from __future__ import annotations

import av
import pytest
from recordings import Recordings

from fer_phq.video.decoder.references import LAYERED, PARAMETERS, RESTART, UNNEEDED, reference_reader

UNITS: dict[str, list[tuple[bytes, int]]] = {
    "libx264": [
        (b"\x65\x88", RESTART),
        (b"\x41\x9a", 0),
        (b"\x01\x9a", UNNEEDED),
        (b"\x05\x88", RESTART | UNNEEDED),
        (b"\x67\x42", PARAMETERS),
        (b"\x06\x05", PARAMETERS),  # no picture at all
        (b"\x14\x00", PARAMETERS),  # of an extension
    ],
    "libx265": [
        (b"\x26\x01\xaf", RESTART),
        (b"\x02\x01\xd0", 0),
        (b"\x00\x01\xe0", UNNEEDED),
        (b"\x00\x02\xe0", UNNEEDED | LAYERED),
        (b"\x2a\x01\xaf", 0),  # a clean random access picture, whose leading pictures need others before it
        (b"\x44\x01\xc0", PARAMETERS),
    ],
}


@pytest.mark.parametrize("codec", UNITS)
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_units_are_understood_however_they_are_parted(codec: str, suffix: str, recordings: Recordings) -> None:
    with av.open(str(recordings(suffix, codec=codec, gop=12))) as container:
        read = reference_reader(container.streams.video[0])
    assert read is not None

    def packet(*units: bytes) -> av.Packet:
        parted = [(len(unit).to_bytes(4, "big") if suffix == ".mp4" else b"\0\0\0\1") + unit for unit in units]
        return av.Packet(b"".join(parted))

    for unit, marks in UNITS[codec]:
        assert read(packet(unit)) == marks, unit
    (restart, _), (needed, _), (unneeded, _) = UNITS[codec][:3]
    assert read(packet(unneeded, unneeded)) == UNNEEDED
    assert read(packet(unneeded, needed)) == 0, "what holds of one part only does not hold of the picture"
    assert read(packet(restart, needed)) == 0
    assert read(av.Packet(b"\1\2")) == PARAMETERS
    if suffix == ".mp4":
        assert read(av.Packet(b"\0\0\0\x09" + unneeded)) == PARAMETERS, "units that do not fill the packet"


@pytest.mark.parametrize(("suffix", "codec"), [(".webm", "libvpx"), (".mp4", "mpeg4")])
def test_of_other_codecs_nothing_is_known(suffix: str, codec: str, recordings: Recordings) -> None:
    with av.open(str(recordings(suffix, codec=codec))) as container:
        assert reference_reader(container.streams.video[0]) is None
