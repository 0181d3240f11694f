"""A simulated cohort: subjects with a PHQ-8 total and the sequence of expressions that a recording would show.

Nobody may redistribute PHQ-labelled video, so the shipped PHQ heads learn from this cohort and say so (provenance
`simulated`). It shows that the machinery runs; it carries no evidence about any person. The assumptions and their
sources:

1. Severity. PHQ-8 totals follow a gamma distribution with DAIC-WOZ's mean 6.67 and SD 5.75 (Valstar et al., 2016,
   AVEC 2016, arXiv:1605.01600), rounded and cut at 24.
2. Fewer smiles with severity: less happiness (Girard et al., 2014, Image Vis Comput 32:641-647: fewer affiliative
   expressions; Scherer et al., 2014, Image Vis Comput 32:648-658: shorter and weaker smiles).
3. Blunting: less of every expression, more neutral (Gaebel & Woelwer, 2004, Eur Arch Psychiatry Clin Neurosci
   254:46-52; Bylsma et al., 2008, Clin Psychol Rev 28:676-691: lower reactivity, positive d = -0.53 and negative
   d = -0.25, which is why the positive link is the stronger one here).
4. Slowing: expressions change less often (psychomotor retardation; Sobin & Sackeim, 1997, Am J Psychiatry 154:4-17).
5. A little more sadness. The weakest link: findings differ, and the meta-analysis above does not support a strong one.

The sizes of the links are our choice (`ExpressionLinks`). They are set so that an ideal observer would explain roughly
a fifth to a quarter of the variance, about what the literature's group differences allow. People differ far more than
severity makes them differ (`ExpressionLinks.person`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray
from fer_phq.core.emotions import EMOTIONS, emotion_index
from training.phq.provenance import SIMULATED

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


SEVERITY_MEAN = 6.67
SEVERITY_SD = 5.75
SEVERITY_MAX = 24


@dataclass(frozen=True)
class ExpressionLinks:
    """How strongly severity moves expressions: changes in log-odds (or log rate) from PHQ 0 to PHQ 24, and spreads.

    Links of zero make a cohort without signal.

    Attributes:
        happiness: Link 2 of the module.
        blunting: Link 3.
        slowing: Link 4.
        sadness: Link 5.
        person: SD between people of each expression's log-odds.
        session: The same between two sessions of one person.
    """

    happiness: float = -1.6
    blunting: float = 0.9
    slowing: float = -0.7
    sadness: float = 0.5
    person: float = 0.55
    session: float = 0.25


@dataclass(frozen=True, eq=False)
class SimulatedSession:
    """The expressions of one session.

    Attributes:
        subject: Number of the subject.
        total: PHQ-8 total.
        expressions: (frames,) int64, indices into `EMOTIONS`.
    """

    subject: int
    total: int
    expressions: npt.NDArray[np.int64]


def draw_severity(n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw PHQ-8 totals by link 1.

    Args:
        n: Number of subjects.
        rng: Draws them.

    Returns:
        (n,) int64, 0 to 24.
    """
    shape = (SEVERITY_MEAN / SEVERITY_SD) ** 2
    totals = rng.gamma(shape, SEVERITY_MEAN / shape, size=n)
    return np.clip(np.rint(totals), 0, SEVERITY_MAX).astype(np.int64)


def draw_shares(total: int, person: Float, links: ExpressionLinks, rng: np.random.Generator) -> Float:
    """Draw the expressions' shares of time in one session.

    Args:
        total: PHQ-8 total.
        person: (7,) the person's offsets of the log-odds.
        links: How severity moves expressions.
        rng: Draws the session's offsets.

    Returns:
        (7,) float64 in the order of `EMOTIONS`, with a sum of 1.
    """
    severity = total / SEVERITY_MAX
    logits = np.log([BASE_SHARES[name] for name in EMOTIONS]) + person + links.session * rng.normal(size=len(EMOTIONS))
    logits[emotion_index("happiness")] += links.happiness * severity
    logits[emotion_index("sadness")] += links.sadness * severity
    logits[emotion_index("neutral")] += links.blunting * severity
    odds = np.exp(logits - logits.max())
    return np.asarray(odds / odds.sum(), dtype=np.float64)


