"""Accuracy under what webcams do to a face: `python -m training.emotion.robustness CHECKPOINT DATASET [--out DIR]`.

Nine corruptions at five strengths each, in the spirit of ImageNet-C (Hendrycks & Dietterich, 2019, arXiv:1903.12261):
simple, algorithmic and the same for every model. Its parameters are for 224-pixel objects and do not all carry over to
48-pixel faces, so `STRENGTHS` states ours with their reasons. They were chosen by eye on a contact sheet (`--sheet
FILE`) before any model was judged: at strength 3 the damage is plain, and a person still reads most expressions. Every
picture goes through the model's public door, so colour passes the product's own way from RGB to luma.

Unlike ImageNet-C's rule, a recipe may train on relatives of these (its augmentation says so): the table then shows how
a model bears what was foreseen, not what it never met.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import math
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image as Pillow
from PIL import ImageDraw
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter

from fer_phq.core.errors import FerPhqError, SettingsError
from fer_phq.models.model import LUMA, FerPhqModel, load_model
from training.emotion.data.corpora import FaceSet, load_faces, parse_source
from training.emotion.evaluate import crop_batches
from training.plots.markdown import markdown_table

Batch = npt.NDArray[np.uint8]
"""Face crops: uint8 RGB (n, h, w, 3)."""

Float = npt.NDArray[np.float64]
Corruption = Callable[[Batch, float, np.random.Generator], Batch]
"""(crops, parameter, generator) to damaged crops of the same shape; the same generator state gives the same damage."""

SIDE = 48
"""Side in pixels of the faces for which lengths in `STRENGTHS` are stated; other sizes scale them."""

JUDGED = 3
"""The strength whose relative drop is summed up."""

BAR = 0.15
"""The mean relative drop at strength 3 that a model should stay under."""

CHUNK = 64
SKIN = (1.20, 0.95, 0.73)
"""Red, green and blue of a face beside its luma: about what skin shows under white light, of any darkness."""


@dataclass(frozen=True)
class Scale:
    """One corruption's parameter at strengths 1 to 5, its unit, and why these."""

    parameters: tuple[float, float, float, float, float]
    unit: str
    reason: str


STRENGTHS: Mapping[str, Scale] = MappingProxyType(
    {
        "blur": Scale(
            (0.5, 0.9, 1.3, 1.8, 2.4),
            "standard deviation of a Gaussian, pixels of a 48-pixel face",
            "defocus and motion of a webcam; at 1.3 an eye's outline (about 3 pixels high) is a smear",
        ),
        "jpeg": Scale(
            (25, 18, 15, 10, 7),
            "quality of the JPEG codec, chroma halved",
            "ImageNet-C's own; video calls over poor links reach this, and 8-pixel blocks are large on a small face",
        ),
        "low resolution": Scale(
            (29, 24, 19, 14, 12),
            "side in pixels to which a face is reduced, then enlarged bilinearly",
            "ImageNet-C's shares (0.6 to 0.25) of 48: a person far from the camera; the product enlarges like this",
        ),
        "dark": Scale(
            (0.75, 1.5, 2.25, 3.0, 4.0),
            "stops of underexposure in linear light",
            "a room lit by its screen: 2.25 stops leave a fifth of the light, quantised to 8 bits",
        ),
        "bright": Scale(
            (0.4, 0.7, 1.0, 1.4, 1.9),
            "stops of overexposure in linear light, clipped",
            "a window or lamp in the face: at one stop everything above 73 % of the range is white",
        ),
        "noise": Scale(
            (0.04, 0.06, 0.08, 0.12, 0.16),
            "standard deviation of Gaussian noise, share of the range, the same in all channels",
            "sensor noise in the dark; ImageNet-C starts at 0.08, which larger pictures bear and 48 pixels hardly do",
        ),
        "occlusion": Scale(
            (0.05, 0.10, 0.15, 0.22, 0.30),
            "share of the crop under one flat square at a random place",
            "a hand, a cup, a microphone; at 0.15 it is wider than a mouth",
        ),
        "tilt": Scale(
            (6, 12, 18, 26, 36),
            "degrees of rotation in the plane, either way",
            "what is left when alignment fails or landmarks slip; heads in talk tilt up to about 20 degrees",
        ),
        "colour": Scale(
            (0.15, 0.30, 0.45, 0.60, 0.80),
            "share by which a coloured light raises and lowers the channels, linear light, uneven over the face",
            "what white balance leaves of lamps and screens; at 0.45 red to blue is 2.6: 4,000 K seen as daylight",
        ),
    }
)
"""What each strength means. Chosen by eye and by the reasons given, not by any model's accuracy."""


