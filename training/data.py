"""Emotion corpora as arrays held decoded in memory, and their augmentation in batches.

The FER images are 48x48 grey: 28,000 of them are 66 MB decoded, so the loop never waits for a decoder.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from PIL import Image as Pillow

from fer_phq.emotions import EMOTIONS, FERPLUS_VOTES
from fer_phq.errors import FerPhqError


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Labelled face images.

    images: uint8 (n, side, side) grey. targets: float32 (n, 7), the share of taggers' votes for each emotion.
    keys: sha1 of each image's pixels, by which duplicates across parts are found.
    """

    images: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.float32]
    keys: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(n,) index of the majority emotion (the first of equals in `EMOTIONS`)."""
        return cast(npt.NDArray[np.int64], self.targets.argmax(axis=1))

    def take(self, chosen: npt.NDArray[np.bool_]) -> FaceSet:
        """The images for which the mask (n,) is true."""
        return FaceSet(self.images[chosen], self.targets[chosen], self.keys[chosen])

    def without(self, other: FaceSet) -> FaceSet:
        """The images whose pixels do not occur in `other`: a test picture must not be trained on."""
        return self.take(~np.isin(self.keys, other.keys))

    def counts(self) -> str:
        """One line of the data sheet: images of each class."""
        per_class = np.bincount(self.labels, minlength=len(EMOTIONS))
        return f"{len(self)} images: " + ", ".join(f"{e} {c}" for e, c in zip(EMOTIONS, per_class, strict=True))


def load_ferplus(path: Path) -> FaceSet:
    """One part of FER+ (parquet: `image.bytes` PNG, `votes_*` columns) in the 7-class protocol.

    An image is kept when the majority of all ten vote columns is one of the seven emotions (contempt, unknown and
    not-a-face are dropped); its target is the distribution of the votes for the seven.
    Barsoum et al., 2016, arXiv:1608.01041. Raises FerPhqError when the file is missing or has other columns.
    """
    if not path.is_file():
        raise FerPhqError(f"No FER+ part at {path}: give the folder that holds train.parquet and valid.parquet.")
    table = pq.read_table(path)
    missing = [c for c in ("image", *(f"votes_{v}" for v in FERPLUS_VOTES)) if c not in table.column_names]
    if missing:
        raise FerPhqError(f"{path} is not a FER+ part: it has no column {missing[0]}.")
    votes = np.stack([table[f"votes_{name}"].to_numpy() for name in FERPLUS_VOTES], axis=1).astype(np.float32)
    ours = [FERPLUS_VOTES.index(name) for name in EMOTIONS]
    seven = votes[:, ours]
    kept = (seven.max(axis=1) > 0) & np.isin(votes.argmax(axis=1), ours)
    rows = table["image"].to_pylist()
    images = np.stack([_decode(rows[i]["bytes"]) for i in np.flatnonzero(kept)])
    keys = np.array([hashlib.sha1(image.tobytes(), usedforsecurity=False).hexdigest() for image in images])
    return FaceSet(images, seven[kept] / seven[kept].sum(axis=1, keepdims=True), keys)


def _decode(png: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Pillow.open(io.BytesIO(png)).convert("L"))


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the random changes to a training image; each is drawn uniformly from +- its value.

    rotation: degrees; scale: relative; shift: share of the side; brightness, contrast: relative to the range;
    erase: probability that a rectangle of up to a third of the side is blanked; flip: mirrored half of the time;
    blur: probability of a reduction to half resolution, as a distant face would show.
    """

    rotation: float = 12.0
    scale: float = 0.12
    shift: float = 0.06
    brightness: float = 0.2
    contrast: float = 0.25
    erase: float = 0.25
    blur: float = 0.1
    flip: bool = True


def augment(images: torch.Tensor, size: int, strength: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Random geometric and photometric changes of a batch: (b, 1, h, w) in 0-1 to (b, 1, size, size) in 0-1."""
    b = len(images)

    def draw(extent: float) -> torch.Tensor:
        return (torch.rand(b, generator=generator) * 2 - 1) * extent

    angle, zoom = draw(strength.rotation) * torch.pi / 180, 1 + draw(strength.scale)
    mirror = torch.where(torch.rand(b, generator=generator) < 0.5, -1.0, 1.0) if strength.flip else torch.ones(b)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = (
        torch.stack([cos * mirror, -sin, 2 * draw(strength.shift)], 1),
        torch.stack([sin * mirror, cos, 2 * draw(strength.shift)], 1),
    )
    grid = F.affine_grid(torch.stack(rows, 1), [b, 1, size, size], align_corners=False)
    out = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    if strength.blur:
        blurred = F.interpolate(F.avg_pool2d(out, 2), size=(size, size), mode="bilinear", align_corners=False)
        chosen = torch.rand(b, 1, 1, 1, generator=generator) < strength.blur
        out = torch.where(chosen, blurred, out)
    mean = out.mean((1, 2, 3), keepdim=True)
    out = (out - mean) * (1 + draw(strength.contrast))[:, None, None, None] + mean
    out = out + draw(strength.brightness)[:, None, None, None]
    return _erase(out.clamp(0, 1), strength.erase, generator)


def _erase(images: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Random erasing (Zhong et al., 2020, arXiv:1708.04896) with the image's own mean."""
    b, _, size, _ = images.shape
    span = torch.rand(b, 2, generator=generator) * size / 3
    start = torch.rand(b, 2, generator=generator) * (size - span)
    at = torch.arange(size)
    inside = (at >= start[..., None]) & (at < (start + span)[..., None])
    hole = (
        inside[:, 0, :, None]
        & inside[:, 1, None, :]
        & (torch.rand(b, generator=generator) < probability)[:, None, None]
    )
    return torch.where(hole[:, None], images.mean((1, 2, 3), keepdim=True), images)
