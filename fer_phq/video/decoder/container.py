"""Containers: opening one safely, reading what it says, and indexing its pictures' times without decoding them.

Runs in the decoder process only. Times in `ContainerInfo` and `PictureIndex` are container times in seconds; the
recording's start (`ContainerInfo.zero_s`) is subtracted where frames are yielded.
"""

from __future__ import annotations

import math
import os
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type as SideDataType

from fer_phq.core.analysis import SoundTrackInfo
from fer_phq.core.encryption.files import content_size, is_encrypted, open_content
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.video import messages
from fer_phq.video.decoder.clock import Clock, clock_tracks, main_video, placed_packets
from fer_phq.video.decoder.layout import first_recording_end, has_index, is_avi, is_base_media, read_layout
from fer_phq.video.decoder.references import reference_reader

Heartbeat = Callable[[], None]
"""Called often during long work, so that the parent process sees progress."""

MIN_SIDE = 16
MAX_SIDE = 16384
MAX_PIXELS = 35_651_584
"""The largest picture of H.264, HEVC and AV1 at the highest levels that cameras write (6 to 6.2): 8192 x 4352."""
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg,mxf,dv,"
    "mp3,wav,flac,aac,aiff,caf,amr"  # sound only, so that it can be told apart from what is no media at all
)
"""The formats that are opened. Playlists (HLS, concat, DASH) are left out: they can name other files and addresses."""

WITHOUT_TIMES = "avi"
"""The format that stores pictures in order, without their display times."""

BASE_MEDIA = "mov,mp4,m4a,3gp,3g2,mj2"
"""FFmpeg's name of MP4, MOV and their kin: the formats whose index of all pictures is read when they are opened."""

BUFFER_BYTES = 1 << 18
"""How much is read at a time where FFmpeg does not read the file itself."""

