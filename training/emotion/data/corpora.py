"""Emotion corpora, read through Hugging Face `datasets` into one form: face images with class distributions.

A source names a corpus, whose label order is known, and its path: parquet files, FER2013's CSV (with the CSV of FER+
votes), a CSV of paths and labels, a folder with one folder of images per class, or a name on the hub. A corpus that
fits into memory is held there decoded, so that the training loop never waits for a decoder (28,000 FER images are
66 MB). The data loader's workers decode any other.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import datasets
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict

from fer_phq.core.emotions import (
    AFFECTNET_LABELS,
    AFFECTNET_OTHERS,
    EMOTIONS,
    FER2013_LABELS,
    FERPLUS_VOTES,
    RAFDB_LABELS,
    canonical_name,
)
from fer_phq.core.errors import FerPhqError, SettingsError
from training.emotion.data import messages
from training.emotion.data.label_tables import FER2013_USAGE, read_label_table

log = logging.getLogger(__name__)

Corpus = Literal["ferplus", "fer2013", "affectnet", "rafdb", "mmi", "folder"]
"""Corpora whose labels are known. In `folder` and `mmi` labels are names of folders or in a column."""

LABELS: Mapping[Corpus, Mapping[int, str]] = {
    "fer2013": FER2013_LABELS,
    "affectnet": {**AFFECTNET_LABELS, **AFFECTNET_OTHERS},
    "rafdb": RAFDB_LABELS,
}
OTHER_CLASSES = frozenset(name.lower() for name in (*FERPLUS_VOTES, *AFFECTNET_OTHERS.values()))
"""Classes of published corpora: those that are not asked for are left out without a warning."""
LABEL_COLUMNS = ("fer2013_label", "label", "emotion", "labels")
MEMORY_LIMIT = 6 * 2**30
"""Bytes of decoded images up to which a corpus is held in memory."""
MIXED_SIDE = 224
"""Side in pixels to which images of different sizes are resized when the caller names no side."""


class Source(BaseModel):
    """One part of one corpus. `str` gives it as a command line writes it.

    Attributes:
        corpus: Which corpus; it decides the order of the labels.
        path: A file, a folder, or `hub:owner/name`; relative to the recipe's root.
        split: The part, where one file or folder holds several.
        votes: Path of FER+'s `fer2013new.csv`, which accompanies FER2013's CSV.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: Corpus
    path: str
    split: str | None = None
    votes: str | None = None

    def with_root(self, root: Path) -> Source:
        """Return the source with its paths joined to a root; absolute and hub paths stay as they are."""
        if self.path.startswith("hub:"):
            return self
        votes = str(root / self.votes) if self.votes else None
        return self.model_copy(update={"path": str(root / self.path), "votes": votes})

    def __str__(self) -> str:
        """Return `CORPUS:PATH[#SPLIT]`."""
        return f"{self.corpus}:{self.path}" + (f"#{self.split}" if self.split else "")


def parse_source(text: str) -> Source:
    """Parse `CORPUS:PATH[#SPLIT]`, as a command line gives it.

    Raises:
        SettingsError: The text has another form or names an unknown corpus.
    """
    corpus, colon, path = text.partition(":")
    path, _, split = path.partition("#")
    if not colon or not path or corpus not in get_args(Corpus):
        raise SettingsError(messages.NOT_A_DATASET(text=text, corpora=get_args(Corpus)))
    return Source(corpus=cast(Corpus, corpus), path=path, split=split or None)


