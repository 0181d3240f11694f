"""Speaker-view recordings of video calls, rendered from portraits: who is in the picture is known at every moment.

A shot shows one person; at its end another person (or the same one) takes the place. Each picture moves, turns, zooms,
lights and warps the portrait anew, so that it has another pose and expression. Where a person has several portraits,
each shot shows another one. Portraits come from a folder of pictures with a sub-folder a person, and from FER+.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image as PillowImage

from fer_phq.core.arrays import Image
from fer_phq.faces import FaceDetector

SIZE = (320, 240)
SAMPLED_HZ = 2.0
SHOT_S = (1.5, 20.0)
PLACES = ("same place", "other place", "whole picture", "same background")
"""How a cut looks: only the tile changes; it moves and zooms, too; everything changes; only the head changes."""
TIMES = ("constant", "held", "fades")
"""Pictures at a constant rate; pictures that are held for up to eight seconds; shots that fade into one another."""
DUPLICATE = 0.9
"""Correlation from which two portraits of FER+ count as the same picture."""

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """Somebody with one or more portraits, uint8 RGB."""

    name: str
    portraits: tuple[Image, ...]


@dataclass(frozen=True)
class Picture:
    """A picture of a recording: its time, and who is in it (-1 while one shot fades into the next)."""

    time_s: float
    rgb: Image
    person: int


def read_people(folder: Path, detector: FaceDetector) -> list[Person]:
    """Read a folder with a sub-folder of pictures for each person; loose pictures are a person for each face."""
    people = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            pictures = [portrait for file in sorted(path.iterdir()) for portrait in portraits_of(file, detector)[:1]]
            people.append(Person(path.name, tuple(pictures)))
        else:
            faces = portraits_of(path, detector)
            people += [Person(f"{path.stem} {i}", (portrait,)) for i, portrait in enumerate(faces)]
    return [person for person in people if person.portraits]


def portraits_of(path: Path, detector: FaceDetector) -> list[Image]:
    """Cut out the large faces of a picture with what surrounds them, best score first."""
    rgb = np.asarray(PillowImage.open(path).convert("RGB"))
    portraits = [cut_out(rgb, face.centre, face.size) for face in detector.detect([rgb])[0] if face.size > 48]
    return [portrait for portrait in portraits if len(detector.detect([portrait])[0]) == 1]


def cut_out(rgb: Image, centre: tuple[float, float], size: float) -> Image:
    """Cut out a square of twice a face's size, 200 pixels wide."""
    (x, y), half = centre, min(size * 1.05, *np.array(rgb.shape[:2]) / 2)
    x, y = float(np.clip(x, half, rgb.shape[1] - half)), float(np.clip(y, half, rgb.shape[0] - half))
    box = (x - half, y - half, x + half, y + half)
    return np.asarray(PillowImage.fromarray(rgb).resize((200, 200), PillowImage.Resampling.BICUBIC, box))


def read_ferplus(path: Path, count: int, detector: FaceDetector) -> list[Person]:
    """Read portraits of FER+ (48 pixels, grey) in which one face is seen well, without near duplicates."""
    people: list[Person] = []
    patterns: list[Float] = []
    table = pd.read_parquet(path, columns=["image", "pixel_sha1", "votes_NF"]).drop_duplicates("pixel_sha1")
    for row in table.sample(frac=1.0, random_state=0).itertuples():
        grey = PillowImage.open(io.BytesIO(row.image["bytes"])).convert("L")
        pattern = np.asarray(grey.resize((16, 16), PillowImage.Resampling.BOX), np.float64).ravel()
        pattern = (pattern - pattern.mean()) / max(float(pattern.std()), 1.0) / 16
        if patterns and max(np.abs(np.array(patterns) @ pattern)) > DUPLICATE:
            continue
        portrait = np.asarray(grey.convert("RGB").resize((160, 160), PillowImage.Resampling.BICUBIC))
        scene = np.full((240, 320, 3), 90, np.uint8)
        scene[40:200, 80:240] = portrait
        faces = detector.detect([scene])[0]
        if len(faces) != 1 or faces[0].score < 0.7:
            continue
        patterns.append(pattern)
        people.append(Person(f"ferplus {row.Index}", (portrait,)))
        if len(people) == count:
            break
    return people


