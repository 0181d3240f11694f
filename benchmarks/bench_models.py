r"""Accuracy, size and speed side by side: the table from which the model that ships is chosen.

    python benchmarks/bench_models.py                                    the networks alone, untrained
    python benchmarks/bench_models.py runs/teacher fer_phq/bundles/fer-vit-convstem \
        --data ferplus:../shared/data/ferplus/valid.parquet --out table.md

Speed is of the forward pass of one view on the CPU, uint8 decoding and resizing left out. All take turns in every
round, so that what else the machine does falls on all; relative speed is to ViT-Tiny/16 at 224 px in the same round:
the median, and the lowest and highest round. A bundle's accuracy is that of its public door (two views), a run's that
of its validation (one view).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.networks.heads import EmotionNet
from fer_phq.models.networks.loading import load_network
from training.emotion.data.corpora import load_faces, parse_source
from training.emotion.evaluate import evaluate_datasets
from training.emotion.metrics import EmotionMetrics, emotion_metrics
from training.emotion.networks.build import RECIPE, load_run, predict_logits

BAR = ("vit_tiny_patch16_224", 224, 3)
NETWORKS = (
    BAR,
    ("vit_tiny_patch16_224", 112, 3),
    ("vit_small_patch14_dinov2", 84, 3),
    ("vit_resstem_small", 48, 1),
    ("resnet_face_small", 48, 1),
)
BATCHES = (32, 1)
SECONDS = 0.5
"""Shortest turn of a network in a round."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network of the table.

    Attributes:
        name: Its name in the table.
        net: Backbone and emotion head.
        side: Side of its images in pixels.
        in_chans: Their channels.
        metrics: Its metrics, where they were measured.
    """

    name: str
    net: EmotionNet
    side: int
    in_chans: int
    metrics: EmotionMetrics | None = None

    def images(self, batch: int) -> torch.Tensor:
        """Draw a batch of noise, channels last as everywhere in the product."""
        shape = (batch, self.in_chans, self.side, self.side)
        return torch.randn(shape).contiguous(memory_format=torch.channels_last)


def make_candidate(name: str, side: int, in_chans: int) -> Candidate:
    """Make an untrained network by its timm name."""
    backbone = create_backbone(name, side, in_chans)
    net = EmotionNet(backbone, int(backbone.num_features)).to(memory_format=torch.channels_last)
    return Candidate(name, net.eval(), side, in_chans)


def load_candidate(folder: Path, data: str | None) -> Candidate:
    """Load the network of a run or a bundle, and evaluate it where there are data."""
    if (folder / RECIPE).is_file() and not (folder / "config.json").is_file():
        net, recipe = load_run(folder)
        metrics = None
        if data:
            faces = load_faces(parse_source(data), recipe.stages[-1].classes, grey=recipe.network.in_chans == 1)
            logits = predict_logits(net, faces, recipe.image_size, recipe.network)
            metrics = emotion_metrics(logits.softmax(1).numpy(), faces.labels, faces.classes)
        name = f"run {recipe.name} ({recipe.network.backbone})"
        return Candidate(name, net, recipe.image_size, recipe.network.in_chans, metrics)
    network = load_network(folder)
    config = network.bundle.config
    metrics = evaluate_datasets(str(folder), [data], resamples=1).datasets[0].metrics if data else None
    return Candidate(
        f"{network.bundle.model_id} ({config.backbone})", network.net, config.image_size, config.in_chans, metrics
    )


def count_multiply_adds(candidate: Candidate) -> int:
    """Count the multiply-adds for one image, those of attention's products included."""
    layers = [module for module in candidate.net.modules() if hasattr(module, "fused_attn")]
    before = [layer.fused_attn for layer in layers]
    for layer in layers:
        layer.fused_attn = False  # the fused kernel is not counted
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        candidate.net(candidate.images(1))
    for layer, fused in zip(layers, before, strict=True):
        layer.fused_attn = fused
    return int(counter.get_total_flops()) // 2


def count_half_bytes(net: EmotionNet) -> int:
    """Count the bytes of the weights in a bundle: half precision, integers as they are."""
    return sum(t.numel() * (2 if t.is_floating_point() else t.element_size()) for t in net.state_dict().values())


@torch.inference_mode()
def measure_speed(candidate: Candidate, batch: int, clock: Callable[[], float]) -> float:
    """Measure images a second by the clock."""
    images = candidate.images(batch)
    processed = 0
    candidate.net(images)
    began = clock()
    while clock() - began < SECONDS:
        candidate.net(images)
        processed += batch
    return processed / (clock() - began)


def measure_speeds(candidates: list[Candidate], batch: int, rounds: int, clock: Callable[[], float]) -> np.ndarray:
    """Measure images a second (rounds, candidates); every second round goes backwards."""
    out = np.zeros((rounds, len(candidates)))
    for number in range(rounds):
        for i in range(len(candidates))[:: -1 if number % 2 else 1]:
            out[number, i] = measure_speed(candidates[i], batch, clock)
    return out


def format_table(candidates: list[Candidate], rounds: int, clock: Callable[[], float]) -> str:
    """Measure and format the table; the first candidate is the bar."""
    rates = {batch: measure_speeds(candidates, batch, rounds, clock) for batch in BATCHES}
    columns = ["network", "input", "parameters, M", "MB in half precision", "multiply-adds, M"]
    columns += [f"images/s, batch {batch}" for batch in BATCHES] + [
        f"times the bar, batch {batch}" for batch in BATCHES
    ]
    lines = [[*columns, "accuracy", "macro-F1"], ["---"] * (len(columns) + 2)]
    for i, candidate in enumerate(candidates):
        parameters = sum(p.numel() for p in candidate.net.parameters())
        cells = [
            candidate.name,
            f"{candidate.side} px {'grey' if candidate.in_chans == 1 else 'RGB'}",
            f"{parameters / 1e6:.2f}",
        ]
        cells += [f"{count_half_bytes(candidate.net) / 1e6:.1f}", f"{count_multiply_adds(candidate) / 1e6:.0f}"]
        cells += [f"{np.median(rates[batch][:, i]):.0f}" for batch in BATCHES]
        cells += [format_spread(rates[batch][:, i] / rates[batch][:, 0]) for batch in BATCHES]
        metrics = candidate.metrics
        lines.append([*cells, *([f"{metrics.accuracy:.1%}", f"{metrics.macro_f1:.3f}"] if metrics else ["", ""])])
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def format_spread(ratios: np.ndarray) -> str:
    """Format median, lowest and highest."""
    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="bundles and runs")
    parser.add_argument("--data", help="CORPUS:PATH[#SPLIT] on which bundles and runs are judged")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--process-time", action="store_true", help="steady on a busy machine; only with one thread")
    parser.add_argument("--out", type=Path, help="also write the table there")
    args = parser.parse_args()
    if args.process_time and args.threads > 1:
        parser.error("--process-time counts what threads wait: only with --threads 1")
    torch.set_num_threads(args.threads)
    candidates = [make_candidate(*network) for network in NETWORKS] + [
        load_candidate(folder, args.data) for folder in args.folders
    ]
    table = format_table(candidates, args.rounds, time.process_time if args.process_time else time.perf_counter)
    print(f"{args.threads} thread(s), {args.rounds} rounds\n\n{table}", end="")
    if args.out:
        args.out.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
