"""Hostile recordings, made from small real ones: cut, flipped, lying about sizes and counts, or no recordings at all.

Everything follows from names and numbers, so that a file can be made again by its name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import av
import numpy as np
from recordings import make_audio, make_recording

Bytes = bytes
Hostile = tuple[str, Bytes]
"""A file's name, and what it holds."""

SPARSE_BYTES = 1 << 30
BASES: dict[str, dict[str, object]] = {
    "h264.mp4": {"audio": True, "container_options": {"movflags": "faststart"}},
    "late.mp4": {"audio": True},
    "fragments.mp4": {"audio": True, "container_options": {"movflags": "frag_keyframe+empty_moov"}, "gop": 3},
    "mjpeg.mov": {"codec": "mjpeg"},
    "h264.mkv": {"audio": True},
    "mjpeg.mkv": {"codec": "mjpeg"},
    "vp8.webm": {"codec": "libvpx", "audio": True},
    "live.webm": {"codec": "libvpx", "container_options": {"live": "1"}},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mjpeg.avi": {"codec": "mjpeg"},
    "h264.ts": {"audio": True},
    "mpeg4.mov": {"codec": "mpeg4", "audio": True},
}


SIGNATURES = {
    "mp4": b"\0\0\0\x18ftypisom",
    "mkv": b"\x1aE\xdf\xa3",
    "avi": b"RIFF\xff\xff\xff\xffAVI LIST",
    "flv": b"FLV\1\5\0\0\0\x09",
    "ts": b"G@\0\x10",
    "mpg": b"\0\0\1\xba",
    "wmv": b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel",
    "ogv": b"OggS\0\2",
    "flac": b"fLaC\0\0\0\x22",
    "wav": b"RIFF\xff\xff\xff\xffWAVEfmt ",
    "mp3": b"ID3\4\0\0\0\0\x0f\x76",
    "aiff": b"FORM\xff\xff\xff\xffAIFF",
    "caf": b"caff\0\1\0\0",
    "amr": b"#!AMR\n",
    "mxf": b"\6\x0e+4\2\5\1\1\x0d\1\2\1\1\2",
    "dv": b"\x1f\7\0\xbf",
    "aac": b"\xff\xf1\x50\x80",
}
"""The first bytes of the formats that are opened."""


@cache
def bases() -> dict[str, Bytes]:
    """The real recordings from which hostile ones are made: a second of 96x80 pixels each."""
    content = {}
    with TemporaryDirectory() as folder:
        for name, options in BASES.items():
            path = make_recording(Path(folder) / name, seconds=1, fps=6, size=(96, 80), **options)  # type: ignore[arg-type]
            content[name] = path.read_bytes()
        for name in ("tone.m4a", "tone.mkv"):
            content[name] = make_audio(Path(folder) / name, 0.5).read_bytes()
    return content


def hostile_recordings() -> Iterator[Hostile]:
    """Yield every hostile recording; each time the same."""
    for make in (cut, flipped, boxes, tables, elements, chunks, deep, sounds, pictures, packed, joined, texts, tracks):
        yield from make()


