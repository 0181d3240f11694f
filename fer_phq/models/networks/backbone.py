"""Vision Transformer backbones: any timm ViT by name, and ours, a ViT with a small residual convolutional stem.

A face crop of 48 px leaves a plain ViT few and blurred patches to look at; early convolutions see the pixels at
their native resolution and help small transformers train (Xiao et al., 2021, "Early Convolutions Help
Transformers See Better", arXiv:2106.14881).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import timm
import torch
from timm.layers import HybridEmbed
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from fer_phq.core.errors import ModelError
from fer_phq.models import messages


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around an identity (He et al., 2016); shape (b, c, h, w) is kept."""

    def __init__(self, channels: int) -> None:
        """Initialise the block as the identity.

        Args:
            channels: Channels of its input and output.
        """
        super().__init__()
        last = nn.BatchNorm2d(channels)
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            last,
        )
        nn.init.zeros_(last.weight)  # every block starts as the identity (Goyal et al., 2017)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (b, c, h, w) to the same shape."""
        return torch.relu(x + self.body(x))


class ResidualStem(nn.Sequential):
    """Maps grey or colour images (b, in_chans, h, w) to features (b, widths[-1], h / stride, w / stride)."""

    def __init__(self, in_chans: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        """Initialise the weights.

        Args:
            in_chans: Channels of the images.
            widths: Channels at strides 1, 2, 4, ...
            blocks: Residual blocks at strides 2, 4, ...: one number fewer.
        """
        layers: list[nn.Module] = [_conv(in_chans, widths[0], stride=1)]
        for before, width, count in zip(widths[:-1], widths[1:], blocks, strict=True):
            layers.append(_conv(before, width, stride=2))
            layers.extend(ResidualBlock(width) for _ in range(count))
        super().__init__(*layers)


def _conv(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class ResNetFace(nn.Module):
    """A residual network for face crops of about 48 px: maps images (b, in_chans, h, w) to pooled features (b, dim).

    It is a teacher: what ships is a transformer that starts from its convolutions (`vit_resstem_small`).

    Attributes:
        num_features: Width of its features.
    """

    def __init__(self, in_chans: int, widths: tuple[int, ...], blocks: tuple[int, ...], drop_rate: float) -> None:
        """Initialise the weights.

        Args:
            in_chans: Channels of the images.
            widths: Channels at strides 1, 2, 4, ...
            blocks: Residual blocks at strides 2, 4, ...: one number fewer.
            drop_rate: Share of features that are dropped in training.
        """
        super().__init__()
        self.stem = ResidualStem(in_chans, widths, blocks)
        self.drop = nn.Dropout(drop_rate)
        self.num_features = widths[-1]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (b, num_features)."""
        features: torch.Tensor = self.drop(self.stem(images).mean((2, 3)))
        return features


RESIDUAL_OPTIONS = {"widths": (32, 48, 96, 192), "blocks": (2, 2, 2)}
"""The residual network that `resnet_face_small` and the stem of `vit_resstem_small` share, to stride 8."""


TRANSFORMER_OPTIONS: dict[str, Any] = {
    "img_size": 48,
    "patch_size": 1,
    "embed_dim": 192,
    "depth": 4,
    "num_heads": 6,
    "mlp_ratio": 2.0,
    "class_token": False,
    "global_pool": "avg",
    "dynamic_img_size": True,
    "num_classes": 0,
}
"""Arguments of timm's `VisionTransformer` for `vit_resstem_small`."""


@register_model
def resnet_face_small(pretrained: bool = False, **kwargs: Any) -> ResNetFace:
    """Build our residual network: blocks at strides 2, 4 and 8.

    It has 2.0 million parameters and takes 164 million multiplications at 48 px.

    Args:
        pretrained: Not supported; timm's registry passes it.
        **kwargs: `in_chans` (1 when omitted), `drop_rate` (0), and what timm's registry adds.

    Raises:
        ModelError: Pretrained weights are asked for.
    """
    options = _constructor_options("resnet_face_small", pretrained, kwargs)
    return ResNetFace(options["in_chans"], **RESIDUAL_OPTIONS, drop_rate=options.get("drop_rate", 0.0))


@register_model
def vit_resstem_small(pretrained: bool = False, **kwargs: Any) -> VisionTransformer:
    """Build our hybrid: the residual network to stride 8 as stem, every feature a token, four blocks, mean pooling.

    At 48 px and one channel it has 36 tokens of width 192 and 3.2 million parameters. Other image sizes (multiples of
    8) resample the position embedding.

    Args:
        pretrained: Not supported; timm's registry passes it.
        **kwargs: Arguments of timm's `VisionTransformer`, and what timm's registry adds.

    Raises:
        ModelError: Pretrained weights are asked for.
    """
    options = _constructor_options("vit_resstem_small", pretrained, kwargs)
    stem = ResidualStem(options["in_chans"], **RESIDUAL_OPTIONS)
    return VisionTransformer(embed_layer=partial(HybridEmbed, backbone=stem), **(TRANSFORMER_OPTIONS | options))


def _constructor_options(name: str, pretrained: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that timm's registry passes on, without those that only concern its hub weights."""
    if pretrained:
        raise ModelError(messages.NO_HUB_WEIGHTS(name=name))
    registry_only = {"pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"}
    return {"in_chans": 1} | {key: value for key, value in kwargs.items() if key not in registry_only}


def create_backbone(name: str, image_size: int, in_chans: int, **kwargs: Any) -> nn.Module:
    """Create a backbone without head.

    Args:
        name: Any timm model or one of ours.
        image_size: Side of its images in pixels.
        in_chans: Channels of its images.
        **kwargs: Further arguments of its constructor. Nothing is downloaded unless `pretrained=True` asks for timm's
            hub weights.

    Returns:
        A module from images (b, in_chans, image_size, image_size) to pooled features (b, num_features).

    Raises:
        ModelError: Neither timm nor this module knows the name.
    """
    if name.partition(".")[0] not in timm.list_models():  # what follows a dot names timm's hub weights
        raise ModelError(messages.UNKNOWN_BACKBONE(name=name))
    options = {"in_chans": in_chans, "num_classes": 0} | kwargs
    try:
        backbone = timm.create_model(name, img_size=image_size, **options)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        backbone = timm.create_model(name, **options)  # a convolutional network: any size
    return backbone
