"""Evaluate a checkpoint on labelled faces: `python -m training.emotion.evaluate CHECKPOINT DATASET... [--out DIR]`.

CHECKPOINT is a bundle's name or folder, or the folder of a run, which is uncalibrated. With `--with RUN` the mean of
both is evaluated, as a student is taught by them. A DATASET is `CORPUS:PATH[#SPLIT]` as in a recipe, for example
`ferplus:../shared/data/ferplus/valid.parquet`. Several datasets are evaluated one by one and pooled.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import SettingsError
from training import cli
from training.emotion import commands, messages
from training.emotion.data.corpora import FaceSet, load_faces, parse_source
from training.emotion.ensemble import EmotionModel, load_emotion_model
from training.emotion.metrics import (
    ECE_BINS,
    LEVEL,
    MAJORITY,
    RESAMPLES,
    AgreementBin,
    EmotionMetrics,
    Interval,
    accuracy_by_agreement,
    bootstrap_intervals,
    emotion_metrics,
    pool_majority,
)
from training.plots.figures import confusion_figure, reliability_figure, save_figure
from training.plots.markdown import markdown_table

BATCH = 64
"""The most images that are looked at at once."""

POOLED = "all datasets pooled"
SUMMARY = {"accuracy": "Accuracy", "macro_f1": "Macro-F1", "uar": "UAR", "ece": "ECE"}
"""Metrics with an interval, and their names for people."""


@dataclass(frozen=True)
class Evaluation:
    """Evaluation on one dataset.

    Attributes:
        dataset: Its name on the command line.
        model_id: The model's name.
        sha256: Hash of RGB pixels, shape and targets of the images in order; it does not depend on the file format.
        repeated: Number of images whose pixels occurred before in the dataset. More than a few make the intervals too
            narrow.
        seconds: Time of all predictions.
        images_per_s: From uint8 crops to probabilities.
        metrics: Figures of the predictions.
        intervals: Bootstrap intervals by metric.
        agreement: Accuracy by agreement of the taggers; empty where every image has one label.
    """

    dataset: str
    model_id: str
    sha256: str
    repeated: int
    seconds: float
    images_per_s: float
    metrics: EmotionMetrics
    intervals: dict[str, Interval]
    agreement: tuple[AgreementBin, ...]


@dataclass(frozen=True)
class EvaluationReport:
    """Evaluations of a model.

    Attributes:
        model_id: The model's name.
        datasets: One evaluation a dataset.
        pooled: Evaluation of all images together; None for a single dataset.
    """

    model_id: str
    datasets: tuple[Evaluation, ...]
    pooled: Evaluation | None

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """Evaluations of the datasets, then that of the pool."""
        return (*self.datasets, self.pooled) if self.pooled else self.datasets


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of a model for one dataset.

    Attributes:
        dataset: Name of the dataset.
        sha256: Hash of its images and targets.
        seconds: Time of all predictions.
        probabilities: float32 (n, classes).
        labels: (n,), column indices.
        agreement: (n,), the label's share of the votes; 1 where every image has one label.
        keys: (n,), hashes of the pixels.
    """

    dataset: str
    sha256: str
    seconds: float
    probabilities: FloatArray
    labels: npt.NDArray[np.int64]
    agreement: npt.NDArray[np.float32]
    keys: npt.NDArray[np.str_]


def evaluate_datasets(
    checkpoint: str,
    datasets: Sequence[str],
    batch: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    majority: bool = False,
    additions: Sequence[str] = (),
) -> EvaluationReport:
    """Evaluate a bundle or run on datasets.

    Args:
        checkpoint: Name or folder of a bundle, or folder of a run.
        datasets: Each as `CORPUS:PATH[#SPLIT]`.
        batch: Images that are predicted at a time; by default the most that the model takes.
        resamples: Number of bootstrap resamples.
        seed: Of the resamples.
        majority: Leave out images whose label has half of the votes or fewer, by FER+'s rule.
        additions: Folders of runs or bundles. The model is then the mean of their probabilities and the checkpoint's.

    Raises:
        FerPhqError: The checkpoint or a dataset cannot be loaded, or an argument is out of range.
    """
    batch = BATCH if batch is None else batch
    if not 1 <= batch <= BATCH:
        raise SettingsError(messages.BATCH_OUT_OF_RANGE(batch=batch, limit=BATCH))
    sources = [parse_source(text) for text in datasets]
    if not sources:
        raise SettingsError(messages.NO_DATASET())
    model, classes = load_emotion_model(checkpoint, additions)
    predictions = []
    for source in sources:
        faces = load_faces(source, classes)
        if majority:
            faces = faces.take(faces.label_agreement > MAJORITY)
            if not len(faces):
                raise SettingsError(messages.NO_MAJORITY(source=str(source)))
        name = f"{source}, majority only" if majority else str(source)
        predictions.append(predict(model, name, faces, batch))
    evaluations = tuple(compute_evaluation(model.model_id, part, classes, resamples, seed) for part in predictions)
    several = len(predictions) > 1
    pooled = (
        compute_evaluation(model.model_id, pool_predictions(predictions), classes, resamples, seed) if several else None
    )
    return EvaluationReport(model.model_id, evaluations, pooled)


