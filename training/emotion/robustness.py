"""Accuracy under corruptions by webcams: `python -m training.emotion.robustness CHECKPOINT DATASET [--out DIR]`.

Nine corruptions at five strengths each, after ImageNet-C (Hendrycks & Dietterich, 2019, arXiv:1903.12261): simple,
algorithmic and the same for every model. ImageNet-C's parameters are for objects of 224 pixels and do not all suit
faces of 48 pixels, so `STRENGTHS` gives other parameters with their reasons. They were chosen by eye on a contact sheet
(`--sheet FILE`) before any model was evaluated: at strength 3 the damage is plain, and a person still reads most
expressions. Images are predicted as the product does, so colours pass its conversion from RGB to luma.

Unlike in ImageNet-C, the augmentation of a recipe may contain similar corruptions. The table then shows robustness to
changes that were foreseen.
"""

from __future__ import annotations

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

from fer_phq.core.errors import SettingsError
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.models.preprocessing import LUMA
from training import cli
from training.emotion import commands, messages
from training.emotion.data.corpora import FaceSet, load_faces, parse_source
from training.emotion.evaluate import iterate_crops
from training.plots.markdown import markdown_table

Batch = npt.NDArray[np.uint8]
"""Face crops: uint8 RGB (n, h, w, 3)."""

Float = npt.NDArray[np.float64]
Corruption = Callable[[Batch, float, np.random.Generator], Batch]
"""(crops, parameter, generator) to corrupted crops of the same shape; a generator in the same state repeats them."""

SIDE = 48
"""Side in pixels of the faces for which lengths in `STRENGTHS` are stated; they scale with the side."""

SUMMARY_STRENGTH = 3
"""The strength whose relative drop is summarised."""

DROP_LIMIT = 0.15
"""The mean relative drop at strength 3 that a model should not exceed."""

CHUNK = 64
"""Images that are corrupted at a time; fixed, because the generator's state depends on it."""
SKIN = (1.20, 0.95, 0.73)
"""Red, green and blue of skin relative to its luma, under white light and of any darkness."""


@dataclass(frozen=True)
class StrengthScale:
    """Strengths of one corruption.

    Attributes:
        parameters: Its parameter at strengths 1 to 5.
        unit: What the parameter measures.
        reason: Why these values.
    """

    parameters: tuple[float, float, float, float, float]
    unit: str
    reason: str


STRENGTHS: Mapping[str, StrengthScale] = MappingProxyType(
    {
        "blur": StrengthScale(
            (0.5, 0.9, 1.3, 1.8, 2.4),
            "standard deviation of a Gaussian, pixels of a 48-pixel face",
            "defocus and motion of a webcam; at 1.3 an eye's outline (about 3 pixels high) is a smear",
        ),
        "jpeg": StrengthScale(
            (25, 18, 15, 10, 7),
            "quality of the JPEG codec, chroma halved",
            "ImageNet-C's own; video calls over poor links reach this, and 8-pixel blocks are large on a small face",
        ),
        "low resolution": StrengthScale(
            (29, 24, 19, 14, 12),
            "side in pixels to which a face is reduced, then enlarged bilinearly",
            "ImageNet-C's shares (0.6 to 0.25) of 48: a person far from the camera; the product enlarges like this",
        ),
        "dark": StrengthScale(
            (0.75, 1.5, 2.25, 3.0, 4.0),
            "stops of underexposure in linear light",
            "a room lit by its screen: 2.25 stops leave a fifth of the light, quantised to 8 bits",
        ),
        "bright": StrengthScale(
            (0.4, 0.7, 1.0, 1.4, 1.9),
            "stops of overexposure in linear light, clipped",
            "a window or lamp in the face: at one stop everything above 73 % of the range is white",
        ),
        "noise": StrengthScale(
            (0.04, 0.06, 0.08, 0.12, 0.16),
            "standard deviation of Gaussian noise, share of the range, the same in all channels",
            "sensor noise in the dark; ImageNet-C starts at 0.08, which larger pictures bear and 48 pixels hardly do",
        ),
        "occlusion": StrengthScale(
            (0.05, 0.10, 0.15, 0.22, 0.30),
            "share of the crop under one flat square at a random place",
            "a hand, a cup, a microphone; at 0.15 it is wider than a mouth",
        ),
        "tilt": StrengthScale(
            (6, 12, 18, 26, 36),
            "degrees of rotation in the plane, either way",
            "what is left when alignment fails or landmarks slip; heads in talk tilt up to about 20 degrees",
        ),
        "colour": StrengthScale(
            (0.15, 0.30, 0.45, 0.60, 0.80),
            "share by which a coloured light raises and lowers the channels, linear light, uneven over the face",
            "what white balance leaves of lamps and screens; at 0.45 red to blue is 2.6: 4,000 K seen as daylight",
        ),
    }
)
"""Strengths by corruption. They were chosen by eye and by the stated reasons, not by a model's accuracy."""


