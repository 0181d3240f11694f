"""A session's features as one `.npz` file.

The file is what `fer-phq analyze --features DIR` writes and what a manifest's column `features` names. Its arrays:

    visual (t, d), time_s (t,)              per-frame features of the face, of any width
    emotions (t, 7)                         probabilities in the order of `EMOTIONS` (optional)
    voice (u, e), voice_time_s (u,)         features of the voice (optional)
    words (w, f), words_time_s (w,)         features of each utterance (optional; so are their times)
    behaviour (s, g), behaviour_time_s (s,) facial behaviour, a row a second (optional)
    interviewer (i, f), interviewer_time_s (i,)
                                            features of each utterance of those who are not the subject (optional): no
                                            head reads them, controls do (`training.phq.controls`)
    visual_kind, voice_kind, …              what made them, as text (optional); another kind is another space
    visual_names, voice_names, …            names of the columns (optional)
    duration_s (t,), voice_duration_s (u,), …
                                            how long each row stands for (optional)
    rate_hz, voice_rate_hz, …               how often a second the recording was looked at, a number (optional)

Values are float32, times seconds from the recording's start in float64, not decreasing. NaN stands for "not measured"
(the pitch of silence). Nothing in the file is a pickle, and none is read.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.seconds.series import COLUMNS as SECONDS_COLUMNS
from fer_phq.behaviour.seconds.series import KIND as SECONDS
from fer_phq.core import texts
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.errors import FeatureError, FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.paths import shorten_stem
from fer_phq.core.phq import Modality
from fer_phq.features import messages

Arrays = dict[str, npt.NDArray[np.generic]]

MAX_BYTES = 4 << 30
"""Largest size of a features file's arrays: five hours at 30 frames/s of 2,048 numbers."""

ARRAYS = {
    Modality.FACE: ("visual", "time_s"),
    Modality.VOICE: ("voice", "voice_time_s"),
    Modality.WORDS: ("words", "words_time_s"),
    Modality.BEHAVIOUR: ("behaviour", "behaviour_time_s"),
}
"""Names of each modality's values and times in the file; its durations and its rate are named like the times."""
INTERVIEWER = ("interviewer", "interviewer_time_s")
"""Names of the values and times of the utterances of those who are not the subject."""


def features_file(features: SessionFeatures, interviewer: FeatureSeries | None = None) -> bytes:
    """Return the bytes of a features file.

    Args:
        features: The session's modalities.
        interviewer: Utterances of those who are not the subject, or None.
    """
    arrays: Arrays = {}
    for modality, names in ARRAYS.items():
        arrays |= _series_arrays(cast(FeatureSeries | None, getattr(features, modality.value)), *names)
    arrays |= _series_arrays(interviewer, *INTERVIEWER)
    if features.emotions is not None:
        arrays["emotions"] = features.emotions.astype(np.float32)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def _series_arrays(series: FeatureSeries | None, values: str, times: str) -> Arrays:
    """Return a series' arrays by their names in the file; none without a series."""
    if series is None:
        return {}
    arrays: Arrays = {values: series.values.astype(np.float32)}
    if series.time_s is not None:
        arrays[times] = series.time_s.astype(np.float64)
    if series.duration_s is not None:
        arrays[_beside(times, "duration_s")] = series.duration_s.astype(np.float64)
    if series.rate_hz is not None:
        arrays[_beside(times, "rate_hz")] = np.array(series.rate_hz, np.float64)
    if series.kind:
        arrays[f"{values}_kind"] = np.array(series.kind)
    if series.names:
        arrays[f"{values}_names"] = np.array(series.names)
    return arrays


def write_features(features: SessionFeatures, path: Path, interviewer: FeatureSeries | None = None) -> None:
    """Write a features file, whole or not at all.

    Args:
        features: The session's modalities.
        path: The `.npz` file to write; one that is there is replaced.
        interviewer: Utterances of those who are not the subject, or None.

    Raises:
        FerPhqError: The file cannot be written.
    """
    part = path.with_name(f".{shorten_stem(path.name)}.part")
    try:
        part.write_bytes(features_file(features, interviewer))
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FerPhqError(messages.CANNOT_WRITE(path=str(path), strerror=str(error.strerror))) from None