def predict(model: EmotionModel, dataset: str, faces: FaceSet, batch: int = BATCH) -> Predictions:
    """Predict a set, decoding a batch at a time.

    Args:
        model: The model.
        dataset: Name of the set.
        faces: The set.
        batch: Images at a time.

    Returns:
        The predictions; their time is that of the model alone.
    """
    digest = hashlib.sha256()
    probabilities = []
    seconds = 0.0
    for _, crops in iterate_crops(faces, batch):
        digest.update(crops.tobytes())
        started = time.perf_counter()
        probabilities.append(model.predict_emotions(crops))
        seconds += time.perf_counter() - started
    digest.update(str(crops.shape[1:]).encode() + faces.targets.tobytes())
    return Predictions(
        dataset,
        digest.hexdigest(),
        seconds,
        np.concatenate(probabilities),
        faces.labels,
        faces.label_agreement,
        faces.keys,
    )


def iterate_crops(faces: FaceSet, batch: int) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
    """Yield indices (b,) and uint8 RGB crops (b, h, w, 3) in batches, so that memory never holds a decoded corpus.

    Args:
        faces: The set.
        batch: Images at a time.
    """
    for start in range(0, len(faces), batch):
        indices = np.arange(start, min(start + batch, len(faces)))
        yield indices, faces.crops(indices)


def pool_predictions(parts: Sequence[Predictions]) -> Predictions:
    """Pool predictions into one dataset. An image counts once for every dataset that holds it."""
    return Predictions(
        dataset=POOLED,
        sha256=hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest(),
        seconds=sum(part.seconds for part in parts),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        agreement=np.concatenate([part.agreement for part in parts]),
        keys=np.concatenate([part.keys for part in parts]),
    )


def compute_evaluation(
    model_id: str, predictions: Predictions, classes: tuple[str, ...], resamples: int = RESAMPLES, seed: int = 0
) -> Evaluation:
    """Compute the metrics of predictions.

    Args:
        model_id: The model's name.
        predictions: Predictions for one dataset.
        classes: Names of the columns.
        resamples: Number of bootstrap resamples.
        seed: Of the resamples.
    """
    labels = predictions.labels
    return Evaluation(
        dataset=predictions.dataset,
        model_id=model_id,
        sha256=predictions.sha256,
        repeated=len(predictions.keys) - len(np.unique(predictions.keys)),
        seconds=round(predictions.seconds, 3),
        images_per_s=round(len(labels) / predictions.seconds, 1),
        metrics=emotion_metrics(predictions.probabilities, labels, classes),
        intervals=bootstrap_intervals(predictions.probabilities, labels, resamples, seed=seed),
        agreement=accuracy_by_agreement(predictions.probabilities, labels, predictions.agreement),
    )


def to_json(report: EvaluationReport) -> str:
    """Write a report as one JSON document."""
    document: dict[str, Any] = {
        "ece_bins": ECE_BINS,
        "interval": {"level": LEVEL, "method": "percentile bootstrap over images"},
        **dataclasses.asdict(report),
    }
    return json.dumps(document, indent=2)


def to_markdown(report: EvaluationReport) -> str:
    """Write a report as Markdown: a summary, then classes and confusion matrix of each dataset."""
    head = f"# Evaluation of {report.model_id}\n\n"
    note = f"In brackets: {LEVEL:.0%} interval, percentile bootstrap over images. ECE over {ECE_BINS} bins.\n\n"
    columns = ["dataset", "images", *SUMMARY.values(), "NLL", "Brier", "images/s"]
    rows = [[e.dataset, str(e.metrics.n), *summary_cells(e), f"{e.images_per_s:.0f}"] for e in report.evaluations]
    return head + note + markdown_table(columns, rows) + "".join(_dataset_section(e) for e in report.evaluations)


