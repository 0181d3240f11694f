"""Behaviour series as a camera of 60 pictures a second would give them, and as lower rates of looking see them.

They are for showing how little depends on the rate: head turns, blinks, smiles and speech with the pace and the spread
between people that `training.simulation.behaviour.seconds` assumes, and the mesh's own trembling from frame to frame.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from fer_phq.behaviour.expression import ACTIVE
from fer_phq.behaviour.series import COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.video.sampling import displayed_at_rate

Float = npt.NDArray[np.float64]

CAMERA_HZ = 60.0
_TREMBLING_DEG = 0.06  # SD of the head pose from frame to frame in front of a still face
_TREMBLING = 0.003  # the same of blendshapes and lids
_CLOSING_S, _OPENING_S = 0.08, 0.16


def draw_frames(seconds: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw a person's behaviour at `CAMERA_HZ`.

    Args:
        seconds: Duration.
        rng: Draws the person and the frames.

    Returns:
        (frames, columns) float32 in the order of `fer_phq.behaviour.series.COLUMNS`.
    """
    count = int(seconds * CAMERA_HZ)
    frames = np.zeros((count, len(COLUMNS)))
    column = {name: frames[:, i] for i, name in enumerate(COLUMNS)}
    column["presence"][:] = 0.99
    for name, level in (("pitch_deg", -6.0), ("yaw_deg", 0.0), ("roll_deg", 0.0)):
        column[name][:] = level + 4 * rng.normal() + 2.5 * np.exp(0.4 * rng.normal()) * _smooth(count, 0.5, rng)
        column[name] += _TREMBLING_DEG * rng.normal(size=count)
    column["gaze_pitch_deg"][:] = column["pitch_deg"] - 30 * _bumps(count, 0.05, 3.0, rng) + rng.normal(size=count)
    column["gaze_yaw_deg"][:] = column["yaw_deg"] + 30 * _bumps(count, 0.05, 3.0, rng) + rng.normal(size=count)
    openness = (0.28 + 0.03 * rng.normal()) * (1 - _closures(count, 0.27 * np.exp(0.4 * rng.normal()), rng))
    smile = 0.05 + np.exp(0.4 * rng.normal()) * 0.5 * _bumps(count, 0.06, 2.5, rng)
    for side in ("Left", "Right"):
        column[f"eye_open_{side.lower()}"][:] = openness
        column[f"mouthSmile{side}"][:] = smile
        column[f"browDown{side}"][:] = 0.02 + 0.2 * _bumps(count, 0.1, 1.0, rng)
    column["mouth_open"][:] = 0.3 * _bumps(count, 1.0, 0.4, rng)
    for i, name in enumerate(ACTIVE):
        if name.startswith(("jaw", "mouth")) and "Smile" not in name:
            column[name][:] = (0.2 + 0.2 * (i % 7)) * column["mouth_open"]
    column["browInnerUp"][:] = 0.05 + 0.5 * _bumps(count, 0.08, 1.5, rng)
    first = COLUMNS.index("eye_open_left")
    frames[:, first:] += _TREMBLING * rng.normal(size=frames[:, first:].shape)
    frames[:, first:] = np.clip(frames[:, first:], 0, 1)
    return frames.astype(np.float32)


def look_at(frames: npt.NDArray[np.float32], rate_hz: float) -> FeatureSeries:
    """Return the series of frames as a rate of looking sees them.

    Args:
        frames: Of `draw_frames`.
        rate_hz: Frames a second that are looked at.
    """
    end_s = len(frames) / CAMERA_HZ
    shown = list(displayed_at_rate(((i / CAMERA_HZ, i) for i in range(len(frames))), rate_hz, end_s))
    time_s = np.array([time for time, _ in shown])
    return behaviour_series(frames[[row for _, row in shown]], time_s, display_durations(time_s, end_s), rate_hz)


def _smooth(count: int, pace_s: float, rng: np.random.Generator) -> Float:
    """Draw a smooth walk of unit variance whose turns take about `pace_s` seconds."""
    walk = gaussian_filter1d(rng.normal(size=count), pace_s * CAMERA_HZ, mode="wrap")
    return np.asarray(walk / max(float(walk.std()), 1e-9))


def _bumps(count: int, rate_hz: float, seconds: float, rng: np.random.Generator) -> Float:
    """Draw movements that come and go, `rate_hz` a second on average, each up to 1 and about `seconds` long."""
    height = np.zeros(count)
    for start in np.flatnonzero(rng.random(count) < rate_hz / CAMERA_HZ):
        length = max(2, int(CAMERA_HZ * seconds * rng.gamma(3, 1 / 3)))
        stop = min(count, start + length)
        height[start:stop] = np.maximum(height[start:stop], rng.uniform(0.3, 1))
    return np.asarray(gaussian_filter1d(height, 0.1 * CAMERA_HZ))


def _closures(count: int, rate_hz: float, rng: np.random.Generator) -> Float:
    """Draw how far lids are closed: blinks that close quickly and open slowly."""
    time_s = np.arange(count) / CAMERA_HZ
    closure = np.zeros(count)
    for start_s in time_s[rng.random(count) < rate_hz / CAMERA_HZ]:
        since_s = time_s - start_s
        falling = 1 - (since_s - _CLOSING_S) / _OPENING_S
        closure = np.maximum(closure, np.clip(np.minimum(since_s / _CLOSING_S, falling), 0, 0.95))
    return closure
