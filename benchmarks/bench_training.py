"""Whether data and augmentation keep the model waiting: the loop's images/s against bare forward and backward passes.

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
from training.emotion.state import Run

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
    """Seconds spent in each part of a step: of the wall, or of the process alone whatever else the machine does."""

    cuda: bool
    process: bool = False
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def now(self) -> float:
        """Seconds, when all that was asked of the device is done."""
        if self.cuda:
            torch.cuda.synchronize()
        return time.process_time() if self.process else time.perf_counter()

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Count what happens within it."""
        began = self.now()
        try:
            yield
        finally:
            self.seconds[part] += self.now() - began

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.of(part):
                return function(*args, **kwargs)

        return timed


def noise(n: int, recipe: Recipe) -> FaceSet:
    """n images of FER2013's shape with one of the recipe's classes each."""
    rng = np.random.default_rng(0)
    stage = recipe.stages[0]
    shape = (n, SIDE, SIDE) if recipe.network.in_chans == 1 else (n, SIDE, SIDE, 3)
    targets = np.eye(len(stage.classes), dtype=np.float32)[rng.integers(len(stage.classes), size=n)]
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    return FaceSet(images, targets, np.arange(n).astype(str), stage.classes)


def lazy_noise(folder: Path, recipe: Recipe) -> FaceSet:
    """The same as colour JPEGs of a larger side that stay encoded, as a corpus does that exceeds the memory."""
    faces = noise(LAZY_IMAGES, recipe)
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


def prepare(recipe: Recipe, given: bool, lazy: bool, folder: Path) -> tuple[Run, FaceSet]:
    """The run as `training.emotion` sets it up, on the recipe's own data if it is `given`."""
    if given:
        run, parts = emotion.setup(recipe, folder)
        return run, parts.train
    train = lazy_noise(folder, recipe) if lazy else noise(IMAGES, recipe)
    with patch.object(emotion, "load_stage_data", return_value=StageData(train, train, train, train, [])):
        run, _ = emotion.setup(recipe, folder)
    return run, train


def loop(run: Run, batches: Iterator[Any], size: int, steps: int, clock: Clock) -> float:
    """Seconds of some steps of the real loop; each part's are added to the clock."""
    device = run.accelerator.device
    began = clock.now()
    with measured(run, clock):
        for _ in range(steps):
            with clock.of(LOADING):
                pixels, targets = (tensor.to(device) for tensor in next(batches))
            emotion.train_step(run, pixels, targets, size)
            run.progress.batch += 1
    return clock.now() - began


@contextmanager
def measured(run: Run, clock: Clock) -> Iterator[None]:
    """Within it every part of `train_step` is counted."""
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


def bare(run: Run, images: torch.Tensor, targets: torch.Tensor, steps: int, clock: Clock) -> float:
    """Seconds of as many forward and backward passes over one batch that lies ready."""
    began = clock.now()
    for _ in range(steps):
        with run.accelerator.autocast():
            loss = F.cross_entropy(run.net(images).float(), targets)
        run.accelerator.backward(loss)
        run.net.zero_grad(set_to_none=True)
    return clock.now() - began


def one_round(run: Run, train: FaceSet, size: int, steps: int, number: int, clock: Clock) -> tuple[float, float]:
    """Seconds of the loop and of the bare passes, which take turns: step by step, or all at once where workers decode.

    There the workers would go on while the bare passes run, and the loop would find twice as much ready.
    """
    stage = run.stage
    network = run.recipe.network
    device = run.accelerator.device
    lazy = isinstance(train.images, LazyImages)
    ahead = 2 * run.recipe.workers + 1 if lazy else 1  # what was ready before the clock starts seems to cost nothing
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
    loop(run, batches, size, ahead, Clock(clock.cuda))
    bare(run, still, targets, 1, clock)
    for _ in range(steps // turn):
        spent[1] += bare(run, still, targets, turn, clock)
        spent[0] += loop(run, batches, size, turn, clock)
    return spent[0], spent[1]


def report(run: Run, train: FaceSet, size: int, rounds: int, steps: int, process: bool) -> None:
    """One line: both speeds, what part of the loop's time the bare passes take, and where its time goes."""
    clock = Clock(run.accelerator.device.type == "cuda", process)
    spent = np.array([one_round(run, train, size, steps, number, clock) for number in range(rounds)])
    shares = spent[:, 1] / spent[:, 0]
    whole, alone = spent.sum(0)
    clock.seconds[PASSES] = whole - sum(clock.seconds.values())
    images = steps * run.stage.batch_size * rounds
    cells = [f"{size} px", f"{images / whole:.0f}", f"{images / alone:.0f}"]
    cells.append(f"{alone / whole:.1%} ({shares.min():.1%} to {shares.max():.1%})")
    cells += [f"{clock.seconds[part] / whole:.1%}" for part in PARTS]
    print("| " + " | ".join(cells) + " |", flush=True)


def profile(run: Run, size: int) -> None:
    """Which operations the augmentation of a batch spends its time in."""
    pixels = torch.randint(0, 256, (run.stage.batch_size, SIDE, SIDE), dtype=torch.uint8)
    images = as_images(pixels if run.recipe.network.in_chans == 1 else pixels[..., None].expand(-1, -1, -1, 3))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        for seed in range(50):
            generator = torch.Generator().manual_seed(seed)
            emotion.augment(images, size, run.stage.augmentation, generator)
    print(seen.key_averages().table(sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=40))


def main() -> None:
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
