"""The emotion colours keep their two promises: contrast against the card, and distance for every kind of vision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from dashboard.theme.palette import DARK, LIGHT, Palette, palette

# Machado, Oliveira & Fernandes 2009, severity 1.0, applied to linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def linear(colour: str) -> npt.NDArray[np.float64]:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    lights = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@BOTH
def test_emotion_colours_stand_out_from_the_card(colours: Palette) -> None:
    assert len(set(colours.emotions)) == 7
    assert min(contrast(colour, colours.card) for colour in colours.emotions) >= 2.99


@BOTH
def test_controls_have_a_visible_border(colours: Palette) -> None:
    assert contrast(colours.control, colours.card) >= 3


@BOTH
def test_text_can_be_read(colours: Palette) -> None:
    for surface in (colours.page, colours.card, colours.inset):
        for text in (colours.ink, colours.muted, colours.accent, colours.warning, colours.danger):
            assert contrast(text, surface) >= 4.5, (text, surface)


@BOTH
@pytest.mark.parametrize("vision", VISION)
def test_emotion_colours_stay_apart(colours: Palette, vision: str) -> None:
    seen = np.clip(np.stack([linear(c) for c in colours.emotions]) @ VISION[vision].T, 0, 1)
    srgb = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(srgb[None])[0]
    i, j = np.triu_indices(7, 1)
    assert deltaE_ciede2000(lab[i], lab[j]).min() >= 12


def test_unknown_mode_is_light() -> None:
    assert palette(None) is LIGHT
    assert palette("dark") is DARK
