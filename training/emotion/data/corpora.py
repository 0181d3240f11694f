"""Emotion corpora, read through Hugging Face `datasets` into one shape: faces with a distribution over classes.

A source names a corpus (whose label order is known) and where it lies: parquet files, FER2013's CSV (with FER+'s votes
beside it), a CSV of paths and labels, a folder of images a class, or a name on the hub. What fits into memory is held
there decoded, so that the loop never waits for a decoder (28,000 FER images are 66 MB); what does not is decoded by
the loader's workers.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import datasets
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from pydantic import BaseModel, ConfigDict

from fer_phq.core.emotions import (
    AFFECTNET_LABELS,
    EMOTIONS,
    FER2013_LABELS,
    FERPLUS_VOTES,
    RAFDB_LABELS,
    canonical_name,
)
from fer_phq.core.errors import FerPhqError, SettingsError

Corpus = Literal["ferplus", "fer2013", "affectnet", "rafdb", "mmi", "folder"]
"""Corpora whose labels we know. `folder` (and mmi): labels are names, of folders or in a column."""

LABELS: Mapping[Corpus, Mapping[int, str]] = {
    "fer2013": FER2013_LABELS,
    "affectnet": AFFECTNET_LABELS,
    "rafdb": RAFDB_LABELS,
}
LABEL_COLUMNS = ("fer2013_label", "label", "emotion", "labels")
FER2013_USAGE = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
MEMORY_LIMIT = 6 * 2**30
"""Bytes of decoded images up to which a corpus is held in memory."""
MIXED_SIDE = 224
"""Side in pixels to which a corpus of differently sized images is brought when no side is asked for."""


class Source(BaseModel):
    """One part of one corpus. `path`: a file, a folder, or `hub:owner/name`; relative to the recipe's root.

    split: the part, where one file or folder holds several. votes: FER+'s `fer2013new.csv`, beside FER2013's CSV.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: Corpus
    path: str
    split: str | None = None
    votes: str | None = None

    def under(self, root: Path) -> Source:
        """The same with its paths joined to a root (absolute and hub paths stay)."""
        if self.path.startswith("hub:"):
            return self
        votes = str(root / self.votes) if self.votes else None
        return self.model_copy(update={"path": str(root / self.path), "votes": votes})

    def __str__(self) -> str:
        return f"{self.corpus}:{self.path}" + (f"#{self.split}" if self.split else "")


def parse_source(text: str) -> Source:
    """`corpus:path[#split]`, as a command line gives it. Raises SettingsError for anything else."""
    corpus, colon, path = text.partition(":")
    path, _, split = path.partition("#")
    if not colon or not path or corpus not in get_args(Corpus):
        known = ", ".join(get_args(Corpus))
        raise SettingsError(
            f"'{text}' is not a dataset: write CORPUS:PATH or CORPUS:PATH#SPLIT, CORPUS one of {known}."
        )
    return Source(corpus=cast(Corpus, corpus), path=path, split=split or None)


