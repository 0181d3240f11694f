"""Train an emotion model by a recipe: `python -m training.emotion RECIPE.yaml [--out DIR] [--resume] [key=value ...]`.

setup -> fit -> validate, top to bottom, the same loop for every recipe, on one device or many (`accelerate launch`,
torchrun). The state is written after every epoch and every few minutes, and when the run is interrupted, so
`--resume` goes on as if it had never stopped. `training.emotion.bundle` makes a checkpoint bundle of the run.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from timm.utils import ModelEmaV3
from tqdm import tqdm

from fer_phq.core.errors import FerPhqError
from training.emotion import run_log
from training.emotion.data.augment import augment, mix
from training.emotion.data.corpora import FaceSet
from training.emotion.data.faces import StageData, draw_epoch_batches, load_stage_data, make_dataloader, sharpen_targets
from training.emotion.metrics import EmotionMetrics, emotion_metrics
from training.emotion.networks.build import (
    RECIPE,
    Teacher,
    adapt_head,
    as_images,
    build_net,
    check_image_sizes,
    normalise,
    predict_logits,
    save_run_weights,
)
from training.emotion.networks.optimisers import build_optimiser, learning_rate_factor, set_learning_rate
from training.emotion.recipe import Recipe, find_recipe, load_recipe, save_recipe
from training.emotion.state import Interrupted, Progress, Run, load_state, read_progress, save_state, stop_signals


def setup(recipe: Recipe, out: Path, resume: bool = False) -> tuple[Run, StageData]:
    """Network, optimiser, average and data of the stage to train; with `resume`, as the last state left them."""
    accelerator = make_accelerator(recipe, out)
    progress = read_progress(out) if resume else Progress()
    torch.manual_seed(recipe.seed)
    first = recipe.stages[0].classes
    network = recipe.network.model_copy(update={"init_from": None}) if progress.begun else recipe.network
    net = build_net(network, first, recipe.image_size)
    for before, stage in zip(recipe.stages, recipe.stages[1 : progress.stage + 1], strict=False):
        net = adapt_head(net, before.classes, stage.classes)
    run = Run(recipe, out, accelerator, net, progress)
    parts = begin_stage(run)
    if progress.begun:
        load_state(run)
    return run, parts


def make_accelerator(recipe: Recipe, out: Path) -> Accelerator:
    """Device, precision and tracker; `out` takes the tracker's files."""
    precision = recipe.precision if recipe.precision != "auto" else fast_precision()
    tracker = None if recipe.tracker == "none" else recipe.tracker
    cpu = not torch.accelerator.is_available()  # unless told so, several processes on a CPU do not find each other
    accelerator = Accelerator(cpu=cpu, mixed_precision=precision, log_with=tracker, project_dir=str(out))
    if tracker:
        wandb = {"wandb": {"name": recipe.name, "dir": str(out)}}
        accelerator.init_trackers("fer-phq", init_kwargs=wandb if tracker == "wandb" else {"tensorboard": {}})
    return accelerator


def fast_precision() -> str:
    """bf16 where the device multiplies it in hardware: elsewhere it is emulated, and slower."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.is_file() else ""
    return "bf16" if "avx512_bf16" in flags or "amx_bf16" in flags else "no"


def begin_stage(run: Run) -> StageData:
    """Load the stage's data and make its optimiser and average around the network as it is."""
    stage = run.stage
    network = run.recipe.network
    check_image_sizes(run.plain, network, {phase.image_size for phase in stage.phases})
    parts = load_stage_data(stage, run.recipe.root, network.in_chans == 1, stage.image_size)
    run.accelerator.print("\n".join(parts.data_sheet), flush=True)
    run.optimiser = build_optimiser(run.net, stage.optimiser)
    run.average = ModelEmaV3(run.net, decay=stage.ema_decay, use_warmup=True) if stage.ema_decay else None
    distil = stage.distil if run.progress.epoch < stage.epochs else None  # a stage that is over needs no teacher
    run.teacher = Teacher(distil.teachers, stage.classes, network.in_chans) if distil else None
    run.prepare()
    run.targets = sharpen_targets(parts.train, stage.majority)
    if run.teacher is not None and distil is not None and distil.views == "clean":
        taught = run.teacher.predict(parts.train, distil.temperature, run.accelerator.device)
        run.targets = ((1 - distil.weight) * run.targets + distil.weight * taught).astype(np.float32)
        run.teacher = None
    return parts


