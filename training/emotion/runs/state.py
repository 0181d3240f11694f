"""The state of a training run: what it consists of, how it is saved and how it is restored."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator
from timm.utils import ModelEmaV3

from fer_phq.core.errors import FerPhqError
from fer_phq.models.networks.heads import EmotionNet
from training.emotion import messages
from training.emotion.data.faces import derive_seed
from training.emotion.networks.build import Teacher
from training.emotion.recipe import Recipe, Stage

STATE = "state"
PROGRESS = "progress.json"


class Interrupted(Exception):
    """The run was stopped on request after its state was saved."""


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        stage: Index of the present stage.
        epoch: Finished epochs of the stage.
        batch: Finished batches of the epoch.
        steps: Steps of the optimiser in the stage.
        loss_sum: Sum of the losses of the epoch's batches.
        epoch_seconds: Time spent on the epoch before an interruption.
        best: Highest validation accuracy of the stage; -1 before the first epoch.
        stale: Epochs since then.
        seconds: Time of all finished epochs of the run.
        epochs_done: Finished epochs of the run.
    """

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    steps: int = 0
    loss_sum: float = 0.0
    epoch_seconds: float = 0.0
    best: float = -1.0
    stale: int = 0
    seconds: float = 0.0
    epochs_done: int = 0

    @property
    def started(self) -> bool:
        """Whether any batch of the run is finished."""
        return self.batch > 0 or self.epochs_done > 0

    def finish_epoch(self, accuracy: float, seconds: float) -> bool:
        """Count a finished epoch.

        Args:
            accuracy: Its validation accuracy.
            seconds: Its time.

        Returns:
            Whether the accuracy is the best of the stage.
        """
        better = accuracy > self.best
        self.best = max(self.best, accuracy)
        self.stale = 0 if better else self.stale + 1
        self.epoch += 1
        self.epochs_done += 1
        self.seconds += seconds
        self._reset_epoch()
        return better

    def start_next_stage(self) -> None:
        """Move on to the start of the next stage."""
        self.stage += 1
        self.epoch = 0
        self.steps = 0
        self.best = -1.0
        self.stale = 0
        self._reset_epoch()

    def _reset_epoch(self) -> None:
        self.batch = 0
        self.loss_sum = 0.0
        self.epoch_seconds = 0.0


@dataclass
class Run:
    """The parts of a training run.

    Attributes:
        recipe: What is trained.
        out: Folder for log, state and weights.
        accelerator: Device, precision and processes.
        net: The network that the optimiser trains; wrapped where several processes share the work.
        progress: How far the run is.
        optimiser: Optimiser of the present stage.
        targets: Targets of the stage's training images, (n, classes).
        average: Moving average of the weights; None where the stage has none.
        teacher: Networks to learn from at every step; None where the stage has none.
        stop_requested: Whether a signal asked the run to stop.
    """

    recipe: Recipe
    out: Path
    accelerator: Accelerator
    net: EmotionNet
    progress: Progress
    optimiser: torch.optim.Optimizer = field(init=False)
    targets: npt.NDArray[np.float32] = field(init=False)
    average: ModelEmaV3 | None = None
    teacher: Teacher | None = None
    stop_requested: bool = False

    @property
    def stage(self) -> Stage:
        """The present stage of the recipe."""
        return self.recipe.stages[self.progress.stage]

    @property
    def unwrapped_net(self) -> EmotionNet:
        """The network without the wrapper of several processes."""
        return cast(EmotionNet, self.accelerator.unwrap_model(self.net))

    @property
    def eval_net(self) -> EmotionNet:
        """The network that is validated and saved: the moving average where there is one."""
        return cast(EmotionNet, self.average.module) if self.average is not None else self.unwrapped_net

    @property
    def ends_early(self) -> bool:
        """Whether the stage ends before its last epoch, by its patience or by the recipe's limit of steps."""
        patience = self.stage.patience
        max_steps = self.recipe.max_steps
        out_of_patience = patience is not None and self.progress.stale >= patience
        out_of_steps = max_steps is not None and self.progress.steps >= max_steps
        return out_of_patience or out_of_steps

    @property
    def epochs_before(self) -> int:
        """Planned epochs of the earlier stages, for curves over all stages."""
        return sum(stage.epochs for stage in self.recipe.stages[: self.progress.stage])

    def prepare(self) -> None:
        """Hand network and optimiser to the accelerator, and release those of the stage before."""
        self.accelerator.free_memory()
        self.accelerator.gradient_accumulation_steps = self.stage.accumulate
        self.accelerator.step = 0
        self.net, self.optimiser = self.accelerator.prepare(self.net, self.optimiser)
        for module in (self.average, self.teacher):
            if module is not None:
                module.to(self.accelerator.device)

    def any_process(self, *flags: bool) -> list[bool]:
        """Combine each flag over all processes with a logical or, so that all stop and save at the same step."""
        if self.accelerator.num_processes == 1:
            return list(flags)
        counts = self.accelerator.reduce(torch.tensor(flags, device=self.accelerator.device).float(), "sum")
        return [bool(count > 0) for count in counts]

    def step_generator(self) -> torch.Generator:
        """Seed torch, for dropout, and make a generator of the present batch; a repeated batch gets the same seeds."""
        progress = self.progress
        seed = derive_seed(
            self.recipe.seed, progress.stage, progress.epoch, progress.batch, self.accelerator.process_index
        )
        torch.manual_seed(seed)
        return torch.Generator(device=self.accelerator.device).manual_seed(seed)


