"""Bringing a bundle to 8-bit integers, whole or not at all."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_phq.core.errors import FerPhqError
from fer_phq.models.checkpoint import (
    FP32,
    INT8,
    RUNTIME,
    WEIGHTS,
    Bundle,
    Quantization,
    check_files,
    read_bundle,
    write_config,
)
from fer_phq.models.encoder import load_encoder
from fer_phq.models.model import assemble, load_model
from fer_phq.models.networks.quantization import quantize_network
from fer_phq.models.preprocessing import to_pixels
from training.emotion import messages
from training.emotion.bundle import write_metrics
from training.emotion.data.corpora import FaceSet
from training.emotion.data.faces import load_stage_data
from training.emotion.networks.build import RECIPE
from training.emotion.quantization.comparison import answer, describe
from training.emotion.recipe import load_recipe
from training.folders import replace_folder

IMAGES = 512
"""Training images on which ranges are measured: more change nothing (docs/BENCHMARKS.md)."""
MOST_LOST = 0.003
"""Accuracy that may be lost."""
MEASURED_BEFORE = ("robustness.json", "robustness.md")
"""Files of a bundle with figures of the network as it was."""


def quantize_bundle(folder: Path, root: Path | None = None) -> Bundle:
    """Bring a bundle to 8-bit integers, whole or not at all.

    Args:
        folder: The bundle's folder, with the recipe of its run. It is replaced at once, or stays as it was.
        root: Where the recipe's corpora lie; as the recipe says when omitted.

    Returns:
        The bundle as it is now.

    Raises:
        FerPhqError: The bundle is damaged or in 8-bit integers already, its images cannot be loaded, its network cannot
            be quantised, or it loses too much.
    """
    bundle = read_bundle(folder)
    check_files(bundle, (WEIGHTS[0], RUNTIME))
    bundle, encoder = load_encoder(bundle)
    if bundle.config.precision != FP32:
        raise FerPhqError(messages.QUANTIZED_ALREADY(model_id=bundle.model_id, precision=bundle.config.precision))
    recipe = load_recipe(bundle.path / RECIPE)
    config = bundle.config
    data = load_stage_data(recipe.stages[-1], root or recipe.root, config.in_chans == 1, config.image_size)
    before = answer(assemble(bundle, encoder), data.valid)
    images = draw_images(data.train, IMAGES, recipe.seed)
    with replace_folder(folder) as part:
        shutil.copytree(bundle.path, part, dirs_exist_ok=True)
        for name in MEASURED_BEFORE:
            (part / name).unlink(missing_ok=True)
        crops = data.train.crops(images)
        quantize_network(bundle, to_pixels(crops, config.in_chans, config.image_size), part / RUNTIME)
        _write_quantization(part, Quantization(INT8, len(images), len(data.valid), 0, 0, 0, 0, 0, 0, 0, ()))
        model = load_model(part)
        quantization = describe(model, len(images), data.valid, before)
        change = quantization.accuracy - quantization.accuracy_fp32
        if change < -MOST_LOST:
            raise FerPhqError(
                messages.QUANTIZATION_TOO_COSTLY(
                    model_id=bundle.model_id, images=len(data.valid), change=100 * change, limit=100 * MOST_LOST
                )
            )
        _write_quantization(part, quantization)
        write_metrics(part, data.valid)
    return read_bundle(folder)


def draw_images(data: FaceSet, limit: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw the indices of training images, in order; all where there are fewer than `limit`.

    Args:
        data: The training images.
        limit: The most images.
        seed: Of the draw.
    """
    return np.sort(np.random.default_rng(seed).permutation(len(data))[:limit])


def _write_quantization(folder: Path, quantization: Quantization) -> None:
    """Write the configuration. It must say what `model.onnx` computes in before that is loaded."""
    config = read_bundle(folder).config
    write_config(folder, dataclasses.replace(config, quantization=quantization))
