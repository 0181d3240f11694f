"""The network of a recipe: construction, initial weights, the head of a next stage, and the weights of a run."""

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
from fer_phq.core.messages import Message
from fer_phq.models.checkpoint import CONFIG
from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.networks.heads import EmotionHead, EmotionNet
from fer_phq.models.networks.loading import load_network
from training.emotion.data.corpora import FaceSet
from training.emotion.networks import (
    classic,  # noqa: F401  (registers its networks with timm)
    face_mobilenet,  # noqa: F401  (registers its network with timm)
    messages,
)
from training.emotion.networks.pretrained import (
    Pretrained,
    load_hub_weights,
    load_into,
    read_image_input,
    read_weights,
    resize_head,
    strip_backbone_prefix,
)
from training.emotion.recipe import Lora, Network, Recipe, load_recipe

RECIPE = "recipe.yaml"
"""File of the run's resolved recipe, in the run's folder and in the bundle made of it."""
TOLERANCE = 1e-3
"""Difference of means or deviations, of pixels in 0-1, that is taken for rounding."""
RUN_WEIGHTS = "weights.safetensors"
"""File of a run's weights so far: of the best epoch where the recipe has patience, else of the last."""


def build_net(network: Network, classes: tuple[str, ...], image_size: int) -> EmotionNet:
    """Build a network with the initial weights that the recipe names.

    Args:
        network: Backbone, input and initial weights.
        classes: Names of the head's outputs.
        image_size: Side of an image in pixels.

    Raises:
        ModelError: The backbone cannot be built, or its initial weights cannot be read or do not fit.
    """
    try:
        backbone = create_backbone(network.backbone, image_size, network.in_chans, **network.options)
    except (OSError, RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(messages.CANNOT_BUILD(backbone=network.backbone, reason=reason)) from None
    net = EmotionNet(backbone, int(backbone.num_features), len(classes))  # type: ignore[arg-type]
    if network.init_from:
        from_hub = network.init_from == "hub"
        start = load_hub_weights(network.backbone) if from_hub else _read_start(Path(network.init_from))
        print(f"started from {start.source}: {load_into(net.backbone, net.head, classes, start)}", flush=True)
    if network.lora:
        net.backbone = _add_adapters(net.backbone, network.lora)
    return net.to(memory_format=torch.channels_last)


def adopt_input(recipe: Recipe) -> tuple[Recipe, list[Message]]:
    """Take over mean and deviation of the images on which the recipe's initial weights were trained.

    Where the recipe names its own, these stay, and a message says that they differ.

    Args:
        recipe: The recipe.

    Returns:
        The recipe with the normalisation that is used, and what to tell of it.

    Raises:
        ModelError: The folder of the initial weights says something impossible.
    """
    network = recipe.network
    start = Path(network.init_from) if network.init_from and network.init_from != "hub" else None
    image_input = read_image_input(start) if start is not None and start.is_dir() else None
    if image_input is None:
        return recipe, []
    source = str(start)
    mean, std = (round(float(np.mean(values)), 6) for values in (image_input.mean, image_input.std))
    notes = []
    if not {"mean", "std"} & network.model_fields_set:
        recipe = recipe.model_copy(update={"network": network.model_copy(update={"mean": mean, "std": std})})
        notes.append(messages.INPUT_ADOPTED(source=source, mean=mean, std=std))
        if max(map(np.ptp, (image_input.mean, image_input.std))) > TOLERANCE:
            notes.append(messages.INPUT_AVERAGED(source=source))
    elif max(abs(network.mean - mean), abs(network.std - std)) > TOLERANCE:
        notes.append(
            messages.INPUT_DIFFERS(source=source, mean=mean, std=std, own_mean=network.mean, own_std=network.std)
        )
    if image_input.size not in (None, recipe.image_size):
        notes.append(messages.SIZE_DIFFERS(source=source, size=image_input.size, own_size=recipe.image_size))
    return recipe, notes


def _read_start(path: Path) -> Pretrained:
    """Read the weights of a run, or of anything that `read_weights` reads."""
    if (path / RECIPE).is_file() and (path / RUN_WEIGHTS).is_file():
        classes = load_recipe(path / RECIPE).stages[-1].classes
        return Pretrained(strip_backbone_prefix(load_file(path / RUN_WEIGHTS)), classes, f"the run {path}")
    return read_weights(path)


def adapt_head(net: EmotionNet, old_classes: tuple[str, ...], new_classes: tuple[str, ...]) -> EmotionNet:
    """Resize a network's head in place for other classes; rows of shared classes are copied.

    Args:
        net: The network.
        old_classes: Names of the present outputs.
        new_classes: Names of the outputs to have.

    Returns:
        The same network.
    """
    if old_classes != new_classes:
        linear = resize_head(net.head.weight, net.head.bias, old_classes, new_classes)
        net.head = EmotionHead(linear.in_features, len(new_classes))
        net.head.load_state_dict(linear.state_dict())
    return net


def _add_adapters(backbone: nn.Module, lora: Lora) -> nn.Module:
    from peft import LoraConfig, get_peft_model  # imported here: it loads transformers, which takes seconds

    target_modules = rf".*\.attn\.({'|'.join(lora.targets)})"
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=target_modules)
    try:
        adapted: nn.Module = get_peft_model(backbone, config)
    except ValueError as error:
        raise ModelError(messages.NOTHING_TO_ADAPT(reason=str(error).splitlines()[0])) from None
    return adapted


