"""The emotion head, which stands on the backbone and judges a frame."""

from __future__ import annotations

import torch
from torch import nn

from fer_phq.core.emotions import EMOTIONS


class EmotionHead(nn.Linear):
    """Maps embeddings (b, dim) to logits (b, classes).

    The classes are the seven in the order of `EMOTIONS`; in training there may be others.
    """

    def __init__(self, dim: int, classes: int = len(EMOTIONS)) -> None:
        """Initialise the weights.

        Args:
            dim: Width of an embedding.
            classes: Number of classes.
        """
        super().__init__(dim, classes)


class EmotionNet(nn.Module):
    """Backbone and emotion head: maps normalised images (b, in_chans, side, side) to logits (b, classes)."""

    def __init__(self, backbone: nn.Module, dim: int, classes: int = len(EMOTIONS)) -> None:
        """Put a new emotion head on a backbone.

        Args:
            backbone: Maps images to embeddings (b, dim).
            dim: Width of an embedding.
            classes: Number of classes.
        """
        super().__init__()
        self.backbone = backbone
        self.head = EmotionHead(dim, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (b, classes)."""
        logits: torch.Tensor = self.head(self.backbone(images))
        return logits
