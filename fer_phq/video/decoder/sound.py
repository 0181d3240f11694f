"""Decoding of a recording's sound to mono at 16 kHz on the recording's clock. Runs in the decoder process only.

Sample n plays n / 16,000 s after the recording's start, by the container's presentation timestamps: what lies before
that start is cut off, and where there is no sound there is silence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.video import messages
from fer_phq.video.decoder.clock import Clock, clock_tracks, main_video, placed_packets
from fer_phq.video.decoder.container import Heartbeat, audio_stream, open_container, start_of
from fer_phq.video.decoder.recording import ends_early, span_warnings
from fer_phq.video.types import SOUND_RATE

MIN_RATE = 4000
MAX_S = 24 * 3600
TOLERANCE_S = 0.05
"""Timestamps are followed when they leave the count of samples by more than this: Matroska rounds them to
milliseconds, and browsers write them when a packet arrives."""

NOTABLE_GAP_S = 1.0
"""A gap in the sound of at least this length is worth a warning."""

Silence = int
"""Samples of a gap: they are counted, not made, so that a gap of hours costs nothing."""


@dataclass
class SoundTrack:
    """Where a recording's sound is, and what decoding shows. Times are seconds from the recording's start.

    Attributes:
        path: The file.
        display_name: What errors call it.
        heartbeat: Called often during the work.
        header_end_s: When the sound ends by the header, or None.
        end_s: When what was decoded ends.
        lost: Spans (start, end) that could not be decoded.
        gaps: Long spans (start, end) without sound.
        broken: Reading ended in an error.
        is_joined: Several takes follow each other; the header knows only the end of one.
    """

    path: str
    display_name: str
    heartbeat: Heartbeat
    header_end_s: float | None = None
    end_s: float = 0.0
    lost: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    broken: bool = False
    is_joined: bool = False


def read_blocks(track: SoundTrack, size: int) -> Iterator[FloatArray | Silence]:
    """Yield consecutive blocks of sound from time 0 on, float32 from -1 to 1; of a block without sound, its samples.

    Args:
        track: The sound; what decoding shows is noted in it.
        size: Samples in a block; the last one may be shorter.

    Raises:
        RecordingError: There is no sound, or none of it can be decoded.
    """
    pending: list[FloatArray | Silence] = []
    count = 0
    for piece in _mono_pieces(track):
        rest = piece
        while count + _length(rest) >= size:
            first, rest = _split(rest, size - count)
            yield _joined([*pending, first])
            track.heartbeat()
            pending = []
            count = 0
        pending.append(rest)
        count += _length(rest)
    if count:
        yield _joined(pending)


def _length(piece: FloatArray | Silence) -> int:
    return piece if isinstance(piece, int) else len(piece)


def _split(piece: FloatArray | Silence, count: int) -> tuple[FloatArray | Silence, FloatArray | Silence]:
    """Return the first samples of a piece, and the others."""
    if isinstance(piece, int):
        return count, piece - count
    return piece[:count], piece[count:]


def _joined(pieces: list[FloatArray | Silence]) -> FloatArray | Silence:
    """Return pieces as one: a count where all are silence, else samples."""
    pieces = [piece for piece in pieces if _length(piece)]
    counts = [piece for piece in pieces if isinstance(piece, int)]
    if len(counts) == len(pieces):
        return sum(counts)
    return np.concatenate([np.zeros(piece, np.float32) if isinstance(piece, int) else piece for piece in pieces])


def damage_warnings(track: SoundTrack) -> list[Message]:
    """Return warnings about sound that was lost, long gaps, and sound that ends before its header says."""
    warnings = span_warnings(track.lost, messages.SOUND_LOST) + span_warnings(track.gaps, messages.SOUND_GAP)
    if track.broken or (not track.is_joined and ends_early(track.header_end_s, track.end_s)):
        if track.header_end_s is None:
            warnings.append(messages.SOUND_ENDS(end_s=track.end_s))
        else:
            warnings.append(messages.SOUND_ENDS_EARLY(end_s=track.end_s, total_s=track.header_end_s))
    return warnings


def _mono_pieces(track: SoundTrack) -> Iterator[FloatArray | Silence]:
    """Yield mono pieces of any length, without a gap from time 0 on."""
    with open_container(track.path, track.display_name, "sound") as container:
        stream = audio_stream(container, track.display_name)
        _check_rate(stream.codec_context.sample_rate, track.display_name)
        zero_s = start_of(container, stream)
        track.header_end_s = _header_end(container, stream, zero_s)
        resampler = _Resampler()
        packets = 0
        failed = False
        tracks = clock_tracks(container, main_video(container))
        clock = Clock(container, tracks)
        for packet in placed_packets(container, tracks, clock):
            if packet is None:
                track.broken = True
                break
            track.heartbeat()
            if packet.stream_index != stream.index:
                continue
            packets += bool(packet.size)
            frames = _decode(packet)
            failed = failed or frames is None
            for frame in frames or ():
                time_s = None if frame.pts is None else float(frame.pts * stream.time_base) - zero_s
                if time_s is not None and time_s > MAX_S:
                    failed = True
                    continue
                for piece in resampler.add(frame, time_s):
                    track.end_s = resampler.end_s
                    yield piece
                _note_gap(track, resampler.gap, failed)
                failed = failed and resampler.gap is None
        yield from resampler.flush()
        track.is_joined = bool(clock.joints)
        track.end_s = resampler.end_s
    if not track.end_s:
        raise RecordingError(_explain_no_sound(track, packets))


class _Resampler:
    """Turns decoded frames into mono pieces that follow each other, and timestamps into silence or a cut."""

    def __init__(self) -> None:
        self.gap: tuple[float, float] | None = None
        self._count = 0  # samples yielded
        self._skip = 0  # samples to cut off because their time has been yielded
        self._next_s: float | None = None  # when the next frame is expected
        self._layout: tuple[Any, ...] = ()
        self._resampler: Any = None
        self._channels = 1

    @property
    def end_s(self) -> float:
        """When what was yielded ends, in seconds."""
        return self._count / SOUND_RATE

    def add(self, frame: Any, time_s: float | None) -> Iterator[FloatArray | Silence]:
        """Yield the pieces of a frame; where times jump, what is left of the last ones and silence first."""
        self.gap = None
        begins = self._next_s is None
        expected = 0.0 if self._next_s is None else self._next_s
        if time_s is not None and abs(time_s - expected) > (0.0 if begins else TOLERANCE_S):
            yield from self.flush()
            missing = round(time_s * SOUND_RATE) - self._count
            self._skip = max(0, -missing)
            if missing > 0:
                self.gap = None if begins else (self.end_s, time_s)
                self._count += missing
                yield missing
            expected = time_s
        self._next_s = expected + frame.samples / frame.rate
        layout = (frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.rate)
        if layout != self._layout or self._resampler is None:
            yield from self.flush()
            self._layout = layout
            self._channels = frame.layout.nb_channels
            # Packed samples: PyAV's arrays of eight planes or more read past their end.
            self._resampler = av.AudioResampler(format="flt", layout=frame.layout, rate=SOUND_RATE)
        frame.pts = None  # the resampler shall count, not fill gaps by itself
        yield from self._mono(frame)

    def flush(self) -> Iterator[FloatArray]:
        """Yield what the resampler still holds; the next frame begins anew."""
        if self._resampler is not None:
            yield from self._mono(None)
            self._resampler = None

    def _mono(self, frame: Any | None) -> Iterator[FloatArray]:
        """Yield the mean of all channels, so that nobody's channel is lost and equal channels keep their level."""
        for resampled in self._resampler.resample(frame):
            mono = resampled.to_ndarray().reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
            cut = min(self._skip, len(mono))
            self._skip -= cut
            self._count += len(mono) - cut
            if cut < len(mono):
                yield np.clip(np.nan_to_num(mono[cut:]), -1.0, 1.0)