def summary_cells(evaluation: Evaluation) -> list[str]:
    """Format accuracy, macro-F1, UAR and ECE with their intervals, then NLL and Brier score."""
    metrics = evaluation.metrics
    cells = []
    for name in SUMMARY:
        interval = evaluation.intervals[name]
        places = ".1%" if name == "accuracy" else ".3f"
        cells.append(f"{getattr(metrics, name):{places}} ({interval.low:{places}} to {interval.high:{places}})")
    return [*cells, f"{metrics.nll:.3f}", f"{metrics.brier:.3f}"]


def _dataset_section(evaluation: Evaluation) -> str:
    classes = list(evaluation.metrics.per_class)
    scores = [[name, *_class_cells(evaluation, name)] for name in classes]
    confusion = [[name, *map(str, row)] for name, row in zip(classes, evaluation.metrics.confusion, strict=True)]
    repeated = f", {evaluation.repeated} of them with pixels that occurred before" if evaluation.repeated else ""
    return (
        f"\n## {evaluation.dataset}\n\n{evaluation.metrics.n} images{repeated}.\n"
        f"sha256 of pixels and targets: `{evaluation.sha256}`.\n\n"
        + markdown_table(["class", "precision", "recall", "F1", "images"], scores)
        + "\nConfusion: a row is what the label says, a column what the model said.\n\n"
        + markdown_table(["", *classes], confusion)
        + _agreement_section(evaluation)
    )


def _agreement_section(evaluation: Evaluation) -> str:
    if not evaluation.agreement:
        return ""
    columns = ["the label's share of the votes", "images", "accuracy"]
    return "\nBy how far taggers agreed:\n\n" + markdown_table(columns, agreement_rows(evaluation))


def agreement_rows(evaluation: Evaluation) -> list[list[str]]:
    """Format each range of agreement, and all above one half, with its number of images and accuracy."""
    bins = (*evaluation.agreement, pool_majority(evaluation.agreement))
    names = [f"more than {b.above:.0%}, up to {b.to:.0%}" for b in bins]
    accuracies = ["-" if b.accuracy is None else f"{b.accuracy:.1%}" for b in bins]
    return [[name, str(b.n), cell] for name, b, cell in zip(names, bins, accuracies, strict=True)]


def _class_cells(evaluation: Evaluation, name: str) -> list[str]:
    figures = evaluation.metrics.per_class[name]
    if not figures.support:
        return ["-", "-", "-", "0"]
    return [f"{figures.precision:.3f}", f"{figures.recall:.3f}", f"{figures.f1:.3f}", str(figures.support)]


def write_report(report: EvaluationReport, folder: Path) -> None:
    """Write evaluation.json, evaluation.md, confusion.png and reliability.png; the diagrams show the last evaluation.

    Args:
        report: The report.
        folder: Is made if it is missing.

    Raises:
        SettingsError: The folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(messages.CANNOT_WRITE(folder=str(folder), reason=error.strerror or "")) from None
    (folder / "evaluation.json").write_text(to_json(report) + "\n", encoding="utf-8")
    (folder / "evaluation.md").write_text(to_markdown(report), encoding="utf-8")
    evaluation = report.evaluations[-1]
    metrics = evaluation.metrics
    title = f"{report.model_id}, {evaluation.dataset}"
    save_figure(confusion_figure(metrics.confusion, tuple(metrics.per_class), title), folder / "confusion.png")
    save_figure(reliability_figure(metrics.reliability, metrics.ece, title), folder / "reliability.png")


def print_report(report: EvaluationReport, console: Console) -> None:
    """Print a report as tables on a terminal.

    Args:
        report: The report.
        console: The terminal.
    """
    for evaluation in report.evaluations:
        console.print(f"[bold]{report.model_id}[/] on {evaluation.dataset}: {evaluation.metrics.n} images")
        figures = Table("Figure", "Value", f"{LEVEL:.0%} interval", box=None, padding=(0, 2, 0, 0))
        for name, cell in zip((*SUMMARY.values(), "NLL", "Brier"), summary_cells(evaluation), strict=True):
            value, _, interval = cell.partition(" (")
            figures.add_row(name, value, interval.rstrip(")"))
        figures.add_row("Images/s", f"{evaluation.images_per_s:.0f}", "")
        classes = Table("Class", "Precision", "Recall", "F1", "Images", box=None, padding=(0, 2, 0, 0))
        for name in evaluation.metrics.per_class:
            classes.add_row(name, *_class_cells(evaluation, name))
        console.print(figures, classes, sep="\n")
        if evaluation.agreement:
            agreement = Table("Share of the votes", "Images", "Accuracy", box=None, padding=(0, 2, 0, 0))
            for row in agreement_rows(evaluation):
                agreement.add_row(*row)
            console.print(agreement)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.evaluate, argv, "training.emotion.evaluate")


if __name__ == "__main__":
    sys.exit(main())