def fit(run: Run, parts: StageData) -> None:
    """Every stage to its end: an epoch, its validation, its line, its state."""
    while True:
        stage = run.stage
        progress = run.progress
        while progress.epoch < stage.epochs and not run.spent:
            began = time.monotonic() - progress.epoch_seconds
            loss = train_epoch(run, parts.train)
            finish_epoch(run, parts, loss, time.monotonic() - began)
        if progress.stage + 1 == len(run.recipe.stages):
            return
        run.plain.load_state_dict(run.kept.state_dict())  # the next stage starts from what this one leaves
        run.net = adapt_head(run.plain, stage.classes, run.recipe.stages[progress.stage + 1].classes)
        progress.next_stage()
        parts = begin_stage(run)


def train_epoch(run: Run, train: FaceSet) -> float:
    """The rest of an epoch (all of it unless resumed within); returns the mean loss of its steps."""
    stage = run.stage
    progress = run.progress
    device = run.accelerator.device
    size = stage.size_of(progress.epoch)
    batches = draw_epoch_batches(train, stage, run.recipe.seed, progress.stage, progress.epoch, run.accelerator)
    steps_per_epoch = len(batches) // stage.accumulate
    run.net.train()
    began = time.monotonic() - progress.epoch_seconds
    saved = time.monotonic()
    rest = make_dataloader(train, run.targets, batches[progress.batch :], run.recipe.workers)
    hidden = None if run.accelerator.is_main_process else True  # None: hidden where nobody watches
    name = f"epoch {progress.epoch + 1}/{stage.epochs}"
    bar = tqdm(rest, name, len(batches), initial=progress.batch, disable=hidden)
    for images, targets in bar:
        step = progress.epoch * steps_per_epoch + progress.batch // stage.accumulate
        factor = learning_rate_factor(stage.schedule, step, steps_per_epoch, steps_per_epoch * stage.epochs)
        set_learning_rate(run.optimiser, stage.optimiser.learning_rate * factor)
        loss = train_step(run, images.to(device), targets.to(device), size)
        progress.batch += 1
        progress.loss_sum += loss
        if progress.batch % stage.accumulate == 0:
            progress.steps += 1
            if run.spent:
                break
            stop, due = run.agreed(run.stopping, time.monotonic() - saved > 60 * run.recipe.save_minutes)
            if stop or due:
                progress.epoch_seconds = time.monotonic() - began
                saved = time.monotonic()
                save_state(run)
            if stop:
                raise Interrupted
    return progress.loss_sum / max(1, progress.batch)


def train_step(run: Run, pixels: torch.Tensor, targets: torch.Tensor, size: int) -> float:
    """One batch, uint8 (b, h, w[, 3]): augment, forward, backward, and a step where enough have accumulated."""
    stage = run.stage
    network = run.recipe.network
    progress = run.progress
    generator = run.step_generator()
    images = augment(as_images(pixels), size, stage.augmentation, generator)
    images, targets = mix(images, targets, stage.mix, generator)
    with run.accelerator.accumulate(run.net), run.accelerator.autocast():
        logits = run.net(normalise(images, network)).float()
        loss = F.cross_entropy(logits, targets, label_smoothing=stage.label_smoothing)
        if run.teacher is not None and stage.distil is not None:
            t = stage.distil.temperature
            wanted = run.teacher(images, t)
            loss = loss + stage.distil.weight * (t * t * F.cross_entropy(logits / t, wanted) - loss)
        run.accelerator.backward(loss)
        if run.accelerator.sync_gradients:
            if stage.clip:
                run.accelerator.clip_grad_norm_(run.net.parameters(), stage.clip)
            run.optimiser.step()
            run.optimiser.zero_grad(set_to_none=True)
            if run.average is not None:
                run.average.update(run.plain, step=progress.steps + 1)
    return float(loss.detach())


