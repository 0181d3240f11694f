"""The public works that this package grew from: what each reports, beside what its recipe reached here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.emotion.runs.findings import accuracy_margin, is_cut, validation_images
from training.emotion.runs.records import RecipeSummary, RunRecord

COLUMNS = ("Seed", "It reports", "On", "Ours, last epoch", "Ours, best epoch", "On", "Command")
DASH = "-"


@dataclass(frozen=True)
class Seed:
    """A public work.

    Attributes:
        title: What it trains.
        accuracy: The accuracy that it reports.
        data: What it was measured on.
        recipe: Name of the recipe that stands for it.
    """

    title: str
    accuracy: str
    data: str
    recipe: str


SEEDS = (
    Seed("A simple CNN", "47 %", "FER2013, 7 classes", "fer2013_simple_cnn"),
    Seed("A deeper CNN", "60 %", "FER2013, 7 classes", "fer2013_deeper_cnn"),
    Seed("ResNet-18 from scratch", "66 to 68 %", "FER2013, 7 classes", "fer2013_resnet18"),
    Seed("A ViT from scratch", "62 to 65 %", "FER2013, 7 classes", "fer2013_vit"),
    Seed("Nine classes, trained directly", "66 %", "other images", "direct_nine_class"),
    Seed("Nine classes, by a chain of data sets", "75 %", "other images", "iterative_nine_class"),
)
"""Their figures are what they publish; none was made again with their own programs."""


def seed_rows(recipes: Sequence[RecipeSummary], runs: Sequence[RunRecord]) -> list[list[str]]:
    """Format a row of `COLUMNS` for each seed whose recipe there is.

    A run with fewer epochs than its recipe has is marked and has no figure here: it would be compared.

    Args:
        recipes: All recipes, as they are now.
        runs: All runs.
    """
    planned = {recipe.name: recipe.epochs for recipe in recipes}
    rows = []
    for seed in SEEDS:
        if seed.recipe in planned:
            run = _newest(seed.recipe, runs, planned)
            rows.append([seed.title, seed.accuracy, seed.data, *_run_cells(run, planned)])
    return rows


def _newest(recipe: str, runs: Sequence[RunRecord], planned: Mapping[str, int]) -> RunRecord | None:
    """Return the newest run of a recipe, a complete one where there is any."""
    own = [run for run in runs if run.recipe_name == recipe and run.last_accuracy is not None]
    return max(own, key=lambda run: (not is_cut(run, planned), str(run.facts.get("started_at") or "")), default=None)


def _run_cells(run: RunRecord | None, planned: Mapping[str, int]) -> list[str]:
    if run is None:
        return ["not run", DASH, DASH, DASH]
    if is_cut(run, planned):
        return [f"cut after {len(run.rows)} of {planned[run.recipe_name]} epochs, not compared", DASH, DASH, DASH]
    images = validation_images(run)
    last = run.last_accuracy or 0.0
    margin = "" if images is None else f" ± {100 * accuracy_margin(last, images):.1f}"
    best = max(row["valid_accuracy"] for row in run.rows if row.get("valid_accuracy") is not None)
    data = f"{run.recipe.sources[-1][0]}, {images:,} images of valid" if images else run.recipe.sources[-1][0]
    command = f"`{run.facts['command']}`" if run.facts.get("command") else DASH
    return [f"{100 * last:.1f}{margin} %", f"{100 * best:.1f} %", data, command]
