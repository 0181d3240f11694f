"""Speed of the training loop against bare forward and backward passes: do data and augmentation keep the model waiting?

    python benchmarks/bench_training.py [teacher] [--rounds 5] [--steps 8] [key=value ...]
    python benchmarks/bench_training.py teacher --data ../shared/data         the recipe's own corpora
    python benchmarks/bench_training.py teacher --lazy                        JPEGs of 224 px, decoded by the workers

The loop is `training.emotion.train.train_step`, fed by `training.emotion.data.faces.make_dataloader`: the recipe's
augmentation, optimiser and average, at every image size of its phases. Bare is the same network, forward and backward,
on one batch of the same size that already lies there. Both take turns within every round, so that what else the machine
does falls on both. The corpus is noise of FER2013's size and shape unless `--data` is given.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from PIL import Image as Pillow

from training.emotion import train as emotion
from training.emotion.data.corpora import FaceSet, LazyImages, Source, load_faces
from training.emotion.data.faces import StageData, draw_epoch_batches, make_dataloader
from training.emotion.networks.build import as_images, normalise
from training.emotion.networks.optimisers import learning_rate_factor, set_learning_rate
from training.emotion.recipe import Recipe, find_recipe, load_recipe
from training.emotion.runs.state import Run

IMAGES = 28_000
SIDE = 48
LAZY_IMAGES = 4_000
LAZY_SIDE = 224
LOADING = "loading"
AUGMENTING = "augmentation"
TEACHING = "teacher"
UPDATING = "optimiser + average"
PASSES = "forward-backward"
PARTS = (LOADING, AUGMENTING, PASSES, TEACHING, UPDATING)


@dataclass
class Clock:
    """Seconds spent in each part of a step.

    Attributes:
        cuda: Whether the device is a GPU, whose work must end before the time is read.
        process: Count the process's own seconds in place of the wall's.
        seconds: Of each part.
    """

    cuda: bool
    process: bool = False
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def now(self) -> float:
        """Read the clock when all work of the device has ended."""
        if self.cuda:
            torch.cuda.synchronize()
        return time.process_time() if self.process else time.perf_counter()

    @contextmanager
    def count(self, part: str) -> Iterator[None]:
        """Count the time of a block for a part."""
        began = self.now()
        try:
            yield
        finally:
            self.seconds[part] += self.now() - began

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time counts for a part."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.count(part):
                return function(*args, **kwargs)

        return timed


def make_noise(n: int, recipe: Recipe) -> FaceSet:
    """Draw n images of FER2013's shape with one of the recipe's classes each."""
    rng = np.random.default_rng(0)
    stage = recipe.stages[0]
    shape = (n, SIDE, SIDE) if recipe.network.in_chans == 1 else (n, SIDE, SIDE, 3)
    targets = np.eye(len(stage.classes), dtype=np.float32)[rng.integers(len(stage.classes), size=n)]
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    return FaceSet(images, targets, np.arange(n).astype(str), stage.classes)


def make_lazy_noise(folder: Path, recipe: Recipe) -> FaceSet:
    """Draw larger colour images that stay encoded as JPEG, as those of a corpus that exceeds the memory."""
    faces = make_noise(LAZY_IMAGES, recipe)
    pictures = []
    for image in faces.images:
        file = io.BytesIO()
        Pillow.fromarray(image).convert("RGB").resize((LAZY_SIDE, LAZY_SIDE)).save(file, "JPEG", quality=90)
        pictures.append({"bytes": file.getvalue(), "path": None})
    labels = [faces.classes[label] for label in faces.labels]
    pq.write_table(pa.table({"image": pictures, "label": labels}), folder / "train.parquet")
    with patch("training.emotion.data.corpora.MEMORY_LIMIT", 0):
        source = Source(corpus="folder", path=str(folder / "train.parquet"))
        return load_faces(source, faces.classes, grey=recipe.network.in_chans == 1)


def prepare(recipe: Recipe, own_data: bool, lazy: bool, folder: Path) -> tuple[Run, FaceSet]:
    """Set up a run as `training.emotion` does, on the recipe's own data or on noise."""
    if own_data:
        run, parts = emotion.setup(recipe, folder)
        return run, parts.train
    train = make_lazy_noise(folder, recipe) if lazy else make_noise(IMAGES, recipe)
    with patch.object(emotion, "load_stage_data", return_value=StageData(train, train, train, train, [])):
        run, _ = emotion.setup(recipe, folder)
    return run, train


def run_loop(run: Run, batches: Iterator[Any], size: int, steps: int, clock: Clock) -> float:
    """Time some steps of the real loop; the time of each part is added to the clock."""
    device = run.accelerator.device
    began = clock.now()
    with count_parts(run, clock):
        for _ in range(steps):
            with clock.count(LOADING):
                pixels, targets = (tensor.to(device) for tensor in next(batches))
            emotion.train_step(run, pixels, targets, size)
            run.progress.batch += 1
    return clock.now() - began


@contextmanager
def count_parts(run: Run, clock: Clock) -> Iterator[None]:
    """Count the time of every part of `train_step`, as a context manager."""
    parts: list[tuple[object, str, str]] = [
        (emotion, "augment", AUGMENTING),
        (emotion, "mix", AUGMENTING),
        (run.accelerator, "clip_grad_norm_", UPDATING),
        (run.optimiser, "step", UPDATING),
        (run.optimiser, "zero_grad", UPDATING),
        (run.average, "update", UPDATING),
        (run.teacher, "forward", TEACHING),
    ]
    with ExitStack() as stack:
        for owner, name, part in parts:
            if owner is not None:
                stack.enter_context(patch.object(owner, name, clock.wrap(part, getattr(owner, name))))
        yield


