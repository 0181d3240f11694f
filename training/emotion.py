"""Train an emotion model by a recipe: `python -m training.emotion RECIPE.yaml --out DIR [--resume] [key=value ...]`.

setup -> fit -> validate, top to bottom. The state is written after every epoch (weights, average, optimiser, random
generators), so a killed run goes on with `--resume` as if it had not stopped. `training.bundle` makes the bundle.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from timm.utils import ModelEmaV3

from fer_phq.backbone import create_backbone
from fer_phq.errors import FerPhqError
from fer_phq.heads import EmotionNet
from training.data import FaceSet, augment, load_ferplus
from training.metrics import EmotionMetrics, emotion_metrics
from training.recipe import Recipe, load_recipe, save_recipe

RECIPE = "recipe.yaml"
"""The run's resolved recipe, in its folder and in the bundle made of it."""

MEAN, STD = 0.507, 0.255
"""Of FER2013's training pixels in 0-1; the bundle's config carries them."""


@dataclasses.dataclass
class Run:
    """A training run's moving parts; everything in `state()` is written after each epoch."""

    recipe: Recipe
    net: EmotionNet
    average: ModelEmaV3
    optimiser: torch.optim.AdamW
    generator: torch.Generator
    epoch: int = 0
    step: int = 0

    def state(self) -> dict[str, Any]:
        """What a resumed run needs (tensors and plain values only: it is loaded with weights_only)."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "epoch": self.epoch,
            "step": self.step,
        }

    def restore(self, path: Path) -> None:
        """Go on from a state file."""
        state = torch.load(path, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.module.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.epoch, self.step = state["epoch"], state["step"]


def load_parts(folder: Path) -> tuple[FaceSet, FaceSet]:
    """Training and validation part; training images whose pixels stand in validation are left out."""
    train, valid = load_ferplus(folder / "train.parquet"), load_ferplus(folder / "valid.parquet")
    clean = train.without(valid)
    print(f"train  {clean.counts()} ({len(train) - len(clean)} left out: their pixels stand in valid)")
    print(f"valid  {valid.counts()}", flush=True)
    return clean, valid


def setup(recipe: Recipe) -> Run:
    """Network, average, optimiser and generator of a new run; biases, norms and positions are not decayed."""
    torch.manual_seed(recipe.seed)
    backbone = create_backbone(recipe.backbone, recipe.image_size, in_chans=1, drop_path_rate=recipe.drop_path)
    net = EmotionNet(backbone, backbone.num_features).to(memory_format=torch.channels_last)
    flat = [p for name, p in net.named_parameters() if p.ndim < 2 or name.endswith("pos_embed")]
    chosen = {id(p) for p in flat}
    decayed = [p for p in net.parameters() if id(p) not in chosen]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": flat, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate)
    average = ModelEmaV3(net, decay=recipe.ema_decay, use_warmup=True)
    return Run(recipe, net, average, optimiser, torch.Generator().manual_seed(recipe.seed))


def learning_rate(recipe: Recipe, progress_epochs: float) -> float:
    """Linear warm-up, then one cosine to a hundredth of the peak."""
    if progress_epochs < recipe.warmup_epochs:
        return recipe.learning_rate * (progress_epochs / recipe.warmup_epochs)
    part = (progress_epochs - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))


def batches(data: FaceSet, run: Run) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch of augmented, normalised images (b, 1, s, s) and targets (b, 7); the last short batch is dropped."""
    recipe, size = run.recipe, run.recipe.size_of(run.epoch)
    order = torch.randperm(len(data), generator=run.generator).numpy()
    for i in range(0, len(order) - recipe.batch_size + 1, recipe.batch_size):
        chosen = order[i : i + recipe.batch_size]
        images = torch.from_numpy(data.images[chosen]).float().div_(255)[:, None]
        images = (augment(images, size, recipe.augmentation, run.generator) - MEAN) / STD
        yield images.contiguous(memory_format=torch.channels_last), torch.from_numpy(data.targets[chosen])


def train_epoch(run: Run, data: FaceSet) -> float:
    """One pass over the data; returns the mean loss (soft cross-entropy, nats)."""
    run.net.train()
    losses, per_epoch = [], len(data) // run.recipe.batch_size
    for i, (images, targets) in enumerate(batches(data, run)):
        for group in run.optimiser.param_groups:
            group["lr"] = learning_rate(run.recipe, run.epoch + i / per_epoch)
        loss = F.cross_entropy(run.net(images), targets)
        run.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(run.net.parameters(), 1.0)
        run.optimiser.step()
        run.step += 1
        run.average.update(run.net, step=run.step)
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


@torch.inference_mode()
def predict(net: torch.nn.Module, data: FaceSet, size: int) -> torch.Tensor:
    """Logits (n, 7) of a network for a set, without augmentation."""
    net.eval()
    out = []
    for i in range(0, len(data), 256):
        images = torch.from_numpy(data.images[i : i + 256]).float().div_(255)[:, None]
        if images.shape[-1] != size:
            images = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        out.append(net(((images - MEAN) / STD).contiguous(memory_format=torch.channels_last)))
    return torch.cat(out)


def validate(run: Run, data: FaceSet) -> EmotionMetrics:
    """Metrics of the averaged network at the epoch's image size."""
    logits = predict(run.average.module, data, run.recipe.size_of(run.epoch))
    return emotion_metrics(logits.softmax(1).numpy(), data.labels)


def fit(run: Run, train: FaceSet, valid: FaceSet, out: Path) -> None:
    """Epochs until the recipe's end, a line and a state file each."""
    while run.epoch < run.recipe.epochs:
        began = time.monotonic()
        loss = train_epoch(run, train)
        seconds = time.monotonic() - began
        metrics = validate(run, valid)
        line = {
            "epoch": run.epoch + 1,
            "image_size": run.recipe.size_of(run.epoch),
            "train_loss": round(loss, 4),
            "valid_accuracy": round(metrics.accuracy, 4),
            "macro_f1": round(metrics.macro_f1, 4),
            "uar": round(metrics.uar, 4),
            "ece": round(metrics.ece, 4),
            "images_per_s": round(len(train) / seconds, 1),
            "seconds": round(seconds, 1),
        }
        run.epoch += 1
        with (out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(line, flush=True)
        torch.save(run.state(), out / "state.pt.part")
        (out / "state.pt.part").replace(out / "state.pt")


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion", description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("overrides", nargs="*", help="key=value, replacing a field of the recipe")
    parser.add_argument("--out", type=Path, required=True, help="folder for the log and the state")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    options = parser.parse_args(argv)
    try:
        recipe = load_recipe(options.recipe, tuple(options.overrides))
        run = setup(recipe)
        train, valid = load_parts(recipe.data)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.resume and (options.out / "state.pt").is_file():
        run.restore(options.out / "state.pt")
    options.out.mkdir(parents=True, exist_ok=True)
    save_recipe(recipe, options.out / RECIPE)
    fit(run, train, valid, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
