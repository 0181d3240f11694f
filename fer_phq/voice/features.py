"""Prosodic features of sound, ten rows a second on the recording's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.analysis import AUTOMATIC, SoundChoice
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.feature_series import FeatureSeries, hold_until_next
from fer_phq.core.messages import Message
from fer_phq.runtime.memory import release_memory
from fer_phq.video import SOUND_RATE, Limits, SoundStream, read_sound
from fer_phq.video.reader import StrPath
from fer_phq.video.types import DEFAULT_LIMITS
from fer_phq.voice import messages, pitch, spectrum, speech
from fer_phq.voice.background import Background, find_background
from fer_phq.voice.intervals import Interval, check_intervals, only_during
from fer_phq.voice.kinds import COLUMNS, KIND, ROWS_A_SECOND, SPECTRUM, SPEECH
from fer_phq.voice.pitch import PitchTracker
from fer_phq.voice.pitch_path import choose_pitch
from fer_phq.voice.spectrum import Spectrum
from fer_phq.voice.speech import SpeechDetector, find_speech
from fer_phq.voice.syllables import syllable_nuclei

BLOCK_S = 5.0
"""Seconds of sound analysed at once: about 25 MB; 10 s take 50 MB and are 5 % quicker."""

SILENCE_UNIT = 12_800
"""Samples, 0.8 s: the shortest time that is a whole number of windows, hops, rows and frames of all analyses."""

SETTLING_UNITS = 38
"""Units of digital silence after which the networks' answers hardly change any more: half a minute."""

LONGEST_SILENCE = 750 * SILENCE_UNIT
"""Samples of settled silence that have rows: ten minutes. The last of them stands for the rest."""

OnSound = Callable[[float, float | None], None]
"""Called with the seconds of sound done and of all sound, None when that is not known."""

_Numbers = npt.NDArray[np.floating[Any]]
_MIN_VOICED = 2  # voiced frames (of six or seven a row) that make a pitch


def voice_features(
    path: StrPath,
    *,
    display_name: str | None = None,
    speech_of: Iterable[Interval] | None = None,
    block_s: float = BLOCK_S,
    limits: Limits = DEFAULT_LIMITS,
    sound: SoundChoice = AUTOMATIC,
    on_progress: OnSound | None = None,
    on_warning: Callable[[Message], None] | None = None,
) -> FeatureSeries:
    """Extract the prosody of a recording, or of a sound file (WAV, FLAC, MP3, M4A, Ogg ...).

    Row k describes the tenth of a second from k / 10 s on. There are as many rows as the sound has whole tenths,
    possibly none; but of a digital silence of more than ten minutes, the last of its rows stands for what is left.
    Values do not depend on `block_s`.

    Args:
        path: The recording or sound file.
        display_name: What errors call it; its path when omitted.
        speech_of: (start, end) of the subject's utterances in seconds; rows outside become NaN (see `only_during`).
        block_s: Seconds of sound held at once.
        limits: What the decoder process may use.
        sound: The track and the channel that are heard, where they are set by hand.
        on_progress: Called after each block with the seconds of sound done, and of all sound by the header, None when
            it does not say; before that with 0 and None while tracks and channels are compared. It may raise
            `AnalysisCancelled`.
        on_warning: Called with each thing that is wrong with the sound.

    Returns:
        A feature series of kind "prosody-2": values (rows, 23) float32 with the names `COLUMNS`, times
        (k + 0.5) / 10 s from the recording's start.

    Raises:
        RecordingError: The file has no usable sound.
        ModelError: The weights of silero-vad or SwiftF0 are damaged.
        ValueError: An interval is not finite or ends before it starts.
    """
    intervals = None if speech_of is None else check_intervals(speech_of)  # fail before the work, not after it
    with read_sound(path, block_s=block_s, display_name=display_name, limits=limits, choice=sound) as stream:
        if on_progress is not None:
            stream.on_survey = partial(on_progress, 0.0, None)
        series = features_of_sound(_samples(stream, on_progress), on_warning)
    if on_warning is not None:
        for warning in stream.warnings:
            on_warning(warning)
    return series if intervals is None else only_during(series, intervals)


