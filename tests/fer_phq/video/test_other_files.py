"""A recording that names other files or addresses reaches none of them, by whichever format and under whatever name."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from recordings import Recordings

from fer_phq.core.analysis import Sampling
from fer_phq.core.errors import RecordingError
from fer_phq.video import list_sound_tracks, probe, sample_frames
from fer_phq.video.decoder.container import open_container


@pytest.fixture(scope="module")
def server() -> Iterator[socket.socket]:
    """A server that nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.01)
        yield listening


HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n"
KEYED = HLS.replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF')
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" '
    'type="static" mediaPresentationDuration="PT3S"><Period><AdaptationSet mimeType="video/mp4"><Representation '
    'id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>'
)
TEXTS = {
    "hls": HLS,
    "hls with a key": KEYED,
    "hls after a byte order mark": "\ufeff" + HLS,
    "concat": "ffconcat version 1.0\nfile '{target}'\nduration 3\n",
    "concat with an option": "ffconcat version 1.0\nfile '{target}'\noption safe 0\n",
    "dash": DASH,
    "smooth streaming": '<SmoothStreamingMedia MajorVersion="2"><StreamIndex Url="{target}"/></SmoothStreamingMedia>',
    "imf": '<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>{target}</Id>'
    "</CompositionPlaylist>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:{target}\n"
    "m=video {port} RTP/AVP 96\n",
    "pls": "[playlist]\nFile1={target}\nNumberOfEntries=1\n",
    "ram": "{target}\n",
    "asx": '<ASX version="3.0"><Entry><Ref href="{target}"/></Entry></ASX>',
    "asf reference": "[Reference]\nRef1={target}?MSWMExt=.asf\n",
    "quicktime text": 'rtsptext{target}<?quicktime type="application/x-qtskin"?><embed src="{target}"/>',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{target}"/></svg>',
    "subtitles": "1\n00:00:00,000 --> 00:00:03,000\n{target}\n",
    "ass": "[Script Info]\nScriptType: v4.00+\nVideo File: {target}\nAudio File: {target}\n",
    "script": "import('{target}')\nDirectShowSource('{target}')\n",
    "metadata": ";FFMETADATA1\ntitle={target}\n",
}
NAMES = ("recording.mp4", "recording.ts", "recording.m3u8", "recording%d.jpg", "recording.mkv")


def refused(path: Path, server: socket.socket) -> None:
    """Check that no reader takes a file, with and without the confinement, and that nobody was connected to."""
    for read in (probe, list_sound_tracks):
        with pytest.raises(RecordingError):
            read(path)
    with pytest.raises(RecordingError):
        open_container(str(path), "recording")  # in this process, which is not confined
    with pytest.raises(TimeoutError):
        server.accept()


def frames(path: Path) -> list[np.ndarray]:
    with sample_frames(path, Sampling(fps=12)) as stream:
        return [frame.rgb for frame in stream]


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_that_names_others_is_no_recording(
    kind: str, server: socket.socket, recordings: Recordings, tmp_path: Path
) -> None:
    port = server.getsockname()[1]
    targets = (f"http://127.0.0.1:{port}/other.mp4", str(recordings(".ts")), f"tcp://127.0.0.1:{port}")
    number = list(TEXTS).index(kind)
    path = tmp_path / NAMES[number % len(NAMES)]
    for target in targets:
        path.write_text(TEXTS[kind].format(target=target, port=port))
        with pytest.raises(RecordingError):
            open_container(str(path), "recording")
    with pytest.raises(TimeoutError):
        server.accept()
    if kind in ("hls", "concat", "sdp"):
        refused(path, server)


def test_a_picture_whose_name_counts_opens_no_series(
    server: socket.socket, recordings: Recordings, tmp_path: Path
) -> None:
    """FFmpeg takes `p%d.jpg` for a series of pictures that lie beside it."""
    with av.open(str(recordings())) as container:
        picture = next(container.decode(video=0)).to_image()
    for name in ("p%d.jpg", "p1.jpg", "p2.jpg", "p*.jpg"):
        picture.save(tmp_path / name)
    for name in ("p%d.jpg", "p*.jpg"):
        with pytest.raises(RecordingError):
            open_container(str(tmp_path / name), "recording")
    refused(tmp_path / "p%d.jpg", server)


def external(content: bytes, entry: bytes) -> bytes:
    """An MP4 whose tracks lie in another file, as `entry` of their data references says (ISO/IEC 14496-12, dref)."""
    if not content:
        return b""
    length, kind = struct.unpack(">I4s", content[:8])
    body = content[8:length]
    if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        body = external(body, entry)
    if kind == b"dref":
        body = struct.pack(">II", 0, 1) + entry
    return struct.pack(">I4s", 8 + len(body), kind) + body + external(content[length:], entry)


def alias(target: str) -> bytes:
    """A data reference of QuickTime: an alias record that gives the path of a file on another volume."""
    path = target.encode()
    record = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12) + bytes([5]) + b"other".ljust(63, b"\0")
    record += bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    for kind, text in ((2, path), (18, path)):
        record += struct.pack(">hh", kind, len(text)) + text + bytes(len(text) % 2)
    record += struct.pack(">hh", -1, 0)
    return struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record


def url(target: str) -> bytes:
    """A data reference of MP4: an address."""
    return struct.pack(">I4sI", 13 + len(target), b"url ", 0) + target.encode() + b"\0"


@pytest.mark.parametrize("reference", [alias, url])
def test_tracks_that_lie_in_another_file_are_not_read(
    reference: Callable[[str], bytes], server: socket.socket, recordings: Recordings, tmp_path: Path
) -> None:
    """The index of a recording is kept, its pictures are taken away, and its references lead to it."""
    source = recordings(container_options={"movflags": "faststart"})
    content = source.read_bytes()
    start = content.index(b"mdat") - 4
    hollow = content[:start] + content[start : start + 8] + bytes(len(content) - start - 8)
    for target in (str(source), f"http://127.0.0.1:{server.getsockname()[1]}/other.mov"):
        path = tmp_path / "external.mov"
        path.write_bytes(external(hollow, reference(target)))
        with pytest.raises(RecordingError):
            frames(path)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_playlist_behind_a_recording_stays_unread(
    server: socket.socket, recordings: Recordings, tmp_path: Path
) -> None:
    """A polyglot: an MP4, and a playlist in a box that players skip."""
    source = recordings()
    text = HLS.format(target=f"http://127.0.0.1:{server.getsockname()[1]}/other.ts").encode()
    path = tmp_path / "polyglot.mp4"
    path.write_bytes(source.read_bytes() + struct.pack(">I4s", 8 + len(text), b"free") + text)
    for picture, original in zip(frames(path), frames(source), strict=True):
        assert np.array_equal(picture, original)
    with pytest.raises(TimeoutError):
        server.accept()


def test_an_mp4_that_begins_with_another_box_is_read(recordings: Recordings, tmp_path: Path) -> None:
    """QuickTime's old files do."""
    source = recordings(".mp4", container_options={"movflags": "faststart"})
    content = source.read_bytes()
    path = tmp_path / "old.mov"
    length = int.from_bytes(content[:4], "big")
    path.write_bytes(content[:4] + b"free" + content[8:length] + content[length:])
    with sample_frames(path, Sampling()) as stream:
        assert len(list(stream)) == 6
