"""Metrics of emotion models, and their bootstrap intervals over images."""

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
from training.plots.reliability import ReliabilityBin

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]

ECE_BINS = 15
"""Equal-width bins of confidence, as in Guo et al. (2017)."""

MAJORITY = 0.5
"""Share of the votes above which a label has a majority."""
AGREEMENT_BOUNDS = (0.0, MAJORITY, 0.7, 0.9, 1.0)
"""Bounds of the shares of votes for which accuracy is reported separately."""

RESAMPLES = 1000
"""Number of bootstrap resamples."""
LEVEL = 0.95
"""Level of the bootstrap intervals."""


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class.

    Attributes:
        precision: 0 to 1; 0 where it is not defined.
        recall: 0 to 1; 0 where it is not defined.
        f1: 0 to 1; 0 where it is not defined.
        support: Number of images with this label.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class EmotionMetrics:
    """How probabilities agree with labels.

    Attributes:
        n: Number of images.
        accuracy: 0 to 1.
        macro_f1: Mean F1 of the classes that occur in the labels.
        uar: Unweighted average recall: mean recall of the classes that occur in the labels.
        ece: Expected calibration error over the bins of `reliability`.
        nll: Mean negative log-likelihood of the label in nats.
        brier: Mean squared distance of the probabilities to the label's unit vector, 0 to 2.
        recall: Recall by class.
        per_class: All metrics by class.
        confusion: Numbers of images as [true][predicted].
        reliability: Bins of a reliability diagram.
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
class AgreementBin:
    """Images whose label has a share of the votes in (above, to]; the lowest bin includes 0.

    Attributes:
        above: Lower bound, 0 to 1.
        to: Upper bound, 0 to 1.
        n: Number of images.
        accuracy: None without an image.
    """

    above: float
    to: float
    n: int
    accuracy: float | None


@dataclass(frozen=True)
class Interval:
    """A bootstrap interval.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


