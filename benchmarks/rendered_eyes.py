"""Gaze on rendered eyes of known direction, for `bench_mesh.py gaze`."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces import Detection, FaceDetector
from fer_phq.mesh import FaceLandmarker, Gaze, measure_face
from fer_phq.mesh.eyeballs import iris_diameter
from training.plots.markdown import markdown_table
from training.simulation.camera import Camera
from training.simulation.eyes import Eyes
from training.simulation.heads import Head, rotation_of_pose

HEAD_DEG = 25.0
"""Largest pitch and yaw of the head; its roll is at most 15 degrees."""
GAZE_DEG = 25.0
"""Largest pitch and yaw of the gaze against the head."""
IRISES = ((95, 65, 45), (45, 30, 24), (120, 150, 170), (110, 120, 80))
"""Brown, dark brown, blue and green."""
FOCAL_LENGTHS = (420.0, 600.0, 1000.0)
FACTORS = (1.0, 0.7, 0.5, 0.35)
"""By which pictures are reduced."""
DIAMETERS = (3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 20.0, 40.0)
CLOSURES = (0.0, 0.25, 0.5, 0.75, 1.0)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RenderedGaze:
    """One rendered gaze and what was measured of it.

    Attributes:
        portrait: Its number.
        diameter: Of the irises in pixels.
        truth: (2,) degrees of pitch and yaw against the head.
        errors: (4,) degrees of pitch and yaw against the head, then against the camera; NaN where the gaze is missing.
    """

    portrait: int
    diameter: float
    truth: Numbers
    errors: Numbers


def bench_gaze(portraits: Sequence[tuple[Image, FloatArray]], count: int, seed: int) -> None:
    """Print the errors of the gaze by size, by portrait and by closure of the lids.

    Args:
        portraits: Pictures with the points of their meshes.
        count: Rendered heads.
        seed: Of what is drawn at random.
    """
    rng, measure = np.random.default_rng(seed), _measure_with(FaceDetector(), FaceLandmarker())
    clean, spoiled, aside = [], [], []
    for number in range(count):
        head, truth, camera, position_cm, eyes = _draw(
            portraits[number % len(portraits)], rng, number // len(portraits)
        )
        picture = head.render(rotation_of_pose(*truth), position_cm, camera, eyes)
        in_camera = _angles(rotation_of_pose(*truth) @ eyes.direction)
        for factor in FACTORS:
            reduced = _reduce(picture, factor)
            clean.append(measure(reduced, number % len(portraits), eyes, in_camera))
            spoiled.append(measure(_spoil(reduced, rng), number % len(portraits), eyes, in_camera))
        closure = CLOSURES[number % len(CLOSURES)]
        blink = Eyes(eyes.pitch_deg, eyes.yaw_deg, closure, eyes.iris)
        picture = head.render(rotation_of_pose(*truth), position_cm, camera, blink)
        aside.append((closure, measure(picture, number % len(portraits), blink, in_camera)))
    header = ["gazes", "missing", "pitch in the head", "yaw in the head", "pitch in the camera", "yaw in the camera"]
    for name, gazes in (("clean", clean), ("noise of 4 %, JPEG 40", spoiled)):
        rows = []
        for low, high in pairwise(DIAMETERS):
            rows.append([f"{low:.0f} to {high:.0f}", *_row([gaze for gaze in gazes if low <= gaze.diameter < high])])
        print(f"\n{name}\n\n{markdown_table(['irises, px', *header], rows)}")
    full = clean[:: len(FACTORS)]
    rows = [[str(k + 1), *_row([gaze for gaze in full if gaze.portrait == k])] for k in range(len(portraits))]
    print(f"\n{markdown_table(['portrait', *header], [*rows, ['all', *_row(full)]])}")
    rows = []
    for low in range(-25, 25, 10):
        parts = [[gaze for gaze in full if low <= gaze.truth[axis] < low + 10] for axis in (0, 1)]
        biases = [np.nanmedian([gaze.errors[axis] for gaze in part]) for axis, part in enumerate(parts)]
        rows.append([f"{low} to {low + 10}", *(f"{bias:+.1f}" for bias in biases)])
    print(f"\n{markdown_table(['true angle', 'pitch, median of the error', 'yaw, median of the error'], rows)}")
    rows = [[f"{step:.0%}", *_row([gaze for closure, gaze in aside if closure == step])] for step in CLOSURES]
    print(f"\n{markdown_table(['lids closed', *header], rows)}")


def _draw(
    portrait: tuple[Image, FloatArray], rng: np.random.Generator, turn: int
) -> tuple[Head, Numbers, Camera, tuple[float, float, float], Eyes]:
    head = Head(*portrait, (rng.choice([0.95, 1, 1.05]), 1.0, rng.choice([0.9, 1, 1.1])))
    truth = rng.uniform((-HEAD_DEG, -HEAD_DEG, -15), (HEAD_DEG, HEAD_DEG, 15))
    focal = FOCAL_LENGTHS[turn % len(FOCAL_LENGTHS)]
    distance = focal * float(np.exp(rng.uniform(np.log(0.045), np.log(0.2))))
    x, y = rng.uniform(-0.2, 0.2, 2) * distance / focal * (320, 240)
    pitch, yaw = rng.uniform(-GAZE_DEG, GAZE_DEG, 2)
    iris = tuple(float(value) for value in IRISES[rng.integers(len(IRISES))])
    assert len(iris) == 3
    eyes = Eyes(float(pitch), float(yaw), 0.0, iris)
    return head, truth, Camera(640, 480, focal), (float(x), float(y), distance), eyes


def _measure_with(
    detector: FaceDetector, landmarker: FaceLandmarker
) -> Callable[[Image, int, Eyes, Numbers], RenderedGaze]:
    def measure(picture: Image, portrait: int, eyes: Eyes, in_camera: Numbers) -> RenderedGaze:
        truth = np.array([eyes.pitch_deg, eyes.yaw_deg])
        faces: list[Detection] = detector.detect([picture])[0]
        face = max(faces, key=lambda face: face.size, default=None)
        geometry = None if face is None else measure_face(picture, face, landmarker)
        if geometry is None or geometry.points is None:
            return RenderedGaze(portrait, float("nan"), truth, np.full(4, np.nan))
        errors = np.full(4, np.nan)
        if isinstance(gaze := geometry.gaze, Gaze):
            measured = (gaze.head_pitch_deg, gaze.head_yaw_deg, gaze.pitch_deg, gaze.yaw_deg)
            errors = np.array(measured) - np.concatenate([truth, in_camera])
        return RenderedGaze(portrait, iris_diameter(geometry.points), truth, errors)

    return measure


def _row(gazes: Sequence[RenderedGaze]) -> list[str]:
    if not gazes:
        return ["0", *["-"] * 5]
    errors = np.array([gaze.errors for gaze in gazes])
    visible = np.isfinite(errors[:, 0])
    if not visible.any():
        return [str(len(gazes)), "100 %", *["-"] * 4]
    absolute = np.abs(errors[visible])
    cells = [f"{np.median(column):.1f}, {np.quantile(column, 0.95):.1f}" for column in absolute.T]
    return [str(len(gazes)), f"{1 - visible.mean():.0%}".replace("%", " %"), *cells]


def _reduce(picture: Image, factor: float) -> Image:
    if factor == 1:
        return picture
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    return np.asarray(PillowImage.fromarray(picture).resize(size, PillowImage.Resampling.BOX))


def _spoil(picture: Image, rng: np.random.Generator) -> Image:
    noisy = np.clip(picture + rng.normal(0, 10, picture.shape), 0, 255).astype(np.uint8)
    PillowImage.fromarray(noisy).save(buffer := io.BytesIO(), format="JPEG", quality=40)
    return np.asarray(PillowImage.open(buffer))


def _angles(direction: Numbers) -> Numbers:
    return np.degrees([np.arcsin(direction[1]), np.arctan2(direction[0], direction[2])])
