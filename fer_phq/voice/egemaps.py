"""eGeMAPS features by openSMILE, the extra `egemaps`, for those whose use its licence allows.

openSMILE (audEERING) is free for private, research and teaching use and not for commercial products; it is not part of
this package, and whoever installs the extra accepts its licence.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import SettingsError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.video import SOUND_RATE, Limits, read_sound
from fer_phq.video.reader import StrPath
from fer_phq.video.types import DEFAULT_LIMITS
from fer_phq.voice import messages
from fer_phq.voice.intervals import Interval, check_intervals, only_during

KIND = "egemaps-v02"
ROWS_A_SECOND = 10
FRAMES_A_ROW = 10
_ROW = SOUND_RATE // ROWS_A_SECOND
_AROUND_ROWS = 10  # sound before and after a block that openSMILE sees as well: one second
_PITCH = "F0semitoneFrom27.5Hz_sma3nz"


def egemaps_features(
    path: StrPath,
    *,
    speech_of: Iterable[Interval] | None = None,
    block_s: float = 30.0,
    limits: Limits = DEFAULT_LIMITS,
) -> FeatureSeries:
    """Extract the 25 low-level descriptors of eGeMAPS v02 (Eyben et al., 2016), ten rows a second.

    Each value is the mean of openSMILE's values over that tenth of a second. What is defined for voiced sound only
    (names that end in "nz") is NaN where nothing is voiced.

    Args:
        path: A recording or sound file.
        speech_of: (start, end) of the subject's utterances in seconds; rows outside become NaN.
        block_s: Seconds of sound held at once. Values near the edge of a block depend slightly on it, because
            openSMILE smooths its pitch.
        limits: What the decoder process may use.

    Returns:
        A feature series of kind "egemaps-v02": values (rows, 25) float32, times as in `voice_features`, columns by
        openSMILE's own names.

    Raises:
        SettingsError: The extra is not installed.
        RecordingError: The file has no usable sound.
        ValueError: An interval is not finite or ends before it starts.
    """
    smile = _smile()
    intervals = None if speech_of is None else check_intervals(speech_of)  # fail before the work, not after it
    with read_sound(path, block_s=block_s, limits=limits) as stream:
        sound = (block.samples for block in stream)
        tables = [_rows(smile, part, before, rows) for part, before, rows in _overlapping(sound)]
    names = tuple(str(name) for name in smile.feature_names)
    values = np.concatenate([np.zeros((0, len(names)), np.float32), *tables])
    series = FeatureSeries(values, (np.arange(len(values)) + 0.5) / ROWS_A_SECOND, KIND, names)
    return series if intervals is None else only_during(series, intervals)


def _smile() -> Any:
    try:
        opensmile = importlib.import_module("opensmile")
    except (ImportError, OSError):
        raise SettingsError(messages.OPENSMILE_MISSING()) from None
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.LowLevelDescriptors
    )


def _overlapping(blocks: Iterable[FloatArray]) -> Iterator[tuple[FloatArray, int, int]]:
    """Yield each block with a second of sound before and after it: (samples, rows before, rows of the block)."""
    buffer: FloatArray = np.zeros(0, np.float32)
    before = 0
    around = _AROUND_ROWS * _ROW
    for block in blocks:
        buffer = np.concatenate([buffer, block])
        rows = (len(buffer) - before * _ROW - around) // _ROW
        if rows > 0:
            yield buffer[: (before + rows) * _ROW + around], before, rows
            overlap = min(_AROUND_ROWS, before + rows)
            buffer = buffer[(before + rows - overlap) * _ROW :]
            before = overlap
    if (rows := len(buffer) // _ROW - before) > 0:
        yield buffer, before, rows


def _rows(smile: Any, samples: FloatArray, before: int, rows: int) -> FloatArray:
    """Compute the means (rows, 25) over the rows after the first `before`."""
    table = smile.process_signal(samples, SOUND_RATE)
    frames = np.full(((before + rows) * FRAMES_A_ROW, table.shape[1]), np.nan)
    descriptors = table.to_numpy(np.float64, copy=True)[: len(frames)]
    names = list(table.columns)
    voiced_only = np.array([name.endswith("nz") for name in names])
    descriptors[np.ix_(descriptors[:, names.index(_PITCH)] <= 0, voiced_only)] = np.nan
    frames[: len(descriptors)] = np.where(np.isfinite(descriptors), descriptors, np.nan)
    by_row = frames.reshape(before + rows, FRAMES_A_ROW, -1)[before:]
    counts = (~np.isnan(by_row)).sum(axis=1)
    means: FloatArray = (np.nansum(by_row, axis=1) / np.where(counts, counts, np.nan)).astype(np.float32)
    return means