def emotion_metrics(probabilities: Floats, labels: Integers, classes: tuple[str, ...] = EMOTIONS) -> EmotionMetrics:
    """Compute the metrics of probabilities against labels.

    Args:
        probabilities: (n, classes), rows summing to 1.
        labels: (n,), indices into `classes`.
        classes: Names of the columns.

    Raises:
        ValueError: There are no images.
    """
    if not len(labels):
        raise ValueError("There are no images to judge.")
    predicted = probabilities.argmax(axis=1)
    indices = list(range(len(classes)))
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # float32 rows only nearly sum to 1, and log_loss warns of that
    columns = precision_recall_fscore_support(labels, predicted, labels=indices, zero_division=0)
    per_class = {
        name: ClassMetrics(float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(classes, *columns, strict=True)
    }
    occurring = [figures for figures in per_class.values() if figures.support]
    bins = reliability_bins(probabilities, labels)
    return EmotionMetrics(
        n=len(labels),
        accuracy=float(accuracy_score(labels, predicted)),
        macro_f1=float(np.mean([figures.f1 for figures in occurring])),
        uar=float(np.mean([figures.recall for figures in occurring])),
        ece=_calibration_error(bins),
        nll=float(log_loss(labels, exact, labels=indices)),
        brier=float(brier_score_loss(labels, exact, labels=indices, scale_by_half=False)),
        recall={name: figures.recall for name, figures in per_class.items()},
        per_class=per_class,
        confusion=confusion_matrix(labels, predicted, labels=indices).tolist(),
        reliability=bins,
    )


def accuracy_by_agreement(probabilities: Floats, labels: Integers, agreement: Floats) -> tuple[AgreementBin, ...]:
    """Compute accuracy by how far the taggers agreed.

    Images without a class of more than half of the votes have no majority: FER+'s rule leaves them out (Barsoum et
    al., 2016, arXiv:1608.01041), and no model can be right about most of them.

    Args:
        probabilities: (n, classes).
        labels: (n,), column indices.
        agreement: (n,), the label's share of the votes, 0 to 1.

    Returns:
        A bin for each range of `AGREEMENT_BOUNDS`; empty where every image has one label.
    """
    if (agreement == 1).all():
        return ()
    correct = probabilities.argmax(axis=1) == labels
    bins = []
    for above, to in pairwise(AGREEMENT_BOUNDS):
        mask = ((agreement > above) | (above == 0)) & (agreement <= to)
        bins.append(AgreementBin(above, to, int(mask.sum()), float(correct[mask].mean()) if mask.any() else None))
    return tuple(bins)


def pool_majority(bins: Sequence[AgreementBin]) -> AgreementBin:
    """Pool the bins of images whose label has more than half of the votes into one."""
    majority_bins = [b for b in bins if b.above >= MAJORITY]
    n = sum(b.n for b in majority_bins)
    correct = sum(b.n * b.accuracy for b in majority_bins if b.accuracy is not None)
    return AgreementBin(MAJORITY, 1.0, n, correct / n if n else None)


def reliability_bins(probabilities: Floats, labels: Integers, bins: int = ECE_BINS) -> list[ReliabilityBin]:
    """Compute the bars of a reliability diagram: bins of equal width over confidence.

    Args:
        probabilities: (n, classes).
        labels: (n,), column indices.
        bins: Number of bins.
    """
    confidence, correct, index = _bin_confidences(probabilities, labels, bins)
    counts = np.bincount(index, minlength=bins)
    sums = (np.bincount(index, weights=values, minlength=bins) for values in (confidence, correct))
    mean_confidence, accuracy = (total / np.maximum(counts, 1) for total in sums)
    return [
        ReliabilityBin(i / bins, (i + 1) / bins, int(counts[i]), float(mean_confidence[i]), float(accuracy[i]))
        for i in range(bins)
    ]


def expected_calibration_error(probabilities: Floats, labels: Integers, bins: int = ECE_BINS) -> float:
    """Compute the mean gap between confidence and accuracy over equal-width bins, weighted by size.

    Guo et al., 2017, arXiv:1706.04599, equation 3.

    Args:
        probabilities: (n, classes).
        labels: (n,), column indices.
        bins: Number of bins.
    """
    return _calibration_error(reliability_bins(probabilities, labels, bins))


def bootstrap_intervals(
    probabilities: Floats, labels: Integers, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> dict[str, Interval]:
    """Compute percentile bootstrap intervals over images (Efron & Tibshirani, 1993, chapter 13).

    They show the uncertainty from the choice of images, not from the randomness of training or from another corpus.
    ECE is never negative, so resampling shifts it upwards and its interval can lie above the metric itself.

    Args:
        probabilities: (n, classes).
        labels: (n,), column indices.
        resamples: Number of resamples.
        level: Level of the interval, 0 to 1.
        seed: Of the resamples.

    Returns:
        Intervals of accuracy, macro_f1, uar and ece.
    """
    classes = probabilities.shape[1]
    sums = _image_terms(probabilities, labels)
    rng = np.random.default_rng(seed)
    rows = []
    for start in range(0, resamples, _BLOCK):
        resampled_sums = _draw_resample_counts(len(labels), min(_BLOCK, resamples - start), rng) @ sums
        rows.append(_metrics_of_sums(resampled_sums, len(labels), classes))
    low, high = np.quantile(np.concatenate(rows), [(1 - level) / 2, (1 + level) / 2], axis=0)
    names = ("accuracy", "macro_f1", "uar", "ece")
    return {name: Interval(float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


_BLOCK = 100
"""Resamples at a time: counts (100, n) stay small for any corpus that fits into memory."""


def _bin_confidences(
    probabilities: Floats, labels: Integers, bins: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Compute confidence (n,), 1.0 where the prediction is correct (n,), and the index of the bin (n,)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    return confidence, correct, np.minimum((confidence * bins).astype(np.intp), bins - 1)


def _calibration_error(bins: list[ReliabilityBin]) -> float:
    return sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / sum(b.n for b in bins)


def _image_terms(probabilities: Floats, labels: Integers) -> npt.NDArray[np.float64]:
    """Compute each image's cell of the confusion matrix and its gap in its bin of confidence, (n, classes^2 + bins).

    Every metric is a function of the sums of these columns, so a resample is one row of a matrix product.
    """
    classes = probabilities.shape[1]
    rows = np.arange(len(labels))
    confidence, correct, index = _bin_confidences(probabilities, labels, ECE_BINS)
    terms = np.zeros((len(labels), classes * classes + ECE_BINS))
    terms[rows, labels * classes + probabilities.argmax(axis=1)] = 1
    terms[rows, classes * classes + index] = confidence - correct
    return terms


def _draw_resample_counts(n: int, resamples: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw n images with replacement for every resample, and count how often each is drawn, (resamples, n)."""
    indices = rng.integers(0, n, (resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(indices.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)


def _metrics_of_sums(sums: npt.NDArray[np.float64], n: int, classes: int) -> npt.NDArray[np.float64]:
    """Compute accuracy, macro-F1, UAR and ECE (resamples, 4) of sums (resamples, classes^2 + bins) over n images."""
    confusion = sums[:, : classes * classes].reshape(-1, classes, classes)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    true = confusion.sum(2)
    predicted = confusion.sum(1)
    occurs = true > 0
    recall = hits / np.maximum(true, 1)
    f1 = 2 * hits / np.maximum(true + predicted, 1)
    means = [np.where(occurs, values, 0).sum(1) / occurs.sum(1) for values in (f1, recall)]
    return np.stack([hits.sum(1) / n, *means, np.abs(sums[:, classes * classes :]).sum(1) / n], axis=1)