def read_features(path: Path) -> SessionFeatures:
    """Read a features file.

    Args:
        path: The `.npz` file.

    Returns:
        The modalities that the file holds, values in float32 and times in float64.

    Raises:
        FerPhqError: The file cannot be read, or an array of it is not as this module describes; the message names it.
    """
    with open_archive(path):  # its size is checked before anything is unpacked
        arrays = _read_arrays(path, {"emotions"}, list(ARRAYS.values()))
        series = {modality.value: _series(arrays, *ARRAYS[modality]) for modality in Modality}
        if all(channel is None for channel in series.values()):
            raise FeatureError(messages.NO_MODALITY())
        emotions = _numbers(arrays, "emotions") if "emotions" in arrays else None
        return SessionFeatures(**series, emotions=emotions)


def read_interviewer(path: Path) -> FeatureSeries | None:
    """Read from a features file the utterances of those who are not the subject.

    Args:
        path: The `.npz` file.

    Returns:
        The series; None where the file does not hold it.

    Raises:
        FerPhqError: The file cannot be read, or an array of it is not as this module describes; the message names it.
    """
    with open_archive(path):
        return _series(_read_arrays(path, set(), [INTERVIEWER]), *INTERVIEWER)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a features file as an archive, and turn what goes wrong inside the `with` into an error for a person.

    Args:
        path: The `.npz` file.

    Yields:
        The archive, whose unpacked arrays take at most `MAX_BYTES`.

    Raises:
        FerPhqError: The file cannot be read, is too large or no archive, or the body raised a FeatureError, a
            ValueError or another error of reading.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise FeatureError(messages.TOO_LARGE(limit=MAX_BYTES >> 30))
            yield archive
    except FeatureError as error:
        raise FerPhqError(messages.CANNOT_USE(path=str(path), reason=error.message)) from None
    except zipfile.BadZipFile:
        raise FerPhqError(messages.NO_ARCHIVE(path=str(path))) from None
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zlib.error, struct.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FerPhqError(messages.CANNOT_USE(path=str(path), reason=reason)) from None


def _read_arrays(path: Path, names: set[str], pairs: Sequence[tuple[str, str]]) -> Arrays:
    """Read arrays by name, and those of series by the names of their values and times; a file may hold others."""
    for values, times in pairs:
        names = names | {values, f"{values}_kind", f"{values}_names"}
        names |= {times, _beside(times, "duration_s"), _beside(times, "rate_hz")}
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files if name in names}


def _series(arrays: Arrays, values: str, times: str) -> FeatureSeries | None:
    """Build one modality's series from its arrays; None without values."""
    if values not in arrays:
        return None
    if times not in arrays and values not in ("words", INTERVIEWER[0]):
        raise FeatureError(messages.WITHOUT_TIMES(array=values, times=times))
    rate = _seconds(arrays, _beside(times, "rate_hz"))
    if rate is not None and rate.shape != ():
        raise FeatureError(messages.WRONG_ARRAY(array=_beside(times, "rate_hz"), reason=texts.WRONG_RATE()))
    kind = str(arrays[f"{values}_kind"]) if f"{values}_kind" in arrays else ""
    names = tuple(str(name) for name in np.atleast_1d(arrays.get(f"{values}_names", np.array([], str))))
    numbers = _numbers(arrays, values)
    try:
        series = FeatureSeries(
            numbers,
            _seconds(arrays, times),
            kind,
            names,
            duration_s=_seconds(arrays, _beside(times, "duration_s")),
            rate_hz=None if rate is None else float(rate),
        )
        _check_columns(series)
        return series
    except FeatureError as error:
        raise FeatureError(messages.WRONG_ARRAY(array=values, reason=error.message)) from None


def _check_columns(series: FeatureSeries) -> None:
    """Make sure that behaviour second by second has its columns in their order, by which they are read."""
    if series.kind == SECONDS and series.names != SECONDS_COLUMNS:
        raise FeatureError(messages.OTHER_COLUMNS(kind=SECONDS, columns=", ".join(SECONDS_COLUMNS)))


def _beside(times: str, name: str) -> str:
    """Return the name of an array that belongs to the same modality as an array of times."""
    return f"{times.removesuffix('time_s')}{name}"


def _seconds(arrays: Arrays, name: str) -> TimeArray | None:
    """Return an array of seconds or rates in float64; None without it."""
    if name not in arrays:
        return None
    _check_numbers(arrays, name)
    return cast(TimeArray, arrays[name].astype(np.float64))


def _numbers(arrays: Arrays, name: str) -> FloatArray:
    _check_numbers(arrays, name)
    with np.errstate(over="ignore"):
        return cast(FloatArray, arrays[name].astype(np.float32))


def _check_numbers(arrays: Arrays, name: str) -> None:
    if arrays[name].dtype.kind not in "fiu":
        raise FeatureError(messages.NO_NUMBERS(array=name))
