"""The classic small networks of FER2013 experiments, by timm name: they show underfitting and overfitting plainly."""

from __future__ import annotations

from typing import Any

import torch
from timm.models import register_model
from torch import nn

from fer_phq.core.errors import ModelError


class ClassicCnn(nn.Module):
    """Convolutions with max pooling, flattened into one hidden layer: images (b, in_chans, s, s) to (b, hidden).

    widths: channels of each stage; per_stage: convolutions before each pooling; batch norm and dropout where asked.
    """

    def __init__(
        self, in_chans: int, image_size: int, widths: tuple[int, ...], per_stage: int, norm: bool, drop_rate: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_chans
        for width in widths:
            for _ in range(per_stage):
                layers += [nn.Conv2d(before, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else [])]
                layers += [nn.ReLU(inplace=True)]
                before = width
            layers += [nn.MaxPool2d(2), *([nn.Dropout2d(drop_rate / 2)] if drop_rate else [])]
        side = image_size // 2 ** len(widths)
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            nn.Flatten(), nn.Linear(before * side * side, 128), nn.ReLU(), nn.Dropout(drop_rate)
        )
        self.num_features = 128

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (b, num_features)."""
        features: torch.Tensor = self.hidden(self.features(images))
        return features


@register_model
def fer_simple_cnn(pretrained: bool = False, **kwargs: Any) -> ClassicCnn:
    """Two convolutions and one hidden layer, nothing against overfitting."""
    return _classic(pretrained, kwargs, widths=(32, 64), per_stage=1, norm=False, drop_rate=0.0)


@register_model
def fer_deeper_cnn(pretrained: bool = False, **kwargs: Any) -> ClassicCnn:
    """Eight convolutions in four stages (as VGG), batch norm, dropout."""
    return _classic(pretrained, kwargs, widths=(32, 64, 128, 256), per_stage=2, norm=True, drop_rate=0.4)


def _classic(pretrained: bool, kwargs: dict[str, Any], drop_rate: float, **shape: Any) -> ClassicCnn:
    if pretrained:
        raise ModelError("The classic networks have no hub weights: train them from scratch.")
    given = {"in_chans": kwargs.get("in_chans", 1), "image_size": kwargs.get("img_size", 48)}
    return ClassicCnn(**given, **shape, drop_rate=kwargs.get("drop_rate", drop_rate))
