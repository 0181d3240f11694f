"""Facial behaviour of simulated subjects, second by second: head, eyes, smiles and brows, moved by severity.

The links continue the eight of `training.simulation.severity` and `training.simulation.speech`:

9. The head moves less and more slowly (Girard et al., 2014, Image Vis Comput 32:641-647: smaller amplitude and lower
   velocity within people while their severity was high; Alghowinem et al., 2013, ACII: slower and less in patients).
10. Smiles are weaker and shorter (Girard et al., 2014: less of AU 12; Scherer et al., 2014, Image Vis Comput
    32:648-658: lower intensity, shorter duration). That there are fewer comes from the expressions of the same session
    (link 2): a smile begins where the expression becomes happiness.
11. People look down more, and to the side, and the head is lowered (Waxer, 1974, J Abnorm Psychol 83:319-322; Scherer
    et al., 2014).
12. A little more blinking. Findings disagree: 23 depressed inpatients blinked more than controls and less as they
    recovered (Mackintosh, Kumar & Kitamura, 1983, Br J Psychiatry 143:55-57); 12 drug-naive patients blinked as often
    as controls (Ebert et al., 1996, Neuropsychopharmacology 15:332-339).
13. Less facial activity (Gaebel & Woelwer, 2004, Eur Arch Psychiatry Clin Neurosci 254:46-52).

Those papers compare groups, or the same people over a treatment, and none gives a slope on the PHQ: the directions are
theirs, and the sizes are our assumption (`BehaviourLinks`). People differ far more than severity makes them differ.
Levels and spreads cover what the measures give on the demonstration clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.expression import SMILE_ENTER
from fer_phq.behaviour.seconds.series import COLUMNS, KIND
from fer_phq.core.emotions import emotion_index
from fer_phq.core.feature_series import FeatureSeries

Float = npt.NDArray[np.float64]

OFFSETS = 11
"""How many numbers tell people's behaviour apart (`draw_bearing`)."""
RATE_HZ = 30.0
"""Frames a second at which a simulated face was looked at."""
_BLINK_S = 0.2
_SPELL_S = 3.0  # of looking down or away


@dataclass(frozen=True)
class BehaviourLinks:
    """How strongly severity moves behaviour: changes from PHQ 0 to PHQ 24 by links 9 to 13, and spreads.

    Links of zero make a cohort without signal.

    Attributes:
        head_speed: Change of the head speed's logarithm.
        head_range: Change of the logarithm of the head pose's SD.
        smile_strength: Change of the logarithm of a smile's height.
        smile_duration: Change of the logarithm of a smile's duration.
        looking_down: Change of the log-odds of looking down.
        looking_away: Change of the log-odds of looking to the side.
        head_down: Change of the head's pitch in degrees.
        blinking: Change of the blink rate's logarithm.
        activity: Change of the facial activity's logarithm.
        person: SD between people of each of these logarithms; of log-odds twice that, of the pitch fifteen times that
            in degrees.
        session: The same between two sessions of one person.
    """

    head_speed: float = -0.45
    head_range: float = -0.25
    smile_strength: float = -0.3
    smile_duration: float = -0.3
    looking_down: float = 1.0
    looking_away: float = 0.6
    head_down: float = -3.0
    blinking: float = 0.1
    activity: float = -0.25
    person: float = 0.4
    session: float = 0.15


@dataclass(frozen=True)
class Bearing:
    """The parameters of one session's behaviour, which an ideal observer would know.

    Attributes:
        head_speed: Mean speed in degrees a second.
        head_range: SD of the head pose in degrees.
        smile_strength: Height of a smile above the face at rest, 0 to 1.
        smile_s: Mean duration of a smile in seconds.
        looking_down: Share of the time, 0 to 1.
        looking_away: The same to the side.
        pitch: Mean pitch in degrees.
        blink_rate: Blinks a second.
        activity: Mean facial activity a second.
        brows: How far brows move, as a multiple of the usual.
        mouth: How far the mouth is open, as a multiple of the usual.
    """

    head_speed: float
    head_range: float
    smile_strength: float
    smile_s: float
    looking_down: float
    looking_away: float
    pitch: float
    blink_rate: float
    activity: float
    brows: float
    mouth: float

    def latents(self) -> list[float]:
        """Return the values on the scale on which they vary, those that severity moves."""
        logs = (self.head_speed, self.head_range, self.smile_strength, self.smile_s, self.blink_rate, self.activity)
        odds = (self.looking_down / (1 - self.looking_down), self.looking_away / (1 - self.looking_away))
        return [*(float(np.log(value)) for value in (*logs, *odds)), self.pitch]


def draw_bearing(severity: float, person: Float, links: BehaviourLinks, rng: np.random.Generator) -> Bearing:
    """Draw a session's behaviour parameters.

    Args:
        severity: 0 to 1.
        person: (11,) the person's offsets, standard normal.
        links: How severity moves behaviour.
        rng: Draws the session's offsets.
    """
    z = links.person * person + links.session * rng.normal(size=OFFSETS)
    return Bearing(
        head_speed=float(3.5 * np.exp(links.head_speed * severity + 1.3 * z[0])),
        head_range=float(2.2 * np.exp(links.head_range * severity + z[0] + 0.6 * z[1])),
        smile_strength=float(min(0.8, 0.55 * np.exp(links.smile_strength * severity + 0.7 * z[2]))),
        smile_s=float(2.5 * np.exp(links.smile_duration * severity + 1.2 * z[3])),
        looking_down=_share(0.05, links.looking_down * severity + 2 * z[4]),
        looking_away=_share(0.05, links.looking_away * severity + 2 * z[5]),
        pitch=float(-6 + links.head_down * severity + 15 * z[6]),
        blink_rate=float(0.25 * np.exp(links.blinking * severity + z[7])),
        activity=float(0.042 * np.exp(links.activity * severity + 0.7 * z[8])),
        brows=float(np.exp(z[9])),
        mouth=float(np.exp(0.8 * z[10])),
    )


