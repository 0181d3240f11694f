"""Recordings of people who move, come, go and replace one another: who is where is known in every picture.

A person is a portrait, cut out by a soft oval, that moves, turns, breathes in size and changes its light smoothly in
time, before a room with noise. The same recording can be rendered at any rate of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from benchmarks.speaker_views import Person, oval
from fer_phq.core.arrays import Image

SIZE = (640, 360)
NOISE = 3
Spot = tuple[float, float, float]
"""Where a head's centre is, and its side, in pixels."""
Path = Callable[[float], "Spot | None"]
"""The spot at a time in seconds; None out of view."""
FADE_S = 0.5
DARK = 0.15
"""Brightness of a dark room as a share of a lit one's."""


@dataclass(frozen=True)
class Head:
    """A person's head in one picture: the person's number, and the centre and side in pixels."""

    person: int
    x: float
    y: float
    side: float


@dataclass(frozen=True)
class Picture:
    """A picture at its time with the heads that are well in view, and whether every head's state is certain."""

    time_s: float
    rgb: Image
    heads: tuple[Head, ...]
    is_certain: bool


@dataclass(frozen=True)
class Actor:
    """Somebody in a recording: where, and from when on and how quickly the head becomes opaque."""

    path: Path
    appears_s: float = 0.0
    fade_s: float = 0.0

    def opacity(self, time_s: float) -> float:
        """Return how opaque the head is, 0 to 1."""
        return float(np.clip((time_s - self.appears_s) / self.fade_s, 0, 1)) if self.fade_s else 1.0


class Script:
    """What is drawn of a recording before a kind of it is played: sizes, times and speed."""

    def __init__(self, seconds: float, rng: np.random.Generator) -> None:
        """Draw them for a recording that lasts some seconds."""
        self.rng = rng
        self.seconds = seconds
        self.side = float(rng.uniform(150, 240))
        self.small = min(self.side, 200.0)
        self.middle = SIZE[0] * float(rng.uniform(0.35, 0.65))
        self.level = SIZE[1] * float(rng.uniform(0.4, 0.55))
        self.change_s = float(rng.uniform(0.3, 0.6)) * seconds + float(rng.uniform(0, 0.5))
        self.speed = self.side * float(rng.uniform(0.8, 2.0))

    def sway(self, x: float, y: float, side: float) -> Path:
        """Move about a point, as somebody who sits and talks."""
        phase, period, reach = self.rng.uniform(0, 6, 3), self.rng.uniform(1.5, 5, 3), self.rng.uniform(0.05, 0.3)

        def path(time_s: float) -> Spot:
            turns = np.sin(2 * np.pi * time_s / period + phase)
            return x + reach * side * turns[0], y + 0.3 * reach * side * turns[1], side * (1 + 0.06 * turns[2])

        return path

    def walk(self, start_x: float, towards: float, start_s: float, stop_x: float | None = None) -> Path:
        """Walk to the right (1) or left (-1) from a time on, and stay somewhere."""
        sway = self.sway(0.0, self.level, self.side)

        def path(time_s: float) -> Spot | None:
            spot = sway(time_s)
            if time_s < start_s or spot is None:
                return None
            x = start_x + towards * self.speed * (time_s - start_s)
            if stop_x is not None and (x - stop_x) * towards > 0:
                x = stop_x
            return x + spot[0], spot[1], spot[2]

        return path

    def seat(self) -> Path:
        """Sit in the middle."""
        return self.sway(self.middle, self.level, self.side)

    def sides(self) -> tuple[Path, Path]:
        """Sit at the left, and at the right."""
        return self.sway(SIZE[0] * 0.27, self.level, self.small), self.sway(SIZE[0] * 0.73, self.level, self.small)


def between(start_s: float, end_s: float, path: Path) -> Path:
    """Follow a path during a time alone."""
    return lambda time_s: path(time_s) if start_s <= time_s < end_s else None


def play_alone(script: Script) -> list[Actor]:
    """One person sits and moves."""
    return [Actor(script.seat())]


def play_enters(script: Script) -> list[Actor]:
    """A second person walks in, stays, and is gone after four seconds."""
    left, _ = script.sides()
    visit = script.walk(SIZE[0] + script.side / 2, -1, script.change_s, SIZE[0] * 0.73)
    return [Actor(left), Actor(between(0, script.change_s + 4, visit))]


def play_crossing(script: Script) -> list[Actor]:
    """Two people walk past one another."""
    return [Actor(script.walk(-script.side, 1, 0.5)), Actor(script.walk(SIZE[0] + script.side, -1, 0.5))]


def play_exchange(script: Script) -> list[Actor]:
    """Two people exchange their places from one picture to the next."""
    left, right = script.sides()
    return [
        Actor(lambda time_s: (left if time_s < script.change_s else right)(time_s)),
        Actor(lambda time_s: (right if time_s < script.change_s else left)(time_s)),
    ]


def play_handover(script: Script) -> list[Actor]:
    """One person leaves to the left while another comes from the right to the same place."""
    seat = script.seat()

    def leave(time_s: float) -> Spot | None:
        x, y, side = seat(time_s) or (0.0, 0.0, 0.0)
        return x - max(0.0, time_s - script.change_s) * 2 * script.speed, y, side

    return [Actor(leave), Actor(script.walk(SIZE[0] + script.side / 2, -1, script.change_s - 0.3, script.middle))]