def blur(crops: Batch, sigma: float, rng: np.random.Generator) -> Batch:
    """Gaussian blur of `sigma` pixels of a 48-pixel face."""
    spread = sigma * crops.shape[1] / SIDE
    return _rounded(gaussian_filter(crops.astype(np.float64), (0, spread, spread, 0), mode="nearest"))


def jpeg(crops: Batch, quality: float, rng: np.random.Generator) -> Batch:
    """Through a real JPEG encoder and decoder, with chroma at half resolution."""

    def through(crop: Batch) -> Batch:
        file = io.BytesIO()
        Pillow.fromarray(crop).save(file, "JPEG", quality=int(quality), subsampling="4:2:0")
        return np.asarray(Pillow.open(file).convert("RGB"))

    return np.stack([through(crop) for crop in crops])


def low_resolution(crops: Batch, side: float, rng: np.random.Generator) -> Batch:
    """Averaged down to `side` pixels, then enlarged bilinearly."""
    height, width = crops.shape[1:3]
    small = (min(int(side), width), min(int(side), height))

    def through(crop: Batch) -> Batch:
        reduced = Pillow.fromarray(crop).resize(small, Pillow.Resampling.BOX)
        return np.asarray(reduced.resize((width, height), Pillow.Resampling.BILINEAR))

    return np.stack([through(crop) for crop in crops])


def dark(crops: Batch, stops: float, rng: np.random.Generator) -> Batch:
    """Less light: 2^-stops of it, in linear light."""
    return _rounded(255 * encode(decode(crops) * 2.0**-stops))


def bright(crops: Batch, stops: float, rng: np.random.Generator) -> Batch:
    """More light: 2^stops of it, in linear light, clipped at white."""
    return _rounded(255 * encode(decode(crops) * 2.0**stops))


def noise(crops: Batch, sigma: float, rng: np.random.Generator) -> Batch:
    """Gaussian noise; one value for a pixel's three channels, so that grey and colour models meet the same noise."""
    return _rounded(crops + 255 * sigma * rng.standard_normal((*crops.shape[:3], 1)))


def occlusion(crops: Batch, share: float, rng: np.random.Generator) -> Batch:
    """A flat square over `share` of each crop, wholly inside it, of a random grey."""
    n, height, width, _ = crops.shape
    rows, columns = (max(1, round(math.sqrt(share) * side)) for side in (height, width))
    places = rng.random((n, 2))
    greys = rng.integers(0, 256, (n,))
    corners = np.rint(places * np.array([height - rows, width - columns])).astype(int)
    out = crops.copy()
    for i in range(n):
        top, left = corners[i]
        out[i, top : top + rows, left : left + columns] = greys[i]
    return out


def tilt(crops: Batch, degrees: float, rng: np.random.Generator) -> Batch:
    """Rotation in the plane, half of the crops to either side; what turns in from outside mirrors the inside."""
    angle = torch.from_numpy(np.radians(degrees) * rng.choice([-1.0, 1.0], len(crops))).float()
    cos = torch.cos(angle)
    sin = torch.sin(angle)
    nil = torch.zeros(len(crops))
    rows = torch.stack([torch.stack([cos, -sin, nil], 1), torch.stack([sin, cos, nil], 1)], 1)
    images = torch.from_numpy(crops.copy()).permute(0, 3, 1, 2).float()
    grid = F.affine_grid(rows, list(images.shape), align_corners=False)
    turned = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return _rounded(turned.permute(0, 2, 3, 1).numpy().astype(np.float64))


def colour(crops: Batch, gain: float, rng: np.random.Generator) -> Batch:
    """Grey faces in the colour of skin, under a coloured light that falls from one side.

    The light is warm, cold, green or magenta by chance; each channel's gain in linear light runs from half of the
    cast to all of it over the face. Pictures that have colours keep them. Without gain the luma is what it was.
    What grey pictures cannot show stays out: that lips and skin answer differently to coloured light.
    """
    n, height, width, _ = crops.shape
    light = gain * np.array([(1, 0, -1), (-1, 0, 1), (-0.5, 1, -0.5), (0.5, -1, 0.5)])[rng.integers(0, 4, (n,))]
    angle = rng.uniform(0, 2 * np.pi, (n,))[:, None, None]
    down, across = np.meshgrid(np.linspace(-0.5, 0.5, height), np.linspace(-0.5, 0.5, width), indexing="ij")
    ramp = 0.75 + 0.25 * np.clip(2 * (np.cos(angle) * across + np.sin(angle) * down), -1, 1)
    gains = 1 + light[:, None, None, :] * ramp[..., None]
    return _rounded(255 * encode(decode(skin_tinted(crops)) * gains))