def merged_state(net: EmotionNet) -> dict[str, torch.Tensor]:
    """Return the weights of a network with its adapters merged (LoRA), contiguous, on the CPU."""
    if hasattr(net.backbone, "merge_and_unload"):
        net = copy.deepcopy(net)
        net.backbone = net.backbone.merge_and_unload()  # type: ignore[operator]
    return {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}


def save_run_weights(net: EmotionNet, folder: Path) -> None:
    """Write a run's weights. A process that is killed meanwhile leaves the previous file whole.

    Args:
        net: The network; its adapters are merged.
        folder: Folder of the run.
    """
    part = folder / f"{RUN_WEIGHTS}.part"
    save_file(merged_state(net), part)
    part.replace(folder / RUN_WEIGHTS)


def load_run(folder: Path) -> tuple[EmotionNet, Recipe]:
    """Load a run's network, in evaluation mode with its adapters merged, and its recipe.

    Args:
        folder: Folder of the run.

    Raises:
        FerPhqError: The folder has no recipe, or no epoch was finished.
    """
    recipe = load_recipe(folder / RECIPE)
    if not (folder / RUN_WEIGHTS).is_file():
        raise FerPhqError(messages.NO_RUN_WEIGHTS(folder=str(folder), file=RUN_WEIGHTS))
    network = recipe.network.model_copy(update={"lora": None, "init_from": None})
    net = build_net(network, recipe.stages[-1].classes, recipe.image_size)
    net.load_state_dict(load_file(folder / RUN_WEIGHTS))
    return net.eval(), recipe


def normalise(images: torch.Tensor, network: Network) -> torch.Tensor:
    """Normalise images with the network's mean and deviation, in channels-last memory.

    Args:
        images: Float (b, c, h, w) in 0-1.
        network: The network that takes them.
    """
    return ((images - network.mean) / network.std).contiguous(memory_format=torch.channels_last)


def as_images(pixels: torch.Tensor) -> torch.Tensor:
    """Convert uint8 pixels (b, h, w) or (b, h, w, 3) to float images (b, c, h, w) in 0-1."""
    images = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return images.float() / 255


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Resize images as the product's model resizes crops.

    Args:
        images: Float (b, c, h, w).
        size: The new side in pixels.
    """
    if images.shape[-2:] == (size, size):
        return images
    return nn.functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


@torch.inference_mode()
def check_image_sizes(net: EmotionNet, network: Network, sizes: Iterable[int]) -> None:
    """Check that a network takes images of every size.

    Args:
        net: The network.
        network: Its part of the recipe.
        sizes: Sides of images in pixels.

    Raises:
        ModelError: The network refuses a size.
    """
    training = net.training
    device = net.head.weight.device
    net.eval()
    for size in sizes:
        try:
            net(torch.zeros(1, network.in_chans, size, size, device=device))
        except (AssertionError, RuntimeError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            refusal = messages.IMAGE_SIZE_REFUSED(backbone=network.backbone, size=size, reason=reason)
            raise ModelError(refusal) from None
    net.train(training)


def image_batches(data: FaceSet, device: torch.device | str) -> Iterator[torch.Tensor]:
    """Yield a set's images in order and without augmentation, as float batches (b, c, h, w) in 0-1.

    Args:
        data: The set.
        device: Where the batches lie.
    """
    for start in range(0, len(data), 256):
        indices = np.arange(start, min(start + 256, len(data)))
        yield as_images(torch.from_numpy(np.ascontiguousarray(data.images[indices])).to(device))


@torch.inference_mode()
def predict_logits(
    net: nn.Module, data: FaceSet, size: int, network: Network, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Compute a network's logits for a set, without augmentation.

    Args:
        net: The network.
        data: The images.
        size: Side in pixels to which they are resized.
        network: Mean and deviation of the network's input.
        device: Where the network lies.

    Returns:
        float32 (n, classes) on the CPU.
    """
    training = net.training
    net.eval()
    logits = [net(normalise(resize(images, size), network)).float().cpu() for images in image_batches(data, device)]
    net.train(training)
    return torch.cat(logits)


