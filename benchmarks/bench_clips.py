"""Faces of a real camera: the model's answers to colour and sharpness that FER2013's grey images of 48 px lack.

    python benchmarks/bench_clips.py [--clips ../shared/clips] [--model NAME]

The product itself finds and aligns the crops in two photographs and in a short video. Each is changed in a way that
leaves the expression as it is. Probabilities before and after are compared by their total variation distance (0: the
same, 1: nothing in common), and by the top emotion of clear crops: those whose first and second emotion lie further
apart than `MARGIN`.
`tests/fer_phq/models/test_model_on_clips.py` holds these figures to bounds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage

from fer_phq import analyze_image
from fer_phq.core.analysis import Sampling
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.models.networks.loading import load_network
from fer_phq.video import sample_frames

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "clips"
PHOTOGRAPHS = ("single_face.jpg", "multi_face.jpg")
VIDEO = "single_face.mp4"
FER_SIDE = 48
FPS = 12.0
STRIDE = 4
"""Every fourth of the video's frames is changed: its neighbours are nearly the same picture."""
MARGIN = 0.2
LUMA = "luma in place of colour"
VIEWS = "one view against the mirrored one"
NEIGHBOURS = f"a frame against the next, {FPS:g} a second"


@dataclass(frozen=True, eq=False)
class Clips:
    """Face crops.

    Attributes:
        photographs: The crops of each photograph, from left to right.
        frames: The crops of the video at `FPS`.
    """

    photographs: dict[str, list[Image]]
    frames: list[Image]

    @property
    def crops(self) -> list[Image]:
        """All crops of the photographs and some of the video."""
        return [crop for crops in self.photographs.values() for crop in crops] + self.frames[::STRIDE]


@dataclass(frozen=True)
class Change:
    """The effect of a change of crops on the probabilities.

    Attributes:
        name: What was changed.
        crops: Number of crops.
        median: Median total variation distance.
        largest: Largest total variation distance.
        clear: Number of crops with a clear top emotion.
        unchanged: Number of these whose top emotion stayed the same.
    """

    name: str
    crops: int
    median: float
    largest: float
    clear: int
    unchanged: int


def read_clips(folder: Path, model: FerPhqModel) -> Clips:
    """Read every face of the photographs, and the best face of each frame of the video."""
    photographs = {}
    for name in PHOTOGRAPHS:
        with PillowImage.open(folder / name) as picture:
            faces = analyze_image(np.asarray(picture.convert("RGB")), model)
        photographs[name] = [face.crop for face in sorted(faces, key=lambda face: face.box[0])]
    with sample_frames(folder / VIDEO, Sampling(fps=FPS)) as stream:
        frames = [analyze_image(frame.rgb, model)[0].crop for frame in stream]
    return Clips(photographs, frames)


def remove_colour(crop: Image) -> Image:
    """Take the colour from a crop: FER's images have none."""
    return np.asarray(PillowImage.fromarray(crop).convert("L").convert("RGB"))


def colour_cast(*gains: float) -> Callable[[Image], Image]:
    """Make a change of the white balance: red, green and blue are multiplied by the gains."""
    return lambda crop: np.clip(crop * np.array(gains) + 0.5, 0, 255).astype(np.uint8)


def balance_white(crop: Image) -> Image:
    """Apply the white balance under which the crop's mean is grey (Buchsbaum, 1980)."""
    means = crop.reshape(-1, 3).mean(0)
    return colour_cast(*(means.mean() / means))(crop)


def resample(*sides: int) -> Callable[[Image], Image]:
    """Make a change that resamples to one side after another."""

    def change(crop: Image) -> Image:
        picture = PillowImage.fromarray(crop)
        for side in sides:
            picture = picture.resize((side, side), PillowImage.Resampling.BICUBIC)
        return np.asarray(picture)

    return change


def mirror(crop: Image) -> Image:
    """Mirror a crop."""
    return np.ascontiguousarray(crop[:, ::-1])