def finish_epoch(run: Run, parts: StageData, loss: float, seconds: float) -> None:
    """Validate, write the epoch's line, its weights and its state."""
    stage = run.stage
    progress = run.progress
    size = stage.size_of(progress.epoch)
    images = progress.batch * stage.batch_size * run.accelerator.num_processes
    seen = validate(run, parts.sample, size)
    held = validate(run, parts.valid, size)
    line = run_log.EpochLine(
        stage=progress.stage + 1,
        epoch=progress.epoch + 1,
        image_size=size,
        learning_rate=max(group["lr"] for group in run.optimiser.param_groups),
        step_loss=loss,
        train_loss=seen.nll,
        train_accuracy=seen.accuracy,
        valid_loss=held.nll,
        valid_accuracy=held.accuracy,
        macro_f1=held.macro_f1,
        uar=held.uar,
        ece=held.ece,
        images_per_s=images / seconds,
        seconds=seconds,
    )
    better = progress.next_epoch(held.accuracy, seconds)
    if run.accelerator.is_main_process:
        if better or stage.patience is None:
            save_run_weights(run.kept, run.out)
        run_log.append_line(run.out, line)
        run_log.track(run.accelerator, line, held, run.epochs_before)
        left = (stage.epochs - progress.epoch) * progress.seconds / max(1, progress.epochs_done)
        print(
            f"stage {line.stage} epoch {line.epoch}/{stage.epochs} at {size} px: loss {loss:.3f}, accuracy train "
            f"{line.train_accuracy:.3f} valid {line.valid_accuracy:.3f}, macro-F1 {line.macro_f1:.3f}, "
            f"ECE {line.ece:.3f}, {line.images_per_s:.0f} images/s, {left / 60:.0f} min left in this stage",
            flush=True,
        )
    save_state(run)


@torch.inference_mode()
def validate(run: Run, data: FaceSet, size: int) -> EmotionMetrics:
    """Metrics of the kept weights (the average where there is one), one view, at an image size."""
    with run.accelerator.autocast():
        logits = predict_logits(run.kept, data, size, run.recipe.network, run.accelerator.device)
    return emotion_metrics(logits.softmax(1).numpy(), data.labels, data.classes)


def train(recipe: Recipe, out: Path, resume: bool = False, command: str = "") -> None:
    """Train a recipe into `out`. Raises FerPhqError in one sentence, Interrupted after a clean stop."""
    if not resume and (out / run_log.LOG).is_file():
        raise FerPhqError(f"{out} already holds a run: give --resume to go on with it, or another --out.")
    out.mkdir(parents=True, exist_ok=True)
    run, parts = setup(recipe, out, resume)
    if run.accelerator.is_main_process:
        save_recipe(recipe, out / RECIPE)
        facts = {"data": parts.data_sheet, "train_images": len(parts.train), "valid_images": len(parts.valid)}
        parameters = sum(p.numel() for p in run.plain.parameters())
        run_log.write_run(out, recipe, command=command, parameters=parameters, **facts)
    try:
        with stop_signals(run):
            fit(run, parts)
    finally:
        if run.accelerator.is_main_process:
            run_log.write_run(out, recipe, seconds=round(run.progress.seconds, 1))
        run.accelerator.end_training()
    if run.accelerator.is_main_process:
        run_log.write_run(out, recipe, finished_at=run_log.now())


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code (130: interrupted, and can be resumed)."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", help="a YAML file, or the name of a recipe that comes with the package")
    parser.add_argument("overrides", nargs="*", help="key=value, replacing a field of the recipe")
    parser.add_argument("--out", type=Path, help="folder for log, state and weights (default: runs/NAME)")
    parser.add_argument("--resume", action="store_true", help="go on from the state in the folder")
    options = parser.parse_intermixed_args(argv)
    given = sys.argv[1:] if argv is None else argv
    try:
        recipe = load_recipe(find_recipe(options.recipe), tuple(options.overrides))
        out = options.out or Path("runs") / recipe.name
        train(recipe, out, options.resume, command=f"python -m training.emotion {shlex.join(map(str, given))}")
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except (Interrupted, KeyboardInterrupt):
        print("Stopped; go on with --resume.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
