"""Scripts of the demonstration's sessions: what the client shows follows a PHQ total, as in the simulated cohort.

Expressions are drawn by `training.simulation.severity`, smiles, looks, blinks and the head's movement by
`training.simulation.behaviour.seconds`, and speech by `training.simulation.speech`, with the links of the cohort from
which the shipped PHQ heads learned. The puppet acts them, and how the model reads it is the model's own answer. A flat
picture cannot nod: the head's pitch does not follow. Everything is seeded: every rendering of a session is the same.

Sessions of one client at one total differ by several points in the heads' eyes, and heads draw towards the cohort's
mean (`python benchmarks/bench_demonstration.py`). Client and seeds are chosen so that six sessions show the course
plainly.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.core.emotions import EMOTIONS
from training.simulation.behaviour.seconds import OFFSETS, Bearing, BehaviourLinks, draw_bearing, draw_spells
from training.simulation.puppet.portrait import Pose
from training.simulation.severity import SEVERITY_MAX, ExpressionLinks, simulate_session
from training.simulation.speech import Speaker, SpeechLinks, draw_speaker

EXPRESSIONS: Mapping[str, Pose] = MappingProxyType(
    {
        "anger": Pose(brow_down=1, sneer=0.81, teeth=0.65, jaw=0.79, lids=0.37),
        "disgust": Pose(sneer=1, brow_down=0.7, brow_inner=0.34, squint=0.78, frown=0.38, jaw=0.12, lids=1),
        "fear": Pose(stretch=0.7, teeth=0.21, frown=0.85, brow_up=0.75, brow_inner=1, wide=0.8),
        "happiness": Pose(smile=0.9, teeth=0.8, squint=0.5, press=0.3),
        "neutral": Pose(frown=0.72, press=0.11, jaw=0.16, lids=0.12),
        # As in weeping: brows drawn together, eyes shut, mouth open with its corners wide and down.
        "sadness": Pose(smile=0.78, frown=1, jaw=0.44, sneer=0.43, brow_inner=0.8, brow_down=1, lids=1),
        "surprise": Pose(jaw=0.84, brow_up=1, wide=0.7),
    }
)
"""The puppet's face for each of `EMOTIONS`, set so that the shipped model reads it as that, but for fear."""

EXPRESSIONS_HZ = 2.0
"""Expressions a second, as in the cohort."""
FADE_S = 0.35
"""How long the face takes from one expression to the next."""
LIPS_HZ = 50.0
"""Lip openings a second."""
JAW_IN_SPEECH = 0.3
"""How far the jaw opens in the loudest speech."""
CLIENT_SEED = 144
"""Draws what tells the client from other people."""
PITCH = 0.15
"""The client's pitch in SD from the middle of all voices: a woman's, as the portrait's."""
USUAL_SPEED, USUAL_RANGE, USUAL_SMILE = 3.5, 2.2, 0.55
"""A typical `Bearing` at PHQ 0, at which the puppet moves as its amplitudes say."""


@dataclass(frozen=True, eq=False)
class Client:
    """What tells the client from other people: offsets as the cohort's people have them.

    Attributes:
        face: (7,) of the expressions' log-odds.
        speech: (6,) of speech, standard normal.
        behaviour: (11,) of behaviour, standard normal.
    """

    face: npt.NDArray[np.float64]
    speech: npt.NDArray[np.float64]
    behaviour: npt.NDArray[np.float64]


def draw_client(seed: int = CLIENT_SEED) -> Client:
    """Draw the client, whose pitch is `PITCH`."""
    rng = np.random.default_rng(seed)
    face = ExpressionLinks().person * rng.normal(size=len(EMOTIONS))
    speech = rng.normal(size=6)
    speech[5] = PITCH
    return Client(face, speech, rng.normal(size=OFFSETS))


@dataclass(frozen=True)
class Script:
    """One session of the demonstration.

    Attributes:
        number: The session's number, from 1.
        total: The PHQ total that the client's behaviour follows.
        seconds: Its duration.
        leaves: (start, end) in seconds of the times in which the puppet is out of the picture.
        covers: (start, end) in seconds of the times in which it is behind a sheet of paper.
        seed: Draws the session.
        client: Draws the client.
    """

    number: int
    total: int
    seconds: float
    leaves: tuple[tuple[float, float], ...] = ()
    covers: tuple[tuple[float, float], ...] = ()
    seed: int = 0
    client: int = CLIENT_SEED

    @property
    def name(self) -> str:
        """Name of the clip's file."""
        return f"demonstration-{self.number}.mp4"

    @property
    def transcript_name(self) -> str:
        """Name of the transcript's file."""
        return f"demonstration-{self.number}.vtt"

    def generator(self, part: int) -> np.random.Generator:
        """Return numbers of its own for a part of the session, such as its words."""
        return np.random.default_rng((self.client, self.seed, self.number, part))


SCRIPTS: tuple[Script, ...] = (
    Script(1, 16, 26, covers=((16, 18.5),), seed=7),
    Script(2, 14, 24, leaves=((11, 14),), seed=2),
    Script(3, 12, 26, seed=1),
    Script(4, 9, 24, leaves=((17, 20),), seed=2),
    Script(5, 6, 26, covers=((8, 10.5),), seed=1),
    Script(6, 4, 24, seed=3),
)
"""Six sessions of a client who recovers; the totals are those of the questionnaires at their time."""