class LazyImages:
    """Images that stay encoded until they are asked for: indexed like an array (n, side, side[, 3]) of uint8."""

    def __init__(self, rows: datasets.Dataset, read: Callable[[Any], npt.NDArray[np.uint8]]) -> None:
        self._rows = rows
        self._read = read

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: npt.NDArray[Any]) -> Any:
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        return np.stack([self._read(value) for value in self._rows[chosen.tolist()]["image"]])

    def take(self, chosen: npt.NDArray[np.bool_]) -> LazyImages:
        """The images for which the mask (n,) is true."""
        return LazyImages(self._rows.select(np.flatnonzero(chosen)), self._read)


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Labelled face images.

    images: uint8 (n, h, w) grey or (n, h, w, 3) RGB, or images that are decoded when indexed. targets: float32
    (n, classes), what part of the taggers named each class (one-hot where a corpus has one label). keys: sha1 of each
    image's pixels, by which duplicates across parts are found. classes: names of the targets' columns. agreement:
    float32 (n,), the label's share of all votes, those for other classes too, where a corpus has votes.
    """

    images: npt.NDArray[np.uint8] | LazyImages
    targets: npt.NDArray[np.float32]
    keys: npt.NDArray[np.str_]
    classes: tuple[str, ...] = EMOTIONS
    agreement: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(n,) index of the majority class (the first of equals in `classes`)."""
        return cast(npt.NDArray[np.int64], self.targets.argmax(axis=1))

    def crops(self, chosen: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.uint8]:
        """The images at these positions, or all, as RGB (n, h, w, 3): as the product's model takes them."""
        images = cast(npt.NDArray[np.uint8], self.images[np.arange(len(self)) if chosen is None else chosen])
        return images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)

    def take(self, chosen: npt.NDArray[np.bool_]) -> FaceSet:
        """The images for which the mask (n,) is true."""
        lazy = isinstance(self.images, LazyImages)
        images = cast(LazyImages, self.images).take(chosen) if lazy else self.images[chosen]
        agreement = None if self.agreement is None else self.agreement[chosen]
        return replace(self, images=images, targets=self.targets[chosen], keys=self.keys[chosen], agreement=agreement)

    @property
    def agreed(self) -> npt.NDArray[np.float32]:
        """(n,) `agreement`, 1 where each image has one label alone."""
        return np.ones(len(self), np.float32) if self.agreement is None else self.agreement

    def without(self, other: FaceSet) -> FaceSet:
        """The images whose pixels do not occur in `other`: a test picture must not be trained on."""
        return self.take(~np.isin(self.keys, other.keys))

    def split(self, share: float) -> tuple[FaceSet, FaceSet]:
        """(the rest, about `share` of the images), by their pixels' hash: the same images whatever else there is."""
        position = np.array([int(key[:8], 16) / 2**32 for key in self.keys])
        return self.take(position >= share), self.take(position < share)

    def counts(self) -> str:
        """One line of the data sheet: images of each class."""
        per_class = np.bincount(self.labels, minlength=len(self.classes))
        return f"{len(self)} images: " + ", ".join(f"{e} {c}" for e, c in zip(self.classes, per_class, strict=True))


def load_faces(
    source: Source, classes: tuple[str, ...] = EMOTIONS, side: int | None = None, grey: bool | None = None
) -> FaceSet:
    """One part of a corpus, reduced to `classes`: images of other classes are left out.

    FER+: an image is kept when the majority of all ten vote columns is one of `classes`; its target is the
    distribution of the votes over them (Barsoum et al., 2016, arXiv:1608.01041).
    side: brings every image to this side; without it images keep theirs where it is the same for all. grey:
    luma only (True), RGB (False), or as they are.
    Raises FerPhqError in one sentence when files are missing, unreadable or of another corpus.
    """
    rows = _open(source)
    targets = _targets(source, rows, classes)
    kept = np.flatnonzero(targets.sum(axis=1) > 0)
    if not len(kept):
        raise FerPhqError(f"{source} holds no image of the classes {', '.join(classes)}.")
    rows = rows.select(kept)
    targets = targets[kept]
    faces = _faces(source, rows, targets / targets.sum(axis=1, keepdims=True), classes, side, grey)
    return replace(faces, agreement=_agreement(_columns(rows))) if source.corpus == "ferplus" else faces


def join(parts: Sequence[FaceSet]) -> FaceSet:
    """Several corpora as one set; decoded images must be of one shape. Images that stay encoded cannot be joined."""
    if len(parts) == 1:
        return parts[0]
    if any(isinstance(part.images, LazyImages) for part in parts):
        raise FerPhqError("Corpora that do not fit into memory together cannot be joined: train on them one by one.")
    shapes = {cast(npt.NDArray[np.uint8], part.images).shape[1:] for part in parts}
    if len(shapes) > 1:
        raise FerPhqError(f"Corpora of different image shapes cannot be joined: {shapes}.")
    return FaceSet(
        np.concatenate([cast(npt.NDArray[np.uint8], part.images) for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.keys for part in parts]),
        parts[0].classes,
        np.concatenate([part.agreed for part in parts]),
    )