def skin_tinted(crops: Batch) -> Batch:
    """Grey crops in the colour of skin with their luma kept; highlights pale, as no channel can exceed white."""
    tint = np.array(SKIN) / np.dot(SKIN, LUMA) - 1
    luma = crops.astype(np.float64) @ np.array(LUMA)
    room = np.clip((255 - luma) / np.maximum(luma * tint.max(), 1e-9), 0, 1)
    tinted = _rounded(luma[..., None] * (1 + room[..., None] * tint))
    grey = (crops == crops[..., :1]).all(axis=(1, 2, 3), keepdims=True)
    return np.where(grey, tinted, crops)


def decode(crops: Batch) -> Float:
    """sRGB values 0-255 to linear light 0-1 (IEC 61966-2-1)."""
    values = np.linspace(0, 1, 256)
    table = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.take(table, crops)


def encode(linear: Float) -> Float:
    """Linear light to sRGB values 0-1, clipped at black and white."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _rounded(values: Float) -> Batch:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        "blur": blur,
        "jpeg": jpeg,
        "low resolution": low_resolution,
        "dark": dark,
        "bright": bright,
        "noise": noise,
        "occlusion": occlusion,
        "tilt": tilt,
        "colour": colour,
    }
)


def generator(name: str, seed: int) -> np.random.Generator:
    """Chance for one corruption: the same at every strength, so that strengths differ by their parameter alone."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@dataclass(frozen=True)
class Row:
    """One corruption: accuracy at strengths 1 to 5, and how much of the clean accuracy strength 3 costs (0 to 1)."""

    corruption: str
    accuracy: tuple[float, ...]
    relative_drop: float


@dataclass(frozen=True)
class Robustness:
    """The whole table. mean_relative_drop: of the rows' relative drops at strength 3, each row counting the same."""

    model_id: str
    dataset: str
    n: int
    seed: int
    clean: float
    rows: tuple[Row, ...]
    mean_relative_drop: float


def measure(
    checkpoint: str, dataset: str, limit: int | None = None, seed: int = 0, tell: Callable[[str], None] = lambda _: None
) -> Robustness:
    """Judge a bundle on a dataset (`CORPUS:PATH[#SPLIT]`) as it is and under every corruption.

    limit: at most so many images, drawn by the seed. Raises FerPhqError in one sentence.
    """
    source = parse_source(dataset)
    model = load_model(checkpoint)
    faces = limited(load_faces(source, model.bundle.config.classes), limit, seed)
    clean = accuracy(model, faces)
    tell(f"clean {clean:.3f}")
    if clean == 0:
        raise SettingsError(f"{model.model_id} names no face of {source} rightly: there is nothing that could drop.")
    rows = []
    for name, scale in STRENGTHS.items():
        found = tuple(accuracy(model, faces, name, parameter, seed) for parameter in scale.parameters)
        rows.append(Row(name, found, 1 - found[JUDGED - 1] / clean))
        tell(f"{name} " + " ".join(f"{value:.3f}" for value in found))
    drop = float(np.mean([row.relative_drop for row in rows]))
    return Robustness(model.model_id, str(source), len(faces), seed, clean, tuple(rows), drop)


def limited(faces: FaceSet, limit: int | None, seed: int) -> FaceSet:
    """At most `limit` of the faces, drawn by the seed."""
    if limit is not None and limit < 1:
        raise SettingsError(f"--limit {limit} leaves nothing to judge: give at least 1.")
    if limit is None or limit >= len(faces):
        return faces
    chosen = np.zeros(len(faces), bool)
    chosen[np.random.default_rng(seed).choice(len(faces), limit, replace=False)] = True
    return faces.take(chosen)


def accuracy(
    model: FerPhqModel, faces: FaceSet, corruption: str | None = None, parameter: float = 0.0, seed: int = 0
) -> float:
    """Share of the faces that the model names rightly, damaged in chunks of a fixed size so that chance repeats."""
    rng = generator(corruption or "", seed)
    right = 0
    for chosen, crops in crop_batches(faces, CHUNK):
        damaged = CORRUPTIONS[corruption](crops, parameter, rng) if corruption else crops
        right += int((model.predict_emotions(damaged).argmax(axis=1) == faces.labels[chosen]).sum())
    return right / len(faces)