def blur(crops: Batch, sigma: float, rng: np.random.Generator) -> Batch:
    """Blur with a Gaussian.

    Args:
        crops: uint8 (n, h, w, 3).
        sigma: Its standard deviation in pixels of a face of `SIDE` pixels.
        rng: Unused.
    """
    spread = sigma * crops.shape[1] / SIDE
    return _round_to_uint8(gaussian_filter(crops.astype(np.float64), (0, spread, spread, 0), mode="nearest"))


def jpeg(crops: Batch, quality: float, rng: np.random.Generator) -> Batch:
    """Compress as JPEG with chroma at half resolution, and decode.

    Args:
        crops: uint8 (n, h, w, 3).
        quality: JPEG's quality, 1 to 100.
        rng: Unused.
    """

    def recompress(crop: Batch) -> Batch:
        file = io.BytesIO()
        Pillow.fromarray(crop).save(file, "JPEG", quality=int(quality), subsampling="4:2:0")
        return np.asarray(Pillow.open(file).convert("RGB"))

    return np.stack([recompress(crop) for crop in crops])


def low_resolution(crops: Batch, side: float, rng: np.random.Generator) -> Batch:
    """Average down to few pixels, then enlarge bilinearly.

    Args:
        crops: uint8 (n, h, w, 3).
        side: The side in pixels to which they are averaged.
        rng: Unused.
    """
    height, width = crops.shape[1:3]
    small = (min(int(side), width), min(int(side), height))

    def reduce(crop: Batch) -> Batch:
        reduced = Pillow.fromarray(crop).resize(small, Pillow.Resampling.BOX)
        return np.asarray(reduced.resize((width, height), Pillow.Resampling.BILINEAR))

    return np.stack([reduce(crop) for crop in crops])


def dark(crops: Batch, stops: float, rng: np.random.Generator) -> Batch:
    """Darken, in linear light.

    Args:
        crops: uint8 (n, h, w, 3).
        stops: By how many stops: each halves the light.
        rng: Unused.
    """
    return _round_to_uint8(255 * linear_to_srgb(srgb_to_linear(crops) * 2.0**-stops))


def bright(crops: Batch, stops: float, rng: np.random.Generator) -> Batch:
    """Brighten, in linear light, clipped at white.

    Args:
        crops: uint8 (n, h, w, 3).
        stops: By how many stops: each doubles the light.
        rng: Unused.
    """
    return _round_to_uint8(255 * linear_to_srgb(srgb_to_linear(crops) * 2.0**stops))


def noise(crops: Batch, sigma: float, rng: np.random.Generator) -> Batch:
    """Add Gaussian noise, the same to a pixel's three channels, so that grey and colour models get the same noise.

    Args:
        crops: uint8 (n, h, w, 3).
        sigma: Its standard deviation as a share of the range, 0 to 1.
        rng: Draws the noise.
    """
    return _round_to_uint8(crops + 255 * sigma * rng.standard_normal((*crops.shape[:3], 1)))


