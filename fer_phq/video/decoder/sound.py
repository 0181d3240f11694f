"""A recording's sound: mono at 16 kHz on the recording's clock. Runs in the decoding child only.

Sample n is heard n / 16,000 s after the recording's start, by the container's presentation timestamps: what lies
before that start is cut off, and where there is no sound there is silence.
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
from fer_phq.video.decoder.container import ADVICE, Beat, audio_stream, open_container, start_of, until_broken
from fer_phq.video.decoder.recording import ends_early, sentences
from fer_phq.video.types import SOUND_RATE

MIN_RATE = 4000
MAX_S = 24 * 3600
TOLERANCE_S = 0.05
"""Timestamps are followed when they leave the count of samples by more than this: Matroska rounds them to
milliseconds, and browsers write them when a packet arrives."""

NOTABLE_GAP_S = 1.0
"""A gap in the sound of at least this length is worth a warning."""

_SILENCE_S = 10  # silence is handed out in pieces of at most this length


@dataclass
class Sound:
    """Where a recording's sound is, and what decoding finds out.

    rate: samples a second as stored. header_end_s: when the sound ends by the header, or None; end_s: when what was
    decoded ends. lost: spans that could not be decoded; gaps: long spans without sound; broken: reading ended in an
    error. Times are seconds from the recording's start.
    """

    path: str
    shown: str
    beat: Beat
    header_end_s: float | None = None
    end_s: float = 0.0
    lost: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    broken: bool = False


def blocks(sound: Sound, size: int) -> Iterator[FloatArray]:
    """Consecutive blocks of `size` samples from time 0 on, float32 within -1 to 1, the last one shorter.

    Raises RecordingError when there is no sound or none of it can be decoded.
    """
    held: list[FloatArray] = []
    count = 0
    for piece in _samples(sound):
        while count + len(piece) >= size:
            yield np.concatenate([*held, piece[: size - count]])
            piece = piece[size - count :]
            held = []
            count = 0
        held.append(piece)
        count += len(piece)
    if count:
        yield np.concatenate(held)


def damage(sound: Sound) -> list[str]:
    """Sentences about sound that was lost, long gaps, and sound that ends before its header says."""
    found = sentences(
        sound.lost, "The sound from {:.1f} s to {:.1f} s cannot be decoded and counts as silence: it is damaged there."
    )
    found += sentences(sound.gaps, "There is no sound from {:.1f} s to {:.1f} s: this counts as silence.")
    if sound.broken or ends_early(sound.header_end_s, sound.end_s):
        whole_s = sound.header_end_s
        found.append(
            f"The sound is cut short: it ends at {sound.end_s:.1f} s"
            f"{'' if whole_s is None else f' of {whole_s:.1f} s'}, the rest is missing."
        )
    return found


def _samples(sound: Sound) -> Iterator[FloatArray]:
    """Mono pieces of any length, without a gap from time 0 on."""
    with open_container(sound.path, sound.shown, "sound") as container:
        stream = audio_stream(container, sound.shown)
        _check_rate(stream.codec_context.sample_rate, sound.shown)
        zero = start_of(container, stream)
        sound.header_end_s = _header_end(container, stream, zero)
        track = _Track()
        packets = 0
        failed = False
        for packet in until_broken(container.demux(stream)):
            if packet is None:
                sound.broken = True
                break
            sound.beat()
            packets += bool(packet.size)
            frames = _decoded(packet)
            failed = failed or frames is None
            for frame in frames or ():
                time_s = None if frame.pts is None else float(frame.pts * stream.time_base) - zero
                if time_s is not None and time_s > MAX_S:
                    failed = True
                    continue
                for piece in track.add(frame, time_s):
                    sound.end_s = track.end_s
                    yield piece
                _note(sound, track.gap, failed)
                failed = failed and track.gap is None
        yield from track.rest()
        sound.end_s = track.end_s
    if not track.end_s:
        raise RecordingError(_nothing(sound, packets))


class _Track:
    """Turns decoded frames into mono pieces that follow each other, and timestamps into silence or a cut."""

    def __init__(self) -> None:
        self.gap: tuple[float, float] | None = None
        self._given = 0  # samples handed out
        self._skip = 0  # samples to cut off because that time has been handed out
        self._next_s: float | None = None  # when the next frame is expected
        self._layout: tuple[Any, ...] = ()
        self._resampler: Any = None
        self._channels = 1

    @property
    def end_s(self) -> float:
        """When what was handed out ends."""
        return self._given / SOUND_RATE

    def add(self, frame: Any, time_s: float | None) -> Iterator[FloatArray]:
        """The pieces that a frame brings: the rest of the last ones and silence first, where times jump."""
        self.gap = None
        begins = self._next_s is None
        expected = 0.0 if self._next_s is None else self._next_s
        if time_s is not None and abs(time_s - expected) > (0.0 if begins else TOLERANCE_S):
            yield from self.rest()
            missing = round(time_s * SOUND_RATE) - self._given
            self._skip = max(0, -missing)
            if missing > 0:
                self.gap = None if begins else (self.end_s, time_s)
                yield from self._silence(missing)
            expected = time_s
        self._next_s = expected + frame.samples / frame.rate
        layout = (frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.rate)
        if layout != self._layout or self._resampler is None:
            yield from self.rest()
            self._layout = layout
            self._channels = frame.layout.nb_channels
            # Packed samples: PyAV's arrays of eight planes or more read past their end.
            self._resampler = av.AudioResampler(format="flt", layout=frame.layout, rate=SOUND_RATE)
        frame.pts = None  # the resampler shall count, not fill gaps by itself
        yield from self._mono(frame)

    def rest(self) -> Iterator[FloatArray]:
        """What the resampler still holds; the next frame begins anew."""
        if self._resampler is not None:
            yield from self._mono(None)
            self._resampler = None

    def _mono(self, frame: Any | None) -> Iterator[FloatArray]:
        """The mean of all channels, so that nobody's channel is lost and equal channels keep their level."""
        for resampled in self._resampler.resample(frame):
            mono = resampled.to_ndarray().reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
            cut = min(self._skip, len(mono))
            self._skip -= cut
            self._given += len(mono) - cut
            if cut < len(mono):
                yield np.clip(np.nan_to_num(mono[cut:]), -1.0, 1.0)

    def _silence(self, count: int) -> Iterator[FloatArray]:
        while count:
            size = min(count, _SILENCE_S * SOUND_RATE)
            self._given += size
            count -= size
            yield np.zeros(size, np.float32)