class LazyImages:
    """Images that stay encoded until they are read. Index them like a uint8 array (n, side, side[, 3])."""

    def __init__(self, rows: datasets.Dataset, decode: Callable[[Any], npt.NDArray[np.uint8]]) -> None:
        """Keep the rows.

        Args:
            rows: Rows with a column `image` of encoded images.
            decode: Decodes one of its values to uint8 (side, side[, 3]).
        """
        self._rows = rows
        self._decode = decode

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    def __getitem__(self, index: npt.NDArray[Any]) -> Any:
        """Decode the images at indices (k,) or under a boolean mask (n,)."""
        if index.dtype == np.bool_:
            index = np.flatnonzero(index)
        return np.stack([self._decode(value) for value in self._rows[index.tolist()]["image"]])

    def take(self, mask: npt.NDArray[np.bool_]) -> LazyImages:
        """Return the images for which the boolean mask (n,) is true."""
        return LazyImages(self._rows.select(np.flatnonzero(mask)), self._decode)


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Labelled face images.

    Attributes:
        images: uint8 (n, h, w) grey or (n, h, w, 3) RGB, or images that are decoded when indexed.
        targets: float32 (n, classes), the share of the taggers that named each class; one-hot where a corpus has one
            label an image.
        keys: SHA-1 of each image's pixels (n,), by which duplicates across parts are found.
        classes: Names of the targets' columns.
        agreement: float32 (n,), the label's share of all votes, including those for other classes; None where a corpus
            has no votes.
        left_out: Number of images by the name of a class that is none of `classes`, for instance since it is misspelt.
    """

    images: npt.NDArray[np.uint8] | LazyImages
    targets: npt.NDArray[np.float32]
    keys: npt.NDArray[np.str_]
    classes: tuple[str, ...] = EMOTIONS
    agreement: npt.NDArray[np.float32] | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.targets)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Index of the majority class (n,): the first in `classes` of those with as many votes."""
        return cast(npt.NDArray[np.int64], self.targets.argmax(axis=1))

    def crops(self, indices: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.uint8]:
        """Return images as the product's model takes them.

        Args:
            indices: Which images, (k,); all by default.

        Returns:
            uint8 RGB (k, h, w, 3).
        """
        images = cast(npt.NDArray[np.uint8], self.images[np.arange(len(self)) if indices is None else indices])
        return images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)

    def take(self, mask: npt.NDArray[np.bool_]) -> FaceSet:
        """Return the images for which the boolean mask (n,) is true."""
        images = self.images.take(mask) if isinstance(self.images, LazyImages) else self.images[mask]
        agreement = None if self.agreement is None else self.agreement[mask]
        return replace(self, images=images, targets=self.targets[mask], keys=self.keys[mask], agreement=agreement)

    @property
    def label_agreement(self) -> npt.NDArray[np.float32]:
        """`agreement`, float32 (n,); 1 where a corpus has one label an image."""
        return np.ones(len(self), np.float32) if self.agreement is None else self.agreement

    def without(self, excluded: FaceSet) -> FaceSet:
        """Return the images whose pixels do not occur in another set: test images must not be trained on."""
        return self.take(~np.isin(self.keys, excluded.keys))

    def split(self, share: float) -> tuple[FaceSet, FaceSet]:
        """Set a share of the images aside by the hash of their pixels, so that it does not depend on other images.

        Args:
            share: About what part of the images is set aside, 0 to 1.

        Returns:
            The remaining images and those that were set aside.
        """
        position = np.array([int(key[:8], 16) / 2**32 for key in self.keys])
        return self.take(position >= share), self.take(position < share)

    def describe(self) -> str:
        """Write one line for the data sheet: the number of images of each class."""
        per_class = np.bincount(self.labels, minlength=len(self.classes))
        counts = (f"{name} {count}" for name, count in zip(self.classes, per_class, strict=True))
        left_out = ", ".join(f"{name} {count}" for name, count in self.left_out.items())
        return f"{len(self)} images: " + ", ".join(counts) + (f"; left out: {left_out}" if left_out else "")