def save_state(run: Run) -> None:
    """Save network, optimiser, average and progress.

    A process that is killed at any time leaves either the previous or the new state whole.

    Args:
        run: The run.
    """
    part = run.out / f"{STATE}.part"
    if run.accelerator.is_main_process:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    run.accelerator.wait_for_everyone()
    run.accelerator.save_state(str(part))
    run.accelerator.wait_for_everyone()  # each process writes its own part, and the folder is renamed below
    if run.accelerator.is_main_process:
        if run.average is not None:
            torch.save(run.average.module.state_dict(), part / "average.pt")
        (part / PROGRESS).write_text(json.dumps(dataclasses.asdict(run.progress)), encoding="utf-8")
        previous = run.out / f"{STATE}.old"
        shutil.rmtree(previous, ignore_errors=True)
        if (run.out / STATE).is_dir():
            (run.out / STATE).rename(previous)
        part.rename(run.out / STATE)
        shutil.rmtree(previous, ignore_errors=True)
    run.accelerator.wait_for_everyone()


def _state_folder(out: Path) -> Path:
    """Find the newest whole state: between the two renames of `save_state` it is the previous one."""
    return out / STATE if (out / STATE / PROGRESS).is_file() else out / f"{STATE}.old"


def read_progress(out: Path) -> Progress:
    """Read how far a run is.

    Args:
        out: Folder of the run.

    Raises:
        FerPhqError: No state was saved there.
    """
    path = _state_folder(out) / PROGRESS
    if not path.is_file():
        raise FerPhqError(messages.NOTHING_TO_RESUME(folder=str(out)))
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields.pop("begun", None)  # states of earlier versions hold it
    return Progress(**fields)


def load_state(run: Run) -> None:
    """Restore weights, optimiser and average as `save_state` saved them."""
    folder = _state_folder(run.out)
    run.accelerator.load_state(str(folder))
    if run.average is not None:
        run.average.module.load_state_dict(torch.load(folder / "average.pt", weights_only=True))


@contextmanager
def handle_stop_signals(run: Run) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask the run to stop after its present step; a second signal stops it at once.

    Args:
        run: The run.

    Raises:
        KeyboardInterrupt: A second signal came.
    """

    def request_stop(number: int, frame: FrameType | None) -> Any:
        if run.stop_requested:
            raise KeyboardInterrupt
        run.stop_requested = True

    handlers = {number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
