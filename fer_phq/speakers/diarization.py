"""Speaker diarization: who speaks when in a recording, or in sound in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

import numpy as np

from fer_phq.core.analysis import AUTOMATIC, SoundChoice
from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import SettingsError
from fer_phq.speakers import messages
from fer_phq.speakers.parts import PartListener, join_parts, list_parts
from fer_phq.speakers.turn import Diarization, Turn
from fer_phq.speakers.voices import VoiceListener
from fer_phq.video import SOUND_RATE, Limits, SoundStream, list_sound_tracks, read_sound
from fer_phq.video.reader import StrPath
from fer_phq.video.types import DEFAULT_LIMITS

SESSION_SPEAKERS = 2
"""The most speakers of a session: two people talk."""
MOST_SPEAKERS = 8
"""The most speakers where their number is not known."""
BLOCK_S = 5.0

OnSound = Callable[[float, float | None], None]
"""Called with the seconds of sound done and of all sound, None when that is not known."""


def diarize(
    sound: StrPath | FloatArray,
    *,
    speakers: int | None = SESSION_SPEAKERS,
    choice: SoundChoice = AUTOMATIC,
    display_name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnSound | None = None,
) -> Diarization:
    """Find who speaks when.

    Tracks or channels that have a speaker each are used as the speakers, as many as there are. Else voices are told
    apart. Memory hardly grows with the length: by a few kB for each second of speech.

    Args:
        sound: A recording or sound file, or samples: float32 from -1 to 1, 16 kHz, (n,) or (n, channels).
        speakers: The most speakers; None where their number is not known, for up to 8. Fewer are found where fewer
            voices can be told apart.
        choice: The track and the channel of a file that are heard, where they are set by hand.
        display_name: What errors call the file; its path when omitted.
        limits: What the decoder process may use.
        on_progress: Called with the seconds of sound done and of all sound, None when that is not known; it may raise
            `AnalysisCancelled`.

    Returns:
        Turns, and warnings: that there is no speech, or one voice where more were expected.

    Raises:
        RecordingError: The file has no usable sound.
        SettingsError: The number of speakers is out of range, or samples are no such samples.
        ModelError: Weights are missing or damaged.
    """
    if speakers is not None and not 1 <= speakers <= MOST_SPEAKERS:
        raise SettingsError(messages.COUNT_OUT_OF_RANGE(highest=MOST_SPEAKERS, speakers=speakers))
    most = speakers or MOST_SPEAKERS
    if isinstance(sound, np.ndarray):
        return _diarize_samples(sound, most)
    parts = list_parts(list_sound_tracks(sound, display_name=display_name, limits=limits), choice)
    if parts and most > 1:
        diarization = _diarize_parts(sound, parts, display_name, limits, on_progress)
        if diarization is not None:
            return diarization
    with read_sound(sound, block_s=BLOCK_S, display_name=display_name, limits=limits, choice=choice) as stream:
        diarization = diarize_blocks(_samples(stream, on_progress), most)
        return Diarization(diarization.turns, diarization.duration_s, False, (*stream.warnings, *diarization.warnings))


def diarize_blocks(blocks: Iterable[FloatArray], most: int) -> Diarization:
    """Find who speaks when in sound by the voices.

    Args:
        blocks: Consecutive blocks of any length: float32 samples, mono, 16 kHz, -1 to 1.
        most: The most speakers.
    """
    listener = VoiceListener()
    samples = 0
    for block in blocks:
        samples += len(block)
        listener.push(block)
    return _diarization(listener.finish(most), samples / SOUND_RATE, most)


def _diarize_samples(sound: FloatArray, most: int) -> Diarization:
    """Find who speaks when in samples (n,) or (n, channels)."""
    is_usable = sound.ndim in (1, 2) and sound.dtype == np.float32 and bool(np.isfinite(sound).all())
    if not is_usable or (sound.ndim == 2 and not sound.shape[1]) or np.abs(sound).max(initial=0) > 1:
        shape = "x".join(map(str, sound.shape))
        raise SettingsError(messages.WRONG_SAMPLES(rate=SOUND_RATE, shape=shape, dtype=str(sound.dtype)))
    size = round(BLOCK_S * SOUND_RATE)
    blocks = [sound[start : start + size] for start in range(0, len(sound), size)]
    if sound.ndim == 1:
        return diarize_blocks(blocks, most)
    if sound.shape[1] >= 2 and most > 1:
        turns = _listen_to_parts(blocks, sound.shape[1])
        if turns is not None:
            return _by_part(turns, len(sound) / SOUND_RATE)
    return diarize_blocks((block.mean(axis=1, dtype=np.float32) for block in blocks), most)


def _diarize_parts(
    sound: StrPath,
    parts: tuple[SoundChoice, ...],
    display_name: str | None,
    limits: Limits,
    on_progress: OnSound | None,
) -> Diarization | None:
    """Find who speaks when in tracks or channels that have a speaker each; None where they have not."""
    with ExitStack() as stack:
        streams = [
            stack.enter_context(
                read_sound(sound, block_s=BLOCK_S, display_name=display_name, limits=limits, choice=part)
            )
            for part in parts
        ]
        end_s = 0.0

        def report(done_s: float, total_s: float | None) -> None:
            nonlocal end_s
            end_s = max(end_s, done_s)
            if on_progress is not None:
                on_progress(done_s, total_s)

        turns = _listen_to_parts(join_parts([_samples(stream, report) for stream in streams]), len(parts))
    return None if turns is None else _by_part(turns, end_s)


def _listen_to_parts(blocks: Iterable[FloatArray], count: int) -> tuple[Turn, ...] | None:
    listener = PartListener(count)
    for block in blocks:
        listener.push(block)
    return listener.finish()


def _by_part(turns: tuple[Turn, ...], duration_s: float) -> Diarization:
    return Diarization(turns, duration_s, True, (messages.SEPARATE_PARTS(),))


def _diarization(turns: tuple[Turn, ...], duration_s: float, most: int) -> Diarization:
    warnings = []
    if not turns:
        warnings.append(messages.NO_SPEECH(seconds=duration_s))
    elif most > 1 and {turn.speaker for turn in turns} == {1}:
        warnings.append(messages.ONE_VOICE(most=most))
    return Diarization(turns, duration_s, False, tuple(warnings))


def _samples(stream: SoundStream, on_progress: OnSound | None) -> Iterator[FloatArray]:
    for block in stream:
        yield block.samples
        if on_progress is not None:
            on_progress(block.time_s + len(block.samples) / SOUND_RATE, stream.duration_s)
