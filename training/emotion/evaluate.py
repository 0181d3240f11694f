"""Judge a checkpoint on labelled faces: `python -m training.emotion.evaluate CHECKPOINT DATASET... [--out DIR]`.

CHECKPOINT is a bundle's name or folder, or a run's folder, uncalibrated (with `--with RUN` the mean of both, as a
student is taught by them); a DATASET is `CORPUS:PATH[#SPLIT]` as in a recipe, for example
`ferplus:../shared/data/ferplus/valid.parquet`. Several datasets are judged one by one and pooled.
"""

from __future__ import annotations

import argparse
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
from fer_phq.core.errors import FerPhqError, SettingsError
from fer_phq.models.model import BATCH
from training.emotion.data.corpora import FaceSet, load_faces, parse_source
from training.emotion.ensemble import EmotionModel, load_judged
from training.emotion.metrics import (
    ECE_BINS,
    LEVEL,
    MAJORITY,
    RESAMPLES,
    Agreement,
    EmotionMetrics,
    Interval,
    above_half,
    bootstrap_intervals,
    by_agreement,
    emotion_metrics,
)
from training.plots.figures import confusion_figure, reliability_figure, save_figure
from training.plots.markdown import markdown_table

POOLED = "all datasets pooled"
SUMMARY = {"accuracy": "Accuracy", "macro_f1": "Macro-F1", "uar": "UAR", "ece": "ECE"}
"""Figures with an interval, as they are called for people."""


@dataclass(frozen=True)
class Evaluation:
    """One dataset's verdict.

    dataset: as it was named. sha256: over RGB pixels, shape and targets of the images judged, in order, so it names
    what was judged however it is packed. repeated: images whose pixels occurred before in the dataset: more than a
    few make the intervals too narrow. images_per_s: through the model's public door, from uint8 crops to probabilities.
    agreement: by how many taggers agreed; empty where each image has one label alone.
    """

    dataset: str
    model_id: str
    sha256: str
    repeated: int
    seconds: float
    images_per_s: float
    metrics: EmotionMetrics
    intervals: dict[str, Interval]
    agreement: tuple[Agreement, ...]


@dataclass(frozen=True)
class Verdict:
    """All datasets one by one and, where there are several, pooled."""

    model_id: str
    datasets: tuple[Evaluation, ...]
    pooled: Evaluation | None

    @property
    def every(self) -> tuple[Evaluation, ...]:
        """The datasets, then the pool."""
        return (*self.datasets, self.pooled) if self.pooled else self.datasets


