"""The network of a recipe: built, started from given weights, carried into the next stage, and read from a run."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from fer_phq.core.errors import FerPhqError, ModelError
from fer_phq.models.backbone import create_backbone
from fer_phq.models.checkpoint import CONFIG
from fer_phq.models.heads import EmotionHead, EmotionNet
from fer_phq.models.model import load_model
from training.emotion.data.corpora import FaceSet
from training.emotion.networks import classic, face_mobilenet  # noqa: F401  (they register their networks with timm)
from training.emotion.networks.pretrained import (
    Pretrained,
    backbone_names,
    hub_weights,
    load_into,
    read_weights,
    resize_head,
)
from training.emotion.recipe import Lora, Network, Recipe, load_recipe

RECIPE = "recipe.yaml"
"""The run's resolved recipe, in its folder and in the bundle made of it."""
RUN_WEIGHTS = "weights.safetensors"
"""A run's weights so far: those of the best epoch where the recipe has patience, else of the last."""


def build_net(network: Network, classes: tuple[str, ...], image_size: int) -> EmotionNet:
    """A network with a head for `classes`, started as the recipe says. Raises ModelError in one sentence."""
    try:
        backbone = create_backbone(network.backbone, image_size, network.in_chans, **network.options)
    except (OSError, RuntimeError, TypeError, AssertionError) as error:
        raise ModelError(f"{network.backbone} cannot be built: {str(error).splitlines()[0]}") from None
    net = EmotionNet(backbone, int(backbone.num_features), len(classes))  # type: ignore[arg-type]
    if network.init_from:
        start = hub_weights(network.backbone) if network.init_from == "hub" else _start(Path(network.init_from))
        print(f"started from {start.source}: {load_into(net.backbone, net.head, classes, start)}", flush=True)
    if network.lora:
        net.backbone = _with_adapters(net.backbone, network.lora)
    return net.to(memory_format=torch.channels_last)


def _start(path: Path) -> Pretrained:
    """Weights of a run, or of anything that `read_weights` knows."""
    if (path / RECIPE).is_file() and (path / RUN_WEIGHTS).is_file():
        classes = load_recipe(path / RECIPE).stages[-1].classes
        return Pretrained(backbone_names(load_file(path / RUN_WEIGHTS)), classes, f"the run {path}")
    return read_weights(path)


def next_stage(net: EmotionNet, before: tuple[str, ...], classes: tuple[str, ...]) -> EmotionNet:
    """The same network with its head resized where the classes change; rows of shared classes are kept."""
    if before != classes:
        resized = resize_head(net.head.weight, net.head.bias, before, classes)
        net.head = EmotionHead(resized.in_features, len(classes))
        net.head.load_state_dict(resized.state_dict())
    return net


def _with_adapters(backbone: nn.Module, lora: Lora) -> nn.Module:
    from peft import LoraConfig, get_peft_model  # imported here: it loads transformers, which takes seconds

    chosen = rf".*\.attn\.({'|'.join(lora.targets)})"
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=chosen)
    try:
        adapted: nn.Module = get_peft_model(backbone, config)
    except ValueError as error:
        raise ModelError(f"LoRA finds nothing to adapt: {str(error).splitlines()[0]}") from None
    return adapted


def plain_state(net: EmotionNet) -> dict[str, torch.Tensor]:
    """The weights as a network without adapters has them (LoRA merged), contiguous, on the CPU."""
    if hasattr(net.backbone, "merge_and_unload"):
        net = copy.deepcopy(net)
        net.backbone = net.backbone.merge_and_unload()  # type: ignore[operator]
    return {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}


def save_run_weights(net: EmotionNet, folder: Path) -> None:
    """Write a run's weights; a kill in between leaves the old ones."""
    part = folder / f"{RUN_WEIGHTS}.part"
    save_file(plain_state(net), part)
    part.replace(folder / RUN_WEIGHTS)


def load_run(folder: Path) -> tuple[EmotionNet, Recipe]:
    """A run's network (adapters merged) and recipe. Raises FerPhqError in one sentence."""
    recipe = load_recipe(folder / RECIPE)
    if not (folder / RUN_WEIGHTS).is_file():
        raise FerPhqError(f"The run {folder} has no {RUN_WEIGHTS} yet: let it finish an epoch.")
    plain = recipe.network.model_copy(update={"lora": None, "init_from": None})
    net = build_net(plain, recipe.stages[-1].classes, recipe.image_size)
    net.load_state_dict(load_file(folder / RUN_WEIGHTS))
    return net.eval(), recipe


