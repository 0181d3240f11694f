"""Vision Transformer backbones: any timm ViT by name, and ours, a ViT with a small residual convolutional stem.

A face crop of 48 px leaves a plain ViT few and blurred patches to look at; early convolutions see the pixels at
their native resolution and help small transformers train (Xiao et al., 2021, "Early Convolutions Help
Transformers See Better", arXiv:2106.14881).
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import timm
import torch
from timm.layers import HybridEmbed
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from fer_phq.errors import ModelError


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around an identity (He et al., 2016); shape (b, c, h, w) is kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (b, c, h, w) to the same shape."""
        return torch.relu(x + self.body(x))


class ResidualStem(nn.Sequential):
    """Grey or colour image (b, in_chans, h, w) to features (b, widths[-1], h / 4, w / 4).

    widths: channels at strides 1, 2 and 4; blocks: residual blocks at strides 2 and 4.
    """

    def __init__(self, in_chans: int, widths: tuple[int, int, int], blocks: tuple[int, int]) -> None:
        layers: list[nn.Module] = [_conv(in_chans, widths[0], stride=1)]
        for before, width, count in zip(widths, widths[1:], blocks, strict=False):
            layers.append(_conv(before, width, stride=2))
            layers.extend(ResidualBlock(width) for _ in range(count))
        super().__init__(*layers)


def _conv(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


@register_model
def vit_convstem_micro(pretrained: bool = False, **kwargs: Any) -> VisionTransformer:
    """Ours: residual stem to stride 4, patches of 2 features (stride 8), width 192, four blocks, mean pooling.

    At 48 px and one channel: 36 tokens, 1.7 million parameters. `pretrained` must stay False: our weights come in
    checkpoint bundles. Other image sizes (multiples of 8) resample the position embedding.
    """
    if pretrained:
        raise ModelError("vit_convstem_micro has no hub weights: load a checkpoint bundle with fer_phq.load_model.")
    for registry_only in ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"):
        kwargs.pop(registry_only, None)
    in_chans = kwargs.pop("in_chans", 1)
    stem = ResidualStem(in_chans, widths=(24, 48, 96), blocks=(1, 2))
    settings: dict[str, Any] = {
        "img_size": 48,
        "in_chans": in_chans,
        "patch_size": 2,
        "embed_dim": 192,
        "depth": 4,
        "num_heads": 6,
        "mlp_ratio": 2.0,
        "class_token": False,
        "global_pool": "avg",
        "dynamic_img_size": True,
        "num_classes": 0,
    }
    return VisionTransformer(embed_layer=partial(HybridEmbed, backbone=stem), **(settings | kwargs))


def create_backbone(name: str, image_size: int, in_chans: int, **kwargs: Any) -> VisionTransformer:
    """A backbone without head: module from (b, in_chans, image_size, image_size) to pooled features (b, dim).

    `name` is any timm model that takes `img_size` (a ViT) or one of ours. Nothing is downloaded.
    Raises ModelError for a name that timm does not know.
    """
    if name not in timm.list_models():
        raise ModelError(f"'{name}' is not a backbone that timm or fer-phq knows; see timm.list_models('vit*').")
    backbone = timm.create_model(name, img_size=image_size, in_chans=in_chans, num_classes=0, **kwargs)
    return cast(VisionTransformer, backbone)
