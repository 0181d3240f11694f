"""From face crops to the pixels that a network reads: one channel of luma or three of colour, at its own size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, Image

Crops = Sequence[Image] | npt.NDArray[np.uint8]
"""Face crops: a list of uint8 RGB images of any size, or one array (n, h, w, 3)."""

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights of red, green and blue: how FER2013's grey images were made."""


def to_pixels(crops: Crops, in_chans: int, size: int) -> FloatArray:
    """Resize face crops; they become luma where the network takes one channel.

    Args:
        crops: n crops, uint8 RGB.
        in_chans: Channels of the network's input: 1 for luma, 3 for RGB.
        size: Side of the network's input in pixels.

    Returns:
        (n, in_chans, size, size) float32, 0 to 1.

    Raises:
        ValueError: A crop is anything but uint8 RGB.
    """
    out = np.empty((len(crops), in_chans, size, size), np.float32)
    for row, crop in zip(out, crops, strict=True):
        if crop.dtype != np.uint8 or crop.ndim != 3 or crop.shape[2] != 3 or 0 in crop.shape:
            raise ValueError(f"A face crop must be uint8 RGB (h, w, 3), got {crop.dtype} {crop.shape}.")
        height, width, _ = crop.shape
        colours = crop.astype(np.float32) / 255
        channels = colours @ _luma_weights() if in_chans == 1 else colours.transpose(2, 0, 1)
        planes = channels.reshape(in_chans, height, width)
        row[:] = planes if (height, width) == (size, size) else _resize(planes, size)
    return out


def _resize(planes: FloatArray, size: int) -> FloatArray:
    resized = _interpolation(planes.shape[1], size) @ planes @ _interpolation(planes.shape[2], size).T
    return np.asarray(resized, np.float32)


@lru_cache(maxsize=256)
def _interpolation(length: int, size: int) -> FloatArray:
    """Compute the weights of linear interpolation (size, length), its kernel widened by a reduction against aliasing.

    They are those of `torch.nn.functional.interpolate` with `antialias=True`, which the networks are trained with.
    """
    scale = length / size
    support = max(scale, 1.0)
    centres = (np.arange(size) + 0.5) * scale
    distances = np.abs(np.arange(length) + 0.5 - centres[:, None]) / support
    weights = np.maximum(1 - distances, 0)
    shares: FloatArray = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return shares


@lru_cache(maxsize=1)
def _luma_weights() -> FloatArray:
    return np.array(LUMA, np.float32)
