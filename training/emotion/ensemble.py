"""Runs judged as they are, one or several: what a student is taught by, before any of it is bundled or calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from fer_phq.core.arrays import FloatArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.model import LUMA, load_model
from training.emotion.networks.build import RUN_WEIGHTS, Teacher, as_images


class EmotionModel(Protocol):
    """What can be judged: a bundle's model or an ensemble."""

    @property
    def model_id(self) -> str:
        """Names it in reports."""

    def predict_emotions(self, crops: npt.NDArray[np.uint8]) -> FloatArray:
        """Probabilities (n, classes) float32 of RGB crops (n, h, w, 3)."""


class Ensemble:
    """The mean probabilities of runs (or bundles) over a face and its mirror image, at temperature 1."""

    def __init__(self, folders: Sequence[str]) -> None:
        """Raises FerPhqError in one sentence, also where the folders' classes or channels differ."""
        self._teacher = Teacher(tuple(folders))
        self.model_id = " and ".join(Path(folder).name for folder in folders)
        self.classes = self._teacher.classes

    def predict_emotions(self, crops: npt.NDArray[np.uint8]) -> FloatArray:
        """Probabilities (n, classes) float32 of RGB crops (n, h, w, 3); each row sums to 1."""
        images = as_images(torch.from_numpy(np.ascontiguousarray(crops)))
        if self._teacher.in_chans == 1:
            images = (images * torch.tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
        probabilities: FloatArray = self._teacher.forward_mirrored(images, temperature=1.0).numpy()
        return probabilities


def load_judged(checkpoint: str, others: Sequence[str] = ()) -> tuple[EmotionModel, tuple[str, ...]]:
    """A bundle by name or folder, a run's folder, or with `others` the mean of all; and the classes it tells apart.

    Raises FerPhqError in one sentence.
    """
    if others or (Path(checkpoint) / RUN_WEIGHTS).is_file():
        ensemble = Ensemble([checkpoint, *others])
        return ensemble, ensemble.classes
    return load_model(checkpoint), EMOTIONS
