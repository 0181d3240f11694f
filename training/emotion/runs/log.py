"""Records of a training run: a line an epoch, `run.json`, and the tracker's curves and confusion matrices."""

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
    """One line of `log.jsonl`. Training accuracy and loss are of a fixed sample without augmentation.

    Attributes:
        stage: Number of the stage, from 1.
        epoch: Number of the epoch in its stage, from 1.
        image_size: Side of the images in pixels.
        learning_rate: Highest of the parameter groups at the last step.
        step_loss: Mean loss of the epoch's steps, on augmented images and mixed targets, in nats.
        train_loss: In nats.
        train_accuracy: 0 to 1.
        valid_loss: In nats.
        valid_accuracy: 0 to 1.
        macro_f1: Of the validation part.
        uar: Of the validation part.
        ece: Of the validation part.
        images_per_s: Training images.
        seconds: Time of training, without validation.
    """

    stage: int
    epoch: int
    image_size: int
    learning_rate: float
    step_loss: float
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
    """Add an epoch to `log.jsonl`, in place of the line that it may have from before a resume.

    Args:
        folder: Folder of the run.
        line: The epoch.
    """
    path = folder / LOG
    earlier = []
    if path.is_file():
        rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
        earlier = [row for row in rows if (row["stage"], row["epoch"]) < (line.stage, line.epoch)]
    fields = dataclasses.asdict(line)
    rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in fields.items()}
    text = "".join(json.dumps(row) + "\n" for row in [*earlier, rounded])
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def describe_hardware() -> str:
    """Name the accelerators, or the processor and its number of cores."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}"
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        rows = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), name)
    return f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores of {name}"


def write_run(folder: Path, recipe: Recipe, **facts: Any) -> None:
    """Write or update `run.json`. A resume keeps the entries of the start, but not the recipe's hash.

    The hash is written anew because a recipe may have got a further stage.

    Args:
        folder: Folder of the run.
        recipe: The run's recipe.
        facts: Further entries, such as command, data sheet and times; they replace earlier ones.
    """
    path = folder / RUN
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    initial = {
        "recipe_name": recipe.name,
        "started_at": utc_now(),
        "finished_at": None,
        "hardware": describe_hardware(),
        "torch": torch.__version__,
    }
    current = {"recipe_sha256": hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()}
    path.write_text(json.dumps(initial | earlier | current | facts, indent=2) + "\n", encoding="utf-8")


def utc_now() -> str:
    """Return the present time, UTC, to the second, in ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def log_to_tracker(accelerator: Accelerator, line: EpochLine, metrics: EmotionMetrics, epochs_before: int) -> None:
    """Send an epoch's metrics and confusion matrix to the tracker, if there is one.

    Args:
        accelerator: Holds the tracker.
        line: The epoch.
        metrics: Metrics of the validation part.
        epochs_before: Epochs of earlier stages.
    """
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
    picture = _render_figure(figure)
    for tracker in accelerator.trackers:
        if tracker.name == "tensorboard":
            tracker.log_images({"confusion": picture[None]}, step=step, dataformats="NHWC")
        else:
            tracker.log_images({"confusion": [picture]}, step=step)


def _render_figure(figure: Any) -> np.ndarray:
    """Render a figure as uint8 RGB (h, w, 3)."""
    figure.savefig(png := io.BytesIO(), format="png")
    with Pillow.open(png) as picture:
        return np.asarray(picture.convert("RGB"))