def features_of_sound(
    blocks: Iterable[FloatArray], on_warning: Callable[[Message], None] | None = None
) -> FeatureSeries:
    """Extract the features of `voice_features` from sound in memory.

    Holds one block and, until the end, about 4 kB for each second of sound.

    Args:
        blocks: Consecutive blocks of any length: float32 samples, mono, 16 kHz, -1 to 1.
        on_warning: Called where others are heard in the background.
    """
    detector = SpeechDetector()
    tracker = PitchTracker()
    spectra = Spectrum()
    probabilities: list[FloatArray] = []
    voicings: list[FloatArray] = []
    candidates: list[FloatArray] = []
    rows: list[FloatArray] = []
    levels: list[FloatArray] = []
    omissions = Omissions()
    for block, is_settled in split_silence(blocks):
        if is_settled:  # every value stays as it was, so nothing is analysed
            count = omissions.keep(len(block))
            if not count:
                continue
            _repeat_last(probabilities, count // speech.WINDOW)
            _repeat_last(voicings, count // pitch.HOP)
            _repeat_last(rows, count // spectrum.ROW)
            _repeat_last(levels, count // spectrum.STEP)
            continue
        omissions.end(len(block))
        probabilities.append(detector.push(block))
        voicing, voiced = tracker.push(block)
        voicings.append(voicing)
        candidates.append(voiced)
        described, level = spectra.push(block)
        rows.append(described)
        levels.append(level)
    described, level = spectra.finish()
    voicing, voiced = tracker.finish()
    values, background = _columns(
        _join(probabilities, detector.finish()),
        _join(voicings, voicing),
        _join(candidates, voiced),
        _join(rows, described),
        _join(levels, level),
    )
    time_s = omissions.times(len(values))
    if on_warning is not None and background.babble.any():
        start, count = int(background.babble.argmax()), int(background.babble.sum())
        on_warning(messages.BABBLE(start=float(time_s[start]) - 0.5 / ROWS_A_SECOND, seconds=count / ROWS_A_SECOND))
    duration_s = hold_until_next(time_s, 1 / ROWS_A_SECOND) if omissions.rows else None
    return FeatureSeries(values, time_s, KIND, COLUMNS, duration_s)


class Omissions:
    """Rows of long silence that are left out, so that a gap of a day costs no memory and no room in the store.

    The row before them lasts until the next one.

    Attributes:
        rows: (row before which some are left out, how many) of each such silence, ascending.
    """

    def __init__(self) -> None:
        """Start before the first sample."""
        self.rows: list[tuple[int, int]] = []
        self._samples = 0  # samples so far that have rows
        self._silence = 0  # of the present silence

    def keep(self, samples: int) -> int:
        """Return how many of the next samples, settled silence, have rows.

        Args:
            samples: How many there are.
        """
        count = min(samples, max(0, LONGEST_SILENCE - self._silence))
        if count < samples:
            row = (self._samples + count) // spectrum.ROW
            before = self.rows.pop()[1] if self.rows and self.rows[-1][0] == row else 0
            self.rows.append((row, before + (samples - count) // spectrum.ROW))
        self._silence += samples
        self._samples += count
        return count

    def end(self, samples: int) -> None:
        """End the present silence.

        Args:
            samples: How many samples that have rows come next.
        """
        self._silence = 0
        self._samples += samples

    def times(self, rows: int) -> TimeArray:
        """Return the times of the middles of the rows that are there.

        Args:
            rows: How many are there.

        Returns:
            (rows,) seconds.
        """
        index = np.arange(rows)
        for row, count in self.rows:
            index[min(row, rows - 1) :] += count  # where the sound ends in silence, its last row stands at the end
        return np.asarray((index + 0.5) / ROWS_A_SECOND, np.float64)


def split_silence(blocks: Iterable[FloatArray]) -> Iterator[tuple[FloatArray, bool]]:
    """Split sound where it is digital silence for so long that an analysis finds nothing new in it.

    The places do not depend on how the sound comes in blocks: they are multiples of `SILENCE_UNIT`.

    Args:
        blocks: Consecutive blocks of any length: float32 samples.

    Yields:
        (samples, whether they follow at least `SETTLING_UNITS` of silence and are silent themselves). Settled silence
        is a multiple of `SILENCE_UNIT` long.
    """
    rest: FloatArray = np.zeros(0, np.float32)
    quiet = 0  # units of silence so far
    for block in blocks:
        is_counted = block.strides == (0,) and not block[:1].any() and not rest.any()
        total = len(rest) + len(block)
        # A gap of hours comes as one zero that is repeated, and stays so.
        sound = np.broadcast_to(np.float32(0), (total,)) if is_counted else np.concatenate([rest, block])
        count = total // SILENCE_UNIT
        rest = sound[count * SILENCE_UNIT :]
        loud = [False] * count
        if not is_counted:
            loud = np.any(sound[: count * SILENCE_UNIT].reshape(count, SILENCE_UNIT), axis=1).tolist()
        settled = []
        for is_loud in loud:
            quiet = 0 if is_loud else quiet + 1
            settled.append(quiet > SETTLING_UNITS)
        start = 0
        for is_settled, run in groupby(settled):
            stop = start + len(list(run))
            yield sound[start * SILENCE_UNIT : stop * SILENCE_UNIT], is_settled
            start = stop
    if len(rest):
        yield rest, False


def _join(parts: list[FloatArray], last: FloatArray) -> FloatArray:
    """Return the parts and the last one as one array, and forget the parts: three hours of them are 40 MB."""
    joined = np.concatenate([*parts, last])
    parts.clear()
    return joined


def _repeat_last(parts: list[FloatArray], count: int) -> None:
    """Append the last of the values so far `count` times."""
    last = next(part[-1:] for part in reversed(parts) if len(part))
    parts.append(np.broadcast_to(last, (count, *last.shape[1:])))


def _columns(
    probability: FloatArray, voicing: FloatArray, candidates: FloatArray, described: FloatArray, level_db: FloatArray
) -> tuple[FloatArray, Background]:
    """Bring values of every 32, 16, 16, 100 and 10 ms together in rows of 100 ms; find who is in the background."""
    release_memory()  # the parts of which they were joined
    rows = len(described)
    if not rows:
        nobody = np.zeros(0, np.bool_)
        return np.zeros((0, len(COLUMNS)), np.float32), Background(nobody, nobody)
    row_voicing = np.nanmean(_by_row(voicing, rows), axis=1)
    speech_probability = _row_means(probability, speech.WINDOW, rows)
    loudness = described[:, SPECTRUM.index("loudness_db")]
    background = find_background(find_speech(speech_probability), row_voicing, loudness)
    speech_probability[background.alone] = 0
    row_of_pitch = np.arange(len(voicing)) * pitch.HOP // spectrum.ROW
    is_speech = np.append(find_speech(speech_probability), False)[np.minimum(row_of_pitch, rows)]
    f0 = _pitch_rows(choose_pitch(voicing, candidates, is_speech), rows)
    del candidates  # three hours have 20 MB
    frame = np.arange(len(level_db)) * spectrum.STEP + spectrum.STEP // 2  # the sample in the middle of each
    nearest = np.minimum((frame + pitch.HOP // 2) // pitch.HOP, len(voicing) - 1)
    voiced = voicing[nearest] >= pitch.VOICED
    nuclei = syllable_nuclei(level_db, voiced, probability[frame // speech.WINDOW] >= SPEECH)
    counts = np.where(background.alone, 0, np.bincount(nuclei // spectrum.FRAMES_A_ROW, minlength=rows))
    columns = [speech_probability, f0, row_voicing, described, counts.astype(np.float32)]
    return np.column_stack(columns).astype(np.float32), background


def _row_means(values: FloatArray, hop: int, rows: int) -> _Numbers:
    """Compute the mean over each row of values that each hold for `hop` samples."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)]) * hop
    edges = np.arange(rows + 1) * spectrum.ROW
    means: _Numbers = np.diff(np.interp(edges, np.arange(len(sums)) * hop, sums)) / spectrum.ROW
    return means


def _pitch_rows(f0: FloatArray, rows: int) -> _Numbers:
    """Compute each row's median pitch (rows,) over its frames that have one, NaN where too few have."""
    table = _by_row(f0, rows)
    table[(~np.isnan(table)).sum(axis=1) < _MIN_VOICED] = np.nan
    medians = np.full(rows, np.nan)
    some = ~np.isnan(table).all(axis=1)
    medians[some] = np.nanmedian(table[some], axis=1)
    return medians


def _by_row(values: FloatArray, rows: int) -> _Numbers:
    """Arrange values of pitch frames by row: (rows, 7), NaN where a row has fewer frames."""
    row = np.arange(len(values)) * pitch.HOP // spectrum.ROW
    column = np.arange(len(values)) - -(-row * spectrum.ROW // pitch.HOP)  # the frame's number within its row
    inside = row < rows
    table = np.full((rows, -(-spectrum.ROW // pitch.HOP)), np.nan)
    table[row[inside], column[inside]] = values[inside]
    return table


def _samples(stream: SoundStream, on_progress: OnSound | None) -> Iterator[FloatArray]:
    for block in stream:
        yield block.samples
        if on_progress is not None:
            on_progress(block.time_s + len(block.samples) / SOUND_RATE, stream.duration_s)