@dataclass(frozen=True, eq=False)
class Judged:
    """What the model said of one dataset: probabilities (n, classes), labels, agreement and keys (n,), and the time.

    agreement: the labels' share of the votes, 1 where each image has one label alone.
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
    batch: int = BATCH,
    resamples: int = RESAMPLES,
    seed: int = 0,
    majority: bool = False,
    others: Sequence[str] = (),
) -> Verdict:
    """Judge a bundle or run on datasets named `CORPUS:PATH[#SPLIT]`. Raises FerPhqError in one sentence.

    majority: only on images whose label has more than half of the votes (`FaceSet.agreement`): FER+'s own rule.
    others: folders of runs or bundles; what is judged then is the mean of their probabilities and the checkpoint's.
    """
    if not 1 <= batch <= BATCH:
        raise SettingsError(f"--batch {batch} is not between 1 and {BATCH}, the most that the model takes at once.")
    sources = [parse_source(text) for text in datasets]
    if not sources:
        raise SettingsError("Name at least one dataset to judge the checkpoint on.")
    model, classes = load_judged(checkpoint, others)
    judged = []
    for source in sources:
        faces = load_faces(source, classes)
        if majority:
            faces = faces.take(faces.label_agreement > MAJORITY)
            if not len(faces):
                raise SettingsError(f"{source} holds no image whose label has a majority: leave out --majority.")
        judged.append(judge(model, f"{source}, majority only" if majority else str(source), faces, batch))
    verdicts = tuple(evaluation(model.model_id, one, classes, resamples, seed) for one in judged)
    several = len(judged) > 1
    pooled = evaluation(model.model_id, pool(judged), classes, resamples, seed) if several else None
    return Verdict(model.model_id, verdicts, pooled)


def judge(model: EmotionModel, name: str, faces: FaceSet, batch: int = BATCH) -> Judged:
    """Run the model over a set, decoding and predicting a batch at a time; only predicting is timed."""
    digest = hashlib.sha256()
    rows = []
    seconds = 0.0
    for _, crops in crop_batches(faces, batch):
        digest.update(crops.tobytes())
        began = time.perf_counter()
        rows.append(model.predict_emotions(crops))
        seconds += time.perf_counter() - began
    digest.update(str(crops.shape[1:]).encode() + faces.targets.tobytes())
    return Judged(
        name, digest.hexdigest(), seconds, np.concatenate(rows), faces.labels, faces.label_agreement, faces.keys
    )


def crop_batches(faces: FaceSet, batch: int) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
    """Positions (b,) and RGB crops (b, h, w, 3), a batch at a time, so that an encoded corpus never lies in memory."""
    for start in range(0, len(faces), batch):
        chosen = np.arange(start, min(start + batch, len(faces)))
        yield chosen, faces.crops(chosen)


def pool(parts: Sequence[Judged]) -> Judged:
    """All images as one dataset: each counts once for every time it stands in one."""
    return Judged(
        dataset=POOLED,
        sha256=hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest(),
        seconds=sum(part.seconds for part in parts),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        agreement=np.concatenate([part.agreement for part in parts]),
        keys=np.concatenate([part.keys for part in parts]),
    )


def evaluation(
    model_id: str, judged: Judged, classes: tuple[str, ...], resamples: int = RESAMPLES, seed: int = 0
) -> Evaluation:
    """The figures of what the model said."""
    labels = judged.labels
    return Evaluation(
        dataset=judged.dataset,
        model_id=model_id,
        sha256=judged.sha256,
        repeated=len(judged.keys) - len(np.unique(judged.keys)),
        seconds=round(judged.seconds, 3),
        images_per_s=round(len(labels) / judged.seconds, 1),
        metrics=emotion_metrics(judged.probabilities, labels, classes),
        intervals=bootstrap_intervals(judged.probabilities, labels, resamples, seed=seed),
        agreement=by_agreement(judged.probabilities, labels, judged.agreement),
    )


def as_json(verdict: Verdict) -> str:
    """The whole verdict as one JSON document."""
    document: dict[str, Any] = {
        "ece_bins": ECE_BINS,
        "interval": {"level": LEVEL, "method": "percentile bootstrap over images"},
        **dataclasses.asdict(verdict),
    }
    return json.dumps(document, indent=2)


def as_markdown(verdict: Verdict) -> str:
    """The verdict for people: a summary, then each dataset's classes and confusion matrix."""
    head = f"# Evaluation of {verdict.model_id}\n\n"
    note = f"In brackets: {LEVEL:.0%} interval, percentile bootstrap over images. ECE over {ECE_BINS} bins.\n\n"
    columns = ["dataset", "images", *SUMMARY.values(), "NLL", "Brier", "images/s"]
    rows = [[e.dataset, str(e.metrics.n), *summary(e), f"{e.images_per_s:.0f}"] for e in verdict.every]
    return head + note + markdown_table(columns, rows) + "".join(_section(e) for e in verdict.every)


def summary(found: Evaluation) -> list[str]:
    """Accuracy, macro-F1, UAR and ECE with their intervals, NLL and Brier score, as text."""
    metrics = found.metrics
    cells = []
    for name in SUMMARY:
        interval = found.intervals[name]
        places = ".1%" if name == "accuracy" else ".3f"
        cells.append(f"{getattr(metrics, name):{places}} ({interval.low:{places}} to {interval.high:{places}})")
    return [*cells, f"{metrics.nll:.3f}", f"{metrics.brier:.3f}"]


def _section(found: Evaluation) -> str:
    classes = list(found.metrics.per_class)
    scores = [[name, *_class_cells(found, name)] for name in classes]
    confusion = [[name, *map(str, row)] for name, row in zip(classes, found.metrics.confusion, strict=True)]
    repeated = f", {found.repeated} of them with pixels that occurred before" if found.repeated else ""
    return (
        f"\n## {found.dataset}\n\n{found.metrics.n} images{repeated}.\n"
        f"sha256 of pixels and targets: `{found.sha256}`.\n\n"
        + markdown_table(["class", "precision", "recall", "F1", "images"], scores)
        + "\nConfusion: a row is what the label says, a column what the model said.\n\n"
        + markdown_table(["", *classes], confusion)
        + _agreement_section(found)
    )


