"""Make a checkpoint bundle of a finished emotion run: `python -m training.bundle RUN --out DIR`.

The averaged weights are written in half precision, the temperature is fitted on a slightly shifted part of the
training images (never on `valid`), and the figures on `valid` of exactly the written file go into `metrics.json`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from fer_phq.checkpoint import WEIGHTS, BundleConfig, write_config
from fer_phq.emotions import EMOTIONS
from fer_phq.errors import FerPhqError
from fer_phq.model import FerPhqModel, load_model
from training.data import Augmentation, FaceSet, augment
from training.emotion import MEAN, RECIPE, STD, Run, load_parts, setup
from training.metrics import EmotionMetrics, emotion_metrics
from training.recipe import load_recipe, save_recipe

CALIBRATION_SHARE = 0.15
"""Share of the training images on which the temperature is fitted; they are shifted a little, so as not to be
recognised from training."""


def fit_temperature(logits: torch.Tensor, targets: torch.Tensor) -> float:
    """The temperature that minimises the cross-entropy of logits (n, 7) against targets (n, 7) (Guo et al., 2017)."""
    log_t = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_t], lr=0.2, max_iter=60)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(logits / log_t.exp(), targets)
        loss.backward()
        return loss

    optimiser.step(closure)
    return round(float(log_t.detach().exp()), 4)


def temperature_of(run: Run, train: FaceSet) -> float:
    """Temperature of the averaged network on hard labels of a seeded part of the training images."""
    rng = np.random.default_rng(run.recipe.seed)
    part = train.take(rng.random(len(train)) < CALIBRATION_SHARE)
    generator = torch.Generator().manual_seed(run.recipe.seed)
    images = torch.from_numpy(part.images).float().div_(255)[:, None]
    mild = Augmentation(rotation=4, scale=0.05, shift=0.03, brightness=0.1, contrast=0.1, erase=0, blur=0, flip=True)
    images = (augment(images, run.recipe.image_size, mild, generator) - MEAN) / STD
    run.average.module.eval()
    with torch.inference_mode():
        logits = torch.cat([run.average.module(batch) for batch in images.split(256)])
    return fit_temperature(logits.clone(), F.one_hot(torch.from_numpy(part.labels), len(EMOTIONS)).float())


def write_bundle(run: Run, temperature: float, folder: Path) -> None:
    """Write weights (float16) and configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = run.average.module.state_dict()
    half = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights.items()}
    save_file(half, folder / WEIGHTS[0])
    config = BundleConfig(
        name=run.recipe.name,
        backbone=run.recipe.backbone,
        image_size=run.recipe.image_size,
        in_chans=1,
        dim=run.net.head.in_features,
        mean=MEAN,
        std=STD,
        classes=EMOTIONS,
        temperature=temperature,
    )
    write_config(folder, config)
    save_recipe(run.recipe, folder / RECIPE)


def evaluate(model: FerPhqModel, data: FaceSet) -> EmotionMetrics:
    """Metrics of a loaded bundle through its public door, on grey images shown as RGB."""
    crops = np.repeat(data.images[..., None], 3, axis=3)
    return emotion_metrics(model.predict_emotions(crops), data.labels)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.bundle", description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder with the run's state.pt and recipe.yaml")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    try:
        recipe = load_recipe(options.run / RECIPE)
        train, valid = load_parts(recipe.data)
        run = setup(recipe)
        run.restore(options.run / "state.pt")
        write_bundle(run, temperature_of(run, train), options.out)
        metrics = evaluate(load_model(options.out), valid)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    (options.out / "metrics.json").write_text(
        json.dumps(dataclasses.asdict(metrics), indent=2) + "\n", encoding="utf-8"
    )
    print(json.dumps(dataclasses.asdict(metrics), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
