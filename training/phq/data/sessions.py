"""A labelled session: who was recorded, the PHQ score of the questionnaire, and where the session's features lie.

They come from a manifest (`training.phq.data.manifest`) or from a corpus in its released layout
(`training.phq.data.daic`). Nothing is computed until `load` is called; the content of a features file is read from its
headers.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.phq import Modality, Scale
from fer_phq.features import messages as feature_messages
from fer_phq.features.files import ARRAYS, FeatureError, open_archive, read_features
from training.phq import messages

MAX_TEXT_BYTES = 1 << 16
"""Largest `..._kind` array that is read: a kind is a few words."""


class SourceKind(StrEnum):
    """The source of a session's features."""

    FEATURES = "features"
    RECORDING = "recording"
    CORPUS = "corpus"


@dataclass(frozen=True)
class LabelledSession:
    """A session with its PHQ score.

    Attributes:
        name: The session's name in errors.
        subject_id: The subject's id; sessions with the same id are of one person.
        scale: The questionnaire's scale.
        score: An integer total, 0 to `scale.maximum`.
        kind: What `path` is.
        path: The features file, the recording, or the corpus' folder of this session.
        recorded_at: With a time zone, or None.
        split: The part it belongs to (train, dev, test), or None where there are no parts.
        transcript: Sidecar file, or None.
        audio: Sidecar file with separately recorded sound, or None.
        speaker: The subject's name in the transcript; None where it is the only name or there is none.
        groups: Further facts on the subject or session, such as sex or language, by column.
        items: The answers whose sum the score is, each 0 to 3; empty where only the total is known.
        reader: Reads the features of `path`.

    Raises:
        ValueError: The score is no total of the scale, or not that of the answers.
    """

    name: str
    subject_id: str
    scale: Scale
    score: float
    kind: SourceKind
    path: Path
    recorded_at: datetime | None = None
    split: str | None = None
    transcript: Path | None = None
    audio: Path | None = None
    speaker: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict, hash=False)
    items: tuple[int, ...] = ()
    reader: Callable[[Path], SessionFeatures] = field(default=read_features, repr=False)

    def __post_init__(self) -> None:
        """Check score and answers."""
        if not 0 <= self.score <= self.scale.maximum or self.score != int(self.score):
            raise ValueError(f"{self.scale} totals are integers from 0 to {self.scale.maximum}, got {self.score}.")
        if self.items and not items_fit(self.items, self.scale, int(self.score)):
            raise ValueError(f"The answers {self.items} are not those of a {self.scale} of {self.score:g} points.")

    def load(self) -> SessionFeatures:
        """Read the session's features.

        Raises:
            FerPhqError: Its files cannot be used.
            ValueError: The session is a recording, which a model must analyse first.
        """
        if self.kind is SourceKind.RECORDING:
            raise ValueError(f"{self.name} is a recording: it has no features before it is analysed.")
        return self.reader(self.path)


def items_fit(items: Sequence[int], scale: Scale, score: int) -> bool:
    """Return whether answers belong to a questionnaire with this total.

    Args:
        items: The answers; each must be 0 to 3, and there must be as many as the scale has items.
        scale: The questionnaire's scale.
        score: The questionnaire's total.
    """
    return len(items) == scale.items and all(0 <= item <= 3 for item in items) and sum(items) == score


@dataclass(frozen=True, order=True)
class FeatureSpace:
    """The kind of rows that one modality has.

    Attributes:
        kind: What made the rows; empty where that is not known.
        width: How many numbers a row has.
    """

    kind: str
    width: int


def feature_spaces(path: Path) -> dict[Modality, FeatureSpace]:
    """Read the modalities of a features file from the headers of its arrays; the values are not unpacked.

    Args:
        path: A features file.

    Raises:
        FerPhqError: The file cannot be one that `read_features` reads.
    """
    with open_archive(path) as archive:
        names = {entry.filename.removesuffix(".npy") for entry in archive.infolist()}
        spaces = {m: _space(archive, names, *ARRAYS[m]) for m in Modality if ARRAYS[m][0] in names}
        if not spaces:
            raise FeatureError(feature_messages.NO_MODALITY())
    return spaces


def _space(archive: zipfile.ZipFile, names: set[str], values: str, times: str) -> FeatureSpace:
    shape = _shape(archive, values)
    if len(shape) != 2 or not shape[1]:
        raise FeatureError(messages.WRONG_SHAPE(array=values, shape=str(shape)))
    if times in names:
        times_shape = _shape(archive, times)
        if times_shape != shape[:1]:
            raise FeatureError(messages.WRONG_TIMES(times=times, rows=shape[0], values=values, shape=str(times_shape)))
    elif values != "words":
        raise FeatureError(feature_messages.WITHOUT_TIMES(array=values, times=times))
    return FeatureSpace(_text(archive, f"{values}_kind") if f"{values}_kind" in names else "", shape[1])


def _shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    with archive.open(f"{name}.npy") as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.kind not in "fiu":
        raise FeatureError(feature_messages.NO_NUMBERS(array=name))
    return tuple(shape)


def _text(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(f"{name}.npy").file_size > MAX_TEXT_BYTES:
        raise FeatureError(messages.LONG_KIND(array=name))
    with archive.open(f"{name}.npy") as file:
        return str(np.asarray(npy.read_array(file, allow_pickle=False)))
