"""What a container says: opening it safely, its facts, and an index of its pictures' times without decoding them.

Runs in the decoding child only. Times in `Facts` and `Index` are container times in seconds; the recording's start
(`Facts.zero_s`) is subtracted where frames are handed out.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type as SideDataType

from fer_phq.core.errors import RecordingError

Beat = Callable[[], None]
"""Called often during long work, so that the parent sees progress."""

MIN_SIDE = 16
MAX_SIDE = 16384
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg,mxf,dv,"
    "mp3,wav,flac,aac,aiff,caf,amr"  # sound only, so that it can be told apart from what is no media at all
)
"""The formats that are opened. Playlists (HLS, concat, DASH) are left out: they can name other files and addresses."""

WITHOUT_TIMES = "avi"
"""The format that stores pictures in order, without their display times."""

ADVICE = "copy or export the recording again"

Wanted = Literal["video", "sound"]
"""What is looked for in a file; sound may come from a video or from a file of its own."""


@dataclass(frozen=True)
class Facts:
    """What the header and the first picture say. width, height: as displayed; rotation: degrees clockwise to upright.

    mirrored: the display matrix flips left and right before it rotates. zero_s: the earliest start of the tracks.
    duration_s: None when the header does not say (a browser's WebM); header_end_s: container time at which all tracks
    end by the header.
    """

    codec: str
    format: str
    width: int
    height: int
    rotation: int
    mirrored: bool
    has_audio: bool
    zero_s: float
    duration_s: float | None
    header_end_s: float | None


@dataclass(frozen=True, eq=False)
class Index:
    """Times of all pictures in display order, found by reading packets without decoding.

    times (n,) float64 ascending container seconds; end_s: when the last picture ends; media_end_s: when the last packet
    of picture or sound ends; complete: every packet had a time; ordinal: the container stores no display times, so
    the n-th displayed picture has `times[n]`; discarded: pictures that an edit list hides; leading: pictures
    shown before a key frame but stored after it (open groups of pictures); broken: reading ended in an error.
    """

    times: npt.NDArray[np.float64]
    end_s: float
    media_end_s: float
    complete: bool
    ordinal: bool
    discarded: int
    leading: int
    broken: bool


def open_container(path: str, shown: str, wanted: Wanted = "video") -> Any:
    """Open a recording with PyAV, allowed formats and local files only. Raises RecordingError with one sentence."""
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        return av.open(f"file:{path}", options=options)
    except MemoryError:
        raise
    except (av.error.FFmpegError, ValueError, OSError):
        raise RecordingError(_why_unreadable(Path(path), shown, wanted)) from None


def video_stream(container: Any, shown: str) -> Any:
    """The main video track. Raises RecordingError when there is only sound, only cover art, or no track at all."""
    wanted = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if wanted:
        best = container.streams.best("video")
        stream = best if best in wanted else wanted[0]
        if getattr(stream, "codec_context", None) is None:
            raise RecordingError(f"The picture format of '{shown}' is not known here: export it as an H.264 MP4.")
        return stream
    if container.streams.audio:
        raise RecordingError(f"'{shown}' holds sound but no picture: give a video recording.")
    raise RecordingError(f"'{shown}' holds no pictures (its length is zero): {ADVICE}.")


def audio_stream(container: Any, shown: str) -> Any:
    """The main sound track. Raises RecordingError when there is none or its format is not known."""
    if not container.streams.audio:
        raise RecordingError(f"'{shown}' has no sound track: give a recording with sound, or its sound as a file.")
    stream = container.streams.best("audio") or container.streams.audio[0]
    if getattr(stream, "codec_context", None) is None:
        raise RecordingError(f"The sound format of '{shown}' is not known here: export it as WAV, FLAC or M4A.")
    return stream


def describe(path: str, shown: str, beat: Beat) -> Facts:
    """Open the recording, decode its first picture and gather the facts. Raises RecordingError."""
    with open_container(path, shown) as container:
        stream = video_stream(container, shown)
        _check_size(stream.codec_context.width, stream.codec_context.height, shown)
        first, packets = _first_picture(container, stream, beat)
        if first is None and packets == 0:
            raise RecordingError(f"'{shown}' holds no pictures (its length is zero): {ADVICE}.")
        if first is None:
            raise RecordingError(f"No picture of '{shown}' can be decoded, it is damaged or cut short: {ADVICE}.")
        rotation, mirrored = orientation(first)
        width, height = displayed_size(first.width, first.height, stream.sample_aspect_ratio, rotation)
        _check_size(width, height, shown)
        zero = start_of(container, stream)
        return Facts(
            codec=_codec_name(stream),
            format=container.format.name,
            width=width,
            height=height,
            rotation=rotation,
            mirrored=mirrored,
            has_audio=bool(container.streams.audio),
            zero_s=zero,
            duration_s=_header_duration(container, stream, zero),
            header_end_s=_header_end(container, zero),
        )


def scan(path: str, shown: str, beat: Beat) -> Index:
    """Read every packet of picture and sound without decoding; costs reading the file once and 8 bytes a picture."""
    moments = array("d")
    end = media_end = -math.inf
    complete = True
    broken = False
    discarded = leading = 0
    key = -math.inf  # time of the last key frame
    with open_container(path, shown) as container:
        video = video_stream(container, shown)
        ordinal = container.format.name == WITHOUT_TIMES
        tracks = [video, *container.streams.audio]
        bases = {track.index: float(track.time_base) for track in tracks}
        packets = container.demux(tracks)
        for packet in until_broken(packets):
            if packet is None:
                broken = True
                break
            beat()
            stamps = (packet.dts, packet.pts) if ordinal else (packet.pts, packet.dts)
            stamp = stamps[0] if stamps[0] is not None else stamps[1]
            if not packet.size or stamp is None:
                complete = complete and not packet.size
                continue
            base = bases[packet.stream_index]
            stop = (stamp + (packet.duration or 0)) * base
            media_end = max(media_end, stop)
            if packet.stream_index != video.index:
                continue
            if packet.is_discard:
                discarded += 1
                continue
            complete = complete and stamps[0] is not None
            moment = stamp * base
            moments.append(moment)
            leading += moment < key
            key = moment if packet.is_keyframe else key
            end = max(end, stop)
    times = np.sort(np.frombuffer(moments, np.float64)) if moments else np.empty(0)
    return Index(times, end, media_end, complete, ordinal, discarded, leading, broken)


def orientation(frame: Any) -> tuple[int, bool]:
    """(degrees clockwise to upright: 0, 90, 180 or 270; mirrored before that) of a decoded picture.

    Read from the display matrix (ISO/IEC 14496-12, tkhd): x' = a x + c y, y' = b x + d y with y downwards.
    """
    side = next((data for data in frame.side_data if data.type == SideDataType.DISPLAYMATRIX), None)
    if side is None:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(side)[:36])
    mirrored = a * d - b * c < 0
    if mirrored:
        a = -a
        b = -b
    return round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360, mirrored


def displayed_size(width: int, height: int, pixel_aspect: Any, rotation: int) -> tuple[int, int]:
    """(width, height) on display of pictures coded at that size; implausible pixel aspect ratios are ignored."""
    aspect = float(pixel_aspect or 1)
    if 0.25 <= aspect <= 4:
        width = max(1, round(width * aspect))
    return (width, height) if rotation % 180 == 0 else (height, width)


def until_broken(packets: Iterator[Any]) -> Iterator[Any]:
    """The packets, then None once if reading them ended in an error."""
    try:
        yield from packets
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError):
        yield None


def start_of(container: Any, stream: Any) -> float:
    """The recording's start in container time: the earliest start of its tracks, as a player counts."""
    own = None if stream.start_time is None else float(stream.start_time * stream.time_base)
    if container.start_time is None:
        return own or 0.0
    earliest = float(container.start_time) / av.time_base
    return own if own is not None and abs(own - earliest) < 1e-5 else earliest  # the container's is rounded


def _first_picture(container: Any, stream: Any, beat: Beat) -> tuple[Any | None, int]:
    """The first picture that decodes, and how many packets with content were read for it."""
    count = 0
    for packet in until_broken(container.demux(stream)):
        if packet is None:
            break
        beat()
        count += bool(packet.size)
        try:
            pictures = packet.decode()
        except MemoryError:
            raise
        except (av.error.FFmpegError, OSError):
            continue
        if pictures:
            return pictures[0], count
    return None, count


def _check_size(width: int, height: int, shown: str) -> None:
    """Refuse pictures too large to decode or too small to show a face (0 means that the header does not say)."""
    if max(width, height) > MAX_SIDE:
        raise RecordingError(
            f"'{shown}' has pictures of {width}x{height} pixels, more than {MAX_SIDE} a side: export it smaller."
        )
    if 0 < min(width, height) < MIN_SIDE:
        raise RecordingError(
            f"'{shown}' has pictures of {width}x{height} pixels, too small to show a face: "
            f"give a recording of at least {MIN_SIDE} pixels a side."
        )


def _codec_name(stream: Any) -> str:
    """FFmpeg's short name of the codec (av1, not the decoder libdav1d that reads it)."""
    return str(stream.codec_context.codec.canonical_name)


def _header_duration(container: Any, stream: Any, zero: float) -> float | None:
    """Seconds from `zero` to the end of the video by the header, or None when it does not say."""
    if stream.duration:
        start = float(stream.start_time * stream.time_base) if stream.start_time is not None else zero
        return float(start - zero) + float(stream.duration * stream.time_base)
    end = _header_end(container, zero)
    return None if end is None else end - zero


def _header_end(container: Any, zero: float) -> float | None:
    """Container time at which the longest track ends by the header. Matroska counts from 0, the others from `zero`."""
    if not container.duration or container.duration <= 0:
        return None
    length = float(container.duration) / av.time_base
    return length if "matroska" in container.format.name and length > zero else zero + length


def _why_unreadable(file: Path, shown: str, wanted: Wanted) -> str:
    """Tell a recording that lost its index from what never was one, by the file's first boxes."""
    with file.open("rb") as stream:
        head = stream.read(16)
        is_mp4 = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
        if is_mp4 and not _has_moov(stream):
            return f"'{shown}' is cut short, the index at its end is missing and nothing can be read: {ADVICE}."
    known = is_mp4 or head[:4] in (b"\x1aE\xdf\xa3", b"RIFF", b"FLV\x01", b"0&\xb2u", b"fLaC", b"OggS")
    if known:
        return f"'{shown}' is damaged or cut short, its header cannot be read: {ADVICE}."
    if wanted == "sound":
        return (
            f"'{shown}' is neither a sound nor a video file, whatever its name says: "
            "give a WAV, FLAC, MP3, M4A or Ogg file, or a video with sound."
        )
    return f"'{shown}' is not a video file, whatever its name says: give an MP4, MOV, MKV, WebM or AVI recording."


def _has_moov(stream: Any) -> bool:
    """Whether the top-level boxes of an MP4 hold a complete index."""
    size = stream.seek(0, 2)
    at = 0
    while at + 8 <= size:
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        if length == 1:
            raw = stream.read(8)
            length = int.from_bytes(raw, "big") if len(raw) == 8 else 0
        length = length or size - at
        if kind == b"moov":
            return bool(at + length <= size)
        if length < 8:
            return False
        at += length
    return False
