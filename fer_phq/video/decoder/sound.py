"""Decoding of a recording's sound to mono at 16 kHz on the recording's clock. Runs in the decoder process only.

Sample n plays n / 16,000 s after the recording's start, by the container's presentation timestamps: what lies before
that start is cut off, and where there is no sound there is silence. Where there are several channels or tracks, a first
pass over the sound decides which of them are heard (`fer_phq.video.decoder.mixing`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import av
import numpy as np

from fer_phq.core.analysis import SoundChoice
from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.video import messages
from fer_phq.video.decoder import mixing
from fer_phq.video.decoder.clock import Clock, clock_tracks, main_video, placed_packets
from fer_phq.video.decoder.container import Heartbeat, audio_stream, open_container, sound_tracks, start_of
from fer_phq.video.decoder.mixing import CopySurvey, LevelSurvey, Mixture
from fer_phq.video.decoder.recording import ends_early, span_warnings
from fer_phq.video.types import SOUND_RATE

MIN_RATE = 4000
MAX_S = 24 * 3600
TOLERANCE_S = 0.05
"""Timestamps are followed when they leave the count of samples by more than this: Matroska rounds them to
milliseconds, and browsers write them when a packet arrives."""

NOTABLE_GAP_S = 1.0
"""A gap in the sound of at least this length is worth a warning."""

MOST_TRACKS = 8
"""Sound tracks that are compared and heard together; of a file with more, further ones are heard when they are
chosen."""

BEGINNING_S = 120.0
PERIOD_S = 60.0
STRETCH_S = 10.0
"""Channels are compared in the first two minutes, and then in ten seconds of every minute."""

Silence = int
"""Samples of a gap: they are counted, not made, so that a gap of hours costs nothing."""

Mix = Callable[[FloatArray], FloatArray]
"""Turns samples (n, channels) into the n samples that are yielded."""


@dataclass
class SoundTrack:
    """A sound track of a recording, and what decoding shows. Times are seconds from the recording's start.

    Attributes:
        path: The file.
        display_name: What errors call it.
        heartbeat: Called often during the work.
        number: Number of the track among the sound tracks, from 1.
        mixture: How its channels become one.
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
    number: int
    mixture: Mixture = field(default_factory=Mixture)
    header_end_s: float | None = None
    end_s: float = 0.0
    lost: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    broken: bool = False
    is_joined: bool = False


@dataclass
class Sound:
    """The tracks of a recording that are heard together.

    Attributes:
        tracks: At least one track.
        notes: Which tracks and channels were chosen, where that matters.
    """

    tracks: list[SoundTrack]
    notes: list[Message]

    @property
    def header_end_s(self) -> float | None:
        """When the sound ends by the header, in seconds from the start; None where it does not say."""
        ends = [track.header_end_s for track in self.tracks]
        return max((end for end in ends if end is not None), default=None) if None not in ends else None


def open_sound(path: str, display_name: str, heartbeat: Heartbeat, choice: SoundChoice) -> Sound:
    """Choose the tracks and channels of a recording that are heard.

    One track with one channel is taken as it is. Else all sound is decoded once to compare levels, and twice where
    several tracks may belong together.

    Args:
        path: The file.
        display_name: What errors call it.
        heartbeat: Called often during the work.
        choice: What was set by hand; it is taken as it is.

    Raises:
        RecordingError: There is no sound, none of it can be decoded, or there is no such track or channel.
    """
    with open_container(path, display_name, "sound") as container:
        default = container.streams.audio.index(audio_stream(container, display_name)) + 1
        infos = sound_tracks(container)
        others = alternatives(container, default)
    problem = choice.problem(infos)
    if problem is not None:
        raise RecordingError(problem)
    numbers = [default]
    if choice.track is not None:
        numbers = [choice.track]
    elif choice.channel is None:
        numbers += [info.number for info in infos[:MOST_TRACKS] if info.number not in (default, *others)]
    sound = Sound([SoundTrack(path, display_name, heartbeat, number) for number in sorted(numbers)], [])
    if choice.channel is not None:
        sound.tracks[0].mixture = Mixture.of_channel(choice.channel, infos[sound.tracks[0].number - 1].channels)
        return sound
    notes = {track.number: _choose_channels(track) for track in sound.tracks if infos[track.number - 1].channels != 1}
    if len(sound.tracks) > 1:
        sound.tracks = _choose_tracks(sound.tracks, default)
    if len(infos) > 1 and choice.track is None:
        names = tuple(str(infos[track.number - 1]) for track in sound.tracks)
        if len(names) > 1:
            sound.notes.append(messages.TRACKS_ADDED(count=len(infos), tracks=names))
        else:
            sound.notes.append(messages.TRACK_ALONE(count=len(infos), track=names[0]))
    for track in sound.tracks:
        note = notes.get(track.number)
        if note is not None:
            is_alone = len(sound.tracks) == 1
            sound.notes.append(note if is_alone else messages.OF_TRACK(track=track.number, message=note))
    return sound


