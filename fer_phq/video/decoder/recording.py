"""One recording as it is decoded, and the damage that decoding shows.

Runs in the decoder process only. Times are seconds from the recording's start unless they are called container times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import Image
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message, Template
from fer_phq.video import messages
from fer_phq.video.decoder.container import (
    BASE_MEDIA,
    ContainerInfo,
    Heartbeat,
    PictureIndex,
    build_index,
    read_container_info,
)
from fer_phq.video.sampling import EPSILON_S
from fer_phq.video.types import Frame

STANDSTILL_S = 5.0
"""A picture that stays exactly the same for this long is worth a warning."""

LONGEST_S = 48 * 3600.0
"""A recording that lasts longer has damaged times: a picture that lasts for years would fill all memory with rows."""

NOTABLE_HOLD_S = 1.0
"""A header's end counts as how long the last picture stays when it lies more than this behind picture and sound."""

MAX_WARNINGS = 5
"""Warnings of one kind that are spelt out; the others are counted."""


@dataclass
class Recording:
    """Where a recording is, what its container says, and what decoding shows.

    Attributes:
        path: The file.
        display_name: What errors call it.
        max_side: Longer side in pixels to which larger frames are reduced.
        threads: Decoding threads.
        heartbeat: Called often during long work.
        info: What the header and the first picture say.
        index: Times of all pictures; may be None when only single frames or key frames are asked for.
        lost: Spans (first, last) in seconds of pictures that could not be decoded.
        last_s: Time of the last picture that was decoded, sampled or not.
        joints: Container times at which another take begins, as decoding shows.
    """

    path: str
    display_name: str
    max_side: int
    threads: int
    heartbeat: Heartbeat
    info: ContainerInfo
    index: PictureIndex | None = None
    lost: list[tuple[float, float]] = field(default_factory=list)
    last_s: float = -math.inf
    joints: list[float] = field(default_factory=list)

    @property
    def scale(self) -> float:
        """Displayed pixels per pixel of a frame, at least 1."""
        return max(1.0, max(self.info.width, self.info.height) / self.max_side)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the frames in pixels."""
        return max(1, round(self.info.width / self.scale)), max(1, round(self.info.height / self.scale))

    @property
    def times(self) -> npt.NDArray[np.float64] | None:
        """(n,) times of all pictures by the index, or None without an index."""
        return None if self.index is None else self.index.times - self.info.zero_s

    @property
    def end_s(self) -> float:
        """When the last picture ends; -inf without an index.

        It ends after its own duration, or with the track by its tag, or, where nothing else lasts as long as the header
        says, with the recording. An edit list may end it earlier.
        """
        if self.index is None or not len(self.index.times):
            return -math.inf
        info = self.info
        end = self.index.end_s
        if (
            self.is_held
            and info.header_end_s is not None
            and info.header_end_s > self.index.media_end_s + NOTABLE_HOLD_S
        ):
            tagged = info.held_until_s
            is_tagged = tagged is not None and tagged <= info.header_end_s + NOTABLE_HOLD_S
            end = max(end, tagged if tagged is not None and is_tagged else info.header_end_s)
        end_s = end - info.zero_s
        is_edited = info.format == BASE_MEDIA and not info.fragmented and info.duration_s is not None
        return min(end_s, info.duration_s) if is_edited and info.duration_s else end_s

    @property
    def duration_s(self) -> float:
        """Seconds from the recording's start to the end of its pictures or its sound, whichever is later.

        -inf without an index.
        """
        if self.index is None:
            return -math.inf
        return max(self.end_s, self.index.sound_end_s - self.info.zero_s)

    @property
    def is_held(self) -> bool:
        """Whether the header may say how long the last picture stays: all of the file is there, in one take."""
        is_explicit = self.info.format == BASE_MEDIA  # there every picture has its duration
        return (
            self.info.whole
            and not is_explicit
            and self.index is not None
            and not self.index.broken
            and not self.index.joints
        )

    @property
    def cut_short(self) -> bool:
        """Whether reading ended in an error, or picture and sound end clearly before the header says."""
        if self.index is None:
            return False
        if self.index.broken:
            return True
        if self.is_held or self.index.joints:  # the header of the first of several takes knows only its own end
            return False
        return ends_early(self.info.header_end_s, self.index.media_end_s, self.info.zero_s)


def open_recording(
    path: str,
    *,
    display_name: str,
    max_side: int,
    threads: int,
    heartbeat: Heartbeat,
    with_index: bool,
    with_coded: bool = False,
) -> Recording:
    """Read what a recording's container says.

    Args:
        path: The file.
        display_name: What errors call it.
        max_side: Longer side in pixels to which larger frames are reduced.
        threads: Decoding threads.
        heartbeat: Called often during long work.
        with_index: Index the times of all pictures. All containers but MP4's kin are indexed in any case: some store no
            times, and the clock of others may start anew.
        with_coded: The index says how pictures refer to each other, so that decoding can be planned.

    Raises:
        RecordingError: The file is not a readable video.
    """
    info = read_container_info(path, display_name, heartbeat)
    needs_index = with_index or info.format != BASE_MEDIA
    index = build_index(path, display_name, heartbeat, with_coded=with_coded) if needs_index else None
    return Recording(path, display_name, max_side, threads, heartbeat, info, index)


def summarize(recording: Recording) -> dict[str, Any]:
    """Return what `probe` reports of a recording; its end is where its packets end, whatever its header says.

    Args:
        recording: The recording, with its index.

    Raises:
        RecordingError: The recording has no duration, or that of many days.
    """
    info = recording.info
    if not recording.duration_s > 0:
        raise RecordingError(messages.ZERO_LENGTH(file=recording.display_name))
    if recording.duration_s > LONGEST_S:
        raise RecordingError(messages.HEADER_DAMAGED(file=recording.display_name))
    return {
        "duration_s": recording.duration_s,
        "picture_end_s": min(recording.end_s, recording.duration_s),
        "width": info.width,
        "height": info.height,
        "codec": info.codec,
        "rotation": info.rotation,
        "sound_tracks": [vars(track) for track in info.sound_tracks],
    }


def damage_warnings(recording: Recording) -> list[Message]:
    """Return warnings about lost pictures, joined takes, what is not read, and an end before the header's."""
    times = recording.times
    tail_s = float(times[-1]) if times is not None and len(times) else math.inf
    # What is lost at the end of a recording that is cut short is reported by the last warning.
    spans = [span for span in recording.lost if not (recording.cut_short and span[1] >= tail_s)]
    warnings = span_warnings(spans, messages.PICTURES_LOST)
    joints = [time - recording.info.zero_s for time in recording.joints]
    warnings += [messages.JOINED(time_s=time_s) for time_s in joints[:MAX_WARNINGS]]
    if len(joints) > MAX_WARNINGS:
        warnings.append(messages.FURTHER_PLACES(n=len(joints) - MAX_WARNINGS))
    unread = (
        recording.info.appended if recording.index is None else max(recording.info.appended, recording.index.unread)
    )
    if unread:
        warnings.append(messages.NOT_READ(percent=100 * unread))
    if recording.cut_short:
        total_s = recording.info.duration_s
        end_s = max(recording.last_s, 0.0)
        if total_s is None:
            warnings.append(messages.PICTURES_END(end_s=end_s))
        else:
            warnings.append(messages.PICTURES_END_EARLY(end_s=end_s, total_s=total_s))
    return warnings


