"""How a quantised model compares with itself in 32-bit floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.models.checkpoint import INT8, Quantization
from fer_phq.models.model import FerPhqModel
from fer_phq.models.networks.quantization import compare_with_weights
from fer_phq.models.probes import answer_probes
from training.emotion.data.corpora import FaceSet
from training.emotion.evaluate import BATCH, iterate_crops

RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model gives for labelled images.

    Attributes:
        embeddings: (n, dim) float32.
        probabilities: (n, 7) float32.
    """

    embeddings: FloatArray
    probabilities: FloatArray


def answer(model: FerPhqModel, data: FaceSet) -> Answers:
    """Compute a model's embeddings and probabilities for images.

    Args:
        model: The model.
        data: The images.
    """
    embeddings = np.concatenate([model.embed(crops) for _, crops in iterate_crops(data, BATCH)])
    return Answers(embeddings, model.classify(embeddings))


def describe(model: FerPhqModel, images: int, data: FaceSet, before: Answers) -> Quantization:
    """Compare a quantised model with itself in 32-bit floats.

    Args:
        model: The quantised model.
        images: Number of calibration images.
        data: Labelled images that are not among those.
        before: What the model gave for them in 32-bit floats.
    """
    after = answer(model, data)
    right = after.probabilities.argmax(1) == data.labels
    right_before = before.probabilities.argmax(1) == data.labels
    low, high = difference_interval(right, right_before)
    distance = np.linalg.norm(after.embeddings - before.embeddings, axis=1)
    return Quantization(
        precision=INT8,
        images=images,
        held_out=len(data),
        accuracy_fp32=round(float(right_before.mean()), 5),
        accuracy=round(float(right.mean()), 5),
        low=round(low, 5),
        high=round(high, 5),
        same_emotion=round(float((after.probabilities.argmax(1) == before.probabilities.argmax(1)).mean()), 5),
        embedding_error=round(float(np.median(distance / np.linalg.norm(before.embeddings, axis=1))), 5),
        probe_error=round(compare_with_weights(model), 5),
        probes=tuple(tuple(round(float(share), 5) for share in row) for row in answer_probes(model)),
    )


def difference_interval(right: npt.NDArray[Any], before: npt.NDArray[Any]) -> tuple[float, float]:
    """Compute the 95 % interval of a difference of accuracy over the same images: percentile bootstrap over images.

    Args:
        right: (n,), where the one model is right, or in which share of an image's variants.
        before: (n,), the same of the other.
    """
    difference = right.astype(float) - before
    rng = np.random.default_rng(0)
    means = [difference[rng.integers(0, len(difference), len(difference))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
