"""Scripts of the demonstration's sessions. They are seeded: every rendering of a session is the same."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from training.simulation.puppet.portrait import Pose

EXPRESSIONS: Mapping[str, Pose] = MappingProxyType(
    {
        "rest": Pose(),
        "glad": Pose(smile=1, teeth=1, squint=0.5, press=0.4),
        "content": Pose(smile=0.7, squint=0.3),
        "downcast": Pose(frown=1, brow_inner=1, lids=0.5),
        # As in weeping: brows drawn together, lids low, mouth open with its corners wide and down.
        "sad": Pose(smile=0.55, frown=0.5, jaw=0.75, stretch=0.15, brow_inner=0.5, brow_down=0.93, lids=0.5),
        "surprised": Pose(jaw=0.9, brow_up=1, wide=0.8),
        "afraid": Pose(stretch=0.6, jaw=0.4, brow_up=0.8, brow_inner=0.8, wide=0.8),
        "angry": Pose(brow_down=1, sneer=0.65, teeth=0.65, jaw=0.65, lids=0.35),
        "disgusted": Pose(sneer=1, brow_down=0.9, squint=1, frown=0.4, lids=0.3),
    }
)
"""The puppet's expressions by name. How the model reads them is the model's own answer."""

FADE_S = 0.5
"""How long the face takes from one expression to the next."""


@dataclass(frozen=True)
class Script:
    """One session of the puppet.

    Attributes:
        number: The session's number, from 1.
        seconds: Its duration.
        mood: How often each expression of `EXPRESSIONS` is drawn, relative to the others.
        strength: How strong expressions are, 0 to 1.
        liveliness: How much the head moves and how fast expressions change, 0 to 1.
        leaves: (start, end) in seconds of the times in which the puppet is out of the picture.
        covers: (start, end) in seconds of the times in which it is behind a sheet of paper.
        seed: Draws the order and the lengths of the expressions.
    """

    number: int
    seconds: float
    mood: Mapping[str, float]
    strength: float
    liveliness: float
    leaves: tuple[tuple[float, float], ...] = ()
    covers: tuple[tuple[float, float], ...] = ()
    seed: int = 0

    @property
    def name(self) -> str:
        """Name of the clip's file."""
        return f"demonstration-{self.number}.mp4"


SCRIPTS: tuple[Script, ...] = (
    Script(1, 28, {"rest": 3, "downcast": 2, "sad": 6}, 0.95, 0.15, covers=((16, 18.5),), seed=10),
    Script(2, 26, {"rest": 3, "downcast": 2, "sad": 4, "angry": 2}, 0.95, 0.25, leaves=((11, 14),), seed=4),
    Script(3, 30, {"rest": 3, "sad": 2, "angry": 2, "disgusted": 2, "content": 2}, 0.95, 0.4, seed=9),
    Script(4, 28, {"rest": 3, "downcast": 1, "content": 4, "surprised": 3}, 0.95, 0.55, leaves=((19, 22),), seed=5),
    Script(
        5,
        30,
        {"rest": 3, "content": 4, "glad": 2, "surprised": 2, "afraid": 1},
        1.0,
        0.75,
        covers=((8, 10.5),),
        seed=8,
    ),
    Script(6, 28, {"rest": 2, "glad": 6, "content": 3, "surprised": 1}, 1.0, 1.0, seed=12),
)
"""Six sessions that go from few and sad expressions to many and glad ones; seeds under which time follows `mood`."""


@dataclass(frozen=True)
class Performance:
    """A script with its order and lengths drawn.

    Attributes:
        script: What is played.
    """

    script: Script
    _cues: tuple[tuple[float, Pose], ...] = field(init=False, repr=False)
    _blinks: tuple[float, ...] = field(init=False, repr=False)
    _sway: tuple[tuple[float, float], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Draw the cues, the blinks and the head's movements."""
        rng = np.random.default_rng([self.script.seed, self.script.number])
        object.__setattr__(self, "_cues", _cues(self.script, rng))
        object.__setattr__(self, "_blinks", _blinks(self.script.seconds, rng))
        sway = zip(rng.uniform(0.05, 0.25, 8).tolist(), rng.uniform(0, 2 * math.pi, 8).tolist(), strict=True)
        object.__setattr__(self, "_sway", tuple(sway))

    def pose(self, time_s: float) -> Pose:
        """Compute the puppet's pose.

        Args:
            time_s: Time in seconds from the clip's start.
        """
        face = self._expression(time_s)
        blink = max((1 - abs(time_s - blink_s) / 0.18 for blink_s in self._blinks), default=0.0)
        absence = _during(self.script.leaves, time_s, 0.6)
        lively = 0.3 + 0.7 * self.script.liveliness
        x, y, zoom, tilt = (self._wander(i, time_s) * lively for i in range(4))
        return dataclasses.replace(
            face,
            lids=max(face.lids, min(1.0, 1.6 * max(0.0, blink))),
            shift_x=0.05 * x - 0.8 * absence,
            shift_y=0.025 * y,
            zoom=0.06 * zoom,
            tilt=5 * tilt - 6 * absence,
            cover=_during(self.script.covers, time_s, 0.5),
        )

    def _expression(self, time_s: float) -> Pose:
        """Compute the face's pose: the current cue, faded in from the one before."""
        previous = Pose()
        pose = Pose()
        for start, cue in self._cues:
            if start > time_s:
                break
            previous = pose
            pose = cue
            elapsed_s = time_s - start
        return previous.towards(pose, _ease(elapsed_s / FADE_S))

    def _wander(self, axis: int, time_s: float) -> float:
        """Compute a slow, never quite repeating movement between -1 and 1."""
        (f1, p1), (f2, p2) = self._sway[2 * axis : 2 * axis + 2]
        return 0.6 * math.sin(2 * math.pi * f1 * time_s + p1) + 0.4 * math.sin(2 * math.pi * f2 * time_s + p2)


def _cues(script: Script, rng: np.random.Generator) -> tuple[tuple[float, Pose], ...]:
    """Draw when which expression begins; livelier sessions change more often."""
    names = list(script.mood)
    weights = np.array(list(script.mood.values()), dtype=np.float64)
    cues = [(0.0, Pose())]
    time_s = float(rng.uniform(0.5, 1.5))
    last = "rest"
    while time_s < script.seconds:
        repeats = np.array([name == last for name in names])
        odds = weights if repeats.all() else np.where(repeats, 0.0, weights)
        last = str(rng.choice(names, p=odds / odds.sum()))
        cues.append((time_s, Pose().towards(EXPRESSIONS[last], script.strength * float(rng.uniform(0.9, 1.0)))))
        time_s += float(rng.uniform(1.8, 4.5)) * (1.4 - 0.5 * script.liveliness)
    return tuple(cues)


def _blinks(seconds: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Draw the times at which the eyes are shut, every two to six seconds."""
    times = np.cumsum(rng.uniform(2, 6, size=math.ceil(seconds / 2)))
    return tuple(float(t) for t in times if t < seconds)


def _during(spans: tuple[tuple[float, float], ...], time_s: float, fade_s: float) -> float:
    """Compute 1 inside a span and 0 outside, easing in before it and out after it."""
    depths_s = (min(time_s - (start - fade_s), end + fade_s - time_s) for start, end in spans)
    return max((_ease(depth_s / fade_s) for depth_s in depths_s), default=0.0)


def _ease(share: float) -> float:
    """Compute a smooth step: 0 below 0, 1 above 1."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
