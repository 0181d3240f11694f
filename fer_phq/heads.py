"""What stands on the backbone: the emotion head for a frame and the PHQ head for a whole session."""

from __future__ import annotations

import torch
from torch import nn

from fer_phq.emotions import EMOTIONS


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


class MaskedStatistics(nn.Module):
    """Attention-weighted mean and standard deviation over any number of frames.

    Attentive statistics pooling (Okabe et al., 2018, arXiv:1803.10963): (b, t, d) with a mask (b, t) of the frames
    that count, at least one a row, to (b, 2 d). Masked frames have no influence at all.
    """

    def __init__(self, dim: int, hidden: int = 32) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Pool (b, t, d) under mask (b, t) to (b, 2 d)."""
        weight = self.score(frames).masked_fill(~mask[..., None], float("-inf")).softmax(dim=1)
        frames = frames.masked_fill(~mask[..., None], 0)
        mean = (weight * frames).sum(1)
        variance = (weight * (frames - mean[:, None]) ** 2).sum(1)
        return torch.cat([mean, (variance + 1e-6).sqrt()], dim=1)


class PhqHead(nn.Module):
    """A session's frame embeddings and emotions to one PHQ total.

    embeddings (b, t, dim) and emotion probabilities (b, t, 7) under mask (b, t) give totals (b,), squashed into
    0-maximum so that no total outside the scale can come out.
    """

    def __init__(self, dim: int, maximum: int, width: int = 32) -> None:
        super().__init__()
        self.maximum = maximum
        self.project = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, width), nn.GELU())
        pooled = width + len(EMOTIONS)
        self.pool = MaskedStatistics(pooled)
        self.regress = nn.Sequential(nn.Linear(2 * pooled, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, 1))

    def forward(self, embeddings: torch.Tensor, emotions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Totals (b,) between 0 and `maximum`."""
        frames = torch.cat([self.project(embeddings), emotions], dim=-1)
        total: torch.Tensor = self.regress(self.pool(frames, mask))[:, 0]
        return torch.sigmoid(total) * self.maximum