def load_faces(
    source: Source, classes: tuple[str, ...] = EMOTIONS, side: int | None = None, grey: bool | None = None
) -> FaceSet:
    """Load one part of a corpus, without the images of other classes.

    Of FER+ an image is kept when the majority of all ten vote columns is one of `classes`. Its target is the
    distribution of the votes over them (Barsoum et al., 2016, arXiv:1608.01041).

    Args:
        source: The part.
        classes: Names and order of the targets' columns.
        side: Side in pixels to which every image is resized. By default images keep their size where all have the
            same.
        grey: True for luma only, False for RGB; by default images stay as they are.

    Raises:
        FerPhqError: Files are missing, unreadable or of another corpus.
    """
    rows = _open_rows(source)
    targets, left_out = _class_targets(source, rows, classes)
    indices = np.flatnonzero(targets.sum(axis=1) > 0)
    if not len(indices):
        raise FerPhqError(messages.NO_IMAGE_OF_CLASSES(source=str(source), classes=classes))
    rows = rows.select(indices)
    targets = targets[indices]
    strange = tuple(name[:40] for name in left_out if name not in OTHER_CLASSES)
    if strange:
        log.warning("%s", messages.CLASSES_LEFT_OUT(source=str(source), names=strange, classes=classes))
    faces = _build_face_set(source, rows, targets / targets.sum(axis=1, keepdims=True), classes, side, grey)
    faces = replace(faces, left_out=left_out)
    return replace(faces, agreement=_vote_agreement(_read_votes(rows))) if source.corpus == "ferplus" else faces


def join(parts: Sequence[FaceSet]) -> FaceSet:
    """Join several sets into one.

    Args:
        parts: Sets of the same classes whose images are decoded and have one shape.

    Raises:
        FerPhqError: Images stay encoded, or have different shapes.
    """
    if len(parts) == 1:
        return parts[0]
    if any(isinstance(part.images, LazyImages) for part in parts):
        raise FerPhqError(messages.TOO_LARGE_TO_JOIN())
    shapes = {cast(npt.NDArray[np.uint8], part.images).shape[1:] for part in parts}
    if len(shapes) > 1:
        raise FerPhqError(messages.SHAPES_DIFFER(shapes=str(shapes)))
    return FaceSet(
        np.concatenate([cast(npt.NDArray[np.uint8], part.images) for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.keys for part in parts]),
        parts[0].classes,
        np.concatenate([part.label_agreement for part in parts]),
    )


def _open_rows(source: Source) -> datasets.Dataset:
    """Read the rows of a source, with a column `image` of encoded bytes or files."""
    datasets.disable_progress_bars()
    if source.path.startswith("hub:"):
        rows = _load_dataset(source, source.path.removeprefix("hub:"), split=source.split or "train")
        return rows.cast_column("image", datasets.Image(decode=False))
    path = Path(source.path)
    if path.suffix == ".csv" and path.is_file():
        return read_label_table(path, source.split, Path(source.votes) if source.votes else None)
    if path.suffix == ".parquet" and path.is_file():
        rows = _load_dataset(source, "parquet", data_files=str(path), split="train")
        return rows if source.split is None else _select_part(source, source.split, rows)
    if path.is_dir() and source.split and (path / f"{source.split}.parquet").is_file():
        return _load_dataset(source, "parquet", data_files=str(path / f"{source.split}.parquet"), split="train")
    if path.is_dir():
        folder = path / source.split if source.split else path
        # All files: without the pattern a folder of parts would give its train part alone.
        rows = _load_dataset(
            source, "imagefolder", data_dir=str(folder), data_files="**", split="train", drop_labels=False
        )
        return rows.cast_column("image", datasets.Image(decode=False))
    raise FerPhqError(messages.NO_CORPUS(path=str(path), corpus=source.corpus))


def _select_part(source: Source, split: str, rows: datasets.Dataset) -> datasets.Dataset:
    """Select a part's rows by their column of parts."""
    column = next((name for name in rows.column_names if name.strip().casefold() in ("split", "usage")), None)
    if column is None:
        raise FerPhqError(messages.NO_COLUMN_OF_PARTS(path=source.path, part=split))
    values = [str(value) for value in rows[column]]
    name = FER2013_USAGE.get(split, split) if column.strip().casefold() == "usage" else split
    indices = [i for i, value in enumerate(values) if value == name]
    if not indices:
        raise FerPhqError(messages.NO_SUCH_PART(path=source.path, part=name, parts=tuple(sorted(set(values)))[:10]))
    return rows.select(indices)


