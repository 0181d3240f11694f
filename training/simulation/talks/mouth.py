"""The mouth of somebody in a simulated talk: lips that move with the sound, smile, chew, and are hidden at times.

Lips open with the loudness of what the person says and close between syllables; they come before or after the sound,
tremble as the mesh does, and are slow. The sizes are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.columns import KIND
from fer_phq.core.feature_series import FeatureSeries
from training.simulation.talks.talk import Talk
from training.simulation.talks.voices import RATE

COLUMNS = ("mouth_open", "jawOpen")
SMILE_OPENING = 0.08
"""How far lips part in a smile, over the distance of the outer corners of the eyes."""
CHEWED_OPENING = 0.03
"""How far lips part in a bite."""
CHEWED_JAW = 0.15
"""How far the jaw opens in a bite, in the unit of `jawOpen`."""
JAW_A_LIP = 0.8
"""How far the jaw opens for a unit of the lips' opening."""
CHEWING_HZ = (1.0, 1.8)
FIDGET_STEP_S = 0.1
"""Seconds between openings and closings of a mouth that moves without speech."""
MESH_S = 0.05
"""Seconds over which lips are slow, and the mesh averages."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MouthHabits:
    """How somebody's mouth moves, and how it is seen.

    Attributes:
        opening: How far it opens in loud speech, over the distance of the outer corners of the eyes.
        tremble: SD of the mesh's error from frame to frame, in the same unit.
        lead_s: Seconds by which the lips come before the sound; below 0 after it.
        rate_hz: Frames a second.
        smiles_per_min: How often it smiles, for 1 to 4 s.
        chewing_share: Share of the time in which it chews, where it does not speak.
        fidgets_per_min: How often it moves otherwise, as fast as in speech, for 0.5 to 2 s: a laugh, a licked lip.
        hidden_share: Share of the time in which it is not seen.
    """

    opening: float
    tremble: float
    lead_s: float
    rate_hz: float
    smiles_per_min: float
    chewing_share: float
    fidgets_per_min: float
    hidden_share: float


def draw_habits(rng: np.random.Generator) -> MouthHabits:
    """Draw somebody's habits."""
    return MouthHabits(
        opening=float(rng.uniform(0.06, 0.3)),
        tremble=float(rng.uniform(0.003, 0.012)),
        lead_s=float(rng.uniform(-0.1, 0.2)),
        rate_hz=float(rng.choice([15.0, 25.0, 30.0])),
        smiles_per_min=float(rng.uniform(0, 6)),
        chewing_share=float(rng.choice([0.0, 0.0, rng.uniform(0.05, 0.4)])),
        fidgets_per_min=float(rng.uniform(0, 8)),
        hidden_share=float(rng.uniform(0, 0.5)),
    )


def simulate_mouth(talk: Talk, speaker: int | None, habits: MouthHabits, rng: np.random.Generator) -> FeatureSeries:
    """Simulate the mouth of one of a talk's speakers, or of somebody who only listens.

    Args:
        talk: The talk.
        speaker: Whose mouth it is, from 0; None of somebody who says nothing.
        habits: How it moves and is seen.
        rng: Draws smiles, chewing and what is hidden.

    Returns:
        A behaviour series with the columns of the mouth.
    """
    seconds = len(talk.tracks) / RATE
    time_s = np.arange(0, seconds, 1 / habits.rate_hz)
    speech = _loudness(talk, speaker, time_s + habits.lead_s) if speaker is not None else np.zeros(len(time_s))
    smiles = _bouts(time_s, habits.smiles_per_min * seconds / 60, (1.0, 4.0), rng)
    chewing = _bouts(time_s, habits.chewing_share * seconds / 12, (4.0, 20.0), rng) * (speech < 0.02)
    fidgets = _bouts(time_s, habits.fidgets_per_min * seconds / 60, (0.5, 2.0), rng)
    knots_s = np.arange(0, seconds + 1, FIDGET_STEP_S)
    flutter = np.interp(time_s, knots_s, rng.uniform(0, 1, len(knots_s)))
    bite = 0.5 - 0.5 * np.cos(2 * np.pi * np.cumsum(rng.uniform(*CHEWING_HZ, len(time_s))) / habits.rate_hz)
    hidden = _bouts(time_s, habits.hidden_share * seconds / 5, (1.0, 9.0), rng) > 0.5
    moved = habits.opening * np.maximum(speech, fidgets * flutter)
    opening = moved + SMILE_OPENING * smiles + CHEWED_OPENING * chewing * bite
    jaw = JAW_A_LIP * moved + CHEWED_JAW * chewing * bite
    values = np.stack([opening, jaw], axis=1) + rng.normal(0, habits.tremble, (len(time_s), 2))
    values[hidden] = np.nan
    steps = np.full(len(time_s), 1 / habits.rate_hz)
    rows = np.where(np.isnan(values), np.nan, np.maximum(values, 0)).astype(np.float32)
    return FeatureSeries(rows, time_s, KIND, COLUMNS, steps, habits.rate_hz)


def _loudness(talk: Talk, speaker: int, time_s: Floats) -> Floats:
    """Return how loud a speaker is at times, 0 to 1 and more: the square root, as lips hardly open further for more."""
    step = RATE // 100
    track = talk.tracks[: len(talk.tracks) // step * step, speaker].astype(np.float64)
    level = np.sqrt(np.mean(track.reshape(-1, step) ** 2, axis=1))
    width = round(100 * MESH_S)
    level = np.sqrt(np.convolve(level, np.ones(width) / width, "same"))
    loud = np.percentile(level[level > 0.05 * level.max(initial=0)], 80) if level.any() else 1.0
    return np.asarray(np.interp(time_s, (np.arange(len(level)) + 0.5) / 100, level / loud), np.float64)


def _bouts(time_s: Floats, mean_count: float, lengths_s: tuple[float, float], rng: np.random.Generator) -> Floats:
    """Return what begins and ends so often, over a quarter of a second: (n,) 0 to 1."""
    strength = np.zeros(len(time_s))
    for _ in range(rng.poisson(mean_count)):
        start_s = rng.uniform(0, time_s[-1])
        end_s = start_s + rng.uniform(*lengths_s)
        ramp = np.clip(np.minimum(time_s - start_s, end_s - time_s) / 0.25, 0, 1)
        strength = np.maximum(strength, ramp)
    return strength