def occlusion(crops: Batch, share: float, rng: np.random.Generator) -> Batch:
    """Cover a part of each crop with a square of a random grey that lies wholly inside.

    Args:
        crops: uint8 (n, h, w, 3).
        share: The share of the crop's area that is covered, 0 to 1.
        rng: Draws positions and greys.
    """
    n, height, width, _ = crops.shape
    rows, columns = (max(1, round(math.sqrt(share) * side)) for side in (height, width))
    positions = rng.random((n, 2))
    greys = rng.integers(0, 256, (n,))
    corners = np.rint(positions * np.array([height - rows, width - columns])).astype(int)
    out = crops.copy()
    for i in range(n):
        top, left = corners[i]
        out[i, top : top + rows, left : left + columns] = greys[i]
    return out


def tilt(crops: Batch, degrees: float, rng: np.random.Generator) -> Batch:
    """Rotate in the plane, to either side at random; pixels from outside mirror the inside.

    Args:
        crops: uint8 (n, h, w, 3).
        degrees: By how much.
        rng: Draws the sides.
    """
    angle = torch.from_numpy(np.radians(degrees) * rng.choice([-1.0, 1.0], len(crops))).float()
    cos = torch.cos(angle)
    sin = torch.sin(angle)
    zeros = torch.zeros(len(crops))
    rows = torch.stack([torch.stack([cos, -sin, zeros], 1), torch.stack([sin, cos, zeros], 1)], 1)
    images = torch.from_numpy(crops.copy()).permute(0, 3, 1, 2).float()
    grid = F.affine_grid(rows, list(images.shape), align_corners=False)
    turned = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return _round_to_uint8(turned.permute(0, 2, 3, 1).numpy().astype(np.float64))


def colour(crops: Batch, gain: float, rng: np.random.Generator) -> Batch:
    """Light faces with a coloured light from one side; grey faces get the colour of skin first.

    The light is warm, cold, green or magenta at random. Each channel's gain in linear light runs from half of the cast
    to all of it over the face. Images with colours keep them. Without gain the luma stays as it was. That lips and skin
    reflect coloured light differently cannot be simulated on grey images.

    Args:
        crops: uint8 (n, h, w, 3).
        gain: The cast: by which share the light's channels are stronger and weaker, 0 to 1.
        rng: Draws the colours and directions of the light.
    """
    n, height, width, _ = crops.shape
    light = gain * np.array([(1, 0, -1), (-1, 0, 1), (-0.5, 1, -0.5), (0.5, -1, 0.5)])[rng.integers(0, 4, (n,))]
    angle = rng.uniform(0, 2 * np.pi, (n,))[:, None, None]
    down, across = np.meshgrid(np.linspace(-0.5, 0.5, height), np.linspace(-0.5, 0.5, width), indexing="ij")
    ramp = 0.75 + 0.25 * np.clip(2 * (np.cos(angle) * across + np.sin(angle) * down), -1, 1)
    gains = 1 + light[:, None, None, :] * ramp[..., None]
    return _round_to_uint8(255 * linear_to_srgb(srgb_to_linear(tint_grey_as_skin(crops)) * gains))


def tint_grey_as_skin(crops: Batch) -> Batch:
    """Tint grey crops in the colour of skin and keep their luma.

    Highlights become pale, because no channel can exceed white. Crops with colours stay as they are.
    """
    tint = np.array(SKIN) / np.dot(SKIN, LUMA) - 1
    luma = crops.astype(np.float64) @ np.array(LUMA)
    room = np.clip((255 - luma) / np.maximum(luma * tint.max(), 1e-9), 0, 1)
    tinted = _round_to_uint8(luma[..., None] * (1 + room[..., None] * tint))
    grey = (crops == crops[..., :1]).all(axis=(1, 2, 3), keepdims=True)
    return np.where(grey, tinted, crops)


def srgb_to_linear(crops: Batch) -> Float:
    """Convert sRGB values 0-255 to linear light 0-1 (IEC 61966-2-1)."""
    values = np.linspace(0, 1, 256)
    table = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.take(table, crops)


def linear_to_srgb(linear: Float) -> Float:
    """Convert linear light to sRGB values 0-1, clipped at black and white."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _round_to_uint8(values: Float) -> Batch:
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


def make_generator(name: str, seed: int) -> np.random.Generator:
    """Make the generator of a corruption. It is the same at every strength, so that only the parameter differs.

    Args:
        name: Name of the corruption.
        seed: Seed of the whole table.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@dataclass(frozen=True)
