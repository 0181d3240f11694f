"""A stage's images: loaded, cleaned of duplicates, and handed out in the batches of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

from fer_phq.core.errors import FerPhqError
from training.emotion.data.corpora import FaceSet, LazyImages, Source, join, load_faces
from training.emotion.recipe import Stage

TRAIN_SAMPLE = 2000
"""Training images, without augmentation, on which an epoch's training accuracy is measured."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What a stage trains and is judged on. sample: a fixed part of train. sheet: the data sheet, a line a part."""

    train: FaceSet
    sample: FaceSet
    valid: FaceSet
    calibration: FaceSet
    sheet: list[str]


def load_parts(stage: Stage, root: Path, grey: bool, side: int) -> Parts:
    """A stage's data; training images that also stand in validation are left out, the calibration share set aside."""
    valid = _load_all(stage.data.valid, stage, root, grey, side)
    whole = _load_all(stage.data.train, stage, root, grey, side)
    clean = whole.without(valid)
    train, calibration = clean.split(stage.data.calibration)
    sheet = [
        f"train: {train.counts()} ({len(whole) - len(clean)} left out: their pixels stand in valid)",
        f"valid: {valid.counts()}",
    ]
    if len(calibration):
        sheet.append(f"calibration: {calibration.counts()}")
    needed = stage.batch_size * stage.accumulate
    if len(train) < needed:
        raise FerPhqError(f"{len(train)} training images are fewer than one step of {needed}: lower batch_size.")
    chosen = np.zeros(len(train), bool)
    chosen[np.random.default_rng(0).permutation(len(train))[:TRAIN_SAMPLE]] = True
    return Parts(train, train.take(chosen), valid, calibration, sheet)


def _load_all(sources: Sequence[Source], stage: Stage, root: Path, grey: bool, side: int) -> FaceSet:
    """Several sources as one set. A single one keeps its own size where it has one, so that small images stay sharp."""
    single = len(sources) == 1
    parts = [load_faces(source.under(root), stage.classes, None if single else side, grey) for source in sources]
    return join(parts)


def seeded(*numbers: int) -> int:
    """One seed of several numbers (recipe's seed, stage, epoch, batch, process)."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def epoch_batches(
    data: FaceSet, stage: Stage, seed: int, stage_index: int, epoch: int, accelerator: Accelerator
) -> list[npt.NDArray[np.int64]]:
    """The indices of every batch of an epoch for this process: the same whenever they are asked for.

    With `balance` images are drawn with replacement by the inverse frequency of their class; what does not fill a
    whole step is dropped.
    """
    rng = np.random.default_rng(seeded(seed, stage_index, epoch))
    if stage.balance:
        frequency = np.bincount(data.labels, minlength=len(data.classes)).astype(float)
        weight = frequency[data.labels] ** -stage.balance
        order = rng.choice(len(data), len(data), p=weight / weight.sum())
    else:
        order = rng.permutation(len(data))
    step = stage.batch_size * stage.accumulate * accelerator.num_processes
    if len(data) < step:
        raise FerPhqError(f"{len(data)} training images are fewer than one step of {step}: lower batch_size.")
    whole = order[: len(order) // step * step].reshape(-1, stage.batch_size)
    return list(whole[accelerator.process_index :: accelerator.num_processes])


class _Batches(Dataset[Any]):
    """Batches by their index lists: what a loader's worker decodes, or what is sliced out of memory."""

    def __init__(self, data: FaceSet, targets: npt.NDArray[np.float32], batches: list[npt.NDArray[np.int64]]) -> None:
        self.data = data
        self.targets = targets
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = self.batches[i]
        images = np.ascontiguousarray(self.data.images[chosen])
        return torch.from_numpy(images), torch.from_numpy(self.targets[chosen])


def loader(
    data: FaceSet, targets: npt.NDArray[np.float32], batches: list[npt.NDArray[np.int64]], workers: int
) -> DataLoader[Any]:
    """Batches in order: uint8 (b, h, w[, 3]) and their targets (b, classes); workers where images are decoded."""
    lazy = isinstance(data.images, LazyImages)
    return DataLoader(_Batches(data, targets, batches), batch_size=None, num_workers=workers if lazy else 0)


def wanted_targets(data: FaceSet, majority: float) -> npt.NDArray[np.float32]:
    """Vote distributions (n, classes), of which a share is moved to the majority class."""
    hard = np.eye(len(data.classes), dtype=np.float32)[data.labels]
    mixed: npt.NDArray[np.float32] = ((1 - majority) * data.targets + majority * hard).astype(np.float32)
    return mixed