NOTABLE_SHARE = 0.1
"""Share of a file after its last packet from which that is no index any more."""

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
        pixel_aspect: Width of a coded pixel over its height.
        rotation: Degrees clockwise to upright: 0, 90, 180 or 270.
        mirrored: The display matrix flips left and right before it rotates.
        sound_tracks: The sound tracks.
        zero_s: Container time of the earliest start of the tracks.
        duration_s: Seconds that the header gives the pictures; None when it does not say (a browser's WebM).
        header_end_s: Container time at which all tracks end by the header, or None.
        held_until_s: Container time until which the last picture stays by the picture track's own tag, or None.
        whole: The file ends where its container says that it ends; False also where it does not say.
        fragmented: It is an MP4 whose index is spread over the file.
        appended: Share of the file, 0 to 1, that follows a second header and that cannot be read with the first's.
    """

    codec: str
    format: str
    width: int
    height: int
    pixel_aspect: float
    rotation: int
    mirrored: bool
    sound_tracks: tuple[SoundTrackInfo, ...]
    zero_s: float
    duration_s: float | None
    header_end_s: float | None
    held_until_s: float | None
    whole: bool
    fragmented: bool
    appended: float


@dataclass(frozen=True, eq=False)
class CodedPictures:
    """What is known of coded pictures before they are decoded, in the order in which they are stored.

    Attributes:
        stamps: (n,) presentation stamps in ticks of the track.
        time_base: Seconds a tick.
        marks: (n,) uint8, how other pictures refer to them (`fer_phq.video.decoder.references`).
    """

    stamps: npt.NDArray[np.int64]
    time_base: float
    marks: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PictureIndex:
    """Times of all pictures in display order, found by reading packets without decoding.

    Attributes:
        times: (n,) float64 container times in seconds, ascending.
        end_s: When the last picture ends by its own duration, or by the usual one where it has none.
        sound_end_s: When the last packet of sound ends; -inf without sound.
        ordinal: The container stores no display times, so the n-th displayed picture has `times[n]`.
        broken: Reading ended in an error.
        joints: Container times in seconds at which another take begins.
        unread: Share of the file, 0 to 1, after the last packet, where that is much; not for MP4 and AVI.
        coded: The pictures as they are stored; None where that was not asked for, where their codec does not say how
            they refer to each other, or where some have no presentation stamp.
    """

    times: npt.NDArray[np.float64]
    end_s: float
    sound_end_s: float
    ordinal: bool
    broken: bool
    joints: tuple[float, ...] = ()
    unread: float = 0.0
    coded: CodedPictures | None = None

    @property
    def media_end_s(self) -> float:
        """When the last packet of picture or sound ends."""
        return max(self.end_s, self.sound_end_s)


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
        if is_avi(path):
            return av.open(_Unseekable(path), options=options, buffer_size=BUFFER_BYTES)
        end = first_recording_end(path)
        if end is not None:
            return av.open(_FirstBytes(path, end), options=options)
        if is_encrypted(path):
            return av.open(open_content(path), options=options, buffer_size=BUFFER_BYTES)
        return av.open(f"file:{path}", options=options)
    except MemoryError:
        raise
    except (av.error.FFmpegError, ValueError, OSError):
        raise RecordingError(_explain_unreadable(path, display_name, media)) from None


class _Unseekable:
    """A file that is read from its beginning only.

    FFmpeg follows the index of an AVI wherever it can seek. That index may be wrong, and nothing needs it: pictures are
    read in the order in which they are stored.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self._file = open_content(path)  # closed with the container

    def read(self, size: int) -> bytes:
        return self._file.read(size)


class _FirstBytes:
    """The first bytes of a file.

    Of two MP4s in one file FFmpeg reads the second by the index of the first: wrong pictures, or none.
    """

    def __init__(self, path: str, end: int) -> None:
        self.name = path
        self._file = open_content(path)  # closed with the container
        self._end = end

    def read(self, size: int) -> bytes:
        return self._file.read(max(0, min(size, self._end - self._file.tell())))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(*((self._end + offset, os.SEEK_SET) if whence == os.SEEK_END else (offset, whence)))

    def tell(self) -> int:
        return self._file.tell()


def video_stream(container: Any, display_name: str) -> Any:
    """Return the main video track of an open container.

    Args:
        container: An open PyAV container.
        display_name: What errors call the file.

    Raises:
        RecordingError: There is only sound, only cover art or no track at all, or the format is not known.
    """
    stream = main_video(container)
    if stream is not None:
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


def sound_tracks(container: Any) -> tuple[SoundTrackInfo, ...]:
    """List the sound tracks of an open container.

    Args:
        container: An open PyAV container.
    """
    default = container.streams.best("audio")
    return tuple(
        SoundTrackInfo(
            number=number,
            channels=0 if stream.codec_context is None else stream.codec_context.layout.nb_channels,
            title=_tag(stream, "title"),
            language=_tag(stream, "language"),
            is_default=stream == default,
        )
        for number, stream in enumerate(container.streams.audio, 1)
    )


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
        aspect = plausible_aspect(stream.sample_aspect_ratio)
        width, height = displayed_size(first.width, first.height, aspect, rotation)
        _check_size(width, height, display_name)
        zero_s = start_of(container, stream)
        layout = read_layout(path)
        return ContainerInfo(
            codec=_codec_name(stream),
            format=container.format.name,
            width=width,
            height=height,
            pixel_aspect=aspect,
            rotation=rotation,
            mirrored=mirrored,
            sound_tracks=sound_tracks(container),
            zero_s=zero_s,
            duration_s=_header_duration(container, stream, zero_s),
            header_end_s=_header_end(container, zero_s),
            held_until_s=_tagged_end(stream),
            whole=layout.whole,
            fragmented=layout.fragmented,
            appended=layout.appended,
        )


def build_index(path: str, display_name: str, heartbeat: Heartbeat, *, with_coded: bool = False) -> PictureIndex:
    """Index the times of all pictures by reading every packet of picture and sound without decoding.

    Costs reading the file once, and 8 bytes a picture, or 17 with the pictures as they are stored.

    Args:
        path: The file.
        display_name: What errors call it.
        heartbeat: Called often during the work.
        with_coded: Read of each picture how others refer to it, too.

    Raises:
        RecordingError: The file is not a readable video.
    """
    picture_times = array("d")
    end = -math.inf
    sound_end = -math.inf
    broken = False
    read_to = 0  # bytes, up to the last packet whose time is not the one before
    stamps_before: dict[int, int] = {}  # of each track
    with open_container(path, display_name) as container:
        video = video_stream(container, display_name)
        container_name = container.format.name
        ordinal = container_name == WITHOUT_TIMES
        tracks = clock_tracks(container, video)
        bases = {track.index: float(track.time_base) for track in tracks}
        clock = Clock(container, tracks)
        coded = None if ordinal or not with_coded else _CodedPicturesReader(video)
        for packet in placed_packets(container, tracks, clock):
            if packet is None:
                broken = True
                break
            heartbeat()
            stamps = (packet.dts, packet.pts) if ordinal else (packet.pts, packet.dts)
            stamp = stamps[0] if stamps[0] is not None else stamps[1]
            if not packet.size or stamp is None:
                continue
            base = bases[packet.stream_index]
            stop = (stamp + (packet.duration or 0)) * base
            if stamp != stamps_before.get(packet.stream_index):
                stamps_before[packet.stream_index] = stamp
                read_to = max(read_to, (packet.pos or 0) + packet.size)
            if packet.is_discard:
                continue
            if packet.stream_index != video.index:
                sound_end = max(sound_end, stop)
                continue
            picture_times.append(stamp * base)
            if coded is not None:
                coded.add(packet)
            end = max(end, stop)
    times = np.sort(np.frombuffer(picture_times, np.float64)) if picture_times else np.empty(0)
    if len(times) > 1 and end <= times[-1]:  # the last picture has no duration
        end = float(times[-1] + np.median(np.diff(times)))
    return PictureIndex(
        times,
        end,
        sound_end,
        ordinal,
        broken,
        tuple(clock.joints),
        _unread_share(path, read_to, container_name),
        None if coded is None else coded.pictures(),
    )


class _CodedPicturesReader:
    """Reads packets of a track that hold pictures."""

    def __init__(self, stream: Any) -> None:
        self._read_marks = reference_reader(stream)
        self._time_base = float(stream.time_base)
        self._stamps = array("q")
        self._marks = array("B")

    def add(self, packet: Any) -> None:
        """Read the next packet."""
        if self._read_marks is None:
            return
        if packet.pts is None:
            self._read_marks = None
            return
        self._stamps.append(packet.pts)
        self._marks.append(self._read_marks(packet))

    def pictures(self) -> CodedPictures | None:
        """Return what was read; None where the codec does not say enough, or a packet had no presentation stamp."""
        if self._read_marks is None:
            return None
        stamps = np.frombuffer(self._stamps, np.int64) if self._stamps else np.empty(0, np.int64)
        marks = np.frombuffer(self._marks, np.uint8) if self._marks else np.empty(0, np.uint8)
        return CodedPictures(stamps, self._time_base, marks)


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
    width = max(1, round(width * plausible_aspect(pixel_aspect)))
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
    if width * height > MAX_PIXELS:
        raise RecordingError(messages.TOO_MANY_PIXELS(file=display_name, width=width, height=height))
    if 0 < min(width, height) < MIN_SIDE:
        raise RecordingError(messages.TOO_SMALL(file=display_name, width=width, height=height, limit=MIN_SIDE))


def _unread_share(path: str, read_to: int, container_name: str) -> float:
    """Return the share of a file after its last packet; 0 where that is little, as of an index."""
    size = content_size(path)
    share = (size - read_to) / size
    return share if share > NOTABLE_SHARE and read_to and container_name not in (BASE_MEDIA, WITHOUT_TIMES) else 0.0


def plausible_aspect(pixel_aspect: Any) -> float:
    """Return a pixel's width over its height; 1 where that is missing or implausible."""
    aspect = float(pixel_aspect or 1)
    return aspect if 0.25 <= aspect <= 4 else 1.0


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


def _explain_unreadable(path: str, display_name: str, media: MediaKind) -> Message:
    """Distinguish a recording that lost its index from what never was one, by the file's first boxes."""
    with open_content(path) as stream:
        head = stream.read(16)
        is_mp4 = is_base_media(head)
        if is_mp4 and not has_index(stream):
            return messages.INDEX_MISSING(file=display_name)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return messages.WEBP(file=display_name)
    is_media = is_mp4 or head[:4] in (b"\x1aE\xdf\xa3", b"RIFF", b"FLV\x01", b"0&\xb2u", b"fLaC", b"OggS")
    if is_media:
        return messages.HEADER_DAMAGED(file=display_name)
    if media == "sound":
        return messages.NOT_MEDIA(file=display_name)
    return messages.NOT_A_VIDEO(file=display_name)


def _tag(stream: Any, name: str) -> str:
    """Return a tag of a track as text of one line, at most 40 characters; empty where it says nothing."""
    text = "".join(c for c in str(stream.metadata.get(name, "")) if c.isprintable()).strip()
    return "" if name == "language" and text == "und" else text[:40]


def _tagged_end(stream: Any) -> float | None:
    """Return the end of a track by the tag that Matroska writers add (`DURATION`, counted from 0), or None."""
    parts = str(stream.metadata.get("DURATION", "")).split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    end = hours * 3600 + minutes * 60 + seconds
    return end if math.isfinite(end) and end > 0 else None
