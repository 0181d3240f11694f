"""Points of the mesh in spoiled pictures, for `bench_mesh.py robustness`."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces import Detection, FaceDetector
from fer_phq.mesh import FaceLandmarker, measure_face
from fer_phq.mesh.points import LEFT_IRIS, RIGHT_IRIS
from training.emotion.robustness import CORRUPTIONS, STRENGTHS, make_generator
from training.plots.markdown import markdown_table
from training.simulation.camera import Camera
from training.simulation.heads import Head, rotation_of_pose

SIDES = (48, 96, 192)
"""Sides of the face's box in pixels."""
SIDE = 96
"""The side of which all strengths are shown."""
STRENGTH = 3
"""The strength of which all sides are shown."""
AROUND = 2
"""Side of a picture in sides of its face's box."""
POSES = ((0, 25, 0), (-12, -25, 8))
"""Pitch, yaw and roll of the rendered heads of each portrait, in degrees."""
WRONG = 0.1
"""Error in distances of the irises from which points count as wrong."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CleanFace:
    """A face in an unspoiled picture.

    Attributes:
        picture: Square, the face in its middle.
        side: Of the face's box in pixels.
        points: (478, 2) of its mesh.
    """

    picture: Image
    side: int
    points: Numbers


@dataclass(frozen=True)
class Outcome:
    """What a spoiled picture gives.

    Attributes:
        error: Mean distance of the points in distances of the irises; None where they are missing.
        has_blendshapes: Whether there are blendshapes.
    """

    error: float | None = None
    has_blendshapes: bool = False


def bench_robustness(portraits: Sequence[tuple[Image, FloatArray]], seed: int) -> None:
    """Print the errors of the points by corruption, strength and size.

    Args:
        portraits: Pictures with the points of their meshes.
        seed: Of the corruptions.
    """
    detector, landmarker = FaceDetector(), FaceLandmarker()
    faces = {side: list(_clean_faces(portraits, side, detector, landmarker)) for side in SIDES}

    def cell(name: str, strength: int, side: int) -> str:
        parameter = STRENGTHS[name].parameters[strength - 1]
        outcomes = [
            _measure(face, name, parameter, make_generator(name, seed + number), detector, landmarker)
            for number, face in enumerate(faces[side])
        ]
        return _cell(outcomes)

    strengths = range(1, 6)
    rows = [[name, *(cell(name, strength, SIDE) for strength in strengths)] for name in STRENGTHS]
    print(f"{len(faces[SIDE])} faces of {SIDE} pixels\n\n{markdown_table(['corruption', *map(str, strengths)], rows)}")
    rows = [[name, *(cell(name, STRENGTH, side) for side in SIDES)] for name in STRENGTHS]
    header = ["corruption", *(f"{side} px, {len(faces[side])} faces" for side in SIDES)]
    print(f"\nstrength {STRENGTH}\n\n{markdown_table(header, rows)}")


def _cell(outcomes: Sequence[Outcome]) -> str:
    """Return median and 95 % of the errors, how many points are missing and wrong, and how many have blendshapes."""
    errors = np.array([outcome.error for outcome in outcomes if outcome.error is not None])
    missing = f"{100 * (1 - len(errors) / len(outcomes)):.0f} %"
    if not len(errors):
        return f"- / {missing}"
    error = f"{100 * np.median(errors):.1f}, {100 * np.quantile(errors, 0.95):.1f}"
    blendshapes = 100 * np.mean([outcome.has_blendshapes for outcome in outcomes])
    return f"{error} / {missing} / {int((errors > WRONG).sum())} / {blendshapes:.0f} %"


def _clean_faces(
    portraits: Sequence[tuple[Image, FloatArray]], side: int, detector: FaceDetector, landmarker: FaceLandmarker
) -> Iterator[CleanFace]:
    """Yield portraits and turned heads that show a face of a side."""
    for portrait, points in portraits:
        head = Head(portrait, points)
        turned = [head.render(rotation_of_pose(*pose), (0, 0, 40), Camera(640, 480, 750)) for pose in POSES]
        for picture in (portrait, *turned):
            face = max(detector.detect([picture])[0], key=lambda face: face.size, default=None)
            if face is not None and face.size >= side:
                clean = _cut(picture, face, side, detector, landmarker)
                if clean is not None:
                    yield clean


def _cut(
    picture: Image, face: Detection, side: int, detector: FaceDetector, landmarker: FaceLandmarker
) -> CleanFace | None:
    """Cut a face out and reduce it; None where it has no mesh then."""
    x, y = face.centre
    half = AROUND / 2 * face.size
    cut = PillowImage.fromarray(picture).crop((round(x - half), round(y - half), round(x + half), round(y + half)))
    square = np.asarray(cut.resize((AROUND * side, AROUND * side), PillowImage.Resampling.BOX))
    detection = _nearest(square, np.full(2, AROUND * side / 2), detector)
    geometry = None if detection is None else measure_face(square, detection, landmarker)
    if geometry is None or geometry.points is None:
        return None
    return CleanFace(square, side, geometry.points[:, :2].astype(np.float64))


def _nearest(picture: Image, middle: Numbers, detector: FaceDetector) -> Detection | None:
    faces: list[Detection] = detector.detect([picture])[0]
    return min(faces, key=lambda face: float(np.linalg.norm(np.array(face.centre) - middle)), default=None)


def _measure(
    face: CleanFace,
    name: str,
    parameter: float,
    rng: np.random.Generator,
    detector: FaceDetector,
    landmarker: FaceLandmarker,
) -> Outcome:
    picture, points = _spoil(face, name, parameter, rng)
    detection = _nearest(picture, points.mean(axis=0), detector)
    geometry = None if detection is None else measure_face(picture, detection, landmarker)
    if geometry is None or geometry.points is None:
        return Outcome()
    unit = float(np.linalg.norm(points[LEFT_IRIS] - points[RIGHT_IRIS]))
    error = float(np.linalg.norm(geometry.points[:, :2] - points, axis=1).mean()) / unit
    return Outcome(error, geometry.blendshapes is not None)


def _spoil(face: CleanFace, name: str, parameter: float, rng: np.random.Generator) -> tuple[Image, Numbers]:
    """Return a spoiled picture, and where the points of the face are then; lengths are those of the face alone."""
    picture, points = face.picture[None], face.points
    if name == "occlusion":
        first = (AROUND - 1) * face.side // 2
        inside = (slice(None), slice(first, first + face.side), slice(first, first + face.side))
        spoiled = picture.copy()
        spoiled[inside] = CORRUPTIONS[name](picture[inside], parameter, rng)
        return spoiled[0], points
    if name == "tilt":
        angle = np.radians(parameter) * copy.deepcopy(rng).choice([-1.0, 1.0], 1)[0]  # as the corruption will draw it
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = AROUND * face.side / 2
        points = (points - middle) @ turn + middle
    scale = {"blur": 1 / AROUND, "low resolution": AROUND}.get(name, 1)
    return CORRUPTIONS[name](picture, parameter * scale, rng)[0], points