def render(
    people: Sequence[Person], place: str, times: str, seconds: float, rng: np.random.Generator
) -> Iterator[Picture]:
    """Render what a sampler of two pictures a second sees of a recording of these people."""
    shots = draw_shots(len(people), seconds, rng)
    studio = rng.uniform(30, 120, 3)
    used = [int(rng.integers(100)) for _ in people]
    looks = []
    for person, _, _ in shots:
        used[person] += 1
        portraits = people[person].portraits
        looks.append(Shot.draw(portraits[used[person] % len(portraits)], place, studio, rng))
    time_s = 0.0
    while time_s < seconds:
        number = next(i for i, (_, start, end) in enumerate(shots) if start <= time_s < end)
        person, start, _ = shots[number]
        rgb = looks[number].picture(rng)
        if times == "fades" and number and time_s - start < 1.0:
            share = (time_s - start + 0.25) / 1.25
            rgb = (share * rgb + (1 - share) * looks[number - 1].picture(rng)).astype(np.uint8)
            person = -1
        yield Picture(time_s, rgb, person)
        time_s += float(rng.choice([0.5, 0.5, 1.0, 3.0, 8.0])) if times == "held" else 1 / SAMPLED_HZ


def draw_shots(people: int, seconds: float, rng: np.random.Generator) -> list[tuple[int, float, float]]:
    """Draw who is shown from when to when; everybody is shown before anybody returns."""
    shots: list[tuple[int, float, float]] = []
    start, order = 0.0, [int(i) for i in rng.permutation(people)]
    while start < seconds:
        end = start + float(rng.uniform(*SHOT_S))
        others = [i for i in range(people) if not shots or i != shots[-1][0]]
        shots.append((order.pop(0) if order else int(rng.choice(others)), start, end))
        start = end
    return shots


@dataclass(frozen=True)
class Shot:
    """How a portrait stands in the picture during a shot."""

    portrait: Image
    place: str
    studio: Float
    centre: tuple[float, float]
    side: float
    light: float

    @classmethod
    def draw(cls, portrait: Image, place: str, studio: Float, rng: np.random.Generator) -> Shot:
        """Draw place, size and light."""
        centre, side = (160.0, 120.0), 180.0
        if place == "other place":
            centre = (float(rng.uniform(110, 210)), float(rng.uniform(100, 140)))
            side = float(rng.uniform(140, 210))
        elif place == "whole picture":
            side = 240.0
            studio = rng.uniform(10, 240, 3)
        return cls(portrait, place, studio, centre, side, float(rng.uniform(0.75, 1.25)))

    def picture(self, rng: np.random.Generator) -> Image:
        """Render one picture of it."""
        scene = PillowImage.new("RGB", SIZE, tuple(int(v) for v in self.studio))
        side = round(self.side * float(rng.uniform(0.96, 1.04)))
        moved = warp(PillowImage.fromarray(self.portrait), rng).resize((side, side), PillowImage.Resampling.BICUBIC)
        lit = np.clip(np.asarray(moved, np.float64) * self.light * rng.uniform(0.95, 1.05), 0, 255).astype(np.uint8)
        corner = [round(c - side / 2 + rng.normal(0, 2)) for c in self.centre]
        mask = oval(side) if self.place == "same background" else None
        scene.paste(PillowImage.fromarray(lit), (corner[0], corner[1]), mask)
        noisy = np.asarray(scene, np.int16) + rng.integers(-3, 4, (SIZE[1], SIZE[0], 3))
        return np.clip(noisy, 0, 255).astype(np.uint8)


def warp(portrait: PillowImage.Image, rng: np.random.Generator) -> PillowImage.Image:
    """Turn a portrait, and move a grid of five by five points in it a little: another pose and expression."""
    turned = portrait.rotate(float(rng.normal(0, 5)), PillowImage.Resampling.BICUBIC, expand=False)
    width, height = turned.size
    yaw = rng.normal(0, 0.04)  # of the width, most in the middle
    grid_x, grid_y = np.meshgrid(np.linspace(0, width, 5), np.linspace(0, height, 5))
    inner = np.zeros((5, 5))
    inner[1:-1, 1:-1] = 1
    grid_x = grid_x + inner * (rng.normal(0, 0.012, (5, 5)) + yaw) * width
    grid_y = grid_y + inner * rng.normal(0, 0.012, (5, 5)) * height
    mesh = []
    for i in range(4):
        for j in range(4):
            cell = (
                round(j * width / 4),
                round(i * height / 4),
                round((j + 1) * width / 4),
                round((i + 1) * height / 4),
            )
            corners = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
            mesh.append((cell, tuple(float(g[c]) for c in corners for g in (grid_x, grid_y))))
    return turned.transform(turned.size, PillowImage.Transform.MESH, mesh, PillowImage.Resampling.BILINEAR)


def oval(side: int) -> PillowImage.Image:
    """Return a soft oval around a head, as a virtual background cuts it out."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    inside = np.clip((1 - (x / 0.75) ** 2 - (y / 0.9) ** 2) * 6, 0, 1)
    return PillowImage.fromarray((inside * 255).astype(np.uint8))
