"""What stands on the backbone for a frame: the emotion head."""

from __future__ import annotations

import torch
from torch import nn

from fer_phq.core.emotions import EMOTIONS


class EmotionHead(nn.Linear):
    """Embedding (b, dim) to logits (b, classes): the seven in the order of `EMOTIONS`, in training also others."""

    def __init__(self, dim: int, classes: int = len(EMOTIONS)) -> None:
        super().__init__(dim, classes)


class EmotionNet(nn.Module):
    """Backbone and emotion head: images (b, in_chans, side, side), normalised, to logits (b, classes)."""

    def __init__(self, backbone: nn.Module, dim: int, classes: int = len(EMOTIONS)) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = EmotionHead(dim, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (b, classes)."""
        logits: torch.Tensor = self.head(self.backbone(images))
        return logits