def _decoded(packet: Any) -> list[Any] | None:
    """The frames of a packet; None when it cannot be decoded."""
    try:
        return list(packet.decode())
    except EOFError:
        return []
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError, ValueError):
        return None


def _note(sound: Sound, gap: tuple[float, float] | None, failed: bool) -> None:
    if gap is not None and failed:
        sound.lost.append(gap)
    elif gap is not None and gap[1] - gap[0] >= NOTABLE_GAP_S:
        sound.gaps.append(gap)


def _check_rate(rate: int, shown: str) -> None:
    if 0 < rate < MIN_RATE:
        raise RecordingError(
            f"The sound of '{shown}' has {rate} samples a second, too few for speech: "
            f"give a recording with at least {MIN_RATE}."
        )


def _header_end(container: Any, stream: Any, zero: float) -> float | None:
    """When the sound ends by the header, in seconds from the start; None when it does not say."""
    if stream.duration:
        start = zero if stream.start_time is None else float(stream.start_time * stream.time_base)
        end = start + float(stream.duration * stream.time_base) - zero
    elif container.duration and container.duration > 0 and len(container.streams) == 1:
        end = float(container.duration) / av.time_base
    else:
        return None
    return end if math.isfinite(end) and end > 0 else None


def _nothing(sound: Sound, packets: int) -> str:
    if packets or sound.header_end_s is not None:
        return f"No sound of '{sound.shown}' can be decoded, it is damaged or cut short: {ADVICE}."
    return f"'{sound.shown}' holds no sound (its length is zero): {ADVICE}."