def as_json(found: Robustness) -> str:
    """The table with the meaning of its strengths."""
    strengths = {name: dataclasses.asdict(scale) for name, scale in STRENGTHS.items()}
    return json.dumps({**dataclasses.asdict(found), "bar": BAR, "strengths": strengths}, indent=2)


COLUMNS = ("Corruption", "Clean", "1", "2", "3", "4", "5", f"Relative drop at {JUDGED}")


def cells(found: Robustness) -> list[list[str]]:
    """The table's rows as text."""
    return [
        [row.corruption, *(f"{value:.1%}" for value in (found.clean, *row.accuracy)), f"{row.relative_drop:.1%}"]
        for row in found.rows
    ]


def verdict(found: Robustness) -> str:
    """The mean relative drop beside the bar, and the row that a mean would hide."""
    side = "within" if found.mean_relative_drop <= BAR else "above"
    worst = max(found.rows, key=lambda row: row.relative_drop)
    return (
        f"Mean relative drop at strength {JUDGED}: {found.mean_relative_drop:.1%}, {side} the bar of {BAR:.0%}; "
        f"the worst is {worst.corruption} with {worst.relative_drop:.1%}."
    )


def as_markdown(found: Robustness) -> str:
    """The table for people, then what the strengths mean."""
    meaning = [
        [name, ", ".join(f"{p:g}" for p in scale.parameters), scale.unit, scale.reason]
        for name, scale in STRENGTHS.items()
    ]
    return (
        f"# Robustness of {found.model_id}\n\nAccuracy on {found.n} images of {found.dataset}, seed {found.seed}.\n\n"
        f"{markdown_table(COLUMNS, cells(found))}\n{verdict(found)}\n\n"
        + markdown_table(["Corruption", "Strengths 1 to 5", "Unit", "Reason"], meaning)
    )


def contact_sheet(crops: Batch, seed: int = 0, side: int = 96) -> Pillow.Image:
    """Faces (n, h, w, 3) as they are and at every strength of every corruption: a row of n faces each six times."""
    n = len(crops)
    left = 120
    top = 20
    block = n * side + 8
    sheet = Pillow.new("RGB", (left + 6 * block, top + len(STRENGTHS) * (side + 4)), "white")
    draw = ImageDraw.Draw(sheet)
    for column, text in enumerate(("clean", "1", "2", "3", "4", "5")):
        draw.text((left + column * block + 4, 4), text, fill="black")
    for row, (name, scale) in enumerate(STRENGTHS.items()):
        y = top + row * (side + 4)
        draw.text((6, y + side // 2 - 6), name, fill="black")
        damaged = [CORRUPTIONS[name](crops, p, generator(name, seed)) for p in scale.parameters]
        for column, batch in enumerate((crops, *damaged)):
            for i, crop in enumerate(batch):
                tile = Pillow.fromarray(crop).resize((side, side), Pillow.Resampling.BICUBIC)
                sheet.paste(tile, (left + column * block + i * side, y))
    return sheet


def write(found: Robustness, folder: Path) -> None:
    """robustness.json and robustness.md."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "robustness.json").write_text(as_json(found) + "\n", encoding="utf-8")
    (folder / "robustness.md").write_text(as_markdown(found), encoding="utf-8")


def show(found: Robustness, console: Console) -> None:
    """The table on a terminal."""
    table = Table(*COLUMNS, title=f"{found.model_id}, {found.n} images of {found.dataset}")
    for row in cells(found):
        table.add_row(*row)
    console.print(table, verdict(found), sep="\n")


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.emotion.robustness", description="Accuracy under corruptions."
    )
    parser.add_argument("checkpoint", help="name or folder of a checkpoint bundle")
    parser.add_argument("dataset", metavar="DATASET", help="CORPUS:PATH[#SPLIT]")
    parser.add_argument("--out", type=Path, help="folder for robustness.json and robustness.md")
    parser.add_argument("--limit", type=int, help="judge only so many images, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="only draw the corruptions of four faces as a PNG")
    options = parser.parse_args(argv)
    try:
        if options.sheet:
            faces = limited(load_faces(parse_source(options.dataset)), 4, options.seed)
            contact_sheet(faces.crops(), options.seed).save(options.sheet, "PNG")
            return 0
        found = measure(options.checkpoint, options.dataset, options.limit, options.seed, _progress)
        if options.out:
            write(found, options.out)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(as_json(found)) if options.json else show(found, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
