"""Pixels are what the networks were trained with, whatever a crop's size and colour."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fer_phq.models.preprocessing import LUMA, to_pixels


def expected(crop: np.ndarray, in_chans: int, size: int) -> np.ndarray:
    """The same by PyTorch, as the training does it."""
    pixels = torch.from_numpy(crop).permute(2, 0, 1).float() / 255
    if in_chans == 1:
        pixels = (pixels * torch.tensor(LUMA)[:, None, None]).sum(0, keepdim=True)
    return F.interpolate(pixels[None], size=(size, size), mode="bilinear", antialias=True, align_corners=False)[
        0
    ].numpy()


@pytest.mark.parametrize("in_chans", [1, 3])
@pytest.mark.parametrize("shape", [(96, 96), (48, 48), (30, 41), (47, 49), (200, 131), (7, 3), (1, 1), (49, 1000)])
def test_crops_are_resized_as_in_training(shape, in_chans):
    crop = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    pixels = to_pixels([crop], in_chans, 48)
    assert (pixels.shape, pixels.dtype) == ((1, in_chans, 48, 48), np.float32)
    np.testing.assert_allclose(pixels[0], expected(crop, in_chans, 48), atol=1e-5)


def test_grey_in_colour_is_its_luma():
    grey = np.random.default_rng(1).integers(0, 256, (48, 48, 1), dtype=np.uint8)
    np.testing.assert_allclose(to_pixels([grey.repeat(3, axis=2)], 1, 48)[0, 0], grey[..., 0] / 255, atol=1e-6)


def test_crops_of_several_sizes_stay_in_order():
    crops = [np.full((side, side + 1, 3), value, np.uint8) for side, value in ((20, 0), (96, 255), (48, 51))]
    pixels = to_pixels(crops, 1, 48)
    np.testing.assert_allclose(pixels.mean(axis=(1, 2, 3)), [0, 1, 0.2], atol=1e-5)