def play_replaced(script: Script) -> list[Actor]:
    """Another head stands in the place of the first from one picture to the next; all else stays."""
    seat = script.seat()
    after = between(script.change_s, script.seconds, seat)
    return [Actor(between(0, script.change_s, seat)), Actor(after)]


def play_fading(script: Script) -> list[Actor]:
    """One head fades into another within half a second."""
    seat = script.seat()
    after = between(script.change_s, script.seconds, seat)
    return [Actor(between(0, script.change_s + FADE_S, seat)), Actor(after, script.change_s, FADE_S)]


def play_panning(script: Script) -> list[Actor]:
    """One person sits, and the camera pans."""
    return [Actor(script.sway(script.middle, script.level, script.small))]


def play_appears(script: Script) -> list[Actor]:
    """A second person's head is there from one picture to the next."""
    left, right = script.sides()
    return [Actor(left), Actor(between(script.change_s, script.seconds, right))]


PLAYS: Mapping[str, Callable[[Script], list[Actor]]] = {
    "alone": play_alone,
    "enters": play_enters,
    "crossing": play_crossing,
    "exchange": play_exchange,
    "handover": play_handover,
    "replaced": play_replaced,
    "fading": play_fading,
    "panning": play_panning,
    "appears": play_appears,
    "appears in the dark": play_appears,
}
"""What may happen in a recording."""


def render(
    kind: str, people: Sequence[Person], seconds: float, fps: float, rng: np.random.Generator
) -> Iterator[Picture]:
    """Render a recording of people: the generator's state decides what happens, the rate only how often one looks.

    Args:
        kind: Of `PLAYS`.
        people: As many as the kind needs, two at most.
        seconds: How long.
        fps: Pictures a second.
        rng: Draws everything but the noise.
    """
    actors = PLAYS[kind](Script(seconds, rng))
    room = _room(rng)
    tilt, lit = rng.uniform(0, 6, 4), rng.uniform(0.8, 1.2, 2)
    grain = np.random.default_rng(0)
    for number in range(round(seconds * fps)):
        time_s = number / fps
        pan = round(120 * np.sin(time_s / 2)) if kind == "panning" else 0
        scene = PillowImage.fromarray(room[:, 200 + pan : 200 + pan + SIZE[0]])
        heads: list[Head] = []
        is_certain = True
        for person, actor in enumerate(actors):
            spot, share = actor.path(time_s), actor.opacity(time_s)
            if spot is None or share == 0:
                continue
            x, y, side = spot[0] - pan * 0.5, spot[1], spot[2]
            turn = 6 * np.sin(time_s + tilt[person])
            light = lit[person] * (1 + 0.1 * np.sin(0.7 * time_s + tilt[2 + person]))
            _paste(scene, people[person].portraits[0], (x, y, side), float(turn), float(light), share)
            is_certain &= share == 1 and _is_clear(x, side, heads)
            heads = [head for head in heads if share < 1 or abs(head.x - x) > 0.4 * side]  # hidden behind this one
            heads.append(Head(person, x, y, side))
        lamp = DARK if kind == "appears in the dark" else 1.0
        noisy = np.asarray(np.asarray(scene) * lamp, np.int16) + grain.integers(
            -NOISE, NOISE + 1, (SIZE[1], SIZE[0], 1)
        )
        yield Picture(time_s, np.clip(noisy, 0, 255).astype(np.uint8), _well_in_view(heads), bool(is_certain))


def _is_clear(x: float, side: float, heads: Sequence[Head]) -> bool:
    """Return whether a head is wholly in or wholly out of view, and hides nobody in part."""
    at_border = -0.4 * side < x < 0.3 * side or SIZE[0] - 0.3 * side < x < SIZE[0] + 0.4 * side
    return not at_border and all(abs(x - head.x) > 0.8 * side for head in heads)


def _well_in_view(heads: Sequence[Head]) -> tuple[Head, ...]:
    return tuple(head for head in heads if 0.3 * head.side <= head.x <= SIZE[0] - 0.3 * head.side)


def _room(rng: np.random.Generator) -> Image:
    """Draw a room wider than a picture: soft blotches and hard edges of furniture."""
    coarse = (rng.uniform(90, 170, (6, 16, 1)) + rng.uniform(-12, 12, (6, 16, 3))).astype(np.uint8)
    room = np.asarray(PillowImage.fromarray(coarse).resize((SIZE[0] + 400, SIZE[1]), PillowImage.Resampling.BICUBIC))
    room = room.copy()
    for _ in range(8):
        x, y = int(rng.integers(0, SIZE[0] + 300)), int(rng.integers(0, SIZE[1] - 60))
        room[y : y + int(rng.integers(20, 160)), x : x + int(rng.integers(10, 140))] = rng.uniform(
            50, 200
        ) + rng.uniform(-20, 20, 3)
    return room


def _paste(
    scene: PillowImage.Image, portrait: Image, spot: tuple[float, float, float], turn: float, light: float, share: float
) -> None:
    """Set a portrait into a scene, turned by degrees, lit, and opaque to a share."""
    x, y, length = spot
    side = max(8, round(length))
    lit = PillowImage.fromarray(np.clip(portrait * light, 0, 255).astype(np.uint8))
    face = lit.rotate(turn, PillowImage.Resampling.BICUBIC).resize((side, side), PillowImage.Resampling.BICUBIC)
    mask = oval(side)
    if share < 1:
        mask = mask.point([round(level * share) for level in range(256)])
    scene.paste(face, (round(x - side / 2), round(y - side / 2)), mask)