def simulate_session(
    subject: int, total: int, person: Float, frames: int, fps: float, links: ExpressionLinks, rng: np.random.Generator
) -> SimulatedSession:
    """Draw a sequence of expressions.

    At each frame the expression is drawn anew with a probability that makes 1.5 s the typical dwell at PHQ 0 and
    longer ones with slowing; between draws it stays. The shares of time are those of the draws.

    Args:
        subject: Number of the subject.
        total: PHQ-8 total.
        person: (7,) the person's offsets of the log-odds.
        frames: Number of frames.
        fps: Frames a second.
        links: How severity moves expressions.
        rng: Draws the shares and the sequence.
    """
    shares = draw_shares(total, person, links, rng)
    rate = min(1.0, 1 / (1.5 * fps) * np.exp(links.slowing * total / SEVERITY_MAX + 0.2 * rng.normal()))
    renewed = rng.random(frames) < rate
    renewed[0] = True
    draws = rng.choice(len(EMOTIONS), size=int(renewed.sum()), p=shares)
    return SimulatedSession(subject, total, draws[np.cumsum(renewed) - 1])


@dataclass(frozen=True, eq=False)
class EmbeddingBank:
    """Embeddings of face images, from which frames are drawn.

    Attributes:
        embeddings: (n, dim) float32.
        labels: (n,) int64, the majority emotion of each image as index into `EMOTIONS`.
        probabilities: (n, 7) float32, the model's emotion probabilities of each image, where they are known.
        kind: What made the embeddings.
    """

    embeddings: FloatArray
    labels: npt.NDArray[np.int64]
    probabilities: FloatArray | None = None
    kind: str = SIMULATED

    def draw(self, session: SimulatedSession, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Draw an image for each frame. A run of one expression stays with one image.

        Args:
            session: The expressions.
            rng: Draws the images.

        Returns:
            (frames,) int64, indices of images with the frame's expression.
        """
        changes = np.r_[True, np.diff(session.expressions) != 0]
        pools = [np.flatnonzero(self.labels == i) for i in range(len(EMOTIONS))]
        starts: npt.NDArray[np.int64] = np.array([rng.choice(pools[e]) for e in session.expressions[changes]], np.int64)
        images: npt.NDArray[np.int64] = starts[np.cumsum(changes) - 1]
        return images

    def offset(self, rng: np.random.Generator, identity: float = 0.5) -> FloatArray:
        """Draw an offset that all frames of a session have in common, as one person's face has.

        Args:
            rng: Draws a neutral image.
            identity: The part of that image's distance from the mean that is taken.

        Returns:
            (dim,) float32.
        """
        neutral = self.embeddings[self.labels == emotion_index("neutral")]
        offset = identity * (neutral[rng.integers(len(neutral))] - neutral.mean(axis=0))
        return np.asarray(offset, dtype=np.float32)


def make_synthetic_bank(rng: np.random.Generator, dim: int = 24, images: int = 40) -> EmbeddingBank:
    """Make a bank without any picture, for trying the machinery where there are no face images.

    Args:
        rng: Draws the points.
        dim: Width of an embedding.
        images: Number of points of each emotion, which lie around a centre.
    """
    labels = np.repeat(np.arange(len(EMOTIONS)), images)
    centres = 1.5 * rng.normal(size=(len(EMOTIONS), dim))
    embeddings = centres[labels] + rng.normal(size=(len(labels), dim))
    likeness = -((embeddings[:, None] - centres) ** 2).sum(-1) / 8
    odds = np.exp(likeness - likeness.max(1, keepdims=True))
    probabilities = odds / odds.sum(1, keepdims=True)
    return EmbeddingBank(embeddings.astype(np.float32), labels, probabilities.astype(np.float32))
