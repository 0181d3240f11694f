"""RESULTS.md of all recipes and their runs: `python -m training.emotion.results RUNS [--out FILE] [--figures DIR]`.

A run is a folder in RUNS with `log.jsonl` (a line an epoch) or `run.json` (command, hardware, data sheet, and a `note`
that a person may add), and its resolved `recipe.yaml`. Only differences and counts are computed from these files;
missing values are shown as a dash. A recipe without a run is listed with the reason, such as a missing corpus.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from training import cli
from training.emotion import commands
from training.emotion.runs.findings import find_findings
from training.emotion.runs.records import RecipeSummary, RunRecord, read_recipe_summary, read_runs
from training.emotion.runs.seeds import COLUMNS as SEED_COLUMNS
from training.emotion.runs.seeds import seed_rows
from training.plots.figures import learning_curves_figure, save_figure
from training.plots.markdown import markdown_table

RECIPES = Path(__file__).parents[1] / "recipes"

ON_REQUEST: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "affectnet": ("AffectNet", "by a signed research agreement, from mohammadmahoor.com/pages/databases/affectnet"),
        "rafdb": ("RAF-DB", "by an e-mail from a university address, from whdeng.cn/RAF/model1.html"),
        "mmi": ("MMI", "by an end-user agreement and an account, from mmifacedb.eu"),
    }
)
"""Corpora that only their owners hand out: their titles, and how to request them."""

DASH = "-"
COLUMNS = (
    "Recipe",
    "Data",
    "Epochs",
    "Best valid accuracy",
    "Last valid accuracy",
    "Macro-F1",
    "Train-valid gap",
    "Hardware",
    "Time",
    "Command",
)


def missing_corpora(recipe: RecipeSummary) -> list[tuple[str, Path]]:
    """Find the corpora of which a part is missing where the recipe expects it: each once, with that path."""
    absent = {corpus: path for corpus, path in reversed(recipe.sources) if not _exists(path)}
    return sorted(absent.items())


def _exists(path: Path) -> bool:
    return str(path).startswith("hub:") or path.exists()


def not_run_reason(recipe: RecipeSummary) -> str:
    """Write `not run` and the reason, if corpora are missing or weights have to be downloaded."""
    absent = missing_corpora(recipe)
    on_request = [ON_REQUEST[corpus][0] for corpus, _ in absent if corpus in ON_REQUEST]
    if on_request:
        verb, owner = ("has", "its") if len(on_request) == 1 else ("have", "their")
        return f"not run: {_join_names(on_request)} {verb} to be requested from {owner} owners"
    if absent:
        return "not run: " + _join_names([f"no {corpus} at {path}" for corpus, path in absent])
    if recipe.from_hub:
        return f"not run: {recipe.from_hub} has to be downloaded from the hub"
    return "not run"


def render_results(
    recipes: Sequence[RecipeSummary], runs: Sequence[RunRecord], pictures: Mapping[Path, str] = MappingProxyType({})
) -> str:
    """Write RESULTS.md: the seeds, what was found, all runs, a section for each, and how to request missing corpora.

    Args:
        recipes: All recipes.
        runs: All runs.
        pictures: Links to learning curves by the run's folder.
    """
    by_name = {recipe.name: [run for run in runs if run.recipe_name == recipe.name] for recipe in recipes}
    rows = []
    for recipe in recipes:
        recipe_runs = by_name[recipe.name]
        rows += [run_cells(run, recipe.file, recipe.epochs) for run in recipe_runs] or [_unrun_cells(recipe)]
    rows += [run_cells(run, None) for run in runs if run.recipe_name not in by_name]
    table = markdown_table(COLUMNS, rows)
    sheets = "".join(_run_section(run, pictures.get(run.folder)) for run in runs)
    seeds = seed_rows(recipes, runs)
    opening = f"{_SEEDS_HEAD}\n{markdown_table(SEED_COLUMNS, seeds)}\n" if seeds else ""
    findings = "".join(f"- {sentence}\n" for sentence in find_findings(recipes, runs))
    if findings:
        opening += f"## What was found\n\n{findings}\n"
    return f"# Results\n\n{opening}{_TABLE_HEAD}\n{table}{sheets}{_request_section(recipes)}"


_SEEDS_HEAD = """## The seeds

What public works report, and what a recipe that stands for each reached here. Where it differs from the original, its
second line says how. ± is half of the 95 % interval. The best epoch was chosen on these images: it flatters a little.
"""


_TABLE_HEAD = """## All recipes and runs

