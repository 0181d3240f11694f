"""Figures by which an emotion model is judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from fer_phq.emotions import EMOTIONS


@dataclass(frozen=True)
class EmotionMetrics:
    """Accuracy, macro-F1, UAR (unweighted average recall), ECE (15 bins), recall a class, confusion[true][given]."""

    n: int
    accuracy: float
    macro_f1: float
    uar: float
    ece: float
    recall: dict[str, float]
    confusion: list[list[int]]


def emotion_metrics(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> EmotionMetrics:
    """Judge probabilities (n, 7) against labels (n,)."""
    given, classes = probabilities.argmax(axis=1), list(range(len(EMOTIONS)))
    recall = recall_score(labels, given, labels=classes, average=None, zero_division=0)
    return EmotionMetrics(
        n=len(labels),
        accuracy=float(accuracy_score(labels, given)),
        macro_f1=float(f1_score(labels, given, labels=classes, average="macro", zero_division=0)),
        uar=float(np.mean(recall)),
        ece=expected_calibration_error(probabilities, labels),
        recall={name: float(value) for name, value in zip(EMOTIONS, recall, strict=True)},
        confusion=confusion_matrix(labels, given, labels=classes).tolist(),
    )


def expected_calibration_error(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by size (Guo et al., 2017)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float(confidence[index == i].sum() - right[index == i].sum())) for i in range(bins)]
    return sum(gaps) / len(labels)