def draw_script_speaker(script: Script) -> Speaker:
    """Draw how the client speaks in a session."""
    offsets = draw_client(script.client).speech
    return draw_speaker(script.total / SEVERITY_MAX, offsets, SpeechLinks(), script.generator(1))


@dataclass(frozen=True)
class Performance:
    """A script with its expressions and movements drawn.

    Attributes:
        script: What is played.
        lips: (n,) how far the lips are open in speech, 0 to 1, `LIPS_HZ` a second; None for a silent client.
    """

    script: Script
    lips: FloatArray | None = field(default=None, repr=False, compare=False)
    _bearing: Bearing = field(init=False, repr=False)
    _cues: tuple[tuple[float, Pose], ...] = field(init=False, repr=False)
    _blinks: tuple[float, ...] = field(init=False, repr=False)
    _downward: tuple[tuple[float, float], ...] = field(init=False, repr=False)
    _sway: tuple[tuple[float, float], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Draw the cues, the blinks, the looks and the head's movements."""
        script = self.script
        rng = script.generator(0)
        client = draw_client(script.client)
        frames = math.ceil(script.seconds * EXPRESSIONS_HZ)
        session = simulate_session(
            script.number, script.total, client.face, frames, EXPRESSIONS_HZ, ExpressionLinks(), rng
        )
        bearing = draw_bearing(script.total / SEVERITY_MAX, client.behaviour, BehaviourLinks(), rng)
        object.__setattr__(self, "_bearing", bearing)
        object.__setattr__(self, "_cues", _cues(session.expressions, bearing, rng))
        object.__setattr__(self, "_blinks", _blinks(script.seconds, bearing.blink_rate, rng))
        looks = draw_spells(bearing.looking_down, math.ceil(script.seconds), rng)
        object.__setattr__(self, "_downward", _spans(looks))
        pace = bearing.head_speed / USUAL_SPEED / self._reach
        sway = zip((pace * rng.uniform(0.05, 0.25, 8)).tolist(), rng.uniform(0, 2 * math.pi, 8).tolist(), strict=True)
        object.__setattr__(self, "_sway", tuple(sway))

    @property
    def _reach(self) -> float:
        """How far the head moves, as a multiple of the usual."""
        return self._bearing.head_range / USUAL_RANGE

    def pose(self, time_s: float) -> Pose:
        """Compute the puppet's pose.

        Args:
            time_s: Time in seconds from the clip's start.
        """
        face = self._expression(time_s)
        blink = max((1 - abs(time_s - blink_s) / 0.18 for blink_s in self._blinks), default=0.0)
        absence = _during(self.script.leaves, time_s, 0.6)
        reach = min(1.0, 0.7 * self._reach)
        x, y, zoom, tilt = (self._wander(i, time_s) * reach for i in range(4))
        return dataclasses.replace(
            face,
            jaw=min(1.0, face.jaw + JAW_IN_SPEECH * self._lip_opening(time_s)),
            lids=max(face.lids, min(1.0, 1.6 * max(0.0, blink))),
            look_down=_during(self._downward, time_s, 0.25),
            shift_x=0.05 * x - 0.8 * absence,
            shift_y=0.025 * y,
            zoom=0.06 * zoom,
            tilt=5 * tilt - 6 * absence,
            cover=_during(self.script.covers, time_s, 0.5),
        )

    def _lip_opening(self, time_s: float) -> float:
        if self.lips is None or not len(self.lips):
            return 0.0
        return float(self.lips[min(len(self.lips) - 1, round(time_s * LIPS_HZ))])

    def _expression(self, time_s: float) -> Pose:
        """Compute the face's pose: the current cue, faded in from the one before."""
        previous = self._cues[0][1]
        pose = previous
        elapsed_s = 0.0
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


def _cues(
    expressions: npt.NDArray[np.int64], bearing: Bearing, rng: np.random.Generator
) -> tuple[tuple[float, Pose], ...]:
    """Return when the face begins to move into which pose, so that it is there when the expression begins."""
    starts = np.flatnonzero(np.diff(expressions, prepend=-1))
    smile = min(1.0, bearing.smile_strength / USUAL_SMILE)
    cues = []
    for start in starts.tolist():
        name = EMOTIONS[int(expressions[start])]
        strength = float(rng.uniform(0.9, 1.0)) * (smile if name == "happiness" else 1.0)
        cues.append((start / EXPRESSIONS_HZ - FADE_S, Pose().towards(EXPRESSIONS[name], strength)))
    return tuple(cues)


def _blinks(seconds: float, rate: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Draw the times at which the eyes are shut, at a rate a second and half a second apart or more."""
    times = np.cumsum(0.5 + rng.exponential(max(0.1, 1 / rate - 0.5), size=math.ceil(2 * seconds)))
    return tuple(float(t) for t in times if t < seconds)


def _spans(seconds: npt.NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Return the (start, end) of the runs of ones, each cut short so that two in a row are two."""
    edges = np.flatnonzero(np.diff(np.r_[0, seconds, 0])).tolist()
    return tuple((start + 0.25, end - 0.25) for start, end in zip(edges[::2], edges[1::2], strict=True))


def _during(spans: tuple[tuple[float, float], ...], time_s: float, fade_s: float) -> float:
    """Compute 1 inside a span and 0 outside, easing in before it and out after it."""
    depths_s = (min(time_s - (start - fade_s), end + fade_s - time_s) for start, end in spans)
    return max((_ease(depth_s / fade_s) for depth_s in depths_s), default=0.0)


def _ease(share: float) -> float:
    """Compute a smooth step: 0 below 0, 1 above 1."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
