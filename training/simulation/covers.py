"""What hides eyes or mouths in pictures, or nearly: glasses, mirrors, hair, a hand, masks; darker skin and light."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFilter

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.mesh.points import LEFT_LIDS, RIGHT_LIDS

_CHEEKS = [50, 280]
_LENS = (18, 20, 22)
_OPACITY = 0.93
_FRAME = (30, 25, 20)
_HAIR = ((30, 22, 18), (90, 60, 35), (170, 140, 90))
_STRANDS = 260
_JAW = (
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454
)  # fmt: skip
_NOSE = (346, 347, 197, 118, 117)  # bridge and cheeks, from the person's left to the right
_LIP = 13
_EYE_CORNERS = (33, 263)
_ROUND = 0.4  # how much darker cloth is at the distance of the eyes' corners from its middle
_FOLDS = 4.0  # in that distance

Numbers = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]


def wear_dark_glasses(picture: Image, points: FloatArray, rng: np.random.Generator) -> Image:
    """Put dark glasses on a face.

    Args:
        picture: uint8 RGB (h, w, 3).
        points: (478, 3) of its mesh.
        rng: Not used: all covers are called alike.
    """
    del rng
    canvas = PillowImage.fromarray(picture)
    mask = PillowImage.new("L", canvas.size, 0)
    for box, radius in _lenses(points):
        ImageDraw.Draw(mask).rounded_rectangle(box, radius, fill=round(255 * _OPACITY))
    canvas.paste(_LENS, (0, 0, *canvas.size), mask.filter(ImageFilter.GaussianBlur(1)))
    return np.asarray(canvas)


def wear_reflecting_dark_glasses(picture: Image, points: FloatArray, rng: np.random.Generator) -> Image:
    """Put dark glasses on a face in which bright things are mirrored.

    Args:
        picture: uint8 RGB (h, w, 3).
        points: (478, 3) of its mesh.
        rng: Places the reflections.
    """
    canvas = PillowImage.fromarray(wear_dark_glasses(picture, points, rng))
    return np.asarray(_reflect(canvas, points, rng, count=3, spread=(0.7, 0.4), share=0.8))


def wear_clear_glasses(picture: Image, points: FloatArray, rng: np.random.Generator) -> Image:
    """Put clear glasses on a face, with a bright reflection in each.

    Args:
        picture: uint8 RGB (h, w, 3).
        points: (478, 3) of its mesh.
        rng: Places the reflections.
    """
    canvas = PillowImage.fromarray(picture)
    for box, radius in _lenses(points):
        ImageDraw.Draw(canvas).rounded_rectangle(box, radius, outline=_FRAME, width=max(1, round(radius * 0.15)))
    return np.asarray(_reflect(canvas, points, rng, count=1, spread=(0.5, 0.25), share=0.65))


def cover_by_hair(picture: Image, points: FloatArray, rng: np.random.Generator) -> Image:
    """Let strands of hair fall over the eyes of a face.

    Args:
        picture: uint8 RGB (h, w, 3).
        points: (478, 3) of its mesh.
        rng: Draws the strands and their colour.
    """
    canvas = PillowImage.fromarray(picture)
    (first, width), (last, _) = _eyes(points)
    colour = np.array(_HAIR[int(rng.integers(len(_HAIR)))])
    draw = ImageDraw.Draw(canvas)
    for _ in range(_STRANDS):
        left = rng.uniform(first[0] - 1.3 * width, last[0] + 1.3 * width)
        end = (left + rng.normal(0, 0.25) * width, first[1] + rng.uniform(0.4, 1.3) * width)
        shade = (colour * rng.uniform(0.6, 1.4)).clip(0, 255).astype(int)
        draw.line([(left, first[1] - 1.6 * width), end], fill=tuple(shade.tolist()), width=max(2, round(width * 0.09)))
    return np.asarray(canvas)


def cover_by_hand(picture: Image, points: FloatArray, rng: np.random.Generator) -> Image:
    """Lay a hand of the skin's colour over the eyes of a face.

    Args:
        picture: uint8 RGB (h, w, 3).
        points: (478, 3) of its mesh.
        rng: Draws the skin's grain.
    """
    height, breadth, _ = picture.shape
    (first, width), (last, _) = _eyes(points)
    rows = points[_CHEEKS, 1].astype(int).clip(0, height - 1)
    skin = np.median(picture[rows, points[_CHEEKS, 0].astype(int).clip(0, breadth - 1)], axis=0)
    grain = skin + rng.normal(0, 4, (height, breadth, 1))
    hand = PillowImage.fromarray(grain.clip(0, 255).astype(np.uint8))
    fold = tuple((skin * 0.6).astype(int).tolist())
    edges = [(*first, -1.6), (*last, 1.6)]
    for down in (-0.35, 0.15, 0.5):
        line = [(x + side * width, y + down * width) for x, y, side in edges]
        ImageDraw.Draw(hand).line(line, fill=fold, width=max(1, round(width * 0.08)))
    mask = PillowImage.new("L", hand.size, 0)
    corners = [(x + side * width, y - 0.9 * width) for x, y, side in edges]
    corners += [(x + side * width, y + 0.8 * width) for x, y, side in reversed(edges)]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    canvas = PillowImage.fromarray(picture)
    canvas.paste(hand.filter(ImageFilter.GaussianBlur(1.5)), (0, 0), mask)
    return np.asarray(canvas)


COVERS: Mapping[str, Callable[[Image, FloatArray, np.random.Generator], Image]] = {
    "dark glasses": wear_dark_glasses,
    "dark glasses that mirror": wear_reflecting_dark_glasses,
    "a hand": cover_by_hand,
    "hair": cover_by_hair,
    "clear glasses that mirror": wear_clear_glasses,
}
"""All but the last hide the eyes."""


def wear_mask(picture: Image, points: FloatArray, colour: tuple[int, int, int], folds: float = 0.0) -> Image:
    """Put a mask over nose, mouth and chin.

    Args:
        picture: uint8 RGB (h, w, 3).
        points: (478, 3) of its mesh.
        colour: Its red, green and blue, 0 to 255.
        folds: How much its folds are brighter and darker, as a share of its colour.
    """
    canvas = PillowImage.new("L", picture.shape[1::-1], 0)
    outline = [(float(x), float(y)) for x, y in points[[*_JAW, *_NOSE], :2]]
    ImageDraw.Draw(canvas).polygon(outline, fill=255)
    covered = np.asarray(canvas) > 0
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]] - points[_LIP, 1::-1].reshape(2, 1, 1)
    unit = float(np.linalg.norm(np.subtract(*points[list(_EYE_CORNERS), :2])))
    shade = 1 - _ROUND * (across / unit) ** 2 + folds * np.sin(down / unit * 2 * np.pi * _FOLDS)
    cloth = shade[..., None] * np.array(colour)
    return np.where(covered[..., None], cloth, picture).round().clip(0, 255).astype(np.uint8)


def darken_skin(portrait: Image, share: float) -> Image:
    """Return a portrait in which all is darker, as skin is: more in blue than in red.

    Args:
        portrait: uint8 RGB (h, w, 3).
        share: Of the light that is left, above 0 to 1.
    """
    shares = np.array([share**0.75, share, share**1.15])
    return np.asarray((portrait * shares).clip(0, 255).astype(np.uint8))


def dim(picture: Image, share: float, rng: np.random.Generator) -> Image:
    """Return a picture in poor light, with a camera's noise of four grey levels.

    Args:
        picture: uint8 RGB (h, w, 3).
        share: Of the light that is left, above 0 to 1.
        rng: Draws the noise.
    """
    return np.asarray((picture * share + rng.normal(0, 4, picture.shape)).clip(0, 255).astype(np.uint8))


def _eyes(points: FloatArray) -> list[tuple[Numbers, float]]:
    """Return middle and width in pixels of the person's right and left eye."""
    eyes = []
    for lids in (RIGHT_LIDS, LEFT_LIDS):
        outline = points[list(lids), :2].astype(np.float64)
        eyes.append((outline.mean(axis=0), float(np.linalg.norm(outline[0] - outline[8]))))
    return eyes


def _lenses(points: FloatArray) -> list[tuple[Box, float]]:
    """Return the box of each lens and the radius of its corners."""
    return [
        ((x - width * 0.95, y - width * 0.62, x + width * 0.95, y + width * 0.85), width * 0.4)
        for (x, y), width in _eyes(points)
    ]


def _reflect(
    canvas: PillowImage.Image,
    points: FloatArray,
    rng: np.random.Generator,
    *,
    count: int,
    spread: tuple[float, float],
    share: float,
) -> PillowImage.Image:
    """Mirror bright spots in each lens."""
    mask = PillowImage.new("L", canvas.size, 0)
    draw = ImageDraw.Draw(mask)
    for middle, width in _eyes(points):
        for _ in range(count):
            x, y = middle + rng.uniform(-1, 1, 2) * spread * np.array(width)
            draw.ellipse(
                (x - width * 0.27, y - width * 0.17, x + width * 0.27, y + width * 0.17),
                fill=round(255 * share * rng.uniform(0.4, 1)),
            )
    canvas.paste((240, 245, 255), (0, 0, *canvas.size), mask.filter(ImageFilter.GaussianBlur(2)))
    return canvas