def cut() -> Iterator[Hostile]:
    """Cut short, and without their beginning."""
    for name, content in bases().items():
        for share in (0.003, 0.02, 0.1, 0.3, 0.6, 0.95):
            yield f"cut-{share}-{name}", content[: max(1, int(len(content) * share))]
        yield f"headless-{name}", content[len(content) // 5 :]


def flipped() -> Iterator[Hostile]:
    """Bits flipped anywhere, in the header alone, and all but the header."""
    for name, content in bases().items():
        for seed in range(5):
            yield f"flipped-{seed}-{name}", flip(content, f"{name}{seed}", 0, len(content), 40)
        for seed in range(4):
            yield f"header-{seed}-{name}", flip(content, f"h{name}{seed}", 0, min(1500, len(content)), 12)
        yield f"noise-{name}", content[:1000] + noise(name, len(content) - 1000)


def flip(content: Bytes, seed: str, start: int, stop: int, count: int) -> Bytes:
    """Flip a bit at some places between two positions."""
    changed = bytearray(content)
    generator = np.random.default_rng(crc32(seed.encode()))
    for position, bit in zip(generator.integers(start, stop, count), generator.integers(0, 8, count), strict=True):
        changed[position] ^= 1 << int(bit)
    return bytes(changed)


def noise(seed: str, count: int) -> Bytes:
    """Bytes without any order."""
    return np.random.default_rng(crc32(seed.encode())).bytes(max(0, count))


def boxes() -> Iterator[Hostile]:
    """MP4 whose boxes lie about their length."""
    kinds = b"ftyp moov mvhd trak tkhd mdia mdhd hdlr minf stbl stsd avc1 avcC esds stts stsz stco mdat moof tfhd trun"
    for kind in kinds.split():
        content = bases()["fragments.mp4" if kind in b"moof tfhd trun" else "h264.mp4"]
        start = content.index(kind) - 4
        for length in (0, 1, 7, 0x7FFFFFFF, 0xFFFFFFFF):
            changed = content[:start] + struct.pack(">I", length) + content[start + 4 :]
            yield f"box-{kind.decode()}-{length}.mp4", changed


def tables() -> Iterator[Hostile]:
    """MP4 whose tables and headers declare what is not there: counts, sizes, clocks, pictures."""
    content = bases()["h264.mp4"]
    for kind in (b"stts", b"ctts", b"stsc", b"stco", b"stss", b"elst", b"dref", b"stsd"):
        if kind in content:
            for count in (0, 0xFFFF, 1 << 24, 0xFFFFFFFF):
                yield f"count-{kind.decode()}-{count}.mp4", patch(content, kind, 8, ">I", count)
    for size, count in ((0, 1 << 31), (1, 1 << 24), (1, 0xFFFFFFFF), (1 << 31, 6), (1, 10**8)):
        changed = patch(content, b"stsz", 8, ">II", size, count)
        changed = patch(changed, b"stsc", 12, ">II", 1, count)
        yield f"samples-{size}-{count}.mp4", patch(changed, b"stts", 12, ">I", count)
    for scale, duration in ((0, 1), (1, 0xFFFFFFFF), (0xFFFFFFFF, 1), (0xFFFFFFFF, 0xFFFFFFFF), (1000, 0)):
        changed = patch(content, b"mvhd", 16, ">II", scale, duration)
        yield f"clock-{scale}-{duration}.mp4", patch(changed, b"mdhd", 16, ">II", scale, duration)
    for width, height in ((0, 0), (1, 1), (16000, 16000), (65535, 65535), (8192, 4352), (65535, 1)):
        yield f"size-{width}x{height}.mp4", patch(content, b"avc1", 28, ">HH", width, height)
        mjpeg = bases()["mjpeg.mov"]
        yield f"size-{width}x{height}.mov", patch(mjpeg, b"\xff\xc0", 5, ">HH", height, width)
    for delta in (0, 0x7FFFFFFF, 0xFFFFFFFF):
        yield f"delta-{delta}.mp4", patch(content, b"stts", 16, ">I", delta)
    for offset in (0, len(content), 0x7FFFFFFF, 0xFFFFFFFF):
        yield f"offset-{offset}.mp4", patch(content, b"stco", 12, ">I", offset)
    for matrix in (0, 0x7FFFFFFF, 0x80000000):
        yield f"matrix-{matrix}.mp4", patch(content, b"tkhd", 44, ">9I", *[matrix] * 9)


def patch(content: Bytes, mark: Bytes, offset: int, layout: str, *values: int) -> Bytes:
    """Overwrite values behind the first place where a mark stands."""
    start = content.index(mark) + offset
    raw = struct.pack(layout, *values)
    return content[:start] + raw + content[start + len(raw) :]


def elements() -> Iterator[Hostile]:
    """Matroska whose elements lie about their length or refer to themselves."""
    marks = {
        "ebml": b"\x1aE\xdf\xa3",
        "segment": b"\x18S\x80g",
        "seek-head": b"\x11M\x9bt",
        "info": b"\x15I\xa9f",
        "tracks": b"\x16T\xaek",
        "cluster": b"\x1fC\xb6u",
        "cues": b"\x1cS\xbbk",
        "tags": b"\x12T\xc3g",
    }
    for base in ("h264.mkv", "vp8.webm", "live.webm"):
        content = bases()[base]
        for kind, mark in marks.items():
            if mark not in content:
                continue
            start = content.index(mark) + 4
            for size in (
                b"\x80",
                b"\x81",
                b"\xff",
                b"\x08" + b"\xff" * 4,
                b"\x01" + b"\xff" * 7,
                b"\x01\x7f" + b"\xff" * 6,
            ):
                yield f"element-{kind}-{size.hex()}-{base}", content[:start] + size + content[start + len(size) :]
    for width, height in ((0, 0), (16000, 16000), (65535, 65535), (1, 65535)):
        mjpeg = bases()["mjpeg.mkv"]
        yield f"size-{width}x{height}.mkv", patch(mjpeg, b"\xff\xc0", 5, ">HH", height, width)
    yield "circle-seek-head.mkv", matroska(element("114D9B74", seek("114D9B74", 0)) * 2000)
    yield "circle-cues.mkv", matroska(element("114D9B74", seek("1C53BB6B", 0)) + element("1C53BB6B", b"") * 2000)
    yield "chapters.mkv", matroska(element("1043A770", element("45B9", element("B6", b"\x73\xc4\x81\x01") * 50_000)))
    yield "attachments.mkv", matroska(element("1941A469", element("61A7", element("466E", b"a.ttf")) * 20_000))
    yield "tags.mkv", matroska(element("1254C367", element("7373", element("67C8", element("45A3", b"A" * 1_000_000)))))
    yield "tracks-empty.mkv", matroska(element("1654AE6B", element("AE", b"\xd7\x81\x01\x83\x81\x01") * 5000))
    yield "codec-private.mkv", matroska(element("1654AE6B", element("AE", element("63A2", bytes(8_000_000)))))
    for levels in (20, 500, 20_000):
        inner = b""
        for _ in range(levels):
            inner = element("1254C367", inner) if len(inner) < 1 << 20 else inner
        yield f"levels-{levels}.mkv", matroska(inner)


def element(kind: str, body: Bytes) -> Bytes:
    """An element of Matroska with a length of eight bytes."""
    return bytes.fromhex(kind) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def seek(kind: str, position: int) -> Bytes:
    """An entry of an index of Matroska's parts."""
    return element("4DBB", element("53AB", bytes.fromhex(kind)) + element("53AC", position.to_bytes(8, "big")))


def matroska(body: Bytes) -> Bytes:
    """A Matroska file of some parts."""
    return element("1A45DFA3", element("4282", b"matroska")) + element("18538067", body)


def chunks() -> Iterator[Hostile]:
    """AVI and MPEG-TS with wrong lengths, counts, sizes and tables."""
    for base in ("mpeg4.avi", "mjpeg.avi"):
        content = bases()[base]
        for kind in (b"RIFF", b"LIST", b"avih", b"strh", b"strf", b"idx1", b"00dc"):
            if kind in content:
                for length in (0, 3, 0x7FFFFFFF, 0xFFFFFFFF):
                    yield f"chunk-{kind.decode()}-{length}-{base}", patch(content, kind, 4, "<I", length)
        for width, height in ((0, 0), (16000, 16000), (65535, 65535), (0x7FFFFFFF, 1), (1, -0x7FFFFFFF)):
            yield f"size-{width}x{height}-{base}", patch(content, b"strf", 12, "<ii", width, height)
        for scale, rate in ((0, 0), (1, 0xFFFFFFFF), (0xFFFFFFFF, 1)):
            yield f"rate-{scale}-{rate}-{base}", patch(content, b"strh", 28, "<II", scale, rate)
    stream = bases()["h264.ts"]
    for kind, number in (("same-id", 0x1FFF), ("table-id", 0), ("error", 0x8000)):
        yield f"ts-{kind}.ts", b"".join(packet_of(stream, at, number) for at in range(0, len(stream), 188))
    yield "ts-one-packet.ts", stream[:188] * 3000
    yield "ts-shuffled.ts", b"".join(stream[at : at + 188] for at in reversed(range(0, len(stream), 188)))
    yield "ts-sync-only.ts", (b"G" + bytes(187)) * 5000
    yield "ts-unaligned.ts", b"".join(stream[at : at + 187] for at in range(0, len(stream), 188))


def packet_of(stream: Bytes, start: int, number: int) -> Bytes:
    """A packet of MPEG-TS with some bits of its identity set."""
    head = int.from_bytes(stream[start + 1 : start + 3], "big") | number
    return stream[start : start + 1] + head.to_bytes(2, "big") + stream[start + 3 : start + 188]


def box(kind: Bytes, body: Bytes) -> Bytes:
    """A box of MP4."""
    return struct.pack(">I", 8 + len(body)) + kind + body


def deep() -> Iterator[Hostile]:
    """Boxes inside boxes, and many side by side."""
    start = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
    for kind in (b"moov", b"trak", b"udta", b"meta", b"edts", b"ilst"):
        for levels in (9, 500, 50_000):
            inner = b"".join(struct.pack(">I", 8 * (levels - level)) + kind for level in range(levels))
            yield f"nested-{kind.decode()}-{levels}.mp4", start + (inner if kind == b"moov" else box(b"moov", inner))
    yield "side-by-side.mp4", start + box(b"free", b"") * 200_000
    yield "many-moov.mp4", start + box(b"moov", box(b"mvhd", bytes(100))) * 5000
    yield "many-tracks.mp4", start + box(b"moov", box(b"trak", box(b"tkhd", bytes(84))) * 20_000)
    yield "many-fragments.mp4", start + box(b"moof", box(b"mfhd", bytes(8))) * 50_000
    yield "long-tag.mp4", start + box(b"moov", box(b"udta", box(b"\xa9nam", b"\xff\xff\0\0" + b"A" * 4_000_000)))
    yield "compressed.mov", start + box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + cmvd()))


