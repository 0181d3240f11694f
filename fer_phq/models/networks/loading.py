"""The network of a bundle in PyTorch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError
from fer_phq.models import messages
from fer_phq.models.checkpoint import WEIGHTS, Bundle, check_files, find_bundle
from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.networks.heads import EmotionNet
from fer_phq.models.preprocessing import Crops, to_pixels


@dataclass(frozen=True, eq=False)
class FaceNetwork:
    """Backbone and emotion head of a bundle, in evaluation, as an `Encoder`.

    Attributes:
        bundle: Where they come from.
        net: Both, with the bundle's weights.
    """

    bundle: Bundle
    net: EmotionNet

    def images(self, crops: Crops) -> torch.Tensor:
        """Resize and normalise face crops.

        Args:
            crops: n crops, uint8 RGB.

        Returns:
            The backbone's input (n, in_chans, size, size) float32.

        Raises:
            ValueError: A crop is anything but uint8 RGB.
        """
        config = self.bundle.config
        return self.normalise(torch.from_numpy(to_pixels(crops, config.in_chans, config.image_size)))

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the backbone's input for pixels (n, in_chans, size, size) in 0-1."""
        config = self.bundle.config
        return ((pixels - config.mean) / config.std).contiguous(memory_format=torch.channels_last)

    def embed(self, pixels: FloatArray) -> FloatArray:
        """Compute the embeddings (n, dim) float32 of pixels (n, in_chans, size, size), 0 to 1."""
        images = self.normalise(torch.from_numpy(pixels))
        with torch.inference_mode():
            rows: FloatArray = ((self.net.backbone(images) + self.net.backbone(images.flip(-1))) / 2).numpy()
        return rows


def load_network(name_or_path: str | os.PathLike[str] | None = None) -> FaceNetwork:
    """Load the network of a bundle in PyTorch.

    Args:
        name_or_path: The bundle's name, model id or folder; the active one when omitted.

    Raises:
        ModelError: The bundle is missing, damaged or does not fit its configuration.
    """
    bundle = find_bundle(name_or_path)
    check_files(bundle, WEIGHTS[:1])
    config = bundle.config
    net = EmotionNet(create_backbone(config.backbone, config.image_size, config.in_chans, **config.options), config.dim)
    _load_weights(net, bundle.path / WEIGHTS[0])
    return FaceNetwork(bundle, net.to(memory_format=torch.channels_last).eval())


def _load_weights(module: nn.Module, path: Path) -> None:
    try:
        weights = load_file(path)
        module.load_state_dict(
            {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
        )
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelError(messages.WEIGHTS_UNUSABLE(path=str(path), error=str(error).splitlines()[0])) from None
