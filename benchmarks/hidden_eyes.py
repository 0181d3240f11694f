"""Eyes and mouths that are hidden, and some that are not, for `bench_mesh.py hidden` and `bench_mesh.py masks`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces import FaceDetector
from fer_phq.mesh import FaceLandmarker, measure_face, messages
from fer_phq.mesh.visibility import LEAST_LIP_CONTRAST, lip_contrast
from training.plots.markdown import markdown_table
from training.simulation.camera import Camera
from training.simulation.covers import COVERS, darken_skin, dim, wear_mask
from training.simulation.eyes import Eyes
from training.simulation.heads import Head, rotation_of_pose

TONES = {"as photographed": 1.0, "darker": 0.62, "dark": 0.38, "darkest": 0.22}
IRISES = ((95, 65, 45), (45, 30, 24), (30, 20, 16), (120, 150, 170))
DIM = 0.3
SMALL = 0.5
MASKS = {"blue": (120, 160, 200), "white": (235, 235, 235), "black": (30, 30, 30), "skin-coloured": (190, 150, 120)}
FOLDS = 0.08


def bench_hidden(portraits: Sequence[tuple[Image, FloatArray]], repeats: int, seed: int) -> None:
    """Print how often eyes are said to be hidden, by what covers them and by the tone of the skin.

    Args:
        portraits: Pictures with the points of their meshes; their eyes are seen.
        repeats: Heads of each portrait and tone.
        seed: Of what is drawn at random.
    """
    rng, detector, landmarker = np.random.default_rng(seed), FaceDetector(), FaceLandmarker()
    camera = Camera(640, 480, 600)
    counts: dict[tuple[str, str], list[bool]] = {}
    for portrait, points in portraits:
        for tone, share in TONES.items():
            head = Head(darken_skin(portrait, share), points)
            for _ in range(repeats):
                rotation = rotation_of_pose(*rng.uniform((-15, -30, -10), (15, 30, 10)))
                distance = 600 * float(np.exp(rng.uniform(np.log(0.06), np.log(0.12))))
                red, green, blue = (float(value) for value in IRISES[rng.integers(len(IRISES))])
                eyes = Eyes(*map(float, rng.uniform(-20, 20, 2)), 0.0, (red, green, blue))
                picture = head.render(rotation, (0, 0, distance), camera, eyes)
                for name, variant in _variants(picture, detector, landmarker, rng):
                    verdict = _is_hidden(variant, detector, landmarker)
                    if verdict is not None:
                        counts.setdefault((name, tone), []).append(verdict)
    names = list(dict.fromkeys(name for name, _ in counts))
    rows = []
    for name in names:
        parts = [counts.get((name, tone), []) for tone in TONES]
        rows.append([name, *(f"{sum(part)} of {len(part)}" for part in parts)])
    print(markdown_table(["eyes said to be hidden", *TONES], rows))


def bench_masks(portraits: Sequence[tuple[Image, FloatArray]], seed: int) -> None:
    """Print how far lips differ from the skin around them, and masks from themselves.

    Args:
        portraits: Pictures with the points of their meshes; their mouths are seen.
        seed: Of the noise in dim light.
    """
    rng, detector, landmarker = np.random.default_rng(seed), FaceDetector(), FaceLandmarker()
    contrasts: dict[str, list[float]] = {}
    for portrait, points in portraits:
        variants = {f"{tone}, not covered": darken_skin(portrait, share) for tone, share in TONES.items()}
        variants["dim light, not covered"] = dim(portrait, DIM, rng)
        variants |= {
            f"{name} mask, {'folded' if folds else 'smooth'}": wear_mask(portrait, points, colour, folds)
            for name, colour in MASKS.items()
            for folds in (0.0, FOLDS)
        }
        for name, picture in variants.items():
            faces = detector.detect([picture])[0]
            if faces:
                face = max(faces, key=lambda face: face.size)
                contrast = lip_contrast(picture, landmarker.fit_detection(picture, face).points)
                contrasts.setdefault(name, []).append(contrast)
    rows = [
        [
            *(name, str(len(part)), f"{min(part):.2f}", f"{np.median(part):.2f}", f"{max(part):.2f}"),
            str(sum(contrast < LEAST_LIP_CONTRAST for contrast in part)),
        ]
        for name, part in contrasts.items()
    ]
    print(markdown_table(["picture", "faces", "least contrast", "median", "largest", "said to be hidden"], rows))


def _variants(
    picture: Image, detector: FaceDetector, landmarker: FaceLandmarker, rng: np.random.Generator
) -> list[tuple[str, Image]]:
    """Return a picture with and without covers, in good light, dim and reduced."""
    faces = detector.detect([picture])[0]
    if not faces:
        return []
    points = landmarker.fit_detection(picture, max(faces, key=lambda face: face.size)).points
    covered = {name: cover(picture, points, rng) for name, cover in COVERS.items()}
    variants = [("not covered", picture), *((name, covered[name]) for name in reversed(COVERS))]
    variants += [(f"{name}, dim light", dim(variant, DIM, rng)) for name, variant in variants[:1]]
    variants += [(f"{name}, half the size", _reduce(variant)) for name, variant in variants[:1]]
    dark = covered["dark glasses"]
    return [*variants, ("dark glasses, dim light", dim(dark, DIM, rng)), ("dark glasses, half the size", _reduce(dark))]


def _reduce(picture: Image) -> Image:
    size = (round(picture.shape[1] * SMALL), round(picture.shape[0] * SMALL))
    return np.asarray(PillowImage.fromarray(picture).resize(size, PillowImage.Resampling.BOX))


def _is_hidden(picture: Image, detector: FaceDetector, landmarker: FaceLandmarker) -> bool | None:
    """Return whether the eyes are said to be hidden; None where there is no mesh."""
    faces = detector.detect([picture])[0]
    if not faces:
        return None
    geometry = measure_face(picture, max(faces, key=lambda face: face.size), landmarker)
    return None if geometry.head_pose is None else messages.EYES_HIDDEN() in geometry.gaps