class StandstillDetector:
    """Finds spans of time in which the picture stays exactly the same: in sampled frames, or because no other comes."""

    def __init__(self, recording: Recording | None = None) -> None:
        """Start before the first frame.

        Args:
            recording: Its index says how long each picture stays; without one, frames are only compared.
        """
        self._times = None if recording is None else recording.times
        self._end_of_pictures_s = -math.inf if recording is None else recording.end_s
        self._last: Frame | None = None
        self._start_s = 0.0
        self._end_s = 0.0
        self._spans: list[tuple[float, float]] = []

    def add(self, frame: Frame) -> None:
        """Compare the next sampled frame with the last one."""
        if self._last is None or not _are_equal(frame.rgb, self._last.rgb):
            self._close_span()
            self._last = frame
            self._start_s = frame.time_s
        self._end_s = max(frame.time_s, self._held_until(frame.time_s))

    def warnings(self) -> list[Message]:
        """Return warnings about standstills of at least `STANDSTILL_S`, once the recording has ended."""
        self._close_span()
        return span_warnings(self._spans, messages.PICTURE_FROZEN)

    def _held_until(self, time_s: float) -> float:
        """Return when the picture of a time ends, if it alone stays as long as a standstill."""
        if self._times is None:
            return -math.inf
        following = int(np.searchsorted(self._times, time_s + EPSILON_S))
        end_s = float(self._times[following]) if following < len(self._times) else self._end_of_pictures_s
        return end_s if end_s - time_s >= STANDSTILL_S else -math.inf

    def _close_span(self) -> None:
        if self._last is not None and self._end_s - self._start_s >= STANDSTILL_S:
            self._spans.append((self._start_s, self._end_s))
        self._last = None


def _are_equal(rgb: Image, other: Image) -> bool:
    """Return whether two pictures are the same to the bit; nearly all that differ do so in every sixteenth row."""
    return np.array_equal(rgb[::16], other[::16]) and np.array_equal(rgb, other)


def span_warnings(spans: list[tuple[float, float]], warning: Template) -> list[Message]:
    """Return a warning for each of the first `MAX_WARNINGS` spans, and one that counts the others.

    Args:
        spans: (start, end) in seconds.
        warning: Template with the fields `start_s` and `end_s`.
    """
    warnings = [warning(start_s=start_s, end_s=end_s) for start_s, end_s in spans[:MAX_WARNINGS]]
    if len(spans) > MAX_WARNINGS:
        warnings.append(messages.FURTHER_PLACES(n=len(spans) - MAX_WARNINGS))
    return warnings


def ends_early(header_end_s: float | None, end_s: float, zero_s: float = 0.0) -> bool:
    """Return whether media end more than a second and a twentieth of their length before the header says.

    Args:
        header_end_s: When they end by the header; None when it does not say.
        end_s: When they end.
        zero_s: When they start.
    """
    if header_end_s is None:
        return False
    return header_end_s - end_s > max(1.0, 0.05 * (header_end_s - zero_s))