def alternatives(container: Any, default: int) -> set[int]:
    """Return the numbers of the sound tracks that are heard in place of the default one: translations, commentary.

    Args:
        container: An open PyAV container.
        default: Number of the track that players choose, from 1.
    """
    infos = sound_tracks(container)
    language = infos[default - 1].language
    marks = av.stream.Disposition
    apart = marks.dub | marks.comment | marks.karaoke | marks.visual_impaired | marks.hearing_impaired
    return {
        info.number
        for info, stream in zip(infos, container.streams.audio, strict=True)
        if not info.channels or stream.disposition & apart or (info.language and language and info.language != language)
    } - {default}


def read_sound_blocks(sound: Sound, size: int) -> Iterator[FloatArray | Silence]:
    """Yield consecutive blocks of all tracks that are heard, from time 0 on, as `read_blocks` does of one.

    Args:
        sound: The sound, from `open_sound`; what decoding shows is noted in its tracks.
        size: Samples in a block; the last one may be shorter.

    Raises:
        RecordingError: None of it can be decoded.
    """
    if len(sound.tracks) == 1:
        yield from read_blocks(sound.tracks[0], size)
        return
    for blocks in zip_longest(*(read_blocks(track, size) for track in sound.tracks), fillvalue=0):
        longest = max(map(_length, blocks))
        if all(isinstance(block, int) for block in blocks):
            yield longest
            continue
        total = np.zeros(longest, np.float32)
        for block in blocks:
            if not isinstance(block, int):
                total[: len(block)] += block
        yield np.clip(total, -1.0, 1.0)


def _choose_channels(track: SoundTrack) -> Message | None:
    """Decode a track to set the mixture of its channels. Returns what is to be said about it.

    Where the mean of all channels is right in stretches all over the track, the rest is not decoded.
    """
    parts, note = _compare_channels(track, in_stretches=True)
    if parts:
        parts, note = _compare_channels(track, in_stretches=False)
    track.mixture = Mixture(parts)
    return note


def _compare_channels(track: SoundTrack, *, in_stretches: bool) -> tuple[dict[int, mixing.Parts], Message | None]:
    """Return which channels are added, for each number of channels that the track has, and what is said about it."""
    surveys: dict[int, LevelSurvey] = {}
    for piece in _pieces(_duplicate(track), lambda columns: columns, in_stretches=in_stretches):
        if not isinstance(piece, int) and piece.shape[1] > 1:
            surveys.setdefault(piece.shape[1], LevelSurvey(piece.shape[1])).add(piece)
    parts: dict[int, mixing.Parts] = {}
    note: Message | None = None
    for channels, survey in sorted(surveys.items(), key=lambda item: item[1].count):
        grams = survey.grams()
        chosen = mixing.choose_channels(grams)
        if chosen is not None:
            parts[channels] = chosen
            note = _channel_note(chosen, channels, mixing.is_opposite(grams, chosen[0]))
    return parts, note


def _channel_note(parts: mixing.Parts, channels: int, is_opposite: bool) -> Message:
    """Return what is said about a mixture: the longest part's, where the number of channels changes."""
    if len(parts) > 1:
        return messages.CHANNELS_ADDED(channels=tuple(str(part + 1) for part in parts))
    name = messages.CHANNEL(channel=parts[0] + 1)
    if channels == 2:
        name = messages.RIGHT() if parts[0] else messages.LEFT()
    if is_opposite:
        return messages.CHANNEL_OF_OPPOSITES(channel=name)
    return messages.CHANNEL_ALONE(channels=channels, channel=name)


