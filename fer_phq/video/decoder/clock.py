"""The clock of a recording: packets with times that run on where the container's own clock starts anew.

Recorders and people append takes to one another (MPEG-TS, MPEG-PS, WebM, FLV), and the clock of the second take starts
at its own beginning. Here it continues at the end of the first. Runs in the decoder process only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import av

STEP_BACK_S = 1.0
"""A track whose decoding times go back by more than this has begun anew; less is damage or careless muxing."""

LEAP_S = 10.0
"""A leap of all tracks by more than this in an MPEG stream is another take (FFmpeg's own limit), not a long pause."""

WRAP_S = 2**33 / 90_000
"""Seconds after which the clock of an MPEG stream begins again at 0 (ISO/IEC 13818-1: 33 bits at 90 kHz)."""

NEAR_S = 60.0
"""Seconds between times of two tracks up to which they may be of one moment."""

MPEG_STREAMS = ("mpegts", "mpeg")
"""Formats whose clocks start anywhere, so that a later take may also begin far ahead."""


class Clock:
    """Turns the times of packets, in order of the file, into times that run on across takes.

    Attributes:
        joints: Container times in seconds at which another take begins.
    """

    def __init__(self, container: Any, tracks: list[Any]) -> None:
        """Start before the first packet.

        Args:
            container: An open container.
            tracks: The tracks whose packets come; the first decides where a take ends.
        """
        self.joints: list[float] = []
        self._main = tracks[0].index if tracks else -1
        self._leaps = container.format.name in MPEG_STREAMS
        self._bases = {track.index: float(track.time_base) for track in tracks}
        self._offsets: dict[int, float] = {}  # seconds added to a track's own times
        self._newest = 0.0  # offset of the newest take
        self._last: dict[int, float] = {}  # the newest decoding time of each track, on this clock
        self._end = -math.inf  # when the main track ends so far, on this clock

    def place(self, packet: Any) -> None:
        """Move the times of the next packet onto this clock."""
        track = packet.stream_index
        base = self._bases[track]
        stamp = packet.dts if packet.dts is not None else packet.pts
        offset = self._offsets.get(track, self._newest)
        if stamp is not None:
            offset = self._offset_at(track, stamp * base, offset, packet)
            self._offsets[track] = offset
            self._last[track] = stamp * base + offset
        ticks = round(offset / base)
        if ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        display = packet.pts if packet.pts is not None else packet.dts
        if display is not None and (track == self._main or self._main not in self._last):
            self._end = max(self._end, (display + (packet.duration or 0)) * base)

    def _offset_at(self, track: int, time_s: float, offset: float, packet: Any) -> float:
        """Return the offset that holds from a packet of a track on."""
        last = self._last.get(track)
        if last is None:
            return offset + self._wrap(time_s + offset)
        if not self._breaks(time_s + offset, last):
            return offset
        for candidate in (self._newest, self._newest + self._wrap(time_s + self._newest)):
            if not self._breaks(time_s + candidate, last):
                return candidate
        display_s = time_s if packet.pts is None else packet.pts * self._bases[track]
        self._newest = self._end - display_s
        self.joints.append(self._end)
        return self._newest

    def _wrap(self, time_s: float) -> float:
        """Return the seconds that bring a time of an MPEG stream near the others' where its counter began again."""
        if not self._leaps or not self._last:
            return 0.0
        ahead_s = time_s - max(self._last.values())
        turns = round(ahead_s / WRAP_S)
        return -turns * WRAP_S if abs(ahead_s - turns * WRAP_S) < NEAR_S else 0.0

    def _breaks(self, time_s: float, last: float) -> bool:
        if time_s < last - STEP_BACK_S:
            return True
        return self._leaps and time_s > max(self._last.values()) + LEAP_S


def clock_tracks(container: Any, video: Any | None) -> list[Any]:
    """Return the tracks that a recording's clock is read from: its pictures, if any, then its sound.

    Every pass over a file reads the same tracks, so that all place a joint at the same time.

    Args:
        container: An open container.
        video: The main video track, or None.
    """
    return [*([] if video is None else [video]), *container.streams.audio]


def main_video(container: Any) -> Any | None:
    """Return the main video track of an open container, cover art aside; None where there is none."""
    candidates = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    best = container.streams.best("video")
    return best if best in candidates else next(iter(candidates), None)


def placed_packets(container: Any, tracks: list[Any], clock: Clock) -> Iterator[Any | None]:
    """Yield the packets of some tracks with times on the recording's clock, then None if reading ended in an error.

    Args:
        container: An open container.
        tracks: The tracks, as from `clock_tracks`.
        clock: Its joints are complete once the packets are.
    """
    try:
        for packet in container.demux(tracks):
            if packet.size:
                clock.place(packet)
            yield packet
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError):
        yield None