def normalise(images: torch.Tensor, network: Network) -> torch.Tensor:
    """Images in 0-1 to what the network takes, channels last."""
    return ((images - network.mean) / network.std).contiguous(memory_format=torch.channels_last)


def as_images(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (b, h, w) or (b, h, w, 3) to float (b, c, h, w) in 0-1."""
    images = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return images.float() / 255


def resized(images: torch.Tensor, size: int) -> torch.Tensor:
    """Images (b, c, h, w) at another side, as the product's model resizes crops."""
    if images.shape[-2:] == (size, size):
        return images
    return nn.functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


@torch.inference_mode()
def check_sizes(net: EmotionNet, network: Network, sizes: Iterable[int]) -> None:
    """Raises ModelError in one sentence where the network does not take images of one of these sides."""
    training = net.training
    device = net.head.weight.device
    net.eval()
    for size in sizes:
        try:
            net(torch.zeros(1, network.in_chans, size, size, device=device))
        except (AssertionError, RuntimeError) as error:
            hint = "give all phases one image_size, or a ViT the option dynamic_img_size: true"
            why = str(error).splitlines()[0].rstrip(".")
            raise ModelError(f"{network.backbone} takes no images of {size} px ({why}): {hint}.") from None
    net.train(training)


def batches(data: FaceSet, device: torch.device | str) -> Iterator[torch.Tensor]:
    """A set's images as they are, in order: float (b, c, h, w) in 0-1."""
    for i in range(0, len(data), 256):
        chosen = np.arange(i, min(i + 256, len(data)))
        yield as_images(torch.from_numpy(np.ascontiguousarray(data.images[chosen])).to(device))


@torch.inference_mode()
def predict(
    net: nn.Module, data: FaceSet, size: int, network: Network, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Logits (n, classes) float32 of a network for a set, without augmentation."""
    training = net.training
    net.eval()
    out = [net(normalise(resized(images, size), network)).float().cpu() for images in batches(data, device)]
    net.train(training)
    return torch.cat(out)


class Teacher(nn.Module):
    """The mean probabilities of several networks, each fed as it was trained: images (b, c, h, w) in 0-1 to (b, k).

    classes, in_chans: what all must have; without them what the first has. Raises FerPhqError in one sentence.
    """

    def __init__(
        self, folders: tuple[str, ...], classes: tuple[str, ...] | None = None, in_chans: int | None = None
    ) -> None:
        super().__init__()
        self.nets = nn.ModuleList()
        self.inputs = []
        for folder in folders:
            net, network, size, known = load_teacher(folder)
            classes = classes or known
            in_chans = in_chans or network.in_chans
            if known != classes or network.in_chans != in_chans:
                raise FerPhqError(f"The teacher {folder} has other classes or channels than it is used with.")
            self.nets.append(net.to(memory_format=torch.channels_last).requires_grad_(False).eval())
            self.inputs.append((size, network))
        self.classes = classes or ()
        self.in_chans = in_chans

    @torch.no_grad()
    def forward(self, images: torch.Tensor, temperature: float) -> torch.Tensor:
        """Probabilities (b, classes) at a temperature, mean over the teachers."""
        out = []
        for net, (size, network) in zip(self.nets, self.inputs, strict=True):
            out.append((net(normalise(resized(images, size), network)).float() / temperature).softmax(1))
        return torch.stack(out).mean(0)

    def both_views(self, images: torch.Tensor, temperature: float) -> torch.Tensor:
        """As `forward`, mean over the images and their mirror images."""
        views: torch.Tensor = (self(images, temperature) + self(images.flip(-1), temperature)) / 2
        return views

    def judge(self, data: FaceSet, temperature: float, device: torch.device | str) -> npt.NDArray[np.float32]:
        """Probabilities (n, classes) of a set's images as they are, mean over the teachers and both mirror views."""
        out = [self.both_views(images, temperature).cpu() for images in batches(data, device)]
        return cast(npt.NDArray[np.float32], torch.cat(out).numpy())


def load_teacher(name: str) -> tuple[EmotionNet, Network, int, tuple[str, ...]]:
    """Network of a run's folder or of a bundle, how it is fed, its side in pixels, its classes. Raises FerPhqError."""
    folder = Path(name)
    if (folder / RECIPE).is_file() and not (folder / CONFIG).is_file():
        net, recipe = load_run(folder)
        return net, recipe.network, recipe.image_size, recipe.stages[-1].classes
    model = load_model(name)
    config = model.bundle.config
    shape = {"backbone": config.backbone, "in_chans": config.in_chans, "options": config.options}
    network = Network.model_validate(shape | {"mean": config.mean, "std": config.std})
    return model.net, network, config.image_size, config.classes
