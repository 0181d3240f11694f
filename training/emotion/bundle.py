"""Make a checkpoint bundle of a finished emotion run: `python -m training.emotion.bundle RUN --out DIR`.

The run's weights are written in half precision (LoRA merged), the temperature is fitted on the calibration part that
the run never trained on (never on `valid`), and the figures on `valid` of exactly the written file go into
`metrics.json`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.models.checkpoint import WEIGHTS, BundleConfig, write_config
from fer_phq.models.heads import EmotionNet
from fer_phq.models.model import FerPhqModel, load_model
from training.emotion.data.corpora import FaceSet
from training.emotion.data.faces import load_stage_data
from training.emotion.metrics import EmotionMetrics, by_agreement, emotion_metrics
from training.emotion.networks.build import RECIPE, load_run
from training.emotion.recipe import Recipe, save_recipe


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


def temperature_of(model: FerPhqModel, data: FaceSet) -> float:
    """Temperature of a bundle on the majority labels of images that it was not trained on; 1 without images."""
    if not len(data):
        return 1.0
    embeddings = torch.from_numpy(model.embed(data.crops()))
    with torch.inference_mode():
        logits = model.net.head(embeddings)
    return fit_temperature(logits.clone(), F.one_hot(torch.from_numpy(data.labels), len(EMOTIONS)).float())


def write_bundle(net: EmotionNet, recipe: Recipe, folder: Path) -> None:
    """Write float16 weights, configuration (temperature 1) and recipe; FerPhqError for other classes than the seven."""
    classes = recipe.stages[-1].classes
    if classes != EMOTIONS:
        raise FerPhqError(f"A bundle has the seven emotions in their order; this run has {', '.join(classes)}.")
    folder.mkdir(parents=True, exist_ok=True)
    weights = net.state_dict()
    half = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights.items()}
    save_file(half, folder / WEIGHTS[0])
    config = BundleConfig(
        name=recipe.name,
        backbone=recipe.network.backbone,
        image_size=recipe.image_size,
        in_chans=recipe.network.in_chans,
        dim=net.head.in_features,
        mean=recipe.network.mean,
        std=recipe.network.std,
        classes=EMOTIONS,
        temperature=1.0,
        options=recipe.network.options,
    )
    write_config(folder, config)
    save_recipe(recipe, folder / RECIPE)


def write_metrics(folder: Path, data: FaceSet) -> EmotionMetrics:
    """Judge a bundle through its public door and write the figures beside its weights."""
    probabilities = load_model(folder).predict_emotions(data.crops())
    metrics = emotion_metrics(probabilities, data.labels)
    agreement = [dataclasses.asdict(one) for one in by_agreement(probabilities, data.labels, data.label_agreement)]
    text = json.dumps(dataclasses.asdict(metrics) | {"agreement": agreement}, indent=2) + "\n"
    (folder / "metrics.json").write_text(text, encoding="utf-8")
    return metrics


def make_bundle(run: Path, folder: Path) -> EmotionMetrics:
    """Bundle of a run, calibrated and measured. Raises FerPhqError in one sentence."""
    net, recipe = load_run(run)
    stage = recipe.stages[-1]
    parts = load_stage_data(stage, recipe.root, recipe.network.in_chans == 1, recipe.image_size)
    write_bundle(net, recipe, folder)
    model = load_model(folder)
    temperature = temperature_of(model, parts.calibration)
    write_config(folder, dataclasses.replace(model.bundle.config, temperature=temperature))
    return write_metrics(folder, parts.valid)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.emotion.bundle", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    try:
        metrics = make_bundle(options.run, options.out)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(
        f"{options.out}: accuracy {metrics.accuracy:.1%}, macro-F1 {metrics.macro_f1:.3f}, UAR {metrics.uar:.3f}, "
        f"ECE {metrics.ece:.3f} on {metrics.n} images"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
