"""Data augmentation on the training device: random changes to a batch of images, and mixes of two images.

All randomness comes from one generator, so a step that is repeated after a resume sees the same images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field


class Augmentation(BaseModel):
    """Strengths of the random changes. A strength that is not a probability is drawn uniformly from +- its value.

    Attributes:
        rotation: Degrees.
        zoom: Relative change of size.
        shift: Share of the side.
        brightness: Relative to the range.
        contrast: Relative to the range.
        saturation: Relative to the range.
        gamma: The exponent lies between 1 / (1 + gamma) and 1 + gamma, as exposure changes it.
        flip: Mirror half of the images.
        erase: Probability that a rectangle of up to a third of the side is blanked.
        blur: Probability of a Gaussian blur of up to a sixteenth of the side.
        low_resolution: Probability of a reduction to at least a third of the side.
        noise: Probability of Gaussian noise with a standard deviation of up to 0.15.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rotation: float = Field(0, ge=0, le=180)
    zoom: float = Field(0, ge=0, lt=1)
    shift: float = Field(0, ge=0, lt=1)
    brightness: float = Field(0, ge=0, le=1)
    contrast: float = Field(0, ge=0, le=1)
    saturation: float = Field(0, ge=0, le=1)
    gamma: float = Field(0, ge=0)
    flip: bool = False
    erase: float = Field(0, ge=0, le=1)
    blur: float = Field(0, ge=0, le=1)
    low_resolution: float = Field(0, ge=0, le=1)
    noise: float = Field(0, ge=0, le=1)


class Mix(BaseModel):
    """CutMix (Yun et al., 2019, arXiv:1905.04899) and MixUp (Zhang et al., 2018, arXiv:1710.09412).

    Attributes:
        cutmix: Probability that a batch is mixed by CutMix. A batch is mixed in one way at most.
        mixup: Probability that a batch is mixed by MixUp.
        alpha: Both parameters of the Beta distribution from which the proportion is drawn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cutmix: float = Field(0, ge=0, le=1)
    mixup: float = Field(0, ge=0, le=1)
    alpha: float = Field(1, gt=0)


def augment(images: torch.Tensor, size: int, augmentation: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Change a batch at random, on the device of the images.

    Args:
        images: Float (b, c, h, w), 0 to 1.
        size: Side of the output in pixels.
        augmentation: Strengths of the changes.
        generator: Source of all randomness, on the same device.

    Returns:
        Float (b, c, size, size), 0 to 1.
    """
    out = _warp(images, size, augmentation, generator)
    out = _lose_detail(out, augmentation, generator)
    out = _relight(out, augmentation, generator)
    if augmentation.noise:
        sigma = _random_mask(out, augmentation.noise, generator) * _draw_uniform(out, generator) * 0.15
        out = out + sigma * torch.randn(out.shape, generator=generator, device=out.device)
    return _erase(out.clamp(0, 1), augmentation.erase, generator)