class Teacher(nn.Module):
    """The mean probabilities of several networks, each with the input it was trained for.

    Attributes:
        nets: The networks.
        inputs: Side in pixels and normalisation of each network's images.
        classes: Names of the outputs.
        in_chans: Channels of an image.
    """

    def __init__(
        self, folders: tuple[str, ...], classes: tuple[str, ...] | None = None, in_chans: int | None = None
    ) -> None:
        """Load the networks.

        Args:
            folders: Run folders or bundles.
            classes: Classes that all must have; by default those of the first.
            in_chans: Channels that all must take; by default those of the first.

        Raises:
            FerPhqError: A network cannot be loaded, or has other classes or channels.
        """
        super().__init__()
        self.nets = nn.ModuleList()
        self.inputs = []
        for folder in folders:
            net, network, size, net_classes = load_teacher(folder)
            classes = classes or net_classes
            in_chans = in_chans or network.in_chans
            if net_classes != classes or network.in_chans != in_chans:
                raise FerPhqError(messages.TEACHER_DIFFERS(folder=folder))
            self.nets.append(net.to(memory_format=torch.channels_last).requires_grad_(False).eval())
            self.inputs.append((size, network))
        self.classes = classes or ()
        self.in_chans = in_chans

    @torch.no_grad()
    def forward(self, images: torch.Tensor, temperature: float) -> torch.Tensor:
        """Compute the teachers' mean probabilities (b, classes).

        Args:
            images: Float (b, c, h, w) in 0-1.
            temperature: What the logits are divided by; above 1 flattens the probabilities.
        """
        probabilities = []
        for net, (size, network) in zip(self.nets, self.inputs, strict=True):
            logits = net(normalise(resize(images, size), network)).float()
            probabilities.append((logits / temperature).softmax(1))
        return torch.stack(probabilities).mean(0)

    def forward_mirrored(self, images: torch.Tensor, temperature: float) -> torch.Tensor:
        """Compute the mean of `forward` over images and their mirror images.

        Args:
            images: Float (b, c, h, w) in 0-1.
            temperature: What the logits are divided by.
        """
        mean: torch.Tensor = (self(images, temperature) + self(images.flip(-1), temperature)) / 2
        return mean

    def predict(self, data: FaceSet, temperature: float, device: torch.device | str) -> npt.NDArray[np.float32]:
        """Compute the teachers' probabilities for a set, without augmentation, as the mean over both mirror views.

        Args:
            data: The images.
            temperature: Divides the logits.
            device: Where the networks lie.

        Returns:
            float32 (n, classes).
        """
        probabilities = [self.forward_mirrored(images, temperature).cpu() for images in image_batches(data, device)]
        return cast(npt.NDArray[np.float32], torch.cat(probabilities).numpy())


def load_teacher(name: str) -> tuple[EmotionNet, Network, int, tuple[str, ...]]:
    """Load a teacher.

    Args:
        name: Folder of a run; or name, id or folder of a bundle.

    Returns:
        The network, its part of the recipe, the side of its images in pixels, and its classes.

    Raises:
        FerPhqError: There is no such run or bundle, or it cannot be read.
    """
    folder = Path(name)
    if (folder / RECIPE).is_file() and not (folder / CONFIG).is_file():
        net, recipe = load_run(folder)
        return net, recipe.network, recipe.image_size, recipe.stages[-1].classes
    teacher = load_network(name)
    config = teacher.bundle.config
    shape = {"backbone": config.backbone, "in_chans": config.in_chans, "options": config.options}
    network = Network.model_validate(shape | {"mean": config.mean, "std": config.std})
    return teacher.net, network, config.image_size, config.classes