def cmvd() -> Bytes:
    """A compressed index of QuickTime that unpacks to 200 MB."""
    packed_index = zlib.compress(bytes(200_000_000), 9)
    return box(b"cmvd", struct.pack(">I", 200_000_000) + packed_index)


def sounds() -> Iterator[Hostile]:
    """Sound files with impossible formats."""
    for channels, rate, align, bits in (
        (0, 0, 0, 0), (65535, 8000, 65535, 8), (1, 1, 1, 8), (1, 0xFFFFFFFF, 2, 16), (2, 48000, 0, 16),
        (255, 384000, 1020, 32), (1, 16000, 2, 65535),
    ):  # fmt: skip
        form = struct.pack("<HHIIHH", 1, channels, rate, rate * max(align, 1) & 0xFFFFFFFF, align, bits)
        for length in (4000, 0xFFFFFFFF):
            head = b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<I", 16) + form
            name = f"sound-{channels}-{rate}-{align}-{bits}-{length}.wav"
            yield name, head + b"data" + struct.pack("<I", length) + noise(name, 4000)
    content = bases()["tone.m4a"]
    for offset, layout, value in ((20, ">H", 0), (20, ">H", 65535), (28, ">I", 0), (28, ">I", 0xFFFFFFFF)):
        yield f"m4a-{offset}-{value}.m4a", patch(content, b"mp4a", offset, layout, value)
    yield "frames.mp3", b"\xff\xfb\x90\x64" * 30_000
    yield "tag.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(5000)
    yield "page.ogg", b"OggS\0\2" + bytes(20) + b"\xff" * 256 + bytes(5000)
    yield "alac.m4a", alac(4096 * 4096)
    for count in (1, 12, 188, 4096, 1_000_000):
        for byte in (0, 0x47, 0xFF):
            yield f"bytes-{byte:02x}-{count}.mp4", bytes([byte]) * count