COLOUR: dict[str, Callable[[Image], Image]] = {
    LUMA: remove_colour,
    "grey world": balance_white,
    "warm light (red +15 %, blue -15 %)": colour_cast(1.15, 1, 0.85),
    "cold light (red -15 %, blue +15 %)": colour_cast(0.85, 1, 1.15),
    "green tint (+10 %)": colour_cast(0.95, 1.1, 0.95),
}
SIZE: dict[str, Callable[[Image], Image]] = {
    "reduced to 48 px": resample(FER_SIDE),
    "reduced to 48 px, enlarged to 96": resample(FER_SIDE, 96),
    "enlarged 2 times": resample(192),
    "enlarged 4 times": resample(384),
}
MIRROR = {"mirrored": mirror}


def total_variation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Compute half of the summed absolute differences along the last axis."""
    distance: FloatArray = np.abs(a - b).sum(-1) / 2
    return distance


def compare(name: str, before: FloatArray, after: FloatArray) -> Change:
    """Compare probabilities (n, 7) before and after a change."""
    distance = total_variation(before, after)
    top = np.sort(before, axis=1)[:, ::-1]
    clear = top[:, 0] - top[:, 1] > MARGIN
    unchanged = clear & (before.argmax(1) == after.argmax(1))
    return Change(
        name, len(before), float(np.median(distance)), float(distance.max()), int(clear.sum()), int(unchanged.sum())
    )


def measure_changes(
    model: FerPhqModel, crops: list[Image], changes: dict[str, Callable[[Image], Image]]
) -> list[Change]:
    """Measure the effect of each change on crops."""
    before = model.predict_emotions(crops)
    return [compare(name, before, model.predict_emotions([how(c) for c in crops])) for name, how in changes.items()]


@torch.inference_mode()
def compare_views(model: FerPhqModel, crops: list[Image]) -> Change:
    """Compare the network's answers to a crop and to its mirror image; the model takes their mean."""
    network = load_network(model.bundle.path)
    images = network.images(crops)
    temperature = model.bundle.config.temperature
    views = [(network.net(view) / temperature).softmax(1).numpy() for view in (images, images.flip(-1))]
    return compare(VIEWS, *views)


def compare_neighbours(model: FerPhqModel, frames: list[Image]) -> Change:
    """Compare each frame of the video with the next."""
    rows = model.predict_emotions(frames)
    return compare(NEIGHBOURS, rows[:-1], rows[1:])


def measure_all(model: FerPhqModel, clips: Clips) -> list[Change]:
    """Measure the effect of every change."""
    crops = clips.crops
    changes = measure_changes(model, crops, COLOUR | SIZE | MIRROR)
    return [*changes, compare_views(model, crops), compare_neighbours(model, clips.frames)]


def format_table(changes: list[Change]) -> str:
    """Format the table as Markdown."""
    lines = ["| change | crops | top emotion kept | median distance | largest |", "|---|---|---|---|---|"]
    for change in changes:
        unchanged = f"{change.unchanged} of {change.clear}"
        lines.append(f"| {change.name} | {change.crops} | {unchanged} | {change.median:.3f} | {change.largest:.3f} |")
    return "\n".join(lines)


def describe_emotions(model: FerPhqModel, clips: Clips) -> str:
    """List the top emotion of each photographed face, and of some frames of the video."""
    lines = []
    for name, crops in (clips.photographs | {VIDEO: clips.frames[::STRIDE]}).items():
        rows = model.predict_emotions(crops)
        lines.append(f"{name}: " + ", ".join(f"{EMOTIONS[i]} {row[i]:.2f}" for row in rows for i in [row.argmax()]))
    return "\n".join(lines)


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=CLIPS)
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = load_model(args.model)
    clips = read_clips(args.clips, model)
    print(f"{model.model_id}\n\n{format_table(measure_all(model, clips))}\n\n{describe_emotions(model, clips)}")


if __name__ == "__main__":
    main()