def _choose_tracks(tracks: list[SoundTrack], default: int) -> list[SoundTrack]:
    """Decode some tracks side by side. Returns those that hold different voices; copies are left out."""
    levels = LevelSurvey(len(tracks))
    copies = CopySurvey(len(tracks))
    sounds = [_decodable(read_blocks(_duplicate(track), mixing.SEGMENT)) for track in tracks]
    for blocks in zip_longest(*sounds, fillvalue=0):
        if all(isinstance(block, int) for block in blocks):
            continue
        columns = np.zeros((mixing.SEGMENT, len(tracks)), np.float32)
        for i, block in enumerate(blocks):
            if not isinstance(block, int):
                columns[: len(block), i] = block
        levels.add(columns)
        copies.add(columns)
    main = [track.number for track in tracks].index(default)
    different = [main]
    for i in range(len(tracks)):
        if i != main and all(copies.correlation(i, j) < mixing.COPY for j in different):
            different.append(i)
    grams = levels.grams()[:, different][:, :, different]

    def correlation(first: int, second: int) -> float:
        return copies.correlation(different[first], different[second])

    return [tracks[i] for i in sorted(different[part] for part in mixing.choose_tracks(grams, 0, correlation))]


def _decodable(blocks: Iterator[FloatArray | Silence]) -> Iterator[FloatArray | Silence]:
    """Yield the blocks of a track; none where it cannot be decoded: then the other tracks are heard."""
    try:
        yield from blocks
    except RecordingError:
        return


def _duplicate(track: SoundTrack) -> SoundTrack:
    """Return the same track before anything of it was decoded."""
    return SoundTrack(track.path, track.display_name, track.heartbeat, track.number, track.mixture)


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
    for piece in _pieces(track, track.mixture):
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


def damage_warnings(sound: Sound) -> list[Message]:
    """Return warnings about sound that was lost, long gaps in all of it, and sound that ends before its header says."""
    lost = sorted({span for track in sound.tracks for span in track.lost})
    warnings = span_warnings(lost, messages.SOUND_LOST) + span_warnings(_common_gaps(sound), messages.SOUND_GAP)
    for track in sound.tracks:
        if track.broken or (not track.is_joined and ends_early(track.header_end_s, track.end_s)):
            if track.header_end_s is None:
                warnings.append(messages.SOUND_ENDS(end_s=track.end_s))
            else:
                warnings.append(messages.SOUND_ENDS_EARLY(end_s=track.end_s, total_s=track.header_end_s))
    return list(dict.fromkeys(warnings))


def _common_gaps(sound: Sound) -> list[tuple[float, float]]:
    """Return the long spans in which no track has sound."""
    common = sound.tracks[0].gaps
    for track in sound.tracks[1:]:
        overlaps = [(max(a[0], b[0]), min(a[1], b[1])) for a in common for b in track.gaps]
        common = [(start, stop) for start, stop in overlaps if stop - start >= NOTABLE_GAP_S]
    return common


def _pieces(track: SoundTrack, mix: Mix, *, in_stretches: bool = False) -> Iterator[FloatArray | Silence]:
    """Yield pieces of any length, without a gap from time 0 on, as `mix` makes them of (n, channels) samples.

    In stretches, most of a long track counts as silence.
    """
    with open_container(track.path, track.display_name, "sound") as container:
        stream = container.streams.audio[track.number - 1]
        _check_rate(stream.codec_context.sample_rate, track.display_name)
        zero_s = start_of(container, stream)
        track.header_end_s = _header_end(container, stream, zero_s)
        resampler = _Resampler(mix)
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
            if in_stretches and _is_between_stretches(packet, zero_s):
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


def _is_between_stretches(packet: Any, zero_s: float) -> bool:
    """Return whether a packet lies where channels are not compared; one without a time does not."""
    if packet.pts is None:
        return False
    time_s = float(packet.pts * packet.time_base) - zero_s
    return time_s > BEGINNING_S and time_s % PERIOD_S > STRETCH_S


class _Resampler:
    """Turns decoded frames into mixed pieces that follow each other, and timestamps into silence or a cut."""

    def __init__(self, mix: Mix) -> None:
        self._mix = mix
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
        yield from self._mixed(frame)

    def flush(self) -> Iterator[FloatArray]:
        """Yield what the resampler still holds; the next frame begins anew."""
        if self._resampler is not None:
            yield from self._mixed(None)
            self._resampler = None

    def _mixed(self, frame: Any | None) -> Iterator[FloatArray]:
        """Yield what is left of a frame once the time that has been yielded is cut off, mixed."""
        for resampled in self._resampler.resample(frame):
            sound = self._mix(resampled.to_ndarray().reshape(-1, self._channels))
            cut = min(self._skip, len(sound))
            self._skip -= cut
            self._count += len(sound) - cut
            if cut < len(sound):
                yield np.clip(np.nan_to_num(sound[cut:]), -1.0, 1.0)


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
