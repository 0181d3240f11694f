"""Where a run stands, and how it is written down and taken up again."""

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
from fer_phq.models.heads import EmotionNet
from training.emotion.data.faces import derive_seed
from training.emotion.networks.build import Teacher
from training.emotion.recipe import Recipe, Stage

STATE = "state"
PROGRESS = "progress.json"


class Interrupted(Exception):
    """The run was asked to stop, and its state is written."""


@dataclass
class Progress:
    """How far a run is. epoch, batch, steps and best are of the present stage; seconds and epochs_done of the run."""

    begun: bool = False
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

    def next_epoch(self, accuracy: float, seconds: float) -> bool:
        """Count an epoch; returns whether its accuracy is the best so far."""
        better = accuracy > self.best
        self.best = max(self.best, accuracy)
        self.stale = 0 if better else self.stale + 1
        self.epoch = self.epoch + 1
        self.batch = 0
        self.loss_sum = 0.0
        self.epoch_seconds = 0.0
        self.seconds = self.seconds + seconds
        self.epochs_done = self.epochs_done + 1
        return better

    def next_stage(self) -> None:
        """Begin the next stage."""
        self.stage = self.stage + 1
        self.epoch = 0
        self.batch = 0
        self.steps = 0
        self.best = -1.0
        self.stale = 0


@dataclass
class Run:
    """A run's moving parts. `net` is what the optimiser trains (wrapped where several processes share the work)."""

    recipe: Recipe
    out: Path
    accelerator: Accelerator
    net: EmotionNet
    progress: Progress
    optimiser: torch.optim.Optimizer = field(init=False)
    targets: npt.NDArray[np.float32] = field(init=False)
    """Of the stage's training images, (n, classes)."""
    average: ModelEmaV3 | None = None
    teacher: Teacher | None = None
    stopping: bool = False

    @property
    def stage(self) -> Stage:
        """The present stage of the recipe."""
        return self.recipe.stages[self.progress.stage]

    @property
    def plain(self) -> EmotionNet:
        """The network itself."""
        return cast(EmotionNet, self.accelerator.unwrap_model(self.net))

    @property
    def kept(self) -> EmotionNet:
        """The weights that are validated and kept: the average where there is one."""
        return cast(EmotionNet, self.average.module) if self.average is not None else self.plain

    @property
    def spent(self) -> bool:
        """Whether the stage is over before its last epoch: out of patience, or of the steps that were allowed."""
        patience = self.stage.patience
        limit = self.recipe.max_steps
        tired = patience is not None and self.progress.stale >= patience
        return tired or (limit is not None and self.progress.steps >= limit)

    @property
    def epochs_before(self) -> int:
        """Epochs of the stages before this one, for curves that run through."""
        return sum(stage.epochs for stage in self.recipe.stages[: self.progress.stage])

    def prepare(self) -> None:
        """Hand network and optimiser to the accelerator (those of a stage before are let go)."""
        self.accelerator.free_memory()
        self.accelerator.gradient_accumulation_steps = self.stage.accumulate
        self.accelerator.step = 0
        self.net, self.optimiser = self.accelerator.prepare(self.net, self.optimiser)
        for module in (self.average, self.teacher):
            if module is not None:
                module.to(self.accelerator.device)

    def agreed(self, *asked: bool) -> list[bool]:
        """Of each question, whether any process says yes: all must stop and save at the same step."""
        if self.accelerator.num_processes == 1:
            return list(asked)
        counts = self.accelerator.reduce(torch.tensor(asked, device=self.accelerator.device).float(), "sum")
        return [bool(count > 0) for count in counts]

    def step_generator(self) -> torch.Generator:
        """The generator of the present batch, repeated as it was; torch's own is seeded too, for dropout."""
        p = self.progress
        seed = derive_seed(self.recipe.seed, p.stage, p.epoch, p.batch, self.accelerator.process_index)
        torch.manual_seed(seed)
        return torch.Generator(device=self.accelerator.device).manual_seed(seed)


def save_state(run: Run) -> None:
    """Write network, optimiser, average and progress; a kill at any moment leaves the old or the new state whole."""
    run.progress.begun = True
    part = run.out / f"{STATE}.part"
    if run.accelerator.is_main_process:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    run.accelerator.wait_for_everyone()
    run.accelerator.save_state(str(part))
    if run.accelerator.is_main_process:
        if run.average is not None:
            torch.save(run.average.module.state_dict(), part / "average.pt")
        (part / PROGRESS).write_text(json.dumps(dataclasses.asdict(run.progress)), encoding="utf-8")
        old = run.out / f"{STATE}.old"
        shutil.rmtree(old, ignore_errors=True)
        if (run.out / STATE).is_dir():
            (run.out / STATE).rename(old)
        part.rename(run.out / STATE)
        shutil.rmtree(old, ignore_errors=True)
    run.accelerator.wait_for_everyone()


def _folder(out: Path) -> Path:
    """The newest whole state: between two renames the old one is all there is."""
    return out / STATE if (out / STATE / PROGRESS).is_file() else out / f"{STATE}.old"


def read_progress(out: Path) -> Progress:
    """Where the run in `out` stands. Raises FerPhqError when there is none."""
    path = _folder(out) / PROGRESS
    if not path.is_file():
        raise FerPhqError(f"Nothing to resume in {out}: no state was written there yet.")
    return Progress(**json.loads(path.read_text(encoding="utf-8")))


def load_state(run: Run) -> None:
    """Put weights, optimiser and average back as `save_state` left them."""
    folder = _folder(run.out)
    run.accelerator.load_state(str(folder))
    if run.average is not None:
        run.average.module.load_state_dict(torch.load(folder / "average.pt", weights_only=True))


@contextmanager
def stop_signals(run: Run) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the run to stop after its present step; a second Ctrl-C stops at once."""

    def ask(number: int, frame: FrameType | None) -> Any:
        if run.stopping:
            raise KeyboardInterrupt
        run.stopping = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
