"""Pictures by content: each kind of colours, what is refused, and what the process that decodes them may do."""

from __future__ import annotations

import io
import signal
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_phq.pictures import Picture, PictureError, PictureReader, read_pictures
from fer_phq.pictures import reader as reader_module

GREY = np.linspace(0, 255, 100 * 80).astype(np.uint8).reshape(80, 100)
COLOUR = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def huge() -> bytes:
    """A PNG that declares 100,000 x 100,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(bytes(1000)))
    body = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    return encode(Image.fromarray(COLOUR).rotate(90, expand=True), "PNG", exif=exif)


def palette() -> bytes:
    return encode(Image.fromarray(GREY // 4 * 4).convert("P"))


DEEP = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
TRANSPARENT = np.dstack([COLOUR, np.where(GREY < 128, 0, 255).astype(np.uint8)])
KINDS = {
    "rgb": (encode(Image.fromarray(COLOUR)), COLOUR, ()),
    "grey": (encode(Image.fromarray(GREY)), GREY, ()),
    "bmp": (encode(Image.fromarray(COLOUR), "BMP"), COLOUR, ()),
    "palette": (palette(), GREY // 4 * 4, ()),
    "16 bits": (encode(Image.fromarray(GREY.astype(np.uint16) * 257)), GREY, ("pictures.scaled_depth",)),
    "16 bits in TIFF": (
        encode(Image.fromarray(GREY.astype(np.uint16) * 257), "TIFF"),
        GREY,
        ("pictures.scaled_depth",),
    ),
    "every value of 16 bits": (
        encode(Image.fromarray(DEEP)),
        ((DEEP.astype(np.uint32) + 128) // 257).astype(np.uint8),
        ("pictures.scaled_depth",),
    ),
    "opaque": (encode(Image.fromarray(COLOUR).convert("RGBA")), COLOUR, ()),
    "transparent": (
        encode(Image.fromarray(TRANSPARENT)),
        np.where(GREY[..., None] < 128, 255, COLOUR),
        ("pictures.over_white",),
    ),
    "print": (encode(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), COLOUR, ("pictures.print_colours",)),
    "turned": (turned(), COLOUR, ()),
}
REFUSED = {
    "pictures.empty": b"",
    "pictures.not_a_picture": b"no picture",
    "pictures.damaged": encode(Image.fromarray(COLOUR), "JPEG")[:-400],
    "pictures.several": encode(Image.fromarray(GREY), "GIF", save_all=True, append_images=[Image.fromarray(GREY.T)]),
    "pictures.unknown_colours": encode(Image.fromarray(GREY.astype(np.float32)), "TIFF"),
    "pictures.too_large": huge(),
    "pictures.too_many_bytes": bytes(reader_module.MAX_BYTES + 1),
}


def test_every_kind_of_colours_becomes_the_same_rgb_and_a_bad_picture_loses_no_other() -> None:
    contents = [value for name in KINDS for value in (KINDS[name][0], b"no picture")]
    results = list(read_pictures(contents))
    assert [type(result) for result in results] == [Picture, PictureError] * len(KINDS)
    for (name, (_, expected, notes)), picture in zip(KINDS.items(), results[::2], strict=True):
        assert isinstance(picture, Picture)
        rgb = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
        assert picture.rgb.shape == rgb.shape, name
        assert np.abs(picture.rgb.astype(int) - rgb).max() <= (name == "print"), name
        assert tuple(note.code for note in picture.notes) == notes, name


def test_each_picture_that_cannot_be_read_is_one_sentence() -> None:
    results = list(read_pictures(list(REFUSED.values())))
    assert [result.message.code for result in results if isinstance(result, PictureError)] == list(REFUSED)
    assert all(str(result).endswith(".") for result in results)


def test_a_decoder_that_breaks_down_loses_its_picture_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = reader_module._PictureProcess.decode

    def break_down(process: reader_module._PictureProcess, content: bytes) -> object:
        if content == b"break down":
            process._process.kill()
        return decode(process, content)

    monkeypatch.setattr(reader_module._PictureProcess, "decode", break_down)
    good = KINDS["grey"][0]
    results = list(read_pictures([good, b"break down", good]))
    assert [getattr(getattr(result, "message", None), "code", "") for result in results] == [
        "",
        "pictures.broke_down",
        "",
    ]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says what a process may do in /proc")
def test_the_process_of_pictures_is_confined_and_limited() -> None:
    process = reader_module._PictureProcess()
    try:
        assert isinstance(process.decode(KINDS["grey"][0]), Picture)
        folder = Path(f"/proc/{process._process.pid}")
        status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line)
        assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")
        limits = (folder / "limits").read_text()
        assert any(line.startswith("Max address space") and "unlimited" not in line for line in limits.splitlines())
        assert any(line.startswith("Max file size") and " 0 " in line for line in limits.splitlines())
    finally:
        process.close()


def test_a_reader_keeps_its_process_until_it_breaks_or_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    good = encode(Image.fromarray(COLOUR))
    starts: list[object] = []
    take = reader_module.take_process
    monkeypatch.setattr(reader_module, "take_process", lambda command: starts.append(command) or take(command))
    with PictureReader() as reader:
        for _ in range(3):
            assert np.array_equal(reader.read(good).rgb, COLOUR)
        assert isinstance(reader.read(b"none"), PictureError)
        assert isinstance(reader.read(b""), PictureError)
        assert len(starts) == 1, "a bad picture does not end it"
        reader._process._process.kill()
        broken = reader.read(good)
        assert isinstance(broken, PictureError)
        assert broken.message.code == "pictures.broke_down"
        assert np.array_equal(reader.read(good).rgb, COLOUR)
        assert len(starts) == 2
        monkeypatch.setattr(reader_module, "PICTURES_OF_A_PROCESS", 2)
        reader.read(good)
        reader.read(good)
        assert len(starts) == 3
        last = reader._process._process
    assert last.poll() is not None, "it ends with its reader"


def test_a_process_that_reads_no_more_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was taken over takes none of the next picture's bytes, of which a pipe holds a few."""
    good = encode(Image.fromarray(COLOUR))
    outcomes: list[Picture | PictureError] = []
    with PictureReader() as reader:
        reader.read(good)
        process = reader._process._process
        monkeypatch.setattr(reader_module, "IDLE_SECONDS", 0.5)
        process.send_signal(signal.SIGSTOP)
        sending = threading.Thread(target=lambda: outcomes.append(reader.read(good + bytes(2_000_000))), daemon=True)
        sending.start()
        sending.join(20)
        is_stuck = sending.is_alive()
        process.kill()  # where it is, for the test to end
        sending.join()
        assert not is_stuck
        (outcome,) = outcomes
        assert isinstance(outcome, PictureError)
        assert outcome.message.code == "pictures.broke_down"
        monkeypatch.undo()
        assert np.array_equal(reader.read(good).rgb, COLOUR)
