"""Random changes to a batch of training images, made on the device that trains, and mixes of two images.

Everything is drawn from one generator, so a step that is repeated after a resume sees the same images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field


class Augmentation(BaseModel):
    """Strengths of the random changes; each is drawn uniformly from +- its value where it is not a probability.

    rotation: degrees; zoom: relative; shift: share of the side; brightness, contrast, saturation: relative to the
    range; gamma: exponent from 1 / (1 + gamma) to 1 + gamma, as exposure changes it; flip: mirrored half of the time.
    Probabilities: erase (a rectangle of up to a third of the side is blanked), blur (Gaussian, up to a sixteenth of
    the side), low_resolution (down to a third), noise (Gaussian, up to a standard deviation of 0.15).
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

    Each is the probability that a batch is mixed so (one of both at most); alpha: of the Beta distribution.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cutmix: float = Field(0, ge=0, le=1)
    mixup: float = Field(0, ge=0, le=1)
    alpha: float = Field(1, gt=0)


def augment(images: torch.Tensor, size: int, strength: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Change a batch at random: (b, c, h, w) in 0-1 to (b, c, size, size) in 0-1, on the images' device."""
    out = _move(images, size, strength, generator)
    out = _soften(out, strength, generator)
    out = _light(out, strength, generator)
    if strength.noise:
        spread = _chance(out, strength.noise, generator) * _uniform(out, generator) * 0.15
        out = out + spread * torch.randn(out.shape, generator=generator, device=out.device)
    return _erase(out.clamp(0, 1), strength.erase, generator)


def mix(
    images: torch.Tensor, targets: torch.Tensor, how: Mix, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image of a batch, and its target, with another one's by CutMix, MixUp or not at all."""
    if not (how.cutmix or how.mixup):
        return images, targets
    chance = float(torch.rand(1, generator=generator, device=images.device))
    if chance >= how.cutmix + how.mixup:
        return images, targets
    order = torch.randperm(len(images), generator=generator, device=images.device)
    share = _beta(how.alpha, generator)
    if chance < how.cutmix:
        box = _box(images.shape[-1], share, generator)
        images = images.clone()
        images[..., box[0], box[1]] = images[order][..., box[0], box[1]]
        area = (box[0].stop - box[0].start) * (box[1].stop - box[1].start)
        share = 1 - area / images.shape[-1] ** 2
    else:
        images = share * images + (1 - share) * images[order]
    return images, share * targets + (1 - share) * targets[order]


def _uniform(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device)


def _signed(images: torch.Tensor, generator: torch.Generator, extent: float) -> torch.Tensor:
    return (_uniform(images, generator) * 2 - 1) * extent


def _chance(images: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    return (_uniform(images, generator) < probability).to(images.dtype)


def _move(images: torch.Tensor, size: int, strength: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Rotation, zoom, shift and mirror in one resampling."""
    if images.shape[-1] > 1.5 * size:  # grid_sample does not filter: what would alias is reduced before
        images = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    angle = _signed(images, generator, strength.rotation)[:, 0, 0, 0] * torch.pi / 180
    zoom = 1 + _signed(images, generator, strength.zoom)[:, 0, 0, 0]
    across = 2 * _signed(images, generator, strength.shift)[:, 0, 0, 0]
    down = 2 * _signed(images, generator, strength.shift)[:, 0, 0, 0]
    mirror = 1 - 2 * _chance(images, 0.5 if strength.flip else 0, generator)[:, 0, 0, 0]
    cos = torch.cos(angle) * zoom
    sin = torch.sin(angle) * zoom
    rows = (torch.stack([cos * mirror, -sin, across], 1), torch.stack([sin * mirror, cos, down], 1))
    grid = F.affine_grid(torch.stack(rows, 1), [*images.shape[:2], size, size], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _soften(images: torch.Tensor, strength: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Blur and lost resolution: one width for the chosen images of a batch."""
    size = images.shape[-1]
    if strength.blur:
        chosen = _chance(images, strength.blur, generator)
        sigma = size / 16 * float(torch.rand(1, generator=generator, device=images.device)) + 1e-3
        images = images + chosen * (_gaussian(images, sigma) - images)
    if strength.low_resolution:
        chosen = _chance(images, strength.low_resolution, generator)
        factor = 1 + 2 * float(torch.rand(1, generator=generator, device=images.device))
        small = F.interpolate(
            images, size=(round(size / factor),) * 2, mode="bilinear", antialias=True, align_corners=False
        )
        images = images + chosen * (
            F.interpolate(small, size=(size, size), mode="bilinear", align_corners=False) - images
        )
    return images


def _gaussian(images: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = max(1, round(3 * sigma))
    at = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    rows = F.conv2d(padded, kernel[..., None, :], groups=images.shape[1])
    return F.conv2d(rows, kernel[..., None], groups=images.shape[1])


def _light(images: torch.Tensor, strength: Augmentation, generator: torch.Generator) -> torch.Tensor:
    if strength.gamma:
        exponent = (1 + strength.gamma) ** _signed(images, generator, 1)
        images = images.clamp(1e-4, 1) ** exponent
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * (1 + _signed(images, generator, strength.contrast)) + mean
    images = images + _signed(images, generator, strength.brightness)
    if strength.saturation and images.shape[1] == 3:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * (1 + _signed(images, generator, strength.saturation))
    return images


def _erase(images: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Random erasing (Zhong et al., 2020, arXiv:1708.04896) with the image's own mean."""
    if not probability:
        return images
    b, _, size, _ = images.shape
    span = torch.rand(b, 2, generator=generator, device=images.device) * size / 3
    start = torch.rand(b, 2, generator=generator, device=images.device) * (size - span)
    at = torch.arange(size, device=images.device)
    inside = (at >= start[..., None]) & (at < (start + span)[..., None])
    chosen = _chance(images, probability, generator)[:, 0] > 0
    hole = inside[:, 0, :, None] & inside[:, 1, None, :] & chosen
    return torch.where(hole[:, None], images.mean((1, 2, 3), keepdim=True), images)


def _beta(alpha: float, generator: torch.Generator) -> float:
    """One draw from Beta(alpha, alpha), seeded by the generator (torch's distributions take none)."""
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return float(torch.distributions.Beta(alpha, alpha).sample())


def _box(size: int, share: float, generator: torch.Generator) -> tuple[slice, slice]:
    """A square that covers 1 - share of the image, cut at its borders."""
    half = size * (1 - share) ** 0.5 / 2
    y, x = (torch.rand(2, generator=generator, device=generator.device) * size).tolist()
    return (
        slice(max(0, round(y - half)), min(size, round(y + half))),
        slice(max(0, round(x - half)), min(size, round(x + half))),
    )