def _load_dataset(source: Source, *args: Any, **kwargs: Any) -> datasets.Dataset:
    try:
        return cast(datasets.Dataset, datasets.load_dataset(*args, **kwargs))
    except (OSError, ValueError, KeyError, RuntimeError, datasets.exceptions.DatasetGenerationError) as error:
        raise FerPhqError(messages.UNREADABLE(source=str(source), reason=str(error).splitlines()[0])) from None


def _class_targets(
    source: Source, rows: datasets.Dataset, classes: tuple[str, ...]
) -> tuple[npt.NDArray[np.float32], dict[str, int]]:
    """Build targets (n, classes): votes, or 1 for the named class. Rows of other classes are zero, and counted."""
    if source.corpus == "ferplus":
        return _vote_targets(source, rows, classes), {}
    targets = np.zeros((len(rows), len(classes)), np.float32)
    columns = {name: column for column, name in enumerate(classes)}
    left_out: Counter[str] = Counter()
    for row, name in enumerate(_read_class_names(source, rows)):
        if name in columns:
            targets[row, columns[name]] = 1
        else:
            left_out[name] += 1
    return targets, dict(sorted(left_out.items()))


def _vote_targets(source: Source, rows: datasets.Dataset, classes: tuple[str, ...]) -> npt.NDArray[np.float32]:
    missing = [name for name in FERPLUS_VOTES if f"votes_{name}" not in rows.column_names]
    if missing:
        raise FerPhqError(messages.NOT_FERPLUS(source=str(source), vote=missing[0]))
    votes = _read_votes(rows)
    class_columns = [FERPLUS_VOTES.index(name) for name in classes]
    mask = np.isin(votes.argmax(axis=1), class_columns) & (votes.max(axis=1) > 0)
    return cast(npt.NDArray[np.float32], np.where(mask[:, None], votes[:, class_columns], 0).astype(np.float32))


def _read_votes(rows: datasets.Dataset) -> npt.NDArray[np.float32]:
    """Read all votes of FER+, (n, 10)."""
    return np.stack([np.array(rows[f"votes_{name}"]) for name in FERPLUS_VOTES], axis=1).astype(np.float32)


