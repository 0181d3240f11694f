"""A session's features: what each modality gives over time, in memory and as one `.npz` file.

The file is what `fer-phq analyze --features DIR` writes and what a manifest's column `features` names. Its arrays:

    visual (t, d), time_s (t,)              per-frame features of the face, of any width
    emotions (t, 7)                         probabilities in the order of `EMOTIONS` (optional)
    voice (u, e), voice_time_s (u,)         features of the voice (optional)
    words (w, f), words_time_s (w,)         features of each utterance (optional; so are their times)
    visual_kind, voice_kind, words_kind     what made them, as text (optional); another kind is another space
    visual_names, voice_names, words_names  names of the columns (optional)

Values are float32, times seconds from the recording's start in float64, not decreasing. NaN stands for "not measured"
(the pitch of silence). Nothing in the file is a pickle, and none is read.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality

MAX_BYTES = 4 << 30
"""Largest size of a features file's arrays: five hours at 30 frames/s of 2,048 numbers."""

ARRAYS = {
    Modality.FACE: ("visual", "time_s"),
    Modality.VOICE: ("voice", "voice_time_s"),
    Modality.WORDS: ("words", "words_time_s"),
}
"""Names of each modality's values and times in the file."""


def write_features(features: SessionFeatures, path: Path) -> None:
    """Write a features file, whole or not at all. Raises FerPhqError when it cannot be written."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for modality, (values, times) in ARRAYS.items():
        channel = cast(FeatureSeries | None, getattr(features, modality.value))
        if channel is None:
            continue
        arrays[values] = channel.values.astype(np.float32)
        if channel.time_s is not None:
            arrays[times] = channel.time_s.astype(np.float64)
        if channel.kind:
            arrays[f"{values}_kind"] = np.array(channel.kind)
        if channel.names:
            arrays[f"{values}_names"] = np.array(channel.names)
    if features.emotions is not None:
        arrays["emotions"] = features.emotions.astype(np.float32)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FerPhqError(f"The features file {path} cannot be written: {error.strerror}.") from None


def read_features(path: Path) -> SessionFeatures:
    """Read a features file. Raises FerPhqError in one sentence that says which array is amiss."""
    with opened(path):  # what the archive says of its size is known before it is unpacked
        arrays = _arrays(path)
        channels = {modality.value: _channel(arrays, *ARRAYS[modality]) for modality in Modality}
        if all(channel is None for channel in channels.values()):
            raise ValueError("it holds none of the arrays visual, voice and words")
        emotions = _numbers(arrays, "emotions") if "emotions" in arrays else None
        return SessionFeatures(**channels, emotions=emotions)


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A features file as an archive of bearable size; what goes wrong with it is a FerPhqError of one sentence."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise ValueError(f"its arrays take more than {MAX_BYTES >> 30} GiB")
            yield archive
    except zipfile.BadZipFile:
        raise FerPhqError(f"The features file {path} cannot be used: it is not a whole .npz archive.") from None
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zlib.error, struct.error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FerPhqError(f"The features file {path} cannot be used: {said}.") from None


def _arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    known = {name for pair in ARRAYS.values() for name in pair} | {"emotions"}
    known |= {f"{values}_{suffix}" for values, _ in ARRAYS.values() for suffix in ("kind", "names")}
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files if name in known}


def _channel(arrays: dict[str, npt.NDArray[np.generic]], values: str, times: str) -> FeatureSeries | None:
    if values not in arrays:
        return None
    if times not in arrays and values != "words":
        raise ValueError(f"{values} stands without {times}")
    time_s = None
    if times in arrays:
        if arrays[times].dtype.kind not in "fiu":
            raise ValueError(f"{times} does not hold numbers")
        time_s = arrays[times].astype(np.float64)
    kind = str(arrays[f"{values}_kind"]) if f"{values}_kind" in arrays else ""
    names = tuple(str(name) for name in np.atleast_1d(arrays.get(f"{values}_names", np.array([], str))))
    try:
        return FeatureSeries(_numbers(arrays, values), time_s, kind, names)
    except ValueError as error:
        raise ValueError(f"{values}: {error}") from None


def _numbers(arrays: dict[str, npt.NDArray[np.generic]], name: str) -> FloatArray:
    if arrays[name].dtype.kind not in "fiu":
        raise ValueError(f"{name} does not hold numbers")
    with np.errstate(over="ignore"):
        return cast(FloatArray, arrays[name].astype(np.float32))
