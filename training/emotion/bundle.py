"""Make a checkpoint bundle of a finished emotion run: `python -m training.emotion.bundle RUN --out DIR`.

The weights are written in half precision with adapters merged. The temperature is fitted on the calibration part,
which the run never trained on, and never on `valid`. The metrics of the written file on `valid` go into
`metrics.json`.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.models.checkpoint import WEIGHTS, BundleConfig, read_bundle, write_config
from fer_phq.models.model import assemble, load_model
from fer_phq.models.networks.export import write_runtime
from fer_phq.models.networks.heads import EmotionNet
from fer_phq.models.networks.loading import FaceNetwork, load_network
from training import cli
from training.emotion import commands, messages
from training.emotion.data.corpora import FaceSet
from training.emotion.data.faces import load_stage_data
from training.emotion.metrics import EmotionMetrics, accuracy_by_agreement, emotion_metrics
from training.emotion.networks.build import RECIPE, load_run
from training.emotion.recipe import Recipe, save_recipe


def fit_temperature(logits: torch.Tensor, targets: torch.Tensor) -> float:
    """Fit the temperature that minimises the cross-entropy (Guo et al., 2017, arXiv:1706.04599).

    Args:
        logits: (n, classes).
        targets: Class distributions (n, classes).

    Returns:
        Above 0, rounded to four places.
    """
    log_t = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_t], lr=0.2, max_iter=60)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(logits / log_t.exp(), targets)
        loss.backward()
        return loss

    optimiser.step(closure)
    return round(float(log_t.detach().exp()), 4)


def calibrate_temperature(network: FaceNetwork, data: FaceSet) -> float:
    """Fit a bundle's temperature on the majority labels of images that it was not trained on.

    Args:
        network: The bundle's network.
        data: Images; without any the temperature is 1.
    """
    if not len(data):
        return 1.0
    embeddings = torch.from_numpy(assemble(network.bundle, network).embed(data.crops()))
    with torch.inference_mode():
        logits = network.net.head(embeddings)
    return fit_temperature(logits.clone(), F.one_hot(torch.from_numpy(data.labels), len(EMOTIONS)).float())


def write_bundle(net: EmotionNet, recipe: Recipe, folder: Path) -> None:
    """Write float16 weights, configuration (with temperature 1) and recipe.

    Args:
        net: The run's network without adapters.
        recipe: The run's recipe.
        folder: Folder of the bundle; is made if it is missing.

    Raises:
        FerPhqError: The run has other classes than the seven emotions.
    """
    classes = recipe.stages[-1].classes
    if classes != EMOTIONS:
        raise FerPhqError(messages.OTHER_CLASSES(classes=classes))
    folder.mkdir(parents=True, exist_ok=True)
    weights = net.state_dict()
    half_precision = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights.items()}
    save_file(half_precision, folder / WEIGHTS[0])
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
    """Evaluate a bundle as the product loads it, and write `metrics.json` into its folder.

    Args:
        folder: Folder of the bundle.
        data: Images to evaluate on.
    """
    probabilities = load_model(folder).predict_emotions(data.crops())
    metrics = emotion_metrics(probabilities, data.labels)
    bins = accuracy_by_agreement(probabilities, data.labels, data.label_agreement)
    fields = dataclasses.asdict(metrics) | {"agreement": [dataclasses.asdict(b) for b in bins]}
    text = json.dumps(fields, indent=2) + "\n"
    (folder / "metrics.json").write_text(text, encoding="utf-8")
    return metrics


def make_bundle(run_folder: Path, folder: Path) -> EmotionMetrics:
    """Make a calibrated and evaluated bundle of a run.

    Args:
        run_folder: Folder of the run.
        folder: Folder of the bundle; is made if it is missing.

    Returns:
        Metrics of the bundle on the recipe's validation part.

    Raises:
        FerPhqError: The run or its images cannot be loaded, or the run has other classes.
    """
    net, recipe = load_run(run_folder)
    stage = recipe.stages[-1]
    data = load_stage_data(stage, recipe.root, recipe.network.in_chans == 1, recipe.image_size)
    write_bundle(net, recipe, folder)
    network = load_network(folder)
    temperature = calibrate_temperature(network, data.calibration)
    write_config(folder, dataclasses.replace(network.bundle.config, temperature=temperature))
    write_runtime(read_bundle(folder))
    return write_metrics(folder, data.valid)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.bundle, argv, "training.emotion.bundle")


if __name__ == "__main__":
    sys.exit(main())