def mix(
    images: torch.Tensor, targets: torch.Tensor, mixing: Mix, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix every image and target of a batch with those of another image, by CutMix, by MixUp or not at all.

    Args:
        images: Float (b, c, s, s).
        targets: Class distributions (b, classes).
        mixing: Probabilities of the two methods.
        generator: Source of all randomness, on the same device.

    Returns:
        The mixed images and targets, shaped as before.
    """
    if not (mixing.cutmix or mixing.mixup):
        return images, targets
    chance = float(torch.rand(1, generator=generator, device=images.device))
    if chance >= mixing.cutmix + mixing.mixup:
        return images, targets
    order = torch.randperm(len(images), generator=generator, device=images.device)
    share = _draw_beta(mixing.alpha, generator)
    if chance < mixing.cutmix:
        rows, columns = _draw_box(images.shape[-1], share, generator)
        images = images.clone()
        images[..., rows, columns] = images[order][..., rows, columns]
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        share = 1 - area / images.shape[-1] ** 2
    else:
        images = share * images + (1 - share) * images[order]
    return images, share * targets + (1 - share) * targets[order]


def _draw_uniform(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device)


def _draw_signed(images: torch.Tensor, generator: torch.Generator, extent: float) -> torch.Tensor:
    return (_draw_uniform(images, generator) * 2 - 1) * extent


def _random_mask(images: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    return (_draw_uniform(images, generator) < probability).to(images.dtype)


def _warp(images: torch.Tensor, size: int, augmentation: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Rotate, zoom, shift and mirror in one resampling."""
    if images.shape[-1] > 1.5 * size:  # grid_sample does not filter: reduce first what would alias
        images = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    angle = _draw_signed(images, generator, augmentation.rotation)[:, 0, 0, 0] * torch.pi / 180
    zoom = 1 + _draw_signed(images, generator, augmentation.zoom)[:, 0, 0, 0]
    across = 2 * _draw_signed(images, generator, augmentation.shift)[:, 0, 0, 0]
    down = 2 * _draw_signed(images, generator, augmentation.shift)[:, 0, 0, 0]
    mirror = 1 - 2 * _random_mask(images, 0.5 if augmentation.flip else 0, generator)[:, 0, 0, 0]
    cos = torch.cos(angle) * zoom
    sin = torch.sin(angle) * zoom
    rows = (torch.stack([cos * mirror, -sin, across], 1), torch.stack([sin * mirror, cos, down], 1))
    grid = F.affine_grid(torch.stack(rows, 1), [*images.shape[:2], size, size], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _lose_detail(images: torch.Tensor, augmentation: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Blur images and reduce their resolution, by one random amount for all masked images of the batch."""
    size = images.shape[-1]
    if augmentation.blur:
        mask = _random_mask(images, augmentation.blur, generator)
        sigma = size / 16 * float(torch.rand(1, generator=generator, device=images.device)) + 1e-3
        images = images + mask * (_gaussian_blur(images, sigma) - images)
    if augmentation.low_resolution:
        mask = _random_mask(images, augmentation.low_resolution, generator)
        factor = 1 + 2 * float(torch.rand(1, generator=generator, device=images.device))
        small = F.interpolate(
            images, size=(round(size / factor),) * 2, mode="bilinear", antialias=True, align_corners=False
        )
        images = images + mask * (
            F.interpolate(small, size=(size, size), mode="bilinear", align_corners=False) - images
        )
    return images


def _gaussian_blur(images: torch.Tensor, sigma: float) -> torch.Tensor:
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    padded = F.pad(images, (radius,) * 4, mode="replicate")
    rows = F.conv2d(padded, kernel[..., None, :], groups=images.shape[1])
    return F.conv2d(rows, kernel[..., None], groups=images.shape[1])


def _relight(images: torch.Tensor, augmentation: Augmentation, generator: torch.Generator) -> torch.Tensor:
    if augmentation.gamma:
        exponent = (1 + augmentation.gamma) ** _draw_signed(images, generator, 1)
        images = images.clamp(1e-4, 1) ** exponent
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * (1 + _draw_signed(images, generator, augmentation.contrast)) + mean
    images = images + _draw_signed(images, generator, augmentation.brightness)
    if augmentation.saturation and images.shape[1] == 3:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * (1 + _draw_signed(images, generator, augmentation.saturation))
    return images


def _erase(images: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Blank a random rectangle with the image's mean (Zhong et al., 2020, arXiv:1708.04896)."""
    if not probability:
        return images
    batch, _, size, _ = images.shape
    span = torch.rand(batch, 2, generator=generator, device=images.device) * size / 3
    start = torch.rand(batch, 2, generator=generator, device=images.device) * (size - span)
    pixels = torch.arange(size, device=images.device)
    inside = (pixels >= start[..., None]) & (pixels < (start + span)[..., None])
    mask = _random_mask(images, probability, generator)[:, 0] > 0
    hole = inside[:, 0, :, None] & inside[:, 1, None, :] & mask
    return torch.where(hole[:, None], images.mean((1, 2, 3), keepdim=True), images)


def _draw_beta(alpha: float, generator: torch.Generator) -> float:
    """Draw from Beta(alpha, alpha), seeded by the generator: torch's distributions take no generator."""
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return float(torch.distributions.Beta(alpha, alpha).sample())


def _draw_box(size: int, share: float, generator: torch.Generator) -> tuple[slice, slice]:
    """Draw a square that covers 1 - share of the image, cut at its borders; returns its rows and columns."""
    half = size * (1 - share) ** 0.5 / 2
    y, x = (torch.rand(2, generator=generator, device=generator.device) * size).tolist()
    return (
        slice(max(0, round(y - half)), min(size, round(y + half))),
        slice(max(0, round(x - half)), min(size, round(x + half))),
    )