def alac(samples: int) -> Bytes:
    """Apple's lossless sound that declares so many samples a frame."""
    target = io.BytesIO()
    with av.open(target, "w", format="ipod") as out:
        track = out.add_stream("alac", rate=48000)
        track.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4096), np.int16), format="s16p", layout="stereo")
        frame.rate = 48000
        out.mux([*track.encode(frame), *track.encode(None)])
    content = target.getvalue()
    start = content.rindex(b"alac") + 8
    return content[:start] + struct.pack(">I", samples) + content[start + 4 :]


def png(width: int, height: int) -> Bytes:
    """A picture that unpacks to far more than it holds."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(50_000_000), 9)), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc32(kind + body)))
    return b"".join(parts)


def pictures() -> Iterator[Hostile]:
    """Pictures that are no recordings, some of extreme size, under a recording's name."""
    for width, height in ((1, 1), (4000, 4000), (65000, 65000), (0x7FFFFFFF, 1)):
        yield f"png-{width}x{height}.mp4", png(width, height)
    yield (
        "gif.mp4",
        b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(768) + (b"!\xf9\4\0\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0\0") * 2000,
    )
    yield "bmp.avi", b"BM" + struct.pack("<IIIIiiHHII", 0xFFFFFFFF, 0, 54, 40, 65535, 65535, 1, 24, 0, 0) + bytes(2000)
    yield "jpeg.mp4", b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x11\0\2\x11\0\3\x11\0" + bytes(3000)
    yield "tiff.mov", b"II*\0\x08\0\0\0\xff\xff" + b"\1\1\4\0\1\0\0\0\xff\xff\xff\x7f" * 3000
    yield "psd.mp4", b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 300_000, 300_000, 8, 3) + bytes(2000)
    yield "exr.mkv", b"v/1\1\2\0\0\0channels\0chlist\0" + bytes(2000)
    yield "webp-animated.mp4", webp(16384, 500)
    yield "webp-small.webm", webp(64, 20_000)
    yield "ico.mp4", b"\0\0\1\0\xff\xff" + bytes(4000)
    yield "svg.mp4", b'<?xml version="1.0"?><!DOCTYPE svg [' + b"".join(
        f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">'.encode() for level in range(1, 12)
    ) + b"]><svg>&a11;</svg>"  # fmt: skip


