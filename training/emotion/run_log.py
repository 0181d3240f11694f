"""What a run leaves behind: a line an epoch, `run.json`, and the tracker's curves and confusion matrix."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import io
import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image as Pillow

from training.emotion.metrics import EmotionMetrics
from training.emotion.recipe import Recipe

LOG = "log.jsonl"
RUN = "run.json"


@dataclasses.dataclass(frozen=True)
class EpochLine:
    """One line of `log.jsonl`. Accuracies and losses of training are on a fixed sample without augmentation."""

    stage: int
    epoch: int
    image_size: int
    learning_rate: float
    step_loss: float
    """Mean loss of the epoch's steps, on augmented images and mixed targets, in nats."""
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    macro_f1: float
    uar: float
    ece: float
    images_per_s: float
    seconds: float


def append_line(folder: Path, line: EpochLine) -> None:
    """Add an epoch to `log.jsonl`; an epoch that is run again after a resume takes its old line's place."""
    path = folder / LOG
    kept = []
    if path.is_file():
        rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
        kept = [row for row in rows if (row["stage"], row["epoch"]) < (line.stage, line.epoch)]
    rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in dataclasses.asdict(line).items()}
    text = "".join(json.dumps(row) + "\n" for row in [*kept, rounded])
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def hardware() -> str:
    """What the run was computed on, as the report shows it."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}"
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        rows = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), name)
    return f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores of {name}"


def write_run(folder: Path, recipe: Recipe, **facts: Any) -> None:
    """Write or update `run.json`: command, times, hardware, data sheet; a resume keeps what was there at the start.

    Not the recipe's hash: a recipe that has got a further stage is another one.
    """
    path = folder / RUN
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    fresh = {
        "recipe_name": recipe.name,
        "started_at": now(),
        "finished_at": None,
        "hardware": hardware(),
        "torch": torch.__version__,
    }
    present = {"recipe_sha256": hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()}
    path.write_text(json.dumps(fresh | before | present | facts, indent=2) + "\n", encoding="utf-8")


def now() -> str:
    """This moment, UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def track(accelerator: Accelerator, line: EpochLine, metrics: EmotionMetrics, epochs_before: int) -> None:
    """Send an epoch's figures and its confusion matrix to the tracker, where there is one."""
    if not accelerator.trackers:
        return
    step = epochs_before + line.epoch
    accelerator.log(
        {
            "accuracy/train": line.train_accuracy,
            "accuracy/valid": line.valid_accuracy,
            "accuracy/gap": line.train_accuracy - line.valid_accuracy,
            "loss/train": line.train_loss,
            "loss/valid": line.valid_loss,
            "loss/step": line.step_loss,
            "valid/macro_f1": line.macro_f1,
            "valid/uar": line.uar,
            "valid/ece": line.ece,
            "learning_rate": line.learning_rate,
            "images_per_s": line.images_per_s,
        },
        step=step,
    )
    from training.plots.figures import confusion_figure  # imported here: runs without a tracker need no matplotlib

    figure = confusion_figure(metrics.confusion, list(metrics.per_class), title=f"Epoch {line.epoch}")
    picture = _pixels(figure)
    for tracker in accelerator.trackers:
        if tracker.name == "tensorboard":
            tracker.log_images({"confusion": picture[None]}, step=step, dataformats="NHWC")
        else:
            tracker.log_images({"confusion": [picture]}, step=step)


def _pixels(figure: Any) -> np.ndarray:
    """A figure as uint8 RGB (h, w, 3)."""
    figure.savefig(png := io.BytesIO(), format="png")
    with Pillow.open(png) as picture:
        return np.asarray(picture.convert("RGB"))
