"""Figures by which an emotion model is judged, and the intervals that images alone leave around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from fer_phq.core.emotions import EMOTIONS

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]

ECE_BINS = 15
"""Equal-width bins of confidence, as in Guo et al. (2017)."""

MAJORITY = 0.5
AGREEMENT = (0.0, MAJORITY, 0.7, 0.9, 1.0)
"""Bounds of the shares of votes by which accuracy is told."""

RESAMPLES = 1000
LEVEL = 0.95
"""Bootstrap resamples and the level of the interval that is read off them."""


@dataclass(frozen=True)
class ClassMetrics:
    """One class: precision, recall, F1 (each 0 to 1; 0 where it is not defined) and its number of images."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose confidence (highest probability) lies in [low, high): how many, their mean confidence, accuracy.

    An empty bin has n 0 and zeros.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class EmotionMetrics:
    """How probabilities agree with labels.

    macro_f1 and uar (unweighted average recall) are means over the classes that occur in the labels. ece: expected
    calibration error over `reliability`'s bins. nll: mean negative log-likelihood of the label, nats. brier: mean
    squared distance of the probabilities to the label's unit vector, 0 to 2. recall: a class. confusion[true][given].
    """

    n: int
    accuracy: float
    macro_f1: float
    uar: float
    ece: float
    nll: float
    brier: float
    recall: dict[str, float]
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]
    reliability: list[ReliabilityBin]


@dataclass(frozen=True)
class Agreement:
    """Images whose label has a share of the votes in (above, to], or in [0, to]: how many, and the accuracy.

    accuracy is None without an image.
    """

    above: float
    to: float
    n: int
    accuracy: float | None


@dataclass(frozen=True)
class Interval:
    """Lower and upper end of a bootstrap interval."""

    low: float
    high: float