def _open(source: Source) -> datasets.Dataset:
    """The rows of a source, with a column `image` of encoded bytes or of FER2013's pixel strings."""
    datasets.disable_progress_bars()
    if source.path.startswith("hub:"):
        rows = _load(source, source.path.removeprefix("hub:"), split=source.split or "train")
        return rows.cast_column("image", datasets.Image(decode=False))
    path = Path(source.path)
    if path.suffix == ".csv" and path.is_file():
        return _open_csv(source, path)
    if path.suffix == ".parquet" and path.is_file():
        return _load(source, "parquet", data_files=str(path), split="train")
    if path.is_dir() and source.split and (path / f"{source.split}.parquet").is_file():
        return _load(source, "parquet", data_files=str(path / f"{source.split}.parquet"), split="train")
    if path.is_dir():
        folder = path / source.split if source.split else path
        rows = _load(source, "imagefolder", data_dir=str(folder), split="train", drop_labels=False)
        return rows.cast_column("image", datasets.Image(decode=False))
    raise FerPhqError(f"No corpus at {path}: {source.corpus} is expected there (parquet, CSV or a folder of images).")


def _load(source: Source, *args: Any, **kwargs: Any) -> datasets.Dataset:
    try:
        return cast(datasets.Dataset, datasets.load_dataset(*args, **kwargs))
    except (OSError, ValueError, KeyError, RuntimeError, datasets.exceptions.DatasetGenerationError) as error:
        raise FerPhqError(f"{source} cannot be read: {str(error).splitlines()[0]}") from None


def _open_csv(source: Source, path: Path) -> datasets.Dataset:
    """FER2013's CSV (emotion, pixels, Usage; FER+'s votes joined row by row), or one of paths and labels."""
    rows = _load(source, "csv", data_files=str(path), split="train")
    if "pixels" in rows.column_names:
        if source.votes:
            votes = _load(source, "csv", data_files=source.votes, split="train")
            if len(votes) != len(rows):
                raise FerPhqError(f"{source.votes} has {len(votes)} rows, {path} has {len(rows)}: they must match.")
            named = {f"votes_{name}": votes[name] for name in FERPLUS_VOTES}
            for name, column in named.items():
                rows = rows.add_column(name, list(column))
        if source.split and "Usage" in rows.column_names:
            usage = np.array(rows["Usage"])
            rows = rows.select(np.flatnonzero(usage == FER2013_USAGE.get(source.split, source.split)))
        return rows.rename_column("pixels", "image")
    if "path" not in rows.column_names:
        raise FerPhqError(f"{path} is neither FER2013's CSV (column pixels) nor a list (columns path, label).")
    if source.split and "split" in rows.column_names:
        rows = rows.select(np.flatnonzero(np.array(rows["split"]) == source.split))
    files = [{"path": str(path.parent / name), "bytes": None} for name in rows["path"]]
    missing = [file["path"] for file in files if not Path(str(file["path"])).is_file()]
    if missing:
        raise FerPhqError(f"{path} names {len(missing)} files that are not there; the first is {missing[0]}.")
    return rows.add_column("image", files)


