"""Train an emotion model by a recipe: `python -m training.emotion RECIPE.yaml [--out DIR] [--resume] [key=value ...]`.

`setup`, `fit` and `validate`, in this order, are the same for every recipe, on one device or many (`accelerate launch`,
torchrun). The state is saved after every epoch, every few minutes, and when the run is interrupted, so that `--resume`
continues as if the run had never stopped. `training.emotion.bundle` makes a checkpoint bundle of the run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from timm.utils import ModelEmaV3
from tqdm import tqdm

from fer_phq.core.errors import FerPhqError
from training import cli
from training.emotion import commands, messages
from training.emotion.data.augment import augment, mix
from training.emotion.data.corpora import FaceSet
from training.emotion.data.faces import StageData, draw_epoch_batches, load_stage_data, make_dataloader, sharpen_targets
from training.emotion.metrics import EmotionMetrics, emotion_metrics
from training.emotion.networks.build import (
    RECIPE,
    Teacher,
    adapt_head,
    adopt_input,
    as_images,
    build_net,
    check_image_sizes,
    normalise,
    predict_logits,
    save_run_weights,
)
from training.emotion.networks.optimisers import build_optimiser, learning_rate_factor, set_learning_rate
from training.emotion.recipe import Recipe, save_recipe
from training.emotion.runs import log as run_log
from training.emotion.runs.state import (
    Interrupted,
    Progress,
    Run,
    handle_stop_signals,
    load_state,
    read_progress,
    save_state,
)


def train(recipe: Recipe, out: Path, resume: bool = False, command: str = "") -> None:
    """Train a recipe.

    Args:
        recipe: The recipe.
        out: Folder for log, state and weights.
        resume: Continue from the state in the folder.
        command: Command line, for the run's records.

    Raises:
        FerPhqError: The run cannot be set up.
        Interrupted: A signal stopped the run, and its state was saved.
    """
    if not resume and (out / run_log.LOG).is_file():
        raise FerPhqError(messages.RUN_EXISTS(folder=str(out)))
    out.mkdir(parents=True, exist_ok=True)
    recipe, notes = adopt_input(recipe)
    run, data = setup(recipe, out, resume)
    for note in notes:
        run.accelerator.print(note, flush=True)
    if run.accelerator.is_main_process:
        write_start(run, data, command)
    try:
        with handle_stop_signals(run):
            fit(run, data)
    finally:
        if run.accelerator.is_main_process:
            run_log.write_run(out, recipe, seconds=round(run.progress.seconds, 1))
        run.accelerator.end_training()
    if run.accelerator.is_main_process:
        run_log.write_run(out, recipe, finished_at=run_log.utc_now())


def setup(recipe: Recipe, out: Path, resume: bool = False) -> tuple[Run, StageData]:
    """Set up network, optimiser, moving average and data of the stage to train.

    Args:
        recipe: The recipe.
        out: Folder for log, state and weights.
        resume: Restore the state in the folder.

    Returns:
        The run and the images of its present stage.

    Raises:
        FerPhqError: The network cannot be built, images are missing, or there is no state to resume.
    """
    accelerator = make_accelerator(recipe, out)
    progress = read_progress(out) if resume else Progress()
    torch.manual_seed(recipe.seed)
    network = recipe.network.model_copy(update={"init_from": None}) if progress.started else recipe.network
    net = build_net(network, recipe.stages[0].classes, recipe.image_size)
    for previous, stage in zip(recipe.stages, recipe.stages[1 : progress.stage + 1], strict=False):
        net = adapt_head(net, previous.classes, stage.classes)
    run = Run(recipe, out, accelerator, net, progress)
    data = setup_stage(run)
    if progress.started:
        load_state(run)
    return run, data


def make_accelerator(recipe: Recipe, out: Path) -> Accelerator:
    """Make the accelerator: device, precision and tracker.

    Args:
        recipe: The recipe.
        out: Folder for the tracker's files.
    """
    precision = recipe.precision if recipe.precision != "auto" else fast_precision()
    tracker = None if recipe.tracker == "none" else recipe.tracker
    cpu = not torch.accelerator.is_available()  # without it, several processes on a CPU do not find each other
    accelerator = Accelerator(cpu=cpu, mixed_precision=precision, log_with=tracker, project_dir=str(out))
    if tracker:
        wandb = {"wandb": {"name": recipe.name, "dir": str(out)}}
        accelerator.init_trackers("fer-phq", init_kwargs=wandb if tracker == "wandb" else {"tensorboard": {}})
    return accelerator


def fast_precision() -> str:
    """Return "bf16" if the device multiplies it in hardware; elsewhere it would be emulated and slower."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.is_file() else ""
    return "bf16" if "avx512_bf16" in flags or "amx_bf16" in flags else "no"