One row a recipe of `training/recipes`, and one a run where it was run more than once; made by `python -m
training.emotion.results`. Accuracies are on the recipe's own validation part and classes. Best: the epoch with the
highest accuracy, which was chosen on that part and so flatters a little; macro-F1 is of the last epoch. Gap: training
less validation accuracy, last epoch, in points; training accuracy is on a sample of the training images as they are.
"""


def run_cells(run: RunRecord, file: str | None, planned: int | None = None) -> list[str]:
    """Format the row of a run.

    Args:
        run: The run.
        file: Name of its recipe's file; None where it is not among the recipes.
        planned: Epochs that its recipe has now; None where it is not among the recipes.
    """
    accuracies = [row["valid_accuracy"] for row in run.rows if row.get("valid_accuracy") is not None]
    last = run.rows[-1] if run.rows else {}
    name = f"{run.recipe.name} ({file or 'a recipe of its own'}, run {run.folder.name})"
    return [
        name,
        _corpora(run.recipe),
        format_epochs(run, planned),
        _format_share(max(accuracies, default=None)),
        _format_share(last.get("valid_accuracy")),
        _format_number(last.get("macro_f1")),
        format_gap(last),
        str(run.facts.get("hardware") or DASH),
        format_duration(_run_seconds(run)),
        f"`{run.facts['command']}`" if run.facts.get("command") else DASH,
    ]


def _unrun_cells(recipe: RecipeSummary) -> list[str]:
    fill = [DASH] * (len(COLUMNS) - 4)
    return [
        f"{recipe.name} ({recipe.file})",
        _corpora(recipe),
        f"0 of {recipe.epochs} epochs",
        not_run_reason(recipe),
        *fill,
    ]


def format_epochs(run: RunRecord, planned: int | None = None) -> str:
    """Format the finished and planned epochs, and whether a run with fewer was cut, ended early or is unfinished.

    Args:
        run: The run.
        planned: Epochs that its recipe has now; None for those that the run itself was to have.
    """
    done = len(run.rows)
    total = max(planned or 0, run.recipe.epochs)
    text = f"{done} of {total} epochs"
    if done >= total:
        return text
    if done == run.recipe.epochs:
        return f"{text} (cut)"
    return f"{text} ({'ended early' if run.facts.get('finished_at') else 'unfinished'})"


def format_gap(row: Mapping[str, Any]) -> str:
    """Format training less validation accuracy of a row of the log, in points."""
    train = row.get("train_accuracy")
    valid = row.get("valid_accuracy")
    return DASH if train is None or valid is None else f"{100 * (train - valid):+.1f}"


def format_duration(seconds: float | None) -> str:
    """Format seconds as hours and minutes."""
    if seconds is None:
        return DASH
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _run_seconds(run: RunRecord) -> float | None:
    """Return the run's time, or else the sum of the epochs' times if every epoch has one."""
    if run.facts.get("seconds") is not None:
        return float(run.facts["seconds"])
    times = [float(row["seconds"]) for row in run.rows if row.get("seconds") is not None]
    return sum(times) if times and len(times) == len(run.rows) else None


def _corpora(recipe: RecipeSummary) -> str:
    return ", ".join(dict.fromkeys(corpus for corpus, _ in recipe.sources))


def _format_share(value: float | None) -> str:
    return DASH if value is None else f"{value:.1%}"


def _format_number(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _run_section(run: RunRecord, picture: str | None) -> str:
    """Write the section of a run: images, times, versions, data sheet and learning curves."""
    facts = run.facts
    fields = {
        "Trained images": facts.get("train_images"),
        "Validation images": facts.get("valid_images"),
        "Parameters": facts.get("parameters"),
        "Started": facts.get("started_at"),
        "Finished": facts.get("finished_at"),
        "PyTorch": facts.get("torch"),
        "Recipe's sha256": facts.get("recipe_sha256"),
        "Note": facts.get("note"),
    }
    texts = {name: f"{value:,}" if isinstance(value, int) else value for name, value in fields.items() if value}
    lines = [f"- {name}: {value}" for name, value in texts.items()]
    lines += [f"- {line}" for line in facts.get("data", [])]
    curve = f"\n![Learning curves of {run.folder.name}]({picture})\n" if picture else ""
    if not lines and not curve:
        return ""
    return f"\n## Run {run.folder.name}\n\n" + "".join(line + "\n" for line in lines) + curve


def _request_section(recipes: Sequence[RecipeSummary]) -> str:
    """Write how to request the corpora that are missing."""
    corpora = {corpus for recipe in recipes for corpus, _ in missing_corpora(recipe)} & set(ON_REQUEST)
    if not corpora:
        return ""
    lines = "".join(f"- {ON_REQUEST[corpus][0]}: {ON_REQUEST[corpus][1]}.\n" for corpus in sorted(corpora))
    return f"\n## Corpora that have to be requested\n\n{lines}"


def draw_curves(runs: Sequence[RunRecord], folder: Path, link_root: Path) -> dict[Path, str]:
    """Draw the learning curves of every run with epochs as a PNG.

    Args:
        runs: The runs.
        folder: Receives the pictures; is made if it is missing.
        link_root: Folder from which the links start.

    Returns:
        Links by the run's folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    links = {}
    for run in runs:
        if run.rows:
            path = folder / f"{run.folder.name}.png"
            save_figure(learning_curves_figure(run.rows, f"{run.recipe.name}, run {run.folder.name}"), path)
            links[run.folder] = Path(os.path.relpath(path, link_root)).as_posix()
    return links


def write_results(
    folder: Path,
    out: Path,
    figures: Path | None = None,
    recipe_folder: Path | None = None,
    root: Path | None = None,
) -> None:
    """Write RESULTS.md.

    Args:
        folder: Folder with one folder a run.
        out: The file to write.
        figures: Folder for the learning curves; by default none are drawn.
        recipe_folder: Folder of recipes; by default the package's.
        root: Folder in which the corpora lie, in place of the recipes' own root.

    Raises:
        SettingsError: A recipe or a run cannot be read.
    """
    recipes = [read_recipe_summary(path, root) for path in sorted((recipe_folder or RECIPES).glob("*.yaml"))]
    runs = read_runs(folder)
    pictures = draw_curves(runs, figures, out.parent) if figures else {}
    out.write_text(render_results(recipes, runs, pictures), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.results, argv, "training.emotion.results")


if __name__ == "__main__":
    sys.exit(main())