def _targets(source: Source, rows: datasets.Dataset, classes: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """(n, classes): votes or ones for the named class; zero rows are of classes that are not asked for."""
    if source.corpus == "ferplus":
        return _votes(source, rows, classes)
    names = _names(source, rows)
    out = np.zeros((len(rows), len(classes)), np.float32)
    position = {name: i for i, name in enumerate(classes)}
    for row, name in enumerate(names):
        if name in position:
            out[row, position[name]] = 1
    return out


def _votes(source: Source, rows: datasets.Dataset, classes: tuple[str, ...]) -> npt.NDArray[np.float32]:
    missing = [name for name in FERPLUS_VOTES if f"votes_{name}" not in rows.column_names]
    if missing:
        raise FerPhqError(f"{source} is not FER+: it has no column votes_{missing[0]}.")
    votes = _columns(rows)
    ours = [FERPLUS_VOTES.index(name) for name in classes]
    chosen = np.isin(votes.argmax(axis=1), ours) & (votes.max(axis=1) > 0)
    return cast(npt.NDArray[np.float32], np.where(chosen[:, None], votes[:, ours], 0).astype(np.float32))


def _columns(rows: datasets.Dataset) -> npt.NDArray[np.float32]:
    """(n, 10) all of FER+'s votes."""
    return np.stack([np.array(rows[f"votes_{name}"]) for name in FERPLUS_VOTES], axis=1).astype(np.float32)


def _agreement(votes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The label's share (n,) of the votes (n, 10) as FER+ counts them: what one tagger alone named is left out.

    Where it is more than one half, FER+'s own code (`ferplus.py`, mode majority) finds a label; others are unknown.
    """
    counted = np.where(votes > 1, votes, 0)
    whole = counted.sum(axis=1)
    return cast(npt.NDArray[np.float32], counted.max(axis=1) / np.maximum(whole, 1))


def _names(source: Source, rows: datasets.Dataset) -> list[str]:
    """The class of every row in our words; a label that is not known stays as it is."""
    column = next((name for name in LABEL_COLUMNS if name in rows.column_names), None)
    if column is None:
        raise FerPhqError(f"{source} has no column of labels: one of {', '.join(LABEL_COLUMNS)} is expected.")
    feature = rows.features[column]
    values = rows[column]
    if isinstance(feature, datasets.ClassLabel):
        values = [feature.int2str(int(value)) for value in values]
    known = LABELS.get(source.corpus, {})
    return [
        known.get(int(value), str(value)) if str(value).isdigit() else canonical_name(str(value)) for value in values
    ]


def _faces(
    source: Source,
    rows: datasets.Dataset,
    targets: npt.NDArray[np.float32],
    classes: tuple[str, ...],
    side: int | None,
    grey: bool | None,
) -> FaceSet:
    """Decode what fits into memory; leave the rest to be decoded when it is asked for."""
    first = _decode(rows[0]["image"], source)
    whole = side or (MIXED_SIDE if not _one_size(rows, source) else None)
    luma = first.ndim == 2 if grey is None else grey

    def read(value: Any) -> npt.NDArray[np.uint8]:
        return _shape(_decode(value, source), whole, luma)

    pixels = (whole or first.shape[0]) ** 2 * (1 if luma else 3)
    if pixels * len(rows) > MEMORY_LIMIT:
        keyed = rows.map(lambda row: {"key": _key(_decode(row["image"], source))})
        return FaceSet(LazyImages(rows, read), targets, np.array(keyed["key"]), classes)
    encoded = rows["image"]
    decoded = [_decode(value, source) for value in encoded]
    keys = np.array([_key(image) for image in decoded])
    return FaceSet(np.stack([_shape(image, whole, luma) for image in decoded]), targets, keys, classes)


def _one_size(rows: datasets.Dataset, source: Source) -> bool:
    """Whether the first hundred images have one size and are square: the others are brought to it if not."""
    sizes = {_decode(value, source).shape for value in rows[: min(100, len(rows))]["image"]}
    return len({size[:2] for size in sizes}) == 1 and len(set(next(iter(sizes))[:2])) == 1


def _decode(value: Any, source: Source) -> npt.NDArray[np.uint8]:
    """Encoded bytes, a file, or FER2013's string of pixels to uint8 (h, w) grey or (h, w, 3)."""
    if isinstance(value, str):
        pixels = np.array(value.split(), dtype=np.uint8)
        return pixels.reshape(round(len(pixels) ** 0.5), -1)
    content: Any = io.BytesIO(value["bytes"]) if value["bytes"] else value["path"]
    try:
        with Pillow.open(content) as picture:
            return np.asarray(picture.convert("L" if picture.mode in ("L", "1", "I;16") else "RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise FerPhqError(f"{source} has an unreadable image, {value['path']}: {error}.") from None


def _shape(image: npt.NDArray[np.uint8], side: int | None, grey: bool) -> npt.NDArray[np.uint8]:
    picture = Pillow.fromarray(image)
    if grey != (image.ndim == 2):
        picture = picture.convert("L" if grey else "RGB")
    if side and picture.size != (side, side):
        picture = picture.resize((side, side), Pillow.Resampling.BICUBIC)
    return np.asarray(picture)


def _key(image: npt.NDArray[np.uint8]) -> str:
    return hashlib.sha1(image.tobytes(), usedforsecurity=False).hexdigest()
