"""FER2013's framing of faces: the numbers behind `fer_phq.faces.TEMPLATE` and behind the training's augmentations.

    python benchmarks/fer_template.py ../shared/data/ferplus/train.parquet

Each of 1,500 random images (48 x 48, grey) is enlarged to 128 pixels, set on a grey canvas of 256 and searched, as it
is and mirrored. Printed are medians and spreads of landmarks and box as shares of the image's side, and of the
similarity (scale, turn, shift) that leads from the median face to each face.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from PIL import Image as PillowImage

from fer_phq.faces import FaceDetector

CANVAS = 256
SIDE = 128
NAMES = ("eye, image left", "eye, image right", "nose", "mouth, image left", "mouth, image right")
Values = npt.NDArray[np.float64]


def load_canvases(parquet: Path, count: int, seed: int) -> list[npt.NDArray[np.uint8]]:
    """Load random images as uint8 RGB (256, 256, 3), each followed by its mirror image."""
    column = pq.read_table(parquet, columns=["image"])["image"]
    indices = np.random.default_rng(seed).choice(len(column), min(count, len(column)), replace=False)
    canvases = []
    for i in indices:
        picture = PillowImage.open(io.BytesIO(column[int(i)].as_py()["bytes"])).convert("RGB")
        large = np.asarray(picture.resize((SIDE, SIDE), PillowImage.Resampling.BICUBIC))
        margin = (CANVAS - SIDE) // 2
        canvas = np.pad(large, ((margin, margin), (margin, margin), (0, 0)), constant_values=128)
        canvases += [canvas, np.ascontiguousarray(canvas[:, ::-1])]
    return canvases


def find_faces(canvases: list[npt.NDArray[np.uint8]]) -> tuple[Values, Values]:
    """Find landmarks (k, 5, 2) and boxes (k, 2, 2) of the k canvases with a face, as shares of the image's side."""
    detector = FaceDetector(0.6, sides=(CANVAS,))
    faces = [detections[0] for detections in detector.detect(canvases) if detections]
    margin = (CANVAS - SIDE) // 2
    landmarks = np.stack([f.landmarks for f in faces]).astype(np.float64)
    boxes = np.array([f.box for f in faces]).reshape(-1, 2, 2)
    return (landmarks - margin) / SIDE, (boxes - margin) / SIDE


def fit_similarity(face: Values, template: Values) -> tuple[float, float, float, float]:
    """Fit the similarity from the template to a face: scale, turn in degrees, shift x, shift y."""
    centred_template = template - template.mean(axis=0)
    centred_face = face - face.mean(axis=0)
    z = centred_template[:, 0] + 1j * centred_template[:, 1]
    w = centred_face[:, 0] + 1j * centred_face[:, 1]
    factor = np.vdot(z, w) / np.vdot(z, z).real
    shift = face.mean(axis=0) - template.mean(axis=0)
    return float(abs(factor)), float(np.degrees(np.angle(factor))), float(shift[0]), float(shift[1])


def make_symmetric(points: Values) -> Values:
    """Average five points with their mirror image, in which left and right change places."""
    mirrored = points[[1, 0, 2, 4, 3]] * [-1, 1] + [1, 0]
    return (points + mirrored) / 2


def format_percentiles(name: str, values: Values) -> str:
    """Format the percentiles of one quantity."""
    p5, p25, p50, p75, p95 = np.percentile(values, [5, 25, 50, 75, 95])
    return f"{name:24s} median {p50:8.4f}   IQR {p25:8.4f} .. {p75:8.4f}   5-95% {p5:8.4f} .. {p95:8.4f}"


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parquet", type=Path)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    canvases = load_canvases(args.parquet, args.count, args.seed)
    landmarks, boxes = find_faces(canvases)
    print(f"{len(landmarks)} faces in {len(canvases)} images (mirrored copies included)")
    for i, name in enumerate(NAMES):
        print(format_percentiles(f"{name} x", landmarks[:, i, 0]))
        print(format_percentiles(f"{name} y", landmarks[:, i, 1]))
    for i, name in enumerate(("box left", "box top", "box right", "box bottom")):
        print(format_percentiles(name, boxes.reshape(-1, 4)[:, i]))
    points = [0, 1, 3, 4]
    template = make_symmetric(np.median(landmarks, axis=0))[points]
    fits = np.array([fit_similarity(face[points], template) for face in landmarks])
    for i, name in enumerate(("scale", "turn, degrees", "shift x", "shift y")):
        print(format_percentiles(name, fits[:, i]))
    print("TEMPLATE =", make_symmetric(np.median(landmarks, axis=0)).round(3).tolist())


if __name__ == "__main__":
    main()