def emotion_metrics(probabilities: Floats, labels: Integers, classes: tuple[str, ...] = EMOTIONS) -> EmotionMetrics:
    """Judge probabilities (n, classes), rows summing to 1, against labels (n,): indices into `classes`.

    Raises ValueError without any image: there is nothing to judge.
    """
    if not len(labels):
        raise ValueError("There are no images to judge.")
    given = probabilities.argmax(axis=1)
    indices = list(range(len(classes)))
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # float32 rows sum to 1 only nearly, which log_loss complains of
    columns = precision_recall_fscore_support(labels, given, labels=indices, zero_division=0)
    per_class = {
        name: ClassMetrics(float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(classes, *columns, strict=True)
    }
    occurring = [figures for figures in per_class.values() if figures.support]
    bins = reliability_bins(probabilities, labels)
    return EmotionMetrics(
        n=len(labels),
        accuracy=float(accuracy_score(labels, given)),
        macro_f1=float(np.mean([figures.f1 for figures in occurring])),
        uar=float(np.mean([figures.recall for figures in occurring])),
        ece=_calibration_error(bins),
        nll=float(log_loss(labels, exact, labels=indices)),
        brier=float(brier_score_loss(labels, exact, labels=indices, scale_by_half=False)),
        recall={name: figures.recall for name, figures in per_class.items()},
        per_class=per_class,
        confusion=confusion_matrix(labels, given, labels=indices).tolist(),
        reliability=bins,
    )


def by_agreement(probabilities: Floats, labels: Integers, agreement: Floats) -> tuple[Agreement, ...]:
    """Accuracy by how far taggers agreed: probabilities (n, classes), labels (n,), agreement (n,) their share of votes.

    () where each image has one label alone. Where no emotion has more than half of the votes there is no majority:
    FER+'s own rule leaves such images out (Barsoum et al., 2016, arXiv:1608.01041), and no model can be right about
    most of them.
    """
    if (agreement == 1).all():
        return ()
    right = probabilities.argmax(axis=1) == labels
    found = []
    for above, to in pairwise(AGREEMENT):
        chosen = ((agreement > above) | (above == 0)) & (agreement <= to)
        found.append(Agreement(above, to, int(chosen.sum()), float(right[chosen].mean()) if chosen.any() else None))
    return tuple(found)


def above_half(found: Sequence[Agreement]) -> Agreement:
    """All images whose label has more than half of the votes, as one."""
    chosen = [one for one in found if one.above >= MAJORITY]
    n = sum(one.n for one in chosen)
    right = sum(one.n * one.accuracy for one in chosen if one.accuracy is not None)
    return Agreement(MAJORITY, 1.0, n, right / n if n else None)


def reliability_bins(probabilities: Floats, labels: Integers, bins: int = ECE_BINS) -> list[ReliabilityBin]:
    """Bins of equal width over the confidences of probabilities (n, classes): a reliability diagram's bars."""
    confidence, right, index = _confidence(probabilities, labels, bins)
    counts = np.bincount(index, minlength=bins)
    sums = (np.bincount(index, weights=values, minlength=bins) for values in (confidence, right))
    mean_confidence, accuracy = (total / np.maximum(counts, 1) for total in sums)
    return [
        ReliabilityBin(i / bins, (i + 1) / bins, int(counts[i]), float(mean_confidence[i]), float(accuracy[i]))
        for i in range(bins)
    ]


def expected_calibration_error(probabilities: Floats, labels: Integers, bins: int = ECE_BINS) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by size.

    Guo et al., 2017, arXiv:1706.04599, equation 3.
    """
    return _calibration_error(reliability_bins(probabilities, labels, bins))


def bootstrap_intervals(
    probabilities: Floats, labels: Integers, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> dict[str, Interval]:
    """Percentile bootstrap over images of accuracy, macro_f1, uar and ece (Efron & Tibshirani, 1993, chapter 13).

    It holds what the choice of images leaves open; not the chance of training, nor another corpus. ECE is never
    negative, so resampling shifts it upwards: its interval can lie above the figure itself.
    """
    classes = probabilities.shape[1]
    sums = _image_terms(probabilities, labels)
    rng = np.random.default_rng(seed)
    rows = []
    for start in range(0, resamples, _BLOCK):
        drawn = _resampled_counts(len(labels), min(_BLOCK, resamples - start), rng) @ sums
        rows.append(_figures_of_sums(drawn, len(labels), classes))
    low, high = np.quantile(np.concatenate(rows), [(1 - level) / 2, (1 + level) / 2], axis=0)
    names = ("accuracy", "macro_f1", "uar", "ece")
    return {name: Interval(float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


_BLOCK = 100
"""Resamples at a time: a block of counts (100, n) stays small for any corpus that fits into memory."""


def _confidence(
    probabilities: Floats, labels: Integers, bins: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Confidence (n,), 1 where it was right (n,), and its bin (n,)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    return confidence, right, np.minimum((confidence * bins).astype(np.intp), bins - 1)


def _calibration_error(bins: list[ReliabilityBin]) -> float:
    return sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / sum(b.n for b in bins)


def _image_terms(probabilities: Floats, labels: Integers) -> npt.NDArray[np.float64]:
    """(n, classes^2 + bins): each image's cell of the confusion matrix, then its gap in its bin of confidence.

    Every figure is a function of these columns' sums, so a resample is one row of a matrix product.
    """
    classes = probabilities.shape[1]
    n = np.arange(len(labels))
    confidence, right, index = _confidence(probabilities, labels, ECE_BINS)
    terms = np.zeros((len(labels), classes * classes + ECE_BINS))
    terms[n, labels * classes + probabilities.argmax(axis=1)] = 1
    terms[n, classes * classes + index] = confidence - right
    return terms


def _resampled_counts(n: int, resamples: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(resamples, n): how often each image is drawn when n are drawn with replacement."""
    drawn = rng.integers(0, n, (resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)


def _figures_of_sums(sums: npt.NDArray[np.float64], n: int, classes: int) -> npt.NDArray[np.float64]:
    """(resamples, 4): accuracy, macro-F1, UAR and ECE of sums (resamples, classes^2 + bins) over n images."""
    confusion = sums[:, : classes * classes].reshape(-1, classes, classes)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    true = confusion.sum(2)
    given = confusion.sum(1)
    occurs = true > 0
    recall = hits / np.maximum(true, 1)
    f1 = 2 * hits / np.maximum(true + given, 1)
    means = [np.where(occurs, values, 0).sum(1) / occurs.sum(1) for values in (f1, recall)]
    return np.stack([hits.sum(1) / n, *means, np.abs(sums[:, classes * classes :]).sum(1) / n], axis=1)