def run_bare(run: Run, images: torch.Tensor, targets: torch.Tensor, steps: int, clock: Clock) -> float:
    """Time as many forward and backward passes over one batch that is ready."""
    began = clock.now()
    for _ in range(steps):
        with run.accelerator.autocast():
            loss = F.cross_entropy(run.net(images).float(), targets)
        run.accelerator.backward(loss)
        run.net.zero_grad(set_to_none=True)
    return clock.now() - began


def run_round(run: Run, train: FaceSet, size: int, steps: int, number: int, clock: Clock) -> tuple[float, float]:
    """Time the loop and the bare passes, which take turns: step by step, or all at once where workers decode.

    Workers go on while the bare passes run: step by step the loop would find twice as much ready.
    """
    stage = run.stage
    network = run.recipe.network
    device = run.accelerator.device
    lazy = isinstance(train.images, LazyImages)
    ahead = 2 * run.recipe.workers + 1 if lazy else 1  # batches that are ready before the clock starts cost nothing
    order = draw_epoch_batches(train, stage, run.recipe.seed, 0, number, run.accelerator)
    batches = iter(make_dataloader(train, run.targets, order[: ahead + steps + 1], run.recipe.workers))
    set_learning_rate(
        run.optimiser, stage.optimiser.learning_rate * learning_rate_factor(stage.schedule, 0, len(order), 10**6)
    )
    still = normalise(torch.rand(stage.batch_size, network.in_chans, size, size, device=device), network)
    targets = torch.from_numpy(train.targets[: stage.batch_size]).to(device)
    run.net.train()
    spent = [0.0, 0.0]
    turn = steps if lazy else 1
    run_loop(run, batches, size, ahead, Clock(clock.cuda))
    run_bare(run, still, targets, 1, clock)
    for _ in range(steps // turn):
        spent[1] += run_bare(run, still, targets, turn, clock)
        spent[0] += run_loop(run, batches, size, turn, clock)
    return spent[0], spent[1]


def report(run: Run, train: FaceSet, size: int, rounds: int, steps: int, process: bool) -> None:
    """Print one line: both speeds, the bare passes' part of the loop's time, and each part's share."""
    clock = Clock(run.accelerator.device.type == "cuda", process)
    spent = np.array([run_round(run, train, size, steps, number, clock) for number in range(rounds)])
    shares = spent[:, 1] / spent[:, 0]
    whole, alone = spent.sum(0)
    clock.seconds[PASSES] = whole - sum(clock.seconds.values())
    images = steps * run.stage.batch_size * rounds
    cells = [f"{size} px", f"{images / whole:.0f}", f"{images / alone:.0f}"]
    cells.append(f"{alone / whole:.1%} ({shares.min():.1%} to {shares.max():.1%})")
    cells += [f"{clock.seconds[part] / whole:.1%}" for part in PARTS]
    print("| " + " | ".join(cells) + " |", flush=True)


def profile(run: Run, size: int) -> None:
    """Print the operations in which the augmentation of a batch spends its time."""
    pixels = torch.randint(0, 256, (run.stage.batch_size, SIDE, SIDE), dtype=torch.uint8)
    images = as_images(pixels if run.recipe.network.in_chans == 1 else pixels[..., None].expand(-1, -1, -1, 3))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        for seed in range(50):
            generator = torch.Generator().manual_seed(seed)
            emotion.augment(images, size, run.stage.augmentation, generator)
    print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=40))


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="teacher")
    parser.add_argument("overrides", nargs="*", help="key=value, replacing a field of the recipe")
    parser.add_argument("--data", type=Path, help="root of the recipe's own corpora")
    parser.add_argument("--lazy", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help="of either kind in a round")
    parser.add_argument("--process-time", action="store_true", help="steady on a busy machine; only with one thread")
    parser.add_argument("--profile", action="store_true", help="also what the augmentation's time goes into")
    args = parser.parse_intermixed_args()
    if args.process_time and (args.lazy or torch.get_num_threads() > 1):
        parser.error("--process-time counts neither workers nor what threads wait: not with --lazy, OMP_NUM_THREADS=1")
    root = (f"root={args.data}",) if args.data else ()
    recipe = load_recipe(find_recipe(args.recipe), ("tracker=none", *root, *args.overrides))
    with tempfile.TemporaryDirectory() as folder:
        run, train = prepare(recipe, bool(args.data), args.lazy, Path(folder))
        device = run.accelerator.device
        threads = torch.get_num_threads()
        print(f"\n{recipe.name}, {recipe.network.backbone}, batches of {run.stage.batch_size}, {device}, ", end="")
        print(f"{threads} thread(s), {args.rounds} rounds of {args.steps} steps, {len(train)} images\n")
        print("| size | loop, images/s | bare, images/s | bare of the loop's time | " + " | ".join(PARTS) + " |")
        print("|---|---|---|---|" + "---|" * len(PARTS))
        for size in dict.fromkeys(phase.image_size for phase in run.stage.phases):
            report(run, train, size, args.rounds, args.steps, args.process_time)
        if args.profile:
            profile(run, run.stage.image_size)


if __name__ == "__main__":
    main()
