"""One recording as the decoding backends see it, and the damage that decoding shows.

Runs in the decoder process only. Times are seconds from the recording's start unless they are called container times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message, Template
from fer_phq.video import messages
from fer_phq.video.decoder.container import (
    WITHOUT_TIMES,
    ContainerInfo,
    Heartbeat,
    PictureIndex,
    build_index,
    read_container_info,
)
from fer_phq.video.types import Frame

STANDSTILL_S = 5.0
"""A picture that stays exactly the same for this long is worth a warning."""

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
        """When the last picture ends by index and header; -inf when unknown."""
        if self.index is None:
            return -math.inf
        end_s = self.index.end_s - self.info.zero_s
        return end_s if self.info.duration_s is None else min(end_s, self.info.duration_s)

    @property
    def cut_short(self) -> bool:
        """Whether reading ended in an error, or picture and sound end clearly before the header says."""
        if self.index is None:
            return False
        return self.index.broken or ends_early(self.info.header_end_s, self.index.media_end_s, self.info.zero_s)


def open_recording(
    path: str, *, display_name: str, max_side: int, threads: int, heartbeat: Heartbeat, with_index: bool
) -> Recording:
    """Read what a recording's container says.

    Args:
        path: The file.
        display_name: What errors call it.
        max_side: Longer side in pixels to which larger frames are reduced.
        threads: Decoding threads.
        heartbeat: Called often during long work.
        with_index: Index the times of all pictures. A container without times is indexed in any case.

    Raises:
        RecordingError: The file is not a readable video.
    """
    info = read_container_info(path, display_name, heartbeat)
    needs_index = with_index or info.format == WITHOUT_TIMES
    index = build_index(path, display_name, heartbeat) if needs_index else None
    return Recording(path, display_name, max_side, threads, heartbeat, info, index)


def summarize(recording: Recording) -> dict[str, Any]:
    """Return what `probe` reports of a recording; a duration that the header lacks is found by reading the packets.

    Raises:
        RecordingError: The recording has no duration.
    """
    info = recording.info
    duration_s = info.duration_s
    if duration_s is None:
        index = build_index(recording.path, recording.display_name, recording.heartbeat)
        duration_s = index.end_s - info.zero_s
    if not duration_s > 0:
        raise RecordingError(messages.ZERO_LENGTH(file=recording.display_name))
    return {
        "duration_s": duration_s,
        "width": info.width,
        "height": info.height,
        "codec": info.codec,
        "rotation": info.rotation,
        "has_audio": info.has_audio,
    }


def damage_warnings(recording: Recording) -> list[Message]:
    """Return warnings about pictures that were lost and about a recording that ends before its header says."""
    times = recording.times
    tail_s = float(times[-1]) if times is not None and len(times) else math.inf
    # What is lost at the end of a recording that is cut short is reported by the last warning.
    spans = [span for span in recording.lost if not (recording.cut_short and span[1] >= tail_s)]
    warnings = span_warnings(spans, messages.PICTURES_LOST)
    if recording.cut_short:
        total_s = recording.info.duration_s
        end_s = max(recording.last_s, 0.0)
        if total_s is None:
            warnings.append(messages.PICTURES_END(end_s=end_s))
        else:
            warnings.append(messages.PICTURES_END_EARLY(end_s=end_s, total_s=total_s))
    return warnings


class StandstillDetector:
    """Finds spans of time in which sampled frames stay exactly the same."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self._last: Frame | None = None
        self._start_s = 0.0
        self._end_s = 0.0
        self._spans: list[tuple[float, float]] = []

    def add(self, frame: Frame) -> None:
        """Compare the next sampled frame with the last one."""
        if self._last is None or not np.array_equal(frame.rgb, self._last.rgb):
            self._close_span()
            self._last = frame
            self._start_s = frame.time_s
        self._end_s = frame.time_s

    def warnings(self) -> list[Message]:
        """Return warnings about standstills of at least `STANDSTILL_S`, once the recording has ended."""
        self._close_span()
        return span_warnings(self._spans, messages.PICTURE_FROZEN)

    def _close_span(self) -> None:
        if self._last is not None and self._end_s - self._start_s >= STANDSTILL_S:
            self._spans.append((self._start_s, self._end_s))
        self._last = None


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
