"""The images of a training stage: loading, removal of duplicates, and the batches of an epoch."""

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
from training.emotion.data import messages
from training.emotion.data.corpora import FaceSet, LazyImages, Source, join, load_faces
from training.emotion.recipe import Stage

TRAIN_SAMPLE = 2000
"""Number of training images, without augmentation, on which an epoch's training accuracy is measured."""


@dataclass(frozen=True, eq=False)
class StageData:
    """The images of a stage.

    Attributes:
        train: Images to learn from.
        sample: A fixed part of `train`, on which the training accuracy is measured.
        valid: Images to validate on.
        calibration: Images set aside for the temperature; may be empty.
        data_sheet: One line a part.
    """

    train: FaceSet
    sample: FaceSet
    valid: FaceSet
    calibration: FaceSet
    data_sheet: list[str]


def load_stage_data(stage: Stage, root: Path, grey: bool, side: int) -> StageData:
    """Load the images of a stage, without training images that also occur in validation.

    Args:
        stage: Stage of a recipe.
        root: Folder from which the sources' paths start.
        grey: Load luma (True) or RGB.
        side: Side in pixels to which images are resized where a part has several sources.

    Raises:
        FerPhqError: Files are missing or unreadable, or the images are fewer than one step of the optimiser.
    """
    valid = _load_all(stage.data.valid, stage, root, grey, side)
    train_all = _load_all(stage.data.train, stage, root, grey, side)
    clean = train_all.without(valid)
    train, calibration = clean.split(stage.data.calibration)
    data_sheet = [
        f"train: {train.describe()} ({len(train_all) - len(clean)} left out: their pixels stand in valid)",
        f"valid: {valid.describe()}",
    ]
    if len(calibration):
        data_sheet.append(f"calibration: {calibration.describe()}")
    step_size = stage.batch_size * stage.accumulate
    if len(train) < step_size:
        raise FerPhqError(messages.TOO_FEW_IMAGES(images=len(train), step=step_size))
    mask = np.zeros(len(train), bool)
    mask[np.random.default_rng(0).permutation(len(train))[:TRAIN_SAMPLE]] = True
    return StageData(train, train.take(mask), valid, calibration, data_sheet)


def _load_all(sources: Sequence[Source], stage: Stage, root: Path, grey: bool, side: int) -> FaceSet:
    """Load sources as one set. A single source keeps its image size if it has one, so that small images stay sharp."""
    single = len(sources) == 1
    parts = [load_faces(source.with_root(root), stage.classes, None if single else side, grey) for source in sources]
    return join(parts)


def derive_seed(*numbers: int) -> int:
    """Derive one seed from several numbers, such as the recipe's seed, stage, epoch, batch and process."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def draw_epoch_batches(
    data: FaceSet, stage: Stage, seed: int, stage_index: int, epoch: int, accelerator: Accelerator
) -> list[npt.NDArray[np.int64]]:
    """Draw the batches of an epoch for this process; the same arguments give the same batches.

    With `balance`, images are drawn with replacement by the inverse frequency of their class. Images that do not fill
    a whole step are dropped.

    Args:
        data: Training images.
        stage: Stage of the recipe, for batch size, accumulation and balance.
        seed: Seed of the recipe.
        stage_index: Number of the stage, from 0.
        epoch: Number of the epoch, from 0.
        accelerator: Gives the number of processes and the index of this one.

    Returns:
        Indices (batch_size,) of the images of every batch.

    Raises:
        FerPhqError: The images are fewer than one step of the optimiser.
    """
    rng = np.random.default_rng(derive_seed(seed, stage_index, epoch))
    if stage.balance:
        frequency = np.bincount(data.labels, minlength=len(data.classes)).astype(float)
        weight = frequency[data.labels] ** -stage.balance
        order = rng.choice(len(data), len(data), p=weight / weight.sum())
    else:
        order = rng.permutation(len(data))
    step_size = stage.batch_size * stage.accumulate * accelerator.num_processes
    if len(data) < step_size:
        raise FerPhqError(messages.TOO_FEW_IMAGES(images=len(data), step=step_size))
    batches = order[: len(order) // step_size * step_size].reshape(-1, stage.batch_size)
    return list(batches[accelerator.process_index :: accelerator.num_processes])


class _Batches(Dataset[Any]):
    """Batches by their indices: decoded by a worker of the data loader, or sliced from memory."""

    def __init__(self, data: FaceSet, targets: npt.NDArray[np.float32], batches: list[npt.NDArray[np.int64]]) -> None:
        self.data = data
        self.targets = targets
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, torch.Tensor]:
        indices = self.batches[position]
        images = np.ascontiguousarray(self.data.images[indices])
        return torch.from_numpy(images), torch.from_numpy(self.targets[indices])


def make_dataloader(
    data: FaceSet, targets: npt.NDArray[np.float32], batches: list[npt.NDArray[np.int64]], workers: int
) -> DataLoader[Any]:
    """Make a data loader that yields batches in order.

    Args:
        data: The images.
        targets: float32 (n, classes).
        batches: Indices of the images of every batch.
        workers: Number of processes that decode images which do not fit into memory.

    Returns:
        Pairs of uint8 images (b, h, w[, 3]) and targets (b, classes).
    """
    lazy = isinstance(data.images, LazyImages)
    return DataLoader(_Batches(data, targets, batches), batch_size=None, num_workers=workers if lazy else 0)


def sharpen_targets(data: FaceSet, majority: float) -> npt.NDArray[np.float32]:
    """Move a share of every target to the majority class.

    Args:
        data: Images with vote distributions as targets.
        majority: Share that is moved, 0 to 1.

    Returns:
        float32 (n, classes), rows summing to 1.
    """
    hard = np.eye(len(data.classes), dtype=np.float32)[data.labels]
    mixed: npt.NDArray[np.float32] = ((1 - majority) * data.targets + majority * hard).astype(np.float32)
    return mixed