def setup_stage(run: Run) -> StageData:
    """Load the images of the present stage, and make its optimiser, moving average, teacher and targets.

    Args:
        run: The run, whose network is ready.

    Raises:
        FerPhqError: The network refuses an image size, or images or a teacher cannot be loaded.
    """
    stage = run.stage
    network = run.recipe.network
    check_image_sizes(run.unwrapped_net, network, {phase.image_size for phase in stage.phases})
    data = load_stage_data(stage, run.recipe.root, network.in_chans == 1, stage.image_size)
    run.accelerator.print("\n".join(data.data_sheet), flush=True)
    run.optimiser = build_optimiser(run.net, stage.optimiser)
    run.average = ModelEmaV3(run.net, decay=stage.ema_decay, use_warmup=True) if stage.ema_decay else None
    distil = stage.distil if run.progress.epoch < stage.epochs else None  # a finished stage needs no teacher
    run.teacher = Teacher(distil.teachers, stage.classes, network.in_chans) if distil else None
    run.prepare()
    run.targets = sharpen_targets(data.train, stage.majority)
    if run.teacher is not None and distil is not None and distil.views == "clean":
        teacher_targets = run.teacher.predict(data.train, distil.temperature, run.accelerator.device)
        run.targets = ((1 - distil.weight) * run.targets + distil.weight * teacher_targets).astype(np.float32)
        run.teacher = None
    return data


def write_start(run: Run, data: StageData, command: str) -> None:
    """Write the resolved recipe and the facts of a starting run.

    Args:
        run: The run.
        data: Images of its present stage.
        command: Command line.
    """
    save_recipe(run.recipe, run.out / RECIPE)
    run_log.write_run(
        run.out,
        run.recipe,
        command=command,
        parameters=sum(parameter.numel() for parameter in run.unwrapped_net.parameters()),
        data=data.data_sheet,
        train_images=len(data.train),
        valid_images=len(data.valid),
    )


def fit(run: Run, data: StageData) -> None:
    """Train every remaining stage to its end.

    Args:
        run: The run.
        data: Images of its present stage.

    Raises:
        Interrupted: A signal stopped the run, and its state was saved.
    """
    while True:
        fit_stage(run, data)
        if run.progress.stage + 1 == len(run.recipe.stages):
            return
        data = setup_next_stage(run)


def fit_stage(run: Run, data: StageData) -> None:
    """Train the remaining epochs of the present stage.

    Args:
        run: The run.
        data: Images of its present stage.

    Raises:
        Interrupted: A signal stopped the run, and its state was saved.
    """
    while run.progress.epoch < run.stage.epochs and not run.ends_early:
        started = time.monotonic() - run.progress.epoch_seconds
        loss = train_epoch(run, data.train)
        finish_epoch(run, data, loss, time.monotonic() - started)


def setup_next_stage(run: Run) -> StageData:
    """Set up the next stage from the weights of the present one, and return its images."""
    classes = run.stage.classes
    net = run.unwrapped_net
    net.load_state_dict(run.eval_net.state_dict())
    run.progress.start_next_stage()
    run.net = adapt_head(net, classes, run.stage.classes)
    return setup_stage(run)


def train_epoch(run: Run, train: FaceSet) -> float:
    """Train the remaining batches of an epoch.

    Args:
        run: The run.
        train: Training images.

    Returns:
        Mean loss of the epoch's batches, in nats.

    Raises:
        Interrupted: A signal stopped the run, and its state was saved.
    """
    stage = run.stage
    progress = run.progress
    device = run.accelerator.device
    size = stage.image_size_at(progress.epoch)
    batches = draw_epoch_batches(train, stage, run.recipe.seed, progress.stage, progress.epoch, run.accelerator)
    steps_per_epoch = len(batches) // stage.accumulate
    run.net.train()
    started = time.monotonic() - progress.epoch_seconds
    saved = time.monotonic()
    dataloader = make_dataloader(train, run.targets, batches[progress.batch :], run.recipe.workers)
    hidden = None if run.accelerator.is_main_process else True  # None: hidden unless on a terminal
    name = f"epoch {progress.epoch + 1}/{stage.epochs}"
    for images, targets in tqdm(dataloader, name, len(batches), initial=progress.batch, disable=hidden):
        step = progress.epoch * steps_per_epoch + progress.batch // stage.accumulate
        factor = learning_rate_factor(stage.schedule, step, steps_per_epoch, steps_per_epoch * stage.epochs)
        set_learning_rate(run.optimiser, stage.optimiser.learning_rate * factor)
        progress.loss_sum += train_step(run, images.to(device), targets.to(device), size)
        progress.batch += 1
        if progress.batch % stage.accumulate == 0:
            progress.steps += 1
            if run.ends_early:
                break
            save_due = time.monotonic() - saved > 60 * run.recipe.save_minutes
            stop, save = run.any_process(run.stop_requested, save_due)
            if stop or save:
                progress.epoch_seconds = time.monotonic() - started
                saved = time.monotonic()
                save_state(run)
            if stop:
                raise Interrupted
    return progress.loss_sum / max(1, progress.batch)