def _agreement_section(found: Evaluation) -> str:
    if not found.agreement:
        return ""
    columns = ["the label's share of the votes", "images", "accuracy"]
    return "\nBy how far taggers agreed:\n\n" + markdown_table(columns, agreement_rows(found))


def agreement_rows(found: Evaluation) -> list[list[str]]:
    """Each range of agreement and all above one half, with its images and accuracy."""
    every = (*found.agreement, above_half(found.agreement))
    names = [f"more than {one.above:.0%}, up to {one.to:.0%}" for one in every]
    right = ["-" if one.accuracy is None else f"{one.accuracy:.1%}" for one in every]
    return [[name, str(one.n), cell] for name, one, cell in zip(names, every, right, strict=True)]


def _class_cells(found: Evaluation, name: str) -> list[str]:
    figures = found.metrics.per_class[name]
    if not figures.support:
        return ["-", "-", "-", "0"]
    return [f"{figures.precision:.3f}", f"{figures.recall:.3f}", f"{figures.f1:.3f}", str(figures.support)]


def write(verdict: Verdict, folder: Path) -> None:
    """evaluation.json, evaluation.md, confusion.png and reliability.png (of the pool where there are several)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written to: {error.strerror}.") from None
    (folder / "evaluation.json").write_text(as_json(verdict) + "\n", encoding="utf-8")
    (folder / "evaluation.md").write_text(as_markdown(verdict), encoding="utf-8")
    chosen = verdict.every[-1]
    metrics = chosen.metrics
    title = f"{verdict.model_id}, {chosen.dataset}"
    save_figure(confusion_figure(metrics.confusion, tuple(metrics.per_class), title), folder / "confusion.png")
    save_figure(reliability_figure(metrics.reliability, metrics.ece, title), folder / "reliability.png")


def show(verdict: Verdict, console: Console) -> None:
    """The verdict as tables on a terminal."""
    for found in verdict.every:
        console.print(f"[bold]{verdict.model_id}[/] on {found.dataset}: {found.metrics.n} images")
        figures = Table("Figure", "Value", f"{LEVEL:.0%} interval", box=None, padding=(0, 2, 0, 0))
        for name, cell in zip((*SUMMARY.values(), "NLL", "Brier"), summary(found), strict=True):
            value, _, interval = cell.partition(" (")
            figures.add_row(name, value, interval.rstrip(")"))
        figures.add_row("Images/s", f"{found.images_per_s:.0f}", "")
        classes = Table("Class", "Precision", "Recall", "F1", "Images", box=None, padding=(0, 2, 0, 0))
        for name in found.metrics.per_class:
            classes.add_row(name, *_class_cells(found, name))
        console.print(figures, classes, sep="\n")
        if found.agreement:
            agreed = Table("Share of the votes", "Images", "Accuracy", box=None, padding=(0, 2, 0, 0))
            for row in agreement_rows(found):
                agreed.add_row(*row)
            console.print(agreed)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.emotion.evaluate", description="Judge a checkpoint on datasets."
    )
    parser.add_argument("checkpoint", help="name or folder of a checkpoint bundle, or folder of a run")
    parser.add_argument("datasets", nargs="+", metavar="DATASET", help="CORPUS:PATH[#SPLIT]")
    parser.add_argument("--out", type=Path, help="folder for evaluation.json, evaluation.md and the diagrams")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument(
        "--majority", action="store_true", help="leave out images whose label has half of the votes or fewer"
    )
    parser.add_argument(
        "--with", dest="others", action="append", default=[], metavar="RUN", help="judge the mean with this one too"
    )
    parser.add_argument("--batch", type=int, default=BATCH, help=f"images at a time, at most {BATCH}")
    options = parser.parse_args(argv)
    try:
        verdict = evaluate_datasets(
            options.checkpoint, options.datasets, options.batch, majority=options.majority, others=options.others
        )
        if options.out:
            write(verdict, options.out)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(as_json(verdict))
    elif not options.out:
        show(verdict, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
