"""Faithfulness of relevance maps: the fall of the emotion's probability when pixels are taken away.

    python benchmarks/bench_explain.py ../shared/data/ferplus/valid.parquet [--images 200] [--model NAME]

Each method ranks the pixels of an image for its most probable emotion. The 20 % that rank highest, and then the 20 %
that rank lowest, take the image's mean (ties in random order). A faithful map makes the first fall large and the
second small; the last column is the share of images in which the first is the larger. `centre` knows only that
faces are centred; `occlusion` greys out one token's place after another, which is the measure itself.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image as PillowImage
from torch import nn

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.model import FerPhqModel, assemble
from fer_phq.models.networks.explain import Relevance, relevance_map
from fer_phq.models.networks.loading import FaceNetwork, load_network


@dataclass(frozen=True, eq=False)
class Both:
    """A model, and its network in PyTorch, which has gradients."""

    model: FerPhqModel
    network: FaceNetwork


Method = Callable[[Both, Image, int], FloatArray]
"""Takes a model, a crop and the emotion to explain; returns relevances (rows, columns)."""


@contextmanager
def record_attention(backbone: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Record each block's attention (b, heads, n, n) at every forward pass, with its gradient's path."""
    recorded: list[torch.Tensor] = []
    layers = [block.attn for block in backbone.blocks]
    fused = [layer.fused_attn for layer in layers]
    hooks = [layer.attn_drop.register_forward_hook(lambda _, __, output: recorded.append(output)) for layer in layers]
    try:
        for layer in layers:
            layer.fused_attn = False  # the fused kernel never makes the matrix
        yield recorded
    finally:
        for layer, before, hook in zip(layers, fused, hooks, strict=True):
            layer.fused_attn = before
            hook.remove()


def attention_map(both: Both, crop: Image, emotion: int, *, weighted: bool) -> FloatArray:
    """Compute attention rollout (Abnar & Zuidema, 2020), or weighted by gradients (Chefer, Gur & Wolf, 2021)."""
    backbone = both.network.net.backbone
    image = both.network.images([crop])
    with record_attention(backbone) as attentions:
        logits = both.network.net.head(backbone(torch.cat([image, image.flip(-1)])).mean(0))
    identity = torch.eye(attentions[0].shape[-1])
    flow = identity.expand(2, *identity.shape)
    if weighted:
        for attention, gradient in zip(attentions, torch.autograd.grad(logits[emotion], attentions), strict=True):
            flow = flow + (gradient * attention).clamp(min=0).mean(1) @ flow
        flow = flow - identity
    else:
        for attention in attentions:
            flow = (attention.mean(1) + identity) / 2 @ flow
    prefix = backbone.num_prefix_tokens
    pooled = flow[:, 0] if backbone.global_pool == "token" else flow[:, prefix:].mean(1)
    grid = pooled[:, prefix:].detach().reshape(2, *backbone.patch_embed.grid_size)
    return ((grid[0] + grid[1].flip(-1)) / 2).numpy()


def occlusion(both: Both, crop: Image, emotion: int) -> FloatArray:
    """Measure the fall of the probability when a token's pixels take the image's mean (Zeiler & Fergus, 2014)."""
    rows, columns = both.network.net.backbone.patch_embed.grid_size
    tokens = np.arange(rows * columns).reshape(rows, columns)
    tall = -(-crop.shape[0] // rows)
    wide = -(-crop.shape[1] // columns)
    token_of = tokens.repeat(tall, 0).repeat(wide, 1)[: crop.shape[0], : crop.shape[1]]
    occluded = [cover(crop, token_of == i) for i in tokens.ravel()]
    probability = both.model.predict_emotions([crop, *occluded])[:, emotion]
    return (probability[0] - probability[1:]).reshape(rows, columns)


def shipped(both: Both, crop: Image, emotion: int) -> FloatArray:
    """Compute the map of the product."""
    return relevance_map(both.network, crop, EMOTIONS[emotion]).heatmap


def centre(both: Both, crop: Image, emotion: int) -> FloatArray:
    """Compute the nearness to the middle of the crop."""
    y, x = np.mgrid[-1:1:48j, -1:1:48j]
    return (2 - y**2 - x**2).astype(np.float32)


def chance(both: Both, crop: Image, emotion: int) -> FloatArray:
    """Draw random relevances."""
    return np.random.default_rng(int(crop.sum())).random(both.network.net.backbone.patch_embed.grid_size, np.float32)


METHODS: dict[str, Method] = {
    "random": chance,
    "centre": centre,
    "attention rollout": lambda *case: attention_map(*case, weighted=False),
    "gradient-weighted attention": lambda *case: attention_map(*case, weighted=True),
    "gradient x tokens (ships)": shipped,
    "occlusion": occlusion,
}


def cover(crop: Image, mask: np.ndarray) -> Image:
    """Replace the pixels of a mask, bool (h, w), by the crop's mean."""
    out = crop.copy()
    out[mask] = crop.reshape(-1, 3).mean(0).round()
    return out


def find_highest(ranks: FloatArray, share: float) -> np.ndarray:
    """Mark the `share` of the pixels with the highest values, ties in random order: bool of the same shape."""
    order = np.lexsort((np.random.default_rng(0).random(ranks.size), -ranks.ravel()))
    out = np.zeros(ranks.size, bool)
    out[order[: round(share * ranks.size)]] = True
    return out.reshape(ranks.shape)


def report(name: str, method: Method, both: Both, crops: list[Image], share: float) -> None:
    """Print one line: the mean fall, its standard error and the milliseconds for an image."""
    before = both.model.predict_emotions(crops)
    emotions = before.argmax(1)
    began = time.perf_counter()
    maps = [method(both, crop, int(c)) for crop, c in zip(crops, emotions, strict=True)]
    spent = (time.perf_counter() - began) / len(crops) * 1000
    large = [Relevance("", 0.0, m.astype(np.float32)).enlarge(*c.shape[:2]) for m, c in zip(maps, crops, strict=True)]
    falls = []
    for sign in (1, -1):
        changed = [cover(crop, find_highest(sign * ranks, share)) for crop, ranks in zip(crops, large, strict=True)]
        falls.append((before - both.model.predict_emotions(changed))[np.arange(len(crops)), emotions])
    top, low = falls
    error = (top - low).std() / np.sqrt(len(crops))
    print(f"{name:28s} {top.mean():6.3f} {low.mean():6.3f} {(top - low).mean():6.3f} +- {error:.3f}", end="")
    print(f" {(top > low).mean():6.0%} {spent:6.0f}", flush=True)


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parquet")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network = load_network(args.model)
    both = Both(assemble(network.bundle, network), network)
    column = pq.read_table(args.parquet)["image"]
    picked = np.random.default_rng(0).choice(len(column), args.images, replace=False)
    files = [io.BytesIO(column[int(i)].as_py()["bytes"]) for i in picked]
    crops = [np.asarray(PillowImage.open(file).convert("RGB")) for file in files]
    print(f"{both.model.model_id}, {len(crops)} images, {args.share:.0%} of the pixels")
    print(f"{'fall of the probability':28s} {'most':>6s} {'least':>6s} {'apart':>6s}{'':9s} {'won':>6s} {'ms':>6s}")
    for name, method in METHODS.items():
        report(name, method, both, crops, args.share)


if __name__ == "__main__":
    main()