def _vote_agreement(votes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Compute the label's share (n,) of the votes (n, 10) as FER+ counts them, without classes of a single vote.

    Where it is more than one half, FER+'s code (`ferplus.py`, mode majority) finds a label; others are unknown.
    """
    counted = np.where(votes > 1, votes, 0)
    totals = counted.sum(axis=1)
    return cast(npt.NDArray[np.float32], counted.max(axis=1) / np.maximum(totals, 1))


def _read_class_names(source: Source, rows: datasets.Dataset) -> list[str]:
    """Read the canonical name of every row's class; an unknown label stays as it is."""
    column = next((name for name in LABEL_COLUMNS if name in rows.column_names), None)
    if column is None:
        raise FerPhqError(messages.NO_LABELS(source=str(source), columns=LABEL_COLUMNS))
    feature = rows.features[column]
    values = rows[column]
    if isinstance(feature, datasets.ClassLabel):
        values = [feature.int2str(int(value)) for value in values]
    class_names = LABELS.get(source.corpus, {})
    labels = [str(value) for value in values]
    if class_names:
        _refuse_other_numbers(source, labels, class_names)
    return [_class_name(label, class_names) for label in labels]


def _refuse_other_numbers(source: Source, labels: Sequence[str], class_names: Mapping[int, str]) -> None:
    """Refuse numbers that the corpus does not have, or has from the second on: then they mean something else."""
    numbers = {int(label) for label in labels if label.isdecimal()}
    first, last = min(class_names), max(class_names)
    is_shifted = first not in numbers and numbers >= set(range(first + 1, first + 1 + len(EMOTIONS)))
    others = sorted(numbers - class_names.keys()) or (sorted(numbers) if is_shifted else [])
    if others:
        raise FerPhqError(
            messages.OTHER_NUMBERS(source=str(source), labels=tuple(map(str, others[:10])), first=first, last=last)
        )


def _class_name(label: str, class_names: Mapping[int, str]) -> str:
    return class_names.get(int(label), label) if label.isdecimal() else canonical_name(label)


def _build_face_set(
    source: Source,
    rows: datasets.Dataset,
    targets: npt.NDArray[np.float32],
    classes: tuple[str, ...],
    side: int | None,
    grey: bool | None,
) -> FaceSet:
    """Decode a corpus that fits into memory; leave a larger one to be decoded when its images are read."""
    first = _decode_image(rows[0]["image"], source)
    target_side = side or (MIXED_SIDE if not _have_one_size(rows, source) else None)
    luma = first.ndim == 2 if grey is None else grey

    def decode(value: Any) -> npt.NDArray[np.uint8]:
        return _fit_image(_decode_image(value, source), target_side, luma)

    pixels = (target_side or first.shape[0]) ** 2 * (1 if luma else 3)
    if pixels * len(rows) > MEMORY_LIMIT:
        hashed = rows.map(lambda row: {"key": _hash_pixels(_decode_image(row["image"], source))})
        return FaceSet(LazyImages(rows, decode), targets, np.array(hashed["key"]), classes)
    encoded = rows["image"]
    decoded = [_decode_image(value, source) for value in encoded]
    keys = np.array([_hash_pixels(image) for image in decoded])
    return FaceSet(np.stack([_fit_image(image, target_side, luma) for image in decoded]), targets, keys, classes)


def _have_one_size(rows: datasets.Dataset, source: Source) -> bool:
    """Tell whether the first hundred images are square and have one size."""
    sizes = {_decode_image(value, source).shape for value in rows[: min(100, len(rows))]["image"]}
    return len({size[:2] for size in sizes}) == 1 and len(set(next(iter(sizes))[:2])) == 1


def _decode_image(value: Any, source: Source) -> npt.NDArray[np.uint8]:
    """Decode bytes or a file into uint8 (h, w) grey or (h, w, 3) RGB."""
    content: Any = io.BytesIO(value["bytes"]) if value["bytes"] else value["path"]
    try:
        with Pillow.open(content) as picture:
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith(("I", "F")):
                return _reduce_depth(np.asarray(upright))
            return np.asarray(upright.convert("L" if upright.mode in ("L", "1") else "RGB"))
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise FerPhqError(messages.BAD_IMAGE(source=str(source), path=str(value["path"]), reason=str(error))) from None


def _reduce_depth(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Reduce grey values of 16 bits, or 0 to 1 in floating point, to 8 bits.

    Values that fit into 8 bits are of 8 bits, whatever they are stored in.

    Raises:
        ValueError: The values are neither, or may be of 10 or 12 bits.
    """
    lowest, highest = float(values.min()), float(values.max())
    if not np.issubdtype(values.dtype, np.integer):
        if not 0 <= lowest <= highest <= 1:
            raise ValueError("its grey values are not between 0 and 1")
        return np.round(values * 255).astype(np.uint8)
    if not 0 <= lowest <= highest <= 0xFFFF:
        raise ValueError("its grey values have more than 16 bits")
    if highest <= 0xFF:
        return values.astype(np.uint8)
    if highest <= 0xFFF:
        raise ValueError(f"its grey values reach {highest:.0f} of 65535: they may have 10 or 12 bits; store 8 or 16")
    return np.round(values / 257).astype(np.uint8)


def _fit_image(image: npt.NDArray[np.uint8], side: int | None, grey: bool) -> npt.NDArray[np.uint8]:
    picture = Pillow.fromarray(image)
    if grey != (image.ndim == 2):
        picture = picture.convert("L" if grey else "RGB")
    if side and picture.size != (side, side):
        picture = picture.resize((side, side), Pillow.Resampling.BICUBIC)
    return np.asarray(picture)


def _hash_pixels(image: npt.NDArray[np.uint8]) -> str:
    return hashlib.sha1(image.tobytes(), usedforsecurity=False).hexdigest()