def draw_behaviour(
    bearing: Bearing,
    expressions: npt.NDArray[np.int64],
    fps: float,
    visible: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> FeatureSeries:
    """Draw the behaviour of a session second by second.

    Args:
        bearing: The session's parameters.
        expressions: (frames,) indices into `EMOTIONS`, which the smiles follow.
        fps: Frames a second of the expressions.
        visible: (seconds,) whether the face is seen.
        rng: Draws the rows.

    Returns:
        A feature series (seconds, 15).
    """
    count = len(visible)
    columns = _draw_head(bearing, count, rng) | _draw_eyes(bearing, count, rng)
    columns |= _draw_smiles(bearing, expressions, fps, count, rng)
    columns |= {
        "mouth_open": 0.1 * bearing.mouth * rng.gamma(2.5, 1 / 2.5, count),
        "brow_lowering": 0.018 * bearing.brows * rng.gamma(1.5, 1 / 1.5, count),
        "brow_raising": 0.09 * bearing.brows * rng.gamma(0.6, 1 / 0.6, count),
        "facial_activity_per_s": bearing.activity * rng.gamma(1.6, 1 / 1.6, count),
    }
    values = np.stack([columns[name] for name in COLUMNS], axis=1).astype(np.float32)
    values[~visible] = np.nan
    return FeatureSeries(values, np.arange(count, dtype=np.float64), KIND, COLUMNS, np.ones(count), RATE_HZ)


def draw_spells(share: float, count: int, rng: np.random.Generator) -> Float:
    """Draw spells of a few seconds, as of looks that go down.

    Args:
        share: How much of the time they take, 0 to 1.
        count: Number of seconds.
        rng: Draws them.

    Returns:
        (count,) float64, 1 in the seconds of a spell and 0 in the others.
    """
    spells = np.zeros(count)
    ahead_s = _SPELL_S * (1 - share) / share
    second = int(rng.exponential(ahead_s))
    while second < count:
        lasting = 1 + rng.poisson(_SPELL_S - 1)
        spells[second : second + lasting] = 1
        second += lasting + 1 + int(rng.exponential(ahead_s))
    return spells


def _draw_head(bearing: Bearing, count: int, rng: np.random.Generator) -> dict[str, Float]:
    usual = (bearing.pitch, 6 * rng.normal(), 3 * rng.normal())
    columns = {
        f"{name}_deg": level + share * bearing.head_range * _wander(count, rng)
        for name, level, share in zip(("pitch", "yaw", "roll"), usual, (0.6, 0.7, 0.6), strict=True)
    }
    return columns | {"head_speed_deg_s": bearing.head_speed * rng.gamma(3.5, 1 / 3.5, count)}


def _draw_eyes(bearing: Bearing, count: int, rng: np.random.Generator) -> dict[str, Float]:
    blinks = rng.poisson(bearing.blink_rate, count).astype(np.float64)
    closed = np.clip(_BLINK_S * blinks * rng.gamma(8, 1 / 8, count), 0, 1)
    return {
        "blinks": blinks,
        "eyes_closed": closed,
        "looking_down": draw_spells(bearing.looking_down, count, rng),
        "looking_away": draw_spells(bearing.looking_away, count, rng),
    }


def _draw_smiles(
    bearing: Bearing, expressions: npt.NDArray[np.int64], fps: float, count: int, rng: np.random.Generator
) -> dict[str, Float]:
    """Draw a smile where each run of happiness begins; one that goes on then goes on."""
    height = np.zeros(len(expressions))
    for start in np.flatnonzero(np.diff(np.r_[0, expressions == emotion_index("happiness")]) == 1):
        lasting = max(1, round(fps * bearing.smile_s * rng.gamma(2, 1 / 2)))
        smile = min(0.9, bearing.smile_strength * np.exp(0.3 * rng.normal()))
        height[start : start + lasting] = np.maximum(height[start : start + lasting], smile)
    is_smile = height >= SMILE_ENTER
    begins = np.diff(np.r_[0, is_smile]) == 1
    second = np.minimum((np.arange(len(expressions)) / fps).astype(np.int64), count - 1)
    frames = np.maximum(np.bincount(second, minlength=count), 1)
    smile = np.bincount(second, height, minlength=count) / frames
    return {
        "smile": np.clip(smile + 0.04 * rng.gamma(1, 1, count), 0, 1),
        "smiling": np.bincount(second, is_smile, minlength=count) / frames,
        "smiles": np.bincount(second, begins, minlength=count).astype(np.float64),
    }


def _share(usual: float, shift: float) -> float:
    """Return a share whose log-odds lie away from the usual one's."""
    return float(1 / (1 + (1 - usual) / usual * np.exp(-shift)))


def _wander(count: int, rng: np.random.Generator) -> Float:
    """Draw a walk of unit variance that is drawn back to zero within some seconds."""
    persistence = 0.8
    steps = np.sqrt(1 - persistence**2) * rng.normal(size=count)
    walk = np.empty(count)
    position = rng.normal()
    for i, step in enumerate(steps):
        position = persistence * position + step
        walk[i] = position
    return walk
