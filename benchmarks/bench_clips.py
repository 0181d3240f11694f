"""How the model takes faces of a real camera, which are coloured and sharp where FER2013's are grey and of 48 px.

    python benchmarks/bench_clips.py [--clips ../shared/clips] [--model NAME]

The crops are those that the product itself finds and aligns in two photographs and in a short video. Each is changed
in a way that leaves the expression as it is; what the probabilities then move by is their total variation distance
to those of the crop as it was (0: the same, 1: nothing in common). The top emotion counts as kept among the crops
whose first and second emotion lie further apart than `MARGIN`: of the others a person could not be sure either.
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
from fer_phq.video import sample_frames

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "clips"
PHOTOGRAPHS = ("single_face.jpg", "multi_face.jpg")
VIDEO = "single_face.mp4"
FER_SIDE = 48
FPS = 12.0
STRIDE = 4
"""Of the video's frames every fourth is changed: its neighbours are the same picture over again."""
MARGIN = 0.2
LUMA = "luma in place of colour"
VIEWS = "one view against the mirrored one"
NEIGHBOURS = f"a frame against the next, {FPS:g} a second"


@dataclass(frozen=True, eq=False)
class Clips:
    """photographs: each one's crops, left to right. frames: the video's crops (n, side, side, 3) at `FPS`."""

    photographs: dict[str, list[Image]]
    frames: list[Image]

    @property
    def every(self) -> list[Image]:
        """All photographed faces and some of the video."""
        return [crop for crops in self.photographs.values() for crop in crops] + self.frames[::STRIDE]


@dataclass(frozen=True)
class Change:
    """What a change of the crops does to the probabilities: total variation distances and top emotions kept."""

    name: str
    crops: int
    median: float
    largest: float
    sure: int
    kept: int


def read_clips(folder: Path, model: FerPhqModel) -> Clips:
    """Every face of the photographs, and the best one of each frame."""
    photographs = {}
    for name in PHOTOGRAPHS:
        with PillowImage.open(folder / name) as picture:
            faces = analyze_image(np.asarray(picture.convert("RGB")), model)
        photographs[name] = [face.crop for face in sorted(faces, key=lambda face: face.box[0])]
    with sample_frames(folder / VIDEO, Sampling(fps=FPS)) as stream:
        frames = [analyze_image(frame.rgb, model)[0].crop for frame in stream]
    return Clips(photographs, frames)


def luma(crop: Image) -> Image:
    """The crop without colour, as FER's images are."""
    return np.asarray(PillowImage.fromarray(crop).convert("L").convert("RGB"))


def cast(*gains: float) -> Callable[[Image], Image]:
    """Another white balance: red, green and blue times these."""
    return lambda crop: np.clip(crop * np.array(gains) + 0.5, 0, 255).astype(np.uint8)


def grey_world(crop: Image) -> Image:
    """The white balance under which the crop's mean is grey (Buchsbaum, 1980)."""
    means = crop.reshape(-1, 3).mean(0)
    return cast(*(means.mean() / means))(crop)


def resized(*sides: int) -> Callable[[Image], Image]:
    """Resampled to one side after another."""

    def change(crop: Image) -> Image:
        picture = PillowImage.fromarray(crop)
        for side in sides:
            picture = picture.resize((side, side), PillowImage.Resampling.BICUBIC)
        return np.asarray(picture)

    return change


def mirrored(crop: Image) -> Image:
    """As in a mirror."""
    return np.ascontiguousarray(crop[:, ::-1])


COLOUR: dict[str, Callable[[Image], Image]] = {
    LUMA: luma,
    "grey world": grey_world,
    "warm light (red +15 %, blue -15 %)": cast(1.15, 1, 0.85),
    "cold light (red -15 %, blue +15 %)": cast(0.85, 1, 1.15),
    "green tint (+10 %)": cast(0.95, 1.1, 0.95),
}
SIZE: dict[str, Callable[[Image], Image]] = {
    "reduced to 48 px": resized(FER_SIDE),
    "reduced to 48 px, enlarged to 96": resized(FER_SIDE, 96),
    "enlarged 2 times": resized(192),
    "enlarged 4 times": resized(384),
}
MIRROR = {"mirrored": mirrored}


def total_variation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Half of the summed absolute differences of the last axis."""
    distance: FloatArray = np.abs(a - b).sum(-1) / 2
    return distance


def compare(name: str, before: FloatArray, after: FloatArray) -> Change:
    """One line of the table from probabilities (n, 7) before and after."""
    distance = total_variation(before, after)
    top = np.sort(before, axis=1)[:, ::-1]
    sure = top[:, 0] - top[:, 1] > MARGIN
    kept = sure & (before.argmax(1) == after.argmax(1))
    return Change(
        name, len(before), float(np.median(distance)), float(distance.max()), int(sure.sum()), int(kept.sum())
    )


def changed(model: FerPhqModel, crops: list[Image], changes: dict[str, Callable[[Image], Image]]) -> list[Change]:
    """What each change does to the crops."""
    before = model.predict_emotions(crops)
    return [compare(name, before, model.predict_emotions([how(c) for c in crops])) for name, how in changes.items()]


@torch.inference_mode()
def two_views(model: FerPhqModel, crops: list[Image]) -> Change:
    """Either view alone, as it is and mirrored: how far the network itself agrees (the model takes their mean)."""
    images = model.preprocess(crops)
    temperature = model.bundle.config.temperature
    views = [(model.net(view) / temperature).softmax(1).numpy() for view in (images, images.flip(-1))]
    return compare(VIEWS, *views)


def neighbours(model: FerPhqModel, frames: list[Image]) -> Change:
    """Each frame of the video against the next."""
    rows = model.predict_emotions(frames)
    return compare(NEIGHBOURS, rows[:-1], rows[1:])


def every_change(model: FerPhqModel, clips: Clips) -> list[Change]:
    """The whole table."""
    crops = clips.every
    found = changed(model, crops, COLOUR | SIZE | MIRROR)
    return [*found, two_views(model, crops), neighbours(model, clips.frames)]


def markdown(found: list[Change]) -> str:
    """The table for people."""
    lines = ["| change | crops | top emotion kept | median distance | largest |", "|---|---|---|---|---|"]
    for one in found:
        lines.append(f"| {one.name} | {one.crops} | {one.kept} of {one.sure} | {one.median:.3f} | {one.largest:.3f} |")
    return "\n".join(lines)


def emotions_seen(model: FerPhqModel, clips: Clips) -> str:
    """Each photographed face's top emotion, and how the video's goes on."""
    lines = []
    for name, crops in (clips.photographs | {VIDEO: clips.frames[::STRIDE]}).items():
        rows = model.predict_emotions(crops)
        lines.append(f"{name}: " + ", ".join(f"{EMOTIONS[i]} {row[i]:.2f}" for row in rows for i in [row.argmax()]))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=CLIPS)
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = load_model(args.model)
    clips = read_clips(args.clips, model)
    print(f"{model.model_id}\n\n{markdown(every_change(model, clips))}\n\n{emotions_seen(model, clips)}")


if __name__ == "__main__":
    main()
