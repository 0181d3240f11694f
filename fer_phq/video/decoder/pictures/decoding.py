"""Decoding by PyAV: all pictures, those that a plan needs, from a key frame on, or key frames only.

Runs in the decoder process only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from fer_phq.video.decoder.clock import Clock, clock_tracks, placed_packets
from fer_phq.video.decoder.container import open_container, plausible_aspect, video_stream
from fer_phq.video.decoder.pictures.plan import DECODE, DROP, Plan
from fer_phq.video.decoder.recording import Recording
from fer_phq.video.sampling import EPSILON_S

SILENT_LOSS = 4
"""Pictures missing in a row that count as lost though no error was reported. Fewer may be packets that are not meant
to be shown (VP8 reference frames, single fields)."""

SEEK_MARGINS_S = (0.0, 10.0)
"""How long before a time decoding starts, tried in turn: MPEG streams have no index, and a seek may land too late."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded frame.

    Attributes:
        frame: The av.VideoFrame, which does not know the shape of its pixels.
        pixel_aspect: Width of a coded pixel over its height.
    """

    frame: Any
    pixel_aspect: float


class UnexpectedPictureError(Exception):
    """A plan does not hold: something else came out of the decoder than it says."""


def decode_planned(recording: Recording, plan: Plan | None) -> Iterator[tuple[float, Picture]]:
    """Decode the pictures of a plan; from the first on that does not come as planned, all pictures.

    What is lost shows when all pictures are decoded. A picture that was left out on purpose is not lost.

    Args:
        recording: The recording, with its index.
        plan: What is decoded; None for all.

    Yields:
        (seconds from the recording's start, the picture) in ascending time.
    """
    last_s = -math.inf
    if plan is not None:
        try:
            for time_s, picture in _decode_plan(recording, plan):
                last_s = max(last_s, time_s)
                yield time_s, picture
            return
        except UnexpectedPictureError:
            pass  # all is decoded from the beginning, for what was left out may be needed
    for time_s, picture in _decode_from(recording, -math.inf, only_keys=False):
        if time_s > last_s:
            yield time_s, picture


def _decode_plan(recording: Recording, plan: Plan) -> Iterator[tuple[float, Picture]]:
    """Decode the pictures of a plan. Raises UnexpectedPictureError at the first that does not come as planned."""
    with open_container(recording.path, recording.display_name) as container:
        stream = video_stream(container, recording.display_name)
        _set_threads(stream, recording.threads)
        # Errors that the decoder would cover up from pictures before them, perhaps from some that were left out.
        stream.codec_context.options = {"err_detect": "explode"}
        shape = _PixelShape(recording, stream)
        base = stream.time_base
        count = 0
        for frame in _planned_frames(container, stream, recording, plan):
            if count == len(plan.expected) or frame.pts != plan.expected[count] or frame.is_corrupt:
                raise UnexpectedPictureError
            if frame.interlaced_frame:  # the fields of a picture may lie in packets of their own
                raise UnexpectedPictureError
            count += 1
            yield float(frame.pts * base) - recording.info.zero_s, Picture(frame, shape.pixel_aspect())
        if count < len(plan.expected):
            raise UnexpectedPictureError


def _planned_frames(container: Any, stream: Any, recording: Recording, plan: Plan) -> Iterator[Any]:
    """Yield what the decoder makes of a plan's packets. Raises UnexpectedPictureError where one fails or is another."""
    tracks = clock_tracks(container, stream)
    context = stream.codec_context
    number = 0
    for packet in placed_packets(container, tracks, Clock(container, tracks)):
        recording.heartbeat()
        if packet is None:
            raise UnexpectedPictureError
        if packet.stream_index != stream.index:
            continue
        if packet.size and not packet.is_discard:  # what the index holds
            if number == len(plan.stamps) or packet.pts != plan.stamps[number]:
                raise UnexpectedPictureError
            action = plan.actions[number]
            number += 1
            if action == DROP:
                continue
            context.skip_frame = "DEFAULT" if action == DECODE else "NONREF"
        try:
            yield from packet.decode()
        except EOFError:
            return
        except MemoryError:
            raise
        except (av.error.FFmpegError, OSError):
            raise UnexpectedPictureError from None


def decode_frames(
    recording: Recording, *, start_s: float = -math.inf, only_keys: bool = False
) -> Iterator[tuple[float, Picture]]:
    """Decode a recording from the key frame at or before a time on.

    Pictures that do not decode are left out and noted in `recording.lost`, joints in `recording.joints`.

    Args:
        recording: The recording.
        start_s: Seconds from the recording's start. Where it is not 0 and the container is not MP4's kin, the recording
            has an index.
        only_keys: Decode key frames only.

    Yields:
        (seconds from the recording's start, the picture) in ascending time.
    """
    index = recording.index
    can_seek = index is None or not (index.ordinal or index.joints)
    for margin_s in SEEK_MARGINS_S if can_seek else ():
        if start_s - margin_s <= 0:
            break
        attempt = replace(recording, lost=[], joints=[])
        frames = _decode_from(attempt, start_s - margin_s, only_keys)
        first = next(frames, None)
        if first is None or first[0] > start_s + EPSILON_S:
            continue
        yield first
        for frame in frames:
            recording.last_s = attempt.last_s
            yield frame
        recording.last_s = attempt.last_s
        recording.lost += attempt.lost
        return
    yield from _decode_from(recording, -math.inf, only_keys)


def _decode_from(recording: Recording, start_s: float, only_keys: bool) -> Iterator[tuple[float, Picture]]:
    """Decode from the key frame to which a seek leads, or from the beginning where `start_s` is not above 0."""
    with open_container(recording.path, recording.display_name) as container:
        stream = video_stream(container, recording.display_name)
        _set_threads(stream, 1 if only_keys else recording.threads)
        shape = _PixelShape(recording, stream)
        clock = _Clock(recording, stream)
        losses = _Losses(recording, start_s, None if only_keys else recording.times)
        is_seeking = start_s > 0
        if is_seeking:
            _seek(container, stream, start_s + recording.info.zero_s)
        last_s = -math.inf
        for frame in _decoded(container, stream, recording, is_seeking, only_keys and not clock.counts):
            time_s = None if frame is None else clock.time(frame)
            if frame is None or frame.is_corrupt:
                losses.failed()
            elif time_s is not None and time_s > last_s:
                last_s = time_s
                recording.last_s = max(recording.last_s, time_s)
                losses.decoded(time_s)
                if frame.key_frame or not only_keys:
                    yield time_s, Picture(frame, shape.pixel_aspect())
        losses.ended()


def _set_threads(stream: Any, threads: int) -> None:
    stream.thread_type = "AUTO" if threads > 1 else "NONE"
    stream.codec_context.thread_count = threads


class _PixelShape:
    """The shape of a recording's pixels, which may change on the way."""

    def __init__(self, recording: Recording, stream: Any) -> None:
        """Start before the first picture is decoded."""
        self._of_recording = recording.info.pixel_aspect
        self._context = stream.codec_context
        self._coded = self._context.sample_aspect_ratio

    def pixel_aspect(self) -> float:
        """Return the width of a pixel over its height in the picture that was decoded last.

        The recording's may be the container's, and holds as long as the coded one stays.
        """
        aspect = self._context.sample_aspect_ratio
        return self._of_recording if not aspect or aspect == self._coded else plausible_aspect(aspect)


class _Clock:
    """Times of decoded pictures, seconds from the recording's start."""

    def __init__(self, recording: Recording, stream: Any) -> None:
        self._zero_s = recording.info.zero_s
        self._base = stream.time_base
        self._times = recording.times if recording.index is not None and recording.index.ordinal else None
        self._count = 0

    @property
    def counts(self) -> bool:
        """The container stores no display times: pictures are counted, so decoding must start at the first."""
        return self._times is not None

    def time(self, frame: Any) -> float | None:
        """Return the time of the next decoded picture, None when it has none."""
        if self._times is not None:
            number = min(self._count, len(self._times) - 1)
            self._count += 1
            return float(self._times[number])
        stamp = frame.pts if frame.pts is not None else frame.dts
        return None if stamp is None else float(stamp * self._base) - self._zero_s


class _Losses:
    """Finds the spans of pictures that are in the index but did not decode, and notes them in the recording."""

    def __init__(self, recording: Recording, start_s: float, times: npt.NDArray[np.float64] | None) -> None:
        """Start at a time; without the times of all pictures that are wanted, only errors show what is lost."""
        self._recording = recording
        self._times = times
        self._next = 0 if self._times is None else int(np.searchsorted(self._times, start_s - EPSILON_S))
        self._failed = False
        self._start_s = max(start_s, 0.0)

    def failed(self) -> None:
        """Note that something could not be decoded; what, shows at the next picture (decoders answer with a delay)."""
        self._failed = True

    def decoded(self, time_s: float) -> None:
        """Note that a picture was decoded: earlier ones of the index that did not come are lost if something failed."""
        if self._times is None:
            if self._failed:
                self._add_span(self._start_s, time_s)
            self._start_s = time_s
            return
        index = int(np.searchsorted(self._times, time_s - EPSILON_S))
        if index - self._next >= (1 if self._failed else SILENT_LOSS):
            self._add_span(float(self._times[self._next]), float(self._times[index - 1]))
        self._next = max(self._next, index + 1)

    def ended(self) -> None:
        """Note that decoding is over: what remains in the index is lost if something failed."""
        if self._times is None:
            return
        if len(self._times) - self._next >= (1 if self._failed else SILENT_LOSS):
            self._add_span(float(self._times[self._next]), float(self._times[-1]))

    def _add_span(self, first_s: float, last_s: float) -> None:
        self._recording.lost.append((first_s, last_s))
        self._failed = False


def _decoded(
    container: Any, stream: Any, recording: Recording, is_seeking: bool, only_keys: bool
) -> Iterator[Any | None]:
    """Yield decoded pictures in display order; None where a packet could not be decoded.

    Each key frame is decoded by itself: of open groups of pictures, decoders put key frames alone in a wrong order.

    After a seek, what comes before the first key frame or is shown before it was made from pictures that were not read.
    """
    tracks = clock_tracks(container, stream)
    clock = Clock(container, tracks)
    if recording.index is None or not recording.index.ordinal:
        recording.joints = clock.joints
    first_pts = None
    for packet in placed_packets(container, tracks, clock):
        if packet is None:
            return  # the file cannot be read further, which the index has noticed as well
        recording.heartbeat()
        if packet.stream_index != stream.index:
            continue
        if is_seeking and first_pts is None and packet.size:
            if not packet.is_keyframe or packet.pts is None:
                continue
            first_pts = packet.pts
        if only_keys and not (packet.is_keyframe and packet.size):
            continue
        try:
            for frame in _decoded_alone(packet, stream) if only_keys else packet.decode():
                if first_pts is None or frame.pts is None or frame.pts >= first_pts:
                    yield frame
        except EOFError:
            return
        except MemoryError:
            raise
        except (av.error.FFmpegError, OSError):
            yield None


def _decoded_alone(packet: Any, stream: Any) -> list[Any]:
    """Return the pictures of a key frame's packet, and make the decoder forget them."""
    decoder = stream.codec_context
    try:
        return [*decoder.decode(packet), *decoder.decode(None)]
    finally:
        decoder.flush_buffers()


def _seek(container: Any, stream: Any, time_s: float) -> None:
    """Go to the key frame at or before a container time; stay at the start where the file cannot seek."""
    try:
        container.seek(int(time_s / stream.time_base), stream=stream, backward=True, any_frame=False)
    except (av.error.FFmpegError, OSError):
        container.seek(0)
