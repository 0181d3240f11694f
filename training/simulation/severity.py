"""A simulated cohort: subjects with a PHQ-8 total and the sequence of expressions that a recording would show.

Nobody may redistribute PHQ-labelled video, so the shipped PHQ heads learn from this and say so (provenance
`simulated`). It shows that the machinery runs; it carries no evidence about any person. What is assumed, and whence:

1. Severity. PHQ-8 totals follow a gamma distribution with DAIC-WOZ's mean 6.67 and SD 5.75 (Valstar et al., 2016,
   AVEC 2016, arXiv:1605.01600), rounded and cut at 24.
2. Fewer smiles with severity: less happiness (Girard et al., 2014, Image Vis Comput 32:641-647: fewer affiliative
   expressions; Scherer et al., 2014, Image Vis Comput 32:648-658: shorter and weaker smiles).
3. Blunting: less of every expression, more neutral (Gaebel & Woelwer, 2004, Eur Arch Psychiatry Clin Neurosci
   254:46-52; Bylsma et al., 2008, Clin Psychol Rev 28:676-691: lower reactivity, positive d = -0.53 and negative
   d = -0.25, which is why the positive link is the stronger one here).
4. Slowing: expressions change less often (psychomotor retardation; Sobin & Sackeim, 1997, Am J Psychiatry 154:4-17).
5. A little more sadness. The weakest link: findings differ, and the meta-analysis above does not support a strong one.

The sizes of the links are our choice (`Links`): set so that an ideal observer would explain roughly a fifth to a
quarter of the variance, about what the literature's group differences allow. People differ far more than severity
makes them differ (`Links.person`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.core.emotions import EMOTIONS, emotion_index

Float = npt.NDArray[np.float64]

BASE_SHARES = {
    "anger": 0.05,
    "disgust": 0.02,
    "fear": 0.03,
    "happiness": 0.20,
    "neutral": 0.55,
    "sadness": 0.10,
    "surprise": 0.05,
}
"""Shares of time of each expression at PHQ 0: a talking person's face is mostly neutral with smiles."""

SIMULATED = "simulated"
"""What embeddings are called that no model made."""

SEVERITY_MEAN = 6.67
SEVERITY_SD = 5.75
SEVERITY_MAX = 24


@dataclass(frozen=True)
class Links:
    """How strongly severity moves expression: changes in log-odds (or log rate) from PHQ 0 to PHQ 24, and spreads.

    happiness, blunting, slowing, sadness: links 2 to 5 above. person: SD between people of each expression's
    log-odds. session: the same between two sessions of one person. All zero links make a cohort without signal.
    """

    happiness: float = -1.6
    blunting: float = 0.9
    slowing: float = -0.7
    sadness: float = 0.5
    person: float = 0.55
    session: float = 0.25


@dataclass(frozen=True, eq=False)
class SimulatedSession:
    """One session: subject number, PHQ-8 total, and each frame's expression as indices (t,) into `EMOTIONS`."""

    subject: int
    total: int
    expressions: npt.NDArray[np.int64]


def draw_severity(n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """PHQ-8 totals (n,) integers from 0 to 24 by link 1."""
    shape = (SEVERITY_MEAN / SEVERITY_SD) ** 2
    totals = rng.gamma(shape, SEVERITY_MEAN / shape, size=n)
    return np.clip(np.rint(totals), 0, SEVERITY_MAX).astype(np.int64)


def shares(total: int, person: Float, links: Links, rng: np.random.Generator) -> Float:
    """Shares of time (7,) of the expressions in one session of a person (log-odds offsets (7,)) at a PHQ-8 total."""
    part = total / SEVERITY_MAX
    logits = np.log([BASE_SHARES[name] for name in EMOTIONS]) + person + links.session * rng.normal(size=len(EMOTIONS))
    logits[emotion_index("happiness")] += links.happiness * part
    logits[emotion_index("sadness")] += links.sadness * part
    logits[emotion_index("neutral")] += links.blunting * part
    odds = np.exp(logits - logits.max())
    return np.asarray(odds / odds.sum(), dtype=np.float64)


def simulate_session(
    subject: int, total: int, person: Float, frames: int, fps: float, links: Links, rng: np.random.Generator
) -> SimulatedSession:
    """A sequence of expressions with the session's shares of time.

    At each frame the expression is drawn anew with a probability that makes 1.5 s the typical dwell at PHQ 0 and
    longer ones with slowing; between draws it stays. The shares of time are those of the draws.
    """
    share = shares(total, person, links, rng)
    rate = min(1.0, 1 / (1.5 * fps) * np.exp(links.slowing * total / SEVERITY_MAX + 0.2 * rng.normal()))
    renewed = rng.random(frames) < rate
    renewed[0] = True
    draws = rng.choice(len(EMOTIONS), size=int(renewed.sum()), p=share)
    return SimulatedSession(subject, total, draws[np.cumsum(renewed) - 1])


@dataclass(frozen=True, eq=False)
class EmbeddingBank:
    """Embeddings (n, dim) of face images with their majority emotion (n,), from which frames are drawn.

    probabilities (n, 7): what the model says of each, where it has been asked. kind: what made the embeddings.
    """

    embeddings: FloatArray
    labels: npt.NDArray[np.int64]
    probabilities: FloatArray | None = None
    kind: str = SIMULATED

    def draw(self, session: SimulatedSession, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Which image (t,) each frame shows: one of its expression; a run of one expression stays with one image."""
        changes = np.r_[True, np.diff(session.expressions) != 0]
        pools = [np.flatnonzero(self.labels == i) for i in range(len(EMOTIONS))]
        starts: npt.NDArray[np.int64] = np.array([rng.choice(pools[e]) for e in session.expressions[changes]], np.int64)
        drawn: npt.NDArray[np.int64] = starts[np.cumsum(changes) - 1]
        return drawn

    def offset(self, rng: np.random.Generator, identity: float = 0.5) -> FloatArray:
        """What moves all frames of a session together (dim,): a part of a random neutral image's offset.

        So does one person's face.
        """
        neutral = self.embeddings[self.labels == emotion_index("neutral")]
        away = identity * (neutral[rng.integers(len(neutral))] - neutral.mean(axis=0))
        return np.asarray(away, dtype=np.float32)


def synthetic_bank(rng: np.random.Generator, dim: int = 24, images: int = 40) -> EmbeddingBank:
    """A bank without any picture: for each emotion `images` points around a place of its own, and what is said of them.

    For trying the machinery where no face images may be had.
    """
    labels = np.repeat(np.arange(len(EMOTIONS)), images)
    places = 1.5 * rng.normal(size=(len(EMOTIONS), dim))
    embeddings = places[labels] + rng.normal(size=(len(labels), dim))
    likeness = -((embeddings[:, None] - places) ** 2).sum(-1) / 8
    odds = np.exp(likeness - likeness.max(1, keepdims=True))
    probabilities = odds / odds.sum(1, keepdims=True)
    return EmbeddingBank(embeddings.astype(np.float32), labels, probabilities.astype(np.float32))