def webp(side: int, count: int) -> Bytes:
    """An animated picture of many frames."""
    dimension = (side - 1).to_bytes(3, "little")
    frame = b"ANMF" + struct.pack("<I", 24) + bytes(6) + dimension * 2 + b"\x64\0\0\0" + b"VP8L\0\0\0\0"
    body = b"VP8X\x0a\0\0\0\x02\0\0\0" + dimension * 2 + b"ANIM\6\0\0\0\0\0\0\0\0\0" + frame * count
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def packed() -> Iterator[Hostile]:
    """Archives, some of which unpack to far more than they hold."""
    zeros = bytes(200_000_000)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"../../{number}.mp4", zeros[:50_000_000])
    packers: dict[str, Callable[[Bytes], Bytes]] = {
        "gzip": gzip.compress,
        "bzip2": bz2.compress,
        "xz": lambda content: lzma.compress(content, preset=0),
    }
    for kind, pack in packers.items():
        yield f"{kind}.mp4", pack(zeros[:50_000_000])
        yield f"{kind}-recording.mp4", pack(bases()["h264.mp4"])
    yield "zip.mp4", target.getvalue()
    yield "zip.mkv", target.getvalue()
    yield "elf.mp4", b"\x7fELF" + bytes(4000)
    yield "pickle.mp4", b"cos\nsystem\n(S'touch hacked'\ntR."


