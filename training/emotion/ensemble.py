"""Emotion models to evaluate: a checkpoint bundle, or an ensemble of runs before they are bundled and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from fer_phq.core.arrays import FloatArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.model import load_model
from fer_phq.models.preprocessing import LUMA
from training.emotion.networks.build import RUN_WEIGHTS, Teacher, as_images


class EmotionModel(Protocol):
    """An emotion model that can be evaluated: that of a bundle, or an ensemble."""

    @property
    def model_id(self) -> str:
        """Name of the model in reports."""

    def predict_emotions(self, crops: npt.NDArray[np.uint8]) -> FloatArray:
        """Compute probabilities, float32 (n, classes), of RGB crops (n, h, w, 3)."""


class Ensemble:
    """The mean probabilities of runs or bundles over a face and its mirror image, at temperature 1.

    Attributes:
        model_id: Names of the folders.
        classes: Names of the outputs.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        """Load the networks.

        Args:
            folders: Run folders, or names, ids or folders of bundles.

        Raises:
            FerPhqError: A network cannot be loaded, or their classes or channels differ.
        """
        self._teacher = Teacher(tuple(folders))
        self.model_id = " and ".join(Path(folder).name for folder in folders)
        self.classes = self._teacher.classes

    def predict_emotions(self, crops: npt.NDArray[np.uint8]) -> FloatArray:
        """Compute probabilities, float32 (n, classes), of RGB crops (n, h, w, 3). Each row sums to 1."""
        images = as_images(torch.from_numpy(np.ascontiguousarray(crops)))
        if self._teacher.in_chans == 1:
            images = (images * torch.tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
        probabilities: FloatArray = self._teacher.forward_mirrored(images, temperature=1.0).numpy()
        return probabilities


def load_emotion_model(checkpoint: str, additions: Sequence[str] = ()) -> tuple[EmotionModel, tuple[str, ...]]:
    """Load the model of a bundle or run, or an ensemble.

    Args:
        checkpoint: Name or folder of a bundle, or folder of a run.
        additions: Further ones; the model is then the mean of all.

    Returns:
        The model and the names of its outputs.

    Raises:
        FerPhqError: One of them cannot be loaded, or they do not belong together.
    """
    if additions or (Path(checkpoint) / RUN_WEIGHTS).is_file():
        ensemble = Ensemble([checkpoint, *additions])
        return ensemble, ensemble.classes
    return load_model(checkpoint), EMOTIONS
