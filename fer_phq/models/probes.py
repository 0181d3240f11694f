"""Probes: crops that a quantised network is asked on every machine, to see whether it answers as where it was made.

Products of 8-bit integers are exact where a processor's instructions do not saturate. Whether they do is not written in
the file, so a bundle keeps the answers of the machine that made it.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.models.checkpoint import Quantization
from fer_phq.models.model import FerPhqModel

PROBES = 16
"""Number of probes."""
BETWEEN_MACHINES = 0.005
"""Largest difference of a probability on the probes between two machines. Two instruction sets differ by 0.0003 on
faces (docs/BENCHMARKS.md); one that saturates, by up to 0.8."""


def make_probes(size: int) -> npt.NDArray[np.uint8]:
    """Make the probes: noise that is the same in every version of every library.

    Args:
        size: Side in pixels.

    Returns:
        uint8 RGB (16, size, size, 3).
    """
    noise = hashlib.shake_256(b"fer-phq probes").digest(PROBES * size * size * 3)
    return np.frombuffer(noise, np.uint8).reshape(PROBES, size, size, 3)


def answer_probes(model: FerPhqModel) -> FloatArray:
    """Compute the emotion probabilities (16, 7) of the probes."""
    return model.predict_emotions(make_probes(model.bundle.config.image_size))


def compare_probes(model: FerPhqModel, quantization: Quantization) -> float:
    """Measure how far a model's probabilities of the probes are from those where its network was made.

    Args:
        model: The model, as `load_model` returns it.
        quantization: Of its bundle.

    Returns:
        The largest absolute difference; infinite where the bundle has the answers of other probes.
    """
    answers = answer_probes(model)
    expected = np.array(quantization.probes, np.float32)
    return float(np.abs(answers - expected).max()) if answers.shape == expected.shape else float("inf")