def _decode(packet: Any) -> list[Any] | None:
    """Return the frames of a packet; None when it cannot be decoded."""
    try:
        return list(packet.decode())
    except EOFError:
        return []
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError, ValueError):
        return None


def _note_gap(track: SoundTrack, gap: tuple[float, float] | None, failed: bool) -> None:
    if gap is not None and failed:
        track.lost.append(gap)
    elif gap is not None and gap[1] - gap[0] >= NOTABLE_GAP_S:
        track.gaps.append(gap)


def _check_rate(rate: int, display_name: str) -> None:
    if 0 < rate < MIN_RATE:
        raise RecordingError(messages.LOW_SOUND_RATE(file=display_name, rate=rate, limit=MIN_RATE))


def _header_end(container: Any, stream: Any, zero_s: float) -> float | None:
    """Return when the sound ends by the header, in seconds from the start; None when it does not say."""
    if stream.duration:
        start = zero_s if stream.start_time is None else float(stream.start_time * stream.time_base)
        end = start + float(stream.duration * stream.time_base) - zero_s
    elif container.duration and container.duration > 0 and len(container.streams) == 1:
        end = float(container.duration) / av.time_base
    else:
        return None
    return end if math.isfinite(end) and end > 0 else None


def _explain_no_sound(track: SoundTrack, packets: int) -> Message:
    if packets or track.header_end_s is not None:
        return messages.NO_SOUND_DECODED(file=track.display_name)
    return messages.NO_SOUND(file=track.display_name)