class CorruptionResult:
    """Accuracy under one corruption.

    Attributes:
        corruption: Its name.
        accuracy: At strengths 1 to 5, each 0 to 1.
        relative_drop: Share of the clean accuracy that is lost at strength 3.
    """

    corruption: str
    accuracy: tuple[float, ...]
    relative_drop: float


@dataclass(frozen=True)
class RobustnessReport:
    """Accuracy of a model under every corruption.

    Attributes:
        model_id: The model's name.
        dataset: Name of the dataset on the command line.
        n: Number of images.
        seed: Of the images and the corruptions.
        clean: Accuracy without corruption, 0 to 1.
        rows: One a corruption.
        mean_relative_drop: Unweighted mean of the rows' relative drops.
    """

    model_id: str
    dataset: str
    n: int
    seed: int
    clean: float
    rows: tuple[CorruptionResult, ...]
    mean_relative_drop: float


def measure_robustness(
    checkpoint: str,
    dataset: str,
    limit: int | None = None,
    seed: int = 0,
    on_progress: Callable[[str], None] = lambda _: None,
) -> RobustnessReport:
    """Measure a bundle's accuracy on a dataset without and with every corruption.

    Args:
        checkpoint: Name or folder of a bundle.
        dataset: `CORPUS:PATH[#SPLIT]`.
        limit: The most images, drawn by the seed; all by default.
        seed: Of the images and the corruptions.
        on_progress: Is called with a line after every corruption.

    Raises:
        FerPhqError: The bundle or the dataset cannot be loaded, the limit is below 1, or the clean accuracy is 0.
    """
    source = parse_source(dataset)
    model = load_model(checkpoint)
    faces = sample_faces(load_faces(source, model.bundle.config.classes), limit, seed)
    clean = measure_accuracy(model, faces)
    on_progress(f"clean {clean:.3f}")
    if clean == 0:
        raise SettingsError(messages.NOTHING_RIGHT(model_id=model.model_id, source=str(source)))
    rows = []
    for name, scale in STRENGTHS.items():
        accuracies = tuple(measure_accuracy(model, faces, name, parameter, seed) for parameter in scale.parameters)
        rows.append(CorruptionResult(name, accuracies, 1 - accuracies[SUMMARY_STRENGTH - 1] / clean))
        on_progress(f"{name} " + " ".join(f"{value:.3f}" for value in accuracies))
    drop = float(np.mean([row.relative_drop for row in rows]))
    return RobustnessReport(model.model_id, str(source), len(faces), seed, clean, tuple(rows), drop)


def sample_faces(faces: FaceSet, limit: int | None, seed: int) -> FaceSet:
    """Draw images without replacement.

    Args:
        faces: The set.
        limit: The most images; all by default.
        seed: Of the draw.

    Raises:
        SettingsError: The limit is below 1.
    """
    if limit is not None and limit < 1:
        raise SettingsError(messages.LIMIT_TOO_SMALL(limit=limit))
    if limit is None or limit >= len(faces):
        return faces
    mask = np.zeros(len(faces), bool)
    mask[np.random.default_rng(seed).choice(len(faces), limit, replace=False)] = True
    return faces.take(mask)


def measure_accuracy(
    model: FerPhqModel, faces: FaceSet, corruption: str | None = None, parameter: float = 0.0, seed: int = 0
) -> float:
    """Measure a model's accuracy under a corruption.

    Args:
        model: The model.
        faces: Labelled images.
        corruption: Name of the corruption; none by default.
        parameter: Its parameter.
        seed: Of the corruption.

    Returns:
        Share of the images whose label the model predicts, 0 to 1.
    """
    rng = make_generator(corruption or "", seed)
    correct = 0
    for indices, crops in iterate_crops(faces, CHUNK):
        corrupted = CORRUPTIONS[corruption](crops, parameter, rng) if corruption else crops
        correct += int((model.predict_emotions(corrupted).argmax(axis=1) == faces.labels[indices]).sum())
    return correct / len(faces)


