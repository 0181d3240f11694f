"""Whether eyes and mouth are seen: glasses, hair, hands and masks hide them, and the mesh draws them all the same.

Seen eyes have an iris that is much darker than the sclera, whatever the colour of skin and iris and the light, and it
lies where the mesh has it. The limits were chosen on rendered eyes behind dark glasses, hair and hands
(`benchmarks/bench_mesh.py hidden`). Seen lips are darker or brighter than the skin around them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.mesh.eyeballs import EyeballView, darkness, directions_deg, grey_levels
from fer_phq.mesh.points import INNER_LIPS, OUTER_LIPS

LEAST_OPENNESS = 0.15
"""Openness of the eyes, mean of both, below which they are closed or nearly so, and show no iris."""
LEAST_CONTRAST = 0.36
"""Of the bright and the dark between the lids, below which open eyes are hidden."""
LEAST_CONTRAST_OF_LIDS = 0.18
"""The same of eyes that the mesh has closed: lashes and lids have it, a hand has not."""
LARGEST_DEVIATION_DEG = 18.0
"""To the sides, of the dark between the lids from the mesh's iris, beyond which it is none: reflections, or hair."""

LEAST_LIP_CONTRAST = 0.1
"""Of `lip_contrast`, below which a mask or a scarf hides the mouth."""

LEAST_SHARPNESS = 0.42
"""Of `sharpness`, below which the points of a face are off by a twentieth of the distance of the irises and more."""
LEAST_SHARPNESS_OF_BLENDSHAPES = 0.65
"""The same below which lids and lips are off by a third of what they open."""

_FACE_SIDE = 43  # pixels to which a face is reduced, the size from which it has blendshapes
_FINE, _COARSE = 1.0, math.sqrt(3.0)  # pixels of the Gaussians, one after the other
_AROUND_LIPS = 1.45  # of the lips' outline: skin that is seen around them
_LIPS_WIDTH = 56  # pixels to which that is reduced, so that noise and pores are no contrast
_NO_DETAIL = 0.05  # grey levels, squared: less is a plain surface
_FLOOR = 10.0  # grey levels, added to the bright: the noise of a dark picture is no contrast


def has_hidden_eyes(views: Sequence[EyeballView], openness: float) -> bool | None:
    """Tell whether a face's eyes are hidden.

    Args:
        views: Of both eyes.
        openness: Mean of both eyes, as `eye_openness` has it.

    Returns:
        None where they are closed and cannot be told from hidden ones.
    """
    visible = [view for view in views if len(view.grey)]
    if not visible:
        return True
    contrast = float(np.mean([_contrast(view) for view in visible]))
    if openness < LEAST_OPENNESS:
        return True if contrast < LEAST_CONTRAST_OF_LIDS else None
    deviation = float(np.mean([_deviation(view) for view in visible]))
    return contrast < LEAST_CONTRAST or deviation > LARGEST_DEVIATION_DEG


def lip_contrast(image: Image, points: FloatArray) -> float:
    """Compute how far lips differ from the skin around them, as the mean of the differences in grey over that skin's.

    Args:
        image: uint8 RGB (h, w, 3).
        points: (478, 3) of `FaceMesh.points`.
    """
    outline = points[list(OUTER_LIPS), :2]
    middle = outline.mean(axis=0)
    around = middle + _AROUND_LIPS * (outline - middle)
    limits = np.array(image.shape[1::-1])
    low = np.clip(np.floor(around.min(axis=0)).astype(int), 0, limits - 1)
    high = np.clip(np.ceil(around.max(axis=0)).astype(int), low + 1, limits)
    part = PillowImage.fromarray(image[low[1] : high[1], low[0] : high[0]]).convert("L")
    scale = _LIPS_WIDTH / max(part.size)
    size = np.maximum(1, np.round((high - low) * scale)).astype(int)
    small = part.resize((int(size[0]), int(size[1])), PillowImage.Resampling.BILINEAR, reducing_gap=2.0)
    grey = np.asarray(small.filter(ImageFilter.BoxBlur(1)), np.float64)
    lips, skin = (
        grey[tuple(np.clip(((places - low) * scale).astype(int), 0, size - 1).T[::-1])]
        for places in ((outline + points[list(INNER_LIPS), :2]) / 2, around)
    )
    return float(np.abs(lips - skin).mean() / (skin.mean() + _FLOOR))


def sharpness(image: Image, points: FloatArray) -> float:
    """Compute how sharp a face is, as what is seen of it at 43 pixels over what is seen at half of that.

    It is the ratio of the variances of two bands of the grey picture, so that contrast and light take no part.

    Args:
        image: uint8 RGB (h, w, 3).
        points: (478, 3) of `FaceMesh.points`.

    Returns:
        About 1 for a sharp face of 60 pixels; below 0.4 where 20 pixels would show as much.
    """
    limits = np.array(image.shape[1::-1])
    low = np.clip(np.floor(points[:, :2].min(axis=0)).astype(int), 0, limits - 1)
    high = np.clip(np.ceil(points[:, :2].max(axis=0)).astype(int), low + 1, limits)
    part = PillowImage.fromarray(image[low[1] : high[1], low[0] : high[0]]).convert("L")
    factor = _FACE_SIDE / max(part.size)
    size = (max(1, round(part.width * factor)), max(1, round(part.height * factor)))
    grey = np.asarray(part.resize(size, PillowImage.Resampling.BILINEAR, reducing_gap=3.0), np.float32)
    fine = _smooth(grey, _FINE)
    coarse = _smooth(fine, _COARSE)
    return float((grey - fine).var() / max(float((fine - coarse).var()), _NO_DETAIL))


def _smooth(grey: FloatArray, sigma: float) -> FloatArray:
    """Blur with a Gaussian."""
    rows, columns = grey.shape
    return np.asarray(_gaussian(rows, sigma) @ grey @ _gaussian(columns, sigma).T, np.float32)


@lru_cache(maxsize=4 * _FACE_SIDE)
def _gaussian(length: int, sigma: float) -> FloatArray:
    """Return the matrix (length, length) that blurs a row of pixels; at the ends the weights are those of fewer."""
    distances = np.arange(length)[:, None] - np.arange(length)
    weights = np.exp(-0.5 * (distances / sigma) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _contrast(view: EyeballView) -> float:
    dark, bright = grey_levels(view)
    return (bright - dark) / (bright + _FLOOR)


def _deviation(view: EyeballView) -> float:
    """Return degrees to the side from the mesh's iris to the mean of the dark."""
    weights = darkness(view)
    mean = weights @ view.normals / max(float(weights.sum()), 1e-9)
    return abs(directions_deg(mean)[1] - directions_deg(view.iris)[1])