def train_step(run: Run, pixels: torch.Tensor, targets: torch.Tensor, size: int) -> float:
    """Train on one batch: augmentation, forward and backward pass, and a step when enough batches have accumulated.

    Args:
        run: The run.
        pixels: uint8 (b, h, w[, 3]).
        targets: Class distributions (b, classes).
        size: Side in pixels of the augmented images.

    Returns:
        The loss in nats.
    """
    stage = run.stage
    network = run.recipe.network
    generator = run.step_generator()
    images = augment(as_images(pixels), size, stage.augmentation, generator)
    images, targets = mix(images, targets, stage.mix, generator)
    with run.accelerator.accumulate(run.net), run.accelerator.autocast():
        logits = run.net(normalise(images, network)).float()
        loss = F.cross_entropy(logits, targets, label_smoothing=stage.label_smoothing)
        if run.teacher is not None and stage.distil is not None:
            temperature = stage.distil.temperature
            teacher_targets = run.teacher(images, temperature)
            distil_loss = temperature**2 * F.cross_entropy(logits / temperature, teacher_targets)
            loss = loss + stage.distil.weight * (distil_loss - loss)
        run.accelerator.backward(loss)
        if run.accelerator.sync_gradients:
            if stage.clip:
                run.accelerator.clip_grad_norm_(run.net.parameters(), stage.clip)
            run.optimiser.step()
            run.optimiser.zero_grad(set_to_none=True)
            if run.average is not None:
                run.average.update(run.unwrapped_net, step=run.progress.steps + 1)
    return float(loss.detach())


def finish_epoch(run: Run, data: StageData, loss: float, seconds: float) -> None:
    """Validate, and write the epoch's line, weights and state.

    Args:
        run: The run.
        data: Images of its present stage.
        loss: Mean loss of the epoch's batches, in nats.
        seconds: Time of the epoch's training.
    """
    stage = run.stage
    progress = run.progress
    size = stage.image_size_at(progress.epoch)
    images = progress.batch * stage.batch_size * run.accelerator.num_processes
    train_metrics = validate(run, data.sample, size)
    valid_metrics = validate(run, data.valid, size)
    line = run_log.EpochLine(
        stage=progress.stage + 1,
        epoch=progress.epoch + 1,
        image_size=size,
        learning_rate=max(group["lr"] for group in run.optimiser.param_groups),
        step_loss=loss,
        train_loss=train_metrics.nll,
        train_accuracy=train_metrics.accuracy,
        valid_loss=valid_metrics.nll,
        valid_accuracy=valid_metrics.accuracy,
        macro_f1=valid_metrics.macro_f1,
        uar=valid_metrics.uar,
        ece=valid_metrics.ece,
        images_per_s=images / seconds,
        seconds=seconds,
    )
    is_best = progress.finish_epoch(valid_metrics.accuracy, seconds)
    if run.accelerator.is_main_process:
        if is_best or stage.patience is None:
            save_run_weights(run.eval_net, run.out)
        run_log.append_line(run.out, line)
        run_log.log_to_tracker(run.accelerator, line, valid_metrics, run.epochs_before)
        print_epoch(run, line)
    save_state(run)


@torch.inference_mode()
def validate(run: Run, data: FaceSet, size: int) -> EmotionMetrics:
    """Compute the metrics of the network to save, without augmentation.

    Args:
        run: The run.
        data: Images to validate on.
        size: Side in pixels to which they are resized.
    """
    with run.accelerator.autocast():
        logits = predict_logits(run.eval_net, data, size, run.recipe.network, run.accelerator.device)
    return emotion_metrics(logits.softmax(1).numpy(), data.labels, data.classes)


def print_epoch(run: Run, line: run_log.EpochLine) -> None:
    """Print one line on a finished epoch and the time that the stage still needs.

    Args:
        run: The run, which has counted the epoch.
        line: The epoch.
    """
    progress = run.progress
    epochs = run.stage.epochs
    seconds_left = (epochs - progress.epoch) * progress.seconds / max(1, progress.epochs_done)
    print(
        f"stage {line.stage} epoch {line.epoch}/{epochs} at {line.image_size} px: loss {line.step_loss:.3f}, "
        f"accuracy train {line.train_accuracy:.3f} valid {line.valid_accuracy:.3f}, macro-F1 {line.macro_f1:.3f}, "
        f"ECE {line.ece:.3f}, {line.images_per_s:.0f} images/s, {seconds_left / 60:.0f} min left in this stage",
        flush=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.train, argv, "training.emotion")


if __name__ == "__main__":
    sys.exit(main())