def to_json(report: RobustnessReport) -> str:
    """Write a report as JSON, with the meaning of the strengths."""
    strengths = {name: dataclasses.asdict(scale) for name, scale in STRENGTHS.items()}
    return json.dumps({**dataclasses.asdict(report), "bar": DROP_LIMIT, "strengths": strengths}, indent=2)


COLUMNS = ("Corruption", "Clean", "1", "2", "3", "4", "5", f"Relative drop at {SUMMARY_STRENGTH}")


def table_rows(report: RobustnessReport) -> list[list[str]]:
    """Format the rows of the table."""
    return [
        [row.corruption, *(f"{value:.1%}" for value in (report.clean, *row.accuracy)), f"{row.relative_drop:.1%}"]
        for row in report.rows
    ]


def summarise(report: RobustnessReport) -> str:
    """Write one sentence on the mean relative drop and its limit, and on the worst corruption."""
    side = "within" if report.mean_relative_drop <= DROP_LIMIT else "above"
    worst = max(report.rows, key=lambda row: row.relative_drop)
    return (
        f"Mean relative drop at strength {SUMMARY_STRENGTH}: {report.mean_relative_drop:.1%}, "
        f"{side} the bar of {DROP_LIMIT:.0%}; the worst is {worst.corruption} with {worst.relative_drop:.1%}."
    )


def to_markdown(report: RobustnessReport) -> str:
    """Write a report as Markdown: the table, then the meaning of the strengths."""
    meaning = [
        [name, ", ".join(f"{p:g}" for p in scale.parameters), scale.unit, scale.reason]
        for name, scale in STRENGTHS.items()
    ]
    return (
        f"# Robustness of {report.model_id}\n\n"
        f"Accuracy on {report.n} images of {report.dataset}, seed {report.seed}.\n\n"
        f"{markdown_table(COLUMNS, table_rows(report))}\n{summarise(report)}\n\n"
        + markdown_table(["Corruption", "Strengths 1 to 5", "Unit", "Reason"], meaning)
    )


def draw_contact_sheet(crops: Batch, seed: int = 0, side: int = 96) -> Pillow.Image:
    """Draw faces without corruption and at every strength of every corruption.

    Args:
        crops: uint8 RGB (n, h, w, 3).
        seed: Of the corruptions.
        side: Side of a drawn face in pixels.

    Returns:
        One row a corruption, each with six groups of n faces.
    """
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
        damaged = [CORRUPTIONS[name](crops, p, make_generator(name, seed)) for p in scale.parameters]
        for column, batch in enumerate((crops, *damaged)):
            for i, crop in enumerate(batch):
                tile = Pillow.fromarray(crop).resize((side, side), Pillow.Resampling.BICUBIC)
                sheet.paste(tile, (left + column * block + i * side, y))
    return sheet


def write_contact_sheet(dataset: str, path: Path, seed: int = 0) -> None:
    """Draw the corruptions of four faces of a dataset as a PNG.

    Args:
        dataset: `CORPUS:PATH[#SPLIT]`.
        path: The file to write.
        seed: Of the faces and the corruptions.

    Raises:
        FerPhqError: The dataset cannot be loaded.
    """
    faces = sample_faces(load_faces(parse_source(dataset)), 4, seed)
    draw_contact_sheet(faces.crops(), seed).save(path, "PNG")


def write_report(report: RobustnessReport, folder: Path) -> None:
    """Write robustness.json and robustness.md.

    Args:
        report: The report.
        folder: The folder, which is made if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "robustness.json").write_text(to_json(report) + "\n", encoding="utf-8")
    (folder / "robustness.md").write_text(to_markdown(report), encoding="utf-8")


def print_report(report: RobustnessReport, console: Console) -> None:
    """Print the table on a terminal.

    Args:
        report: The report.
        console: The terminal.
    """
    table = Table(*COLUMNS, title=f"{report.model_id}, {report.n} images of {report.dataset}")
    for row in table_rows(report):
        table.add_row(*row)
    console.print(table, summarise(report), sep="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.robustness, argv, "training.emotion.robustness")


if __name__ == "__main__":
    sys.exit(main())