def joined() -> Iterator[Hostile]:
    """Files that are two things at once, and signatures with nothing behind them."""
    names = list(bases())
    for first, second in zip(names, names[1:] + names[:1], strict=True):
        yield f"joined-{first}-{second}", bases()[first] + bases()[second]
    for head in (
        b"%PDF-1.7\n",
        b"PK\3\4",
        b"<html><script>",
        b"#!/bin/sh\nrm -rf /\n",
        b"MZ",
        b"\xff\xd8\xff\xe0",
        b"ID3",
    ):
        for base in ("h264.mp4", "h264.mkv"):
            name = re.sub(r"\W", "", head.decode("latin-1"))
            yield f"behind-{name}-{base}", head + bases()[base]
    for suffix, signature in SIGNATURES.items():
        for seed in range(3):
            yield f"signature-{seed}.{suffix}", signature + noise(f"{suffix}{seed}", 20_000)


def texts() -> Iterator[Hostile]:
    """Playlists and other texts that name files and addresses."""
    for target in ("/etc/passwd", "http://127.0.0.1:9/x.mp4", "file:///etc/passwd", "pipe:0", "concat:/etc/passwd"):
        name = re.sub(r"\W", "", target)
        yield f"hls-{name}.mp4", f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n".encode()
        yield f"concat-{name}.mkv", f"ffconcat version 1.0\nfile '{target}'\n".encode()
        yield f"sdp-{name}.ts", f"v=0\no=- 0 0 IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na={target}\n".encode()


def tracks() -> Iterator[Hostile]:
    """Many tracks in one file: of pictures, each of which wants a decoder, and of sound."""
    for codec, count in (("libx264", 300), ("libx264", 900), ("mjpeg", 900), ("pcm_s16le", 900)):
        yield f"tracks-{codec}-{count}.mkv", many_tracks(codec, count)


def many_tracks(codec: str, count: int) -> Bytes:
    """A Matroska file with the same packet in each of many tracks."""
    single = io.BytesIO()
    with av.open(single, "w", format="matroska") as out:
        track = out.add_stream(codec, rate=16000 if codec.startswith("pcm") else 10)
        if track.type == "video":
            track.width = 1920
            track.height = 1080
            track.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.full((1620, 1920), 128, np.uint8), "yuv420p")
            frame = frame.reformat(format=track.pix_fmt)
        else:
            track.layout = "mono"
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            frame.rate = 16000
        out.mux([*track.encode(frame), *track.encode(None)])
    target = io.BytesIO()
    single.seek(0)
    with av.open(single) as container, av.open(target, "w", format="matroska") as out:
        track = container.streams[0]
        content = bytes(next(container.demux(track)))
        for copy in [out.add_stream_from_template(track) for _ in range(count)]:
            packet = av.Packet(content)
            packet.pts = packet.dts = 0
            packet.time_base = track.time_base
            packet.stream = copy
            packet.is_keyframe = True
            out.mux(packet)
    return target.getvalue()


def sparse(folder: Path) -> Iterator[Path]:
    """Write files of a gigabyte that take no room on the disk: of nothing, and with a recording's beginning."""
    for name, head in (
        ("nothing.mp4", b""),
        ("beginning.mp4", bases()["h264.mp4"]),
        ("beginning.mkv", bases()["h264.mkv"]),
    ):
        path = folder / f"sparse-{name}"
        with path.open("wb") as file:
            file.write(head)
            file.truncate(SPARSE_BYTES)
        yield path
