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


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around an identity (He et al., 2016); shape (b, c, h, w) is kept."""

    def __init__(self, channels: int) -> None:
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
    """Grey or colour image (b, in_chans, h, w) to features (b, widths[-1], h / stride, w / stride).

    widths: channels at strides 1, 2, 4, ...; blocks: residual blocks at strides 2, 4, ..., one number fewer.
    """

    def __init__(self, in_chans: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
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
    """A residual network for face crops of about 48 px: images (b, in_chans, h, w) to pooled features (b, dim).

    A teacher: what ships is a transformer that starts from its convolutions (`vit_resstem_small`).
    """

    def __init__(self, in_chans: int, widths: tuple[int, ...], blocks: tuple[int, ...], drop_rate: float) -> None:
        super().__init__()
        self.stem = ResidualStem(in_chans, widths, blocks)
        self.drop = nn.Dropout(drop_rate)
        self.num_features = widths[-1]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (b, num_features)."""
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
"""The transformer of `vit_resstem_small`, in timm's words."""


@register_model
def resnet_face_small(pretrained: bool = False, **kwargs: Any) -> ResNetFace:
    """Ours: residual blocks at strides 2, 4 and 8; 2.0 million parameters, 164 million multiplications at 48 px."""
    settings = _constructor_options("resnet_face_small", pretrained, kwargs)
    return ResNetFace(settings["in_chans"], **RESIDUAL_OPTIONS, drop_rate=settings.get("drop_rate", 0.0))


@register_model
def vit_resstem_small(pretrained: bool = False, **kwargs: Any) -> VisionTransformer:
    """Ours: the residual network to stride 8 as stem, every feature a token, width 192, four blocks, mean pooling.

    At 48 px and one channel: 36 tokens, 3.2 million parameters. Other image sizes (multiples of 8) resample the
    position embedding.
    """
    settings = _constructor_options("vit_resstem_small", pretrained, kwargs)
    stem = ResidualStem(settings["in_chans"], **RESIDUAL_OPTIONS)
    return VisionTransformer(embed_layer=partial(HybridEmbed, backbone=stem), **(TRANSFORMER_OPTIONS | settings))


def _constructor_options(name: str, pretrained: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments that timm's registry passes on, without those that only concern its hub weights."""
    if pretrained:
        raise ModelError(f"{name} has no hub weights: load a checkpoint bundle with fer_phq.load_model.")
    registry_only = {"pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"}
    return {"in_chans": 1} | {key: value for key, value in kwargs.items() if key not in registry_only}


def create_backbone(name: str, image_size: int, in_chans: int, **kwargs: Any) -> nn.Module:
    """A backbone without head: module from (b, in_chans, image_size, image_size) to pooled features (b, dim).

    `name` is any timm model or one of ours; its `num_features` is dim. Nothing is downloaded unless `pretrained=True`
    asks for timm's hub weights. Raises ModelError for a name that timm does not know.
    """
    if name.partition(".")[0] not in timm.list_models():  # what follows a dot names timm's hub weights
        raise ModelError(f"'{name}' is not a backbone that timm or fer-phq knows; see timm.list_models('vit*').")
    settings = {"in_chans": in_chans, "num_classes": 0} | kwargs
    try:
        backbone = timm.create_model(name, img_size=image_size, **settings)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        backbone = timm.create_model(name, **settings)  # a convolutional network: any size
    return backbone
