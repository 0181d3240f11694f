"""Findings of many runs: accuracies side by side with their intervals, and runs that overfit, underfit or were cut."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from training.emotion.runs.records import RecipeSummary, RunRecord

Z95 = 1.959964
"""Quantile of the normal distribution for 95 %."""
OVERFIT = 0.1
"""Training less validation accuracy from which a run is said to know its training images by heart."""
_SHEET = re.compile(r"^valid: (?P<images>\d+) images: (?P<classes>.+)$")


def find_findings(recipes: Sequence[RecipeSummary], runs: Sequence[RunRecord]) -> list[str]:
    """Write what the runs show, a sentence each.

    Runs are compared where they were validated on the same images and classes. A run with fewer epochs than its recipe
    has is named and not compared.

    Args:
        recipes: All recipes, as they are now.
        runs: All runs.
    """
    planned = {recipe.name: recipe.epochs for recipe in recipes}
    complete = [run for run in runs if run.last_accuracy is not None and not is_cut(run, planned)]
    groups: dict[tuple[str, int], list[RunRecord]] = defaultdict(list)
    for run in complete:
        sheet = _validation(run)
        if sheet is not None:
            groups[sheet].append(run)
    sentences = [_comparison(classes, images, groups[classes, images]) for classes, images in sorted(groups)]
    sentences += _overfit(complete)
    sentences += _cut(runs, planned)
    return sentences


def is_cut(run: RunRecord, planned: Mapping[str, int]) -> bool:
    """Tell whether a run had fewer epochs than its recipe has.

    Args:
        run: The run.
        planned: Epochs of each recipe by its name; a run of another recipe is held to its own.
    """
    return len(run.rows) < planned.get(run.recipe_name, run.recipe.epochs)


def accuracy_margin(accuracy: float, images: int) -> float:
    """Half the width of an accuracy's 95 % interval by the normal approximation of the binomial distribution.

    Args:
        accuracy: 0 to 1.
        images: Number of images on which it was measured.
    """
    return Z95 * math.sqrt(accuracy * (1 - accuracy) / images)


def validation_images(run: RunRecord) -> int | None:
    """Count the images on which a run was validated, by its data sheet; None where that does not say.

    Args:
        run: The run.
    """
    sheet = _validation(run)
    return None if sheet is None else sheet[1]


def _validation(run: RunRecord) -> tuple[str, int] | None:
    """Return the names of the classes and the number of images of the run's data sheet."""
    for line in run.facts.get("data", []):
        match = _SHEET.match(str(line))
        if match:
            counts = [part.rsplit(" ", 1) for part in match["classes"].split(" (")[0].split(", ")]
            corpus = run.recipe.sources[-1][0]
            return f"{corpus}, {len(counts)} classes", int(match["images"])
    return None


def _comparison(classes: str, images: int, runs: Sequence[RunRecord]) -> str:
    ranked = sorted(((run.last_accuracy or 0.0, run.folder.name) for run in runs), reverse=True)
    margin = accuracy_margin(ranked[0][0], images)
    shares = ", ".join(f"{name} {accuracy:.1%}" for accuracy, name in ranked)
    return f"{classes}, {images:,} validation images, last epoch (± {100 * margin:.1f} points at 95 %): {shares}."


def _overfit(runs: Sequence[RunRecord]) -> Iterator[str]:
    for run in runs:
        train = run.rows[-1].get("train_accuracy")
        if train is None or run.last_accuracy is None:
            continue
        gap = train - run.last_accuracy
        if gap > OVERFIT:
            yield f"{run.folder.name} knows its training images by heart: {100 * gap:.0f} points above validation."
        elif gap < 0:
            yield f"{run.folder.name} underfits: its training accuracy lies below that of validation."


def _cut(runs: Sequence[RunRecord], planned: Mapping[str, int]) -> Iterator[str]:
    counts = [
        f"{run.folder.name} ({len(run.rows)} of {planned.get(run.recipe_name, run.recipe.epochs)})"
        for run in runs
        if is_cut(run, planned)
    ]
    if counts:
        yield f"Cut, with fewer epochs than the recipe has now, and not compared: {', '.join(counts)}."
