"""The classic small networks of FER2013 experiments, registered with timm. They show under- and overfitting plainly."""

from __future__ import annotations

from typing import Any

import torch
from timm.models import register_model
from timm.models.resnet import ResNet, resnet18
from torch import nn

from fer_phq.core.errors import ModelError
from training.emotion.networks import messages


class ClassicCnn(nn.Module):
    """Convolutions with max pooling, flattened into one hidden layer of 128 features."""

    def __init__(
        self, in_chans: int, image_size: int, widths: tuple[int, ...], per_stage: int, norm: bool, drop_rate: float
    ) -> None:
        """Build the layers.

        Args:
            in_chans: Channels of an image.
            image_size: Side of an image in pixels.
            widths: Channels of each stage.
            per_stage: Number of convolutions before each pooling.
            norm: Add batch norm after each convolution.
            drop_rate: Dropout before the head; half of it after each pooling.
        """
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_chans
        for width in widths:
            for _ in range(per_stage):
                layers += [nn.Conv2d(channels, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else [])]
                layers += [nn.ReLU(inplace=True)]
                channels = width
            layers += [nn.MaxPool2d(2), *([nn.Dropout2d(drop_rate / 2)] if drop_rate else [])]
        side = image_size // 2 ** len(widths)
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * side * side, 128), nn.ReLU(), nn.Dropout(drop_rate)
        )
        self.num_features = 128

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute features (b, num_features) of normalised images (b, in_chans, s, s)."""
        features: torch.Tensor = self.hidden(self.features(images))
        return features


@register_model
def fer_simple_cnn(pretrained: bool = False, **kwargs: Any) -> ClassicCnn:
    """Build two convolutions and one hidden layer, with nothing against overfitting."""
    return _build_classic(pretrained, kwargs, widths=(32, 64), per_stage=1, norm=False, drop_rate=0.0)


@register_model
def fer_deeper_cnn(pretrained: bool = False, **kwargs: Any) -> ClassicCnn:
    """Build eight convolutions in four stages (as VGG), with batch norm and dropout."""
    return _build_classic(pretrained, kwargs, widths=(32, 64, 128, 256), per_stage=2, norm=True, drop_rate=0.4)


@register_model
def fer_resnet18(pretrained: bool = False, **kwargs: Any) -> ResNet:
    """Build ResNet-18 with a first convolution for small images: 3 x 3 of stride 1 in place of 7 x 7 of stride 2.

    At 48 px the last stage has 3 x 3 cells of stride 16; timm's `resnet18` has 2 x 2 of stride 32.

    Args:
        pretrained: Must be False.
        **kwargs: Arguments of timm's `resnet18`.

    Raises:
        ModelError: Pretrained weights are asked for.
    """
    if pretrained:
        raise ModelError(messages.CLASSIC_WITHOUT_WEIGHTS())
    net: ResNet = resnet18(**kwargs)
    stem = nn.Conv2d(kwargs.get("in_chans", 3), 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")  # as timm's own
    net.conv1 = stem  # type: ignore[assignment]  # a stem of another type is a sequence
    return net


def _build_classic(pretrained: bool, kwargs: dict[str, Any], drop_rate: float, **shape: Any) -> ClassicCnn:
    if pretrained:
        raise ModelError(messages.CLASSIC_WITHOUT_WEIGHTS())
    inputs = {"in_chans": kwargs.get("in_chans", 1), "image_size": kwargs.get("img_size", 48)}
    return ClassicCnn(**inputs, **shape, drop_rate=kwargs.get("drop_rate", drop_rate))
