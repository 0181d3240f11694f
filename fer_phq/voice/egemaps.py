"""eGeMAPS by openSMILE, for those whose use its licence allows: the extra `egemaps`.

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
from fer_phq.voice.intervals import Interval, checked, only_during

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
    """The 25 low-level descriptors of eGeMAPS v02 (Eyben et al., 2016): a channel of kind "egemaps-v02".

    Values (rows, 25) float32, ten rows a second with times as in `voice_features`; each is the mean of openSMILE's
    values of that tenth of a second, and the columns have openSMILE's own names. What is defined for voiced sound only
    (names that end in "nz") is NaN where nothing is voiced. Values near the edge of a block depend slightly on
    `block_s`, because openSMILE smooths its pitch. speech_of: as in `voice_features`.

    Raises SettingsError when the extra is not installed, RecordingError as `voice_features` does.
    """
    smile = _smile()
    spans = None if speech_of is None else checked(speech_of)  # before the work, not after it
    with read_sound(path, block_s=block_s, limits=limits) as stream:
        sound = (block.samples for block in stream)
        tables = [_rows(smile, part, before, rows) for part, before, rows in _overlapping(sound)]
    names = tuple(str(name) for name in smile.feature_names)
    values = np.concatenate([np.zeros((0, len(names)), np.float32), *tables])
    channel = FeatureSeries(values, (np.arange(len(values)) + 0.5) / ROWS_A_SECOND, KIND, names)
    return channel if spans is None else only_during(channel, spans)


def _smile() -> Any:
    try:
        opensmile = importlib.import_module("opensmile")
    except (ImportError, OSError):
        raise SettingsError(
            "eGeMAPS needs openSMILE, which is not installed: if its licence (non-commercial research) covers your "
            "use, install the extra with pip install 'fer-phq[egemaps]'."
        ) from None
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.LowLevelDescriptors
    )


def _overlapping(blocks: Iterable[FloatArray]) -> Iterator[tuple[FloatArray, int, int]]:
    """Each block with a second of sound before and after it: (samples, rows before, rows of its own)."""
    held: FloatArray = np.zeros(0, np.float32)
    before = 0
    around = _AROUND_ROWS * _ROW
    for block in blocks:
        held = np.concatenate([held, block])
        own = (len(held) - before * _ROW - around) // _ROW
        if own > 0:
            yield held[: (before + own) * _ROW + around], before, own
            keep = min(_AROUND_ROWS, before + own)
            held = held[(before + own - keep) * _ROW :]
            before = keep
    if (own := len(held) // _ROW - before) > 0:
        yield held, before, own


def _rows(smile: Any, samples: FloatArray, before: int, rows: int) -> FloatArray:
    """(rows, 25) means over the rows after the first `before`."""
    table = smile.process_signal(samples, SOUND_RATE)
    frames = np.full(((before + rows) * FRAMES_A_ROW, table.shape[1]), np.nan)
    found = table.to_numpy(np.float64, copy=True)[: len(frames)]
    names = list(table.columns)
    voiced_only = np.array([name.endswith("nz") for name in names])
    found[np.ix_(found[:, names.index(_PITCH)] <= 0, voiced_only)] = np.nan
    frames[: len(found)] = np.where(np.isfinite(found), found, np.nan)
    by_row = frames.reshape(before + rows, FRAMES_A_ROW, -1)[before:]
    counts = (~np.isnan(by_row)).sum(axis=1)
    means: FloatArray = (np.nansum(by_row, axis=1) / np.where(counts, counts, np.nan)).astype(np.float32)
    return means
