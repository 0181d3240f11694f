"""Containers: opening one safely, reading what it says, and indexing its pictures' times without decoding them.

Runs in the decoder process only. Times in `ContainerInfo` and `PictureIndex` are container times in seconds; the
recording's start (`ContainerInfo.zero_s`) is subtracted where frames are yielded.
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
from fer_phq.core.messages import Message
from fer_phq.video import messages

Heartbeat = Callable[[], None]
"""Called often during long work, so that the parent process sees progress."""

MIN_SIDE = 16
MAX_SIDE = 16384
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg,mxf,dv,"
    "mp3,wav,flac,aac,aiff,caf,amr"  # sound only, so that it can be told apart from what is no media at all
)
"""The formats that are opened. Playlists (HLS, concat, DASH) are left out: they can name other files and addresses."""

WITHOUT_TIMES = "avi"
"""The format that stores pictures in order, without their display times."""

MediaKind = Literal["video", "sound"]
"""What is read from a file; sound may come from a video or from a file of its own."""


@dataclass(frozen=True)
class ContainerInfo:
    """What the header and the first picture say.

    Attributes:
        codec: FFmpeg's short name of the codec.
        format: FFmpeg's name of the container format.
        width: Pixels as displayed.
        height: Pixels as displayed.
        rotation: Degrees clockwise to upright: 0, 90, 180 or 270.
        mirrored: The display matrix flips left and right before it rotates.
        has_audio: There is a sound track.
        zero_s: Container time of the earliest start of the tracks.
        duration_s: Seconds; None when the header does not say (a browser's WebM).
        header_end_s: Container time at which all tracks end by the header, or None.
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
class PictureIndex:
    """Times of all pictures in display order, found by reading packets without decoding.

    Attributes:
        times: (n,) float64 container times in seconds, ascending.
        end_s: When the last picture ends.
        media_end_s: When the last packet of picture or sound ends.
        complete: Every packet had a time.
        ordinal: The container stores no display times, so the n-th displayed picture has `times[n]`.
        discarded: Number of pictures that an edit list hides.
        leading: Number of pictures displayed before a key frame but stored after it (open groups of pictures).
        broken: Reading ended in an error.
    """

    times: npt.NDArray[np.float64]
    end_s: float
    media_end_s: float
    complete: bool
    ordinal: bool
    discarded: int
    leading: int
    broken: bool


def open_container(path: str, display_name: str, media: MediaKind = "video") -> Any:
    """Open a recording with PyAV, allowed formats and local files only.

    Args:
        path: The file.
        display_name: What errors call it.
        media: What will be read from it.

    Raises:
        RecordingError: The file is not media, or is damaged.
    """
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        return av.open(f"file:{path}", options=options)
    except MemoryError:
        raise
    except (av.error.FFmpegError, ValueError, OSError):
        raise RecordingError(_explain_unreadable(Path(path), display_name, media)) from None


def video_stream(container: Any, display_name: str) -> Any:
    """Return the main video track of an open container.

    Args:
        container: An open PyAV container.
        display_name: What errors call the file.

    Raises:
        RecordingError: There is only sound, only cover art or no track at all, or the format is not known.
    """
    candidates = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if candidates:
        best = container.streams.best("video")
        stream = best if best in candidates else candidates[0]
        if getattr(stream, "codec_context", None) is None:
            raise RecordingError(messages.UNKNOWN_PICTURE_FORMAT(file=display_name))
        return stream
    if container.streams.audio:
        raise RecordingError(messages.SOUND_ONLY(file=display_name))
    raise RecordingError(messages.NO_PICTURES(file=display_name))


def audio_stream(container: Any, display_name: str) -> Any:
    """Return the main sound track of an open container.

    Args:
        container: An open PyAV container.
        display_name: What errors call the file.

    Raises:
        RecordingError: There is none, or its format is not known.
    """
    if not container.streams.audio:
        raise RecordingError(messages.NO_SOUND_TRACK(file=display_name))
    stream = container.streams.best("audio") or container.streams.audio[0]
    if getattr(stream, "codec_context", None) is None:
        raise RecordingError(messages.UNKNOWN_SOUND_FORMAT(file=display_name))
    return stream


def read_container_info(path: str, display_name: str, heartbeat: Heartbeat) -> ContainerInfo:
    """Read a recording's header and decode its first picture.

    Args:
        path: The file.
        display_name: What errors call it.
        heartbeat: Called often during the work.

    Raises:
        RecordingError: The file is not a readable video, or its pictures are too large or too small.
    """
    with open_container(path, display_name) as container:
        stream = video_stream(container, display_name)
        _check_size(stream.codec_context.width, stream.codec_context.height, display_name)
        first, packets = _first_picture(container, stream, heartbeat)
        if first is None and packets == 0:
            raise RecordingError(messages.NO_PICTURES(file=display_name))
        if first is None:
            raise RecordingError(messages.NO_PICTURE_DECODED(file=display_name))
        rotation, mirrored = orientation(first)
        width, height = displayed_size(first.width, first.height, stream.sample_aspect_ratio, rotation)
        _check_size(width, height, display_name)
        zero_s = start_of(container, stream)
        return ContainerInfo(
            codec=_codec_name(stream),
            format=container.format.name,
            width=width,
            height=height,
            rotation=rotation,
            mirrored=mirrored,
            has_audio=bool(container.streams.audio),
            zero_s=zero_s,
            duration_s=_header_duration(container, stream, zero_s),
            header_end_s=_header_end(container, zero_s),
        )


def build_index(path: str, display_name: str, heartbeat: Heartbeat) -> PictureIndex:
    """Index the times of all pictures by reading every packet of picture and sound without decoding.

    Costs reading the file once, and 8 bytes a picture.

    Args:
        path: The file.
        display_name: What errors call it.
        heartbeat: Called often during the work.

    Raises:
        RecordingError: The file is not a readable video.
    """
    picture_times = array("d")
    end = -math.inf
    media_end = -math.inf
    complete = True
    broken = False
    discarded = 0
    leading = 0
    key_time = -math.inf  # of the last key frame
    with open_container(path, display_name) as container:
        video = video_stream(container, display_name)
        ordinal = container.format.name == WITHOUT_TIMES
        tracks = [video, *container.streams.audio]
        bases = {track.index: float(track.time_base) for track in tracks}
        packets = container.demux(tracks)
        for packet in until_broken(packets):
            if packet is None:
                broken = True
                break
            heartbeat()
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
            picture_time = stamp * base
            picture_times.append(picture_time)
            leading += picture_time < key_time
            key_time = picture_time if packet.is_keyframe else key_time
            end = max(end, stop)
    times = np.sort(np.frombuffer(picture_times, np.float64)) if picture_times else np.empty(0)
    return PictureIndex(times, end, media_end, complete, ordinal, discarded, leading, broken)


def orientation(frame: Any) -> tuple[int, bool]:
    """Return (degrees clockwise to upright: 0, 90, 180 or 270; mirrored before that) of a decoded picture.

    They come from its display matrix (ISO/IEC 14496-12, tkhd): x' = a x + c y, y' = b x + d y with y downwards.
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
    """Return the (width, height) on display of coded pictures; implausible pixel aspect ratios are ignored.

    Args:
        width: Coded width in pixels.
        height: Coded height in pixels.
        pixel_aspect: Width of a pixel over its height, or None.
        rotation: Degrees clockwise to upright.
    """
    aspect = float(pixel_aspect or 1)
    if 0.25 <= aspect <= 4:
        width = max(1, round(width * aspect))
    return (width, height) if rotation % 180 == 0 else (height, width)


def until_broken(packets: Iterator[Any]) -> Iterator[Any]:
    """Yield the packets, then None once if reading them ended in an error."""
    try:
        yield from packets
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError):
        yield None


def start_of(container: Any, stream: Any) -> float:
    """Return the recording's start in container time: the earliest start of its tracks, as a player counts.

    Args:
        container: An open container.
        stream: One of its tracks.
    """
    stream_start = None if stream.start_time is None else float(stream.start_time * stream.time_base)
    if container.start_time is None:
        return stream_start or 0.0
    earliest = float(container.start_time) / av.time_base
    if stream_start is not None and abs(stream_start - earliest) < 1e-5:
        return stream_start  # the container's is rounded
    return earliest


def _first_picture(container: Any, stream: Any, heartbeat: Heartbeat) -> tuple[Any | None, int]:
    """Return the first picture that decodes, and how many packets with content were read for it."""
    count = 0
    for packet in until_broken(container.demux(stream)):
        if packet is None:
            break
        heartbeat()
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


def _check_size(width: int, height: int, display_name: str) -> None:
    """Refuse pictures too large to decode or too small to show a face (0 means that the header does not say)."""
    if max(width, height) > MAX_SIDE:
        raise RecordingError(messages.TOO_LARGE(file=display_name, width=width, height=height, limit=MAX_SIDE))
    if 0 < min(width, height) < MIN_SIDE:
        raise RecordingError(messages.TOO_SMALL(file=display_name, width=width, height=height, limit=MIN_SIDE))


def _codec_name(stream: Any) -> str:
    """Return FFmpeg's short name of the codec (av1, not the decoder libdav1d that reads it)."""
    return str(stream.codec_context.codec.canonical_name)


def _header_duration(container: Any, stream: Any, zero_s: float) -> float | None:
    """Return the seconds from `zero_s` to the end of the video by the header, or None when it does not say."""
    if stream.duration:
        start = float(stream.start_time * stream.time_base) if stream.start_time is not None else zero_s
        return float(start - zero_s) + float(stream.duration * stream.time_base)
    end = _header_end(container, zero_s)
    return None if end is None else end - zero_s


def _header_end(container: Any, zero_s: float) -> float | None:
    """Return the container time at which the longest track ends by the header.

    Matroska counts from 0, the others from `zero_s`.
    """
    if not container.duration or container.duration <= 0:
        return None
    length = float(container.duration) / av.time_base
    return length if "matroska" in container.format.name and length > zero_s else zero_s + length


def _explain_unreadable(file: Path, display_name: str, media: MediaKind) -> Message:
    """Distinguish a recording that lost its index from what never was one, by the file's first boxes."""
    with file.open("rb") as stream:
        head = stream.read(16)
        is_mp4 = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
        if is_mp4 and not _has_moov(stream):
            return messages.INDEX_MISSING(file=display_name)
    is_media = is_mp4 or head[:4] in (b"\x1aE\xdf\xa3", b"RIFF", b"FLV\x01", b"0&\xb2u", b"fLaC", b"OggS")
    if is_media:
        return messages.HEADER_DAMAGED(file=display_name)
    if media == "sound":
        return messages.NOT_MEDIA(file=display_name)
    return messages.NOT_A_VIDEO(file=display_name)


def _has_moov(stream: Any) -> bool:
    """Return whether the top-level boxes of an MP4 hold a complete index."""
    size = stream.seek(0, 2)
    position = 0
    while position + 8 <= size:
        stream.seek(position)
        length, kind = struct.unpack(">I4s", stream.read(8))
        if length == 1:
            raw = stream.read(8)
            length = int.from_bytes(raw, "big") if len(raw) == 8 else 0
        length = length or size - position
        if kind == b"moov":
            return bool(position + length <= size)
        if length < 8:
            return False
        position += length
    return False
