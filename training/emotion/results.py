"""RESULTS.md of all recipes and their runs: `python -m training.emotion.results RUNS [--out FILE] [--figures DIR]`.

A run is a folder in RUNS with `log.jsonl` (a line an epoch) or `run.json` (command, hardware, data sheet, and a `note`
that a person may add), and its resolved `recipe.yaml`. Only differences and counts are computed from these files;
missing values are shown as a dash. A recipe without a run is listed with the reason, such as a missing corpus.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from fer_phq.core.errors import SettingsError
from training import cli
from training.emotion import commands, messages
from training.emotion.recipe import resolve_stages
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


@dataclass(frozen=True)
class RecipeSummary:
    """The parts of a recipe that a report shows.

    Attributes:
        name: Name of the recipe.
        file: Name of its file.
        sources: Corpus and path, with its root, of every source of every stage.
        epochs: Planned epochs of all stages.
        from_hub: Network whose weights are downloaded from the hub; empty where none are.
    """

    name: str
    file: str
    sources: tuple[tuple[str, Path], ...]
    epochs: int
    from_hub: str = ""


@dataclass(frozen=True)
class RunRecord:
    """Contents of a run's folder.

    Attributes:
        folder: The folder.
        recipe: Its recipe.
        rows: Rows of `log.jsonl`, one an epoch.
        facts: `run.json`; empty where there is none.
    """

    folder: Path
    recipe: RecipeSummary
    rows: tuple[dict[str, Any], ...]
    facts: Mapping[str, Any]


def read_recipe_summary(path: Path, root: Path | None = None) -> RecipeSummary:
    """Read the summary of a recipe, with or without `stages`.

    Args:
        path: YAML file.
        root: Folder from which the sources' paths start, in place of the recipe's own.

    Raises:
        SettingsError: The file is missing or not a recipe.
    """
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        base = Path(root or fields.get("root", "data"))
        stages = resolve_stages(fields)["stages"]
        epochs = sum(int(phase["epochs"]) for stage in stages for phase in stage["phases"])
        network = fields.get("network", {})
        from_hub = str(network["backbone"]) if network.get("init_from") == "hub" else ""
        return RecipeSummary(str(fields["name"]), path.name, tuple(_sources(stages, base)), epochs, from_hub)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        kind = type(error).__name__
        raise SettingsError(messages.UNREADABLE_RECIPE(path=str(path), error=kind, reason=str(error))) from None


def _sources(stages: Sequence[Mapping[str, Any]], root: Path) -> Iterator[tuple[str, Path]]:
    for stage in stages:
        data = stage["data"]
        for source in (*data["train"], *data["valid"]):
            hub = str(source["path"]).startswith("hub:")
            yield str(source["corpus"]), Path(source["path"]) if hub else root / source["path"]


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


def read_runs(folder: Path) -> list[RunRecord]:
    """Read every run in a folder, in the order of their names.

    Args:
        folder: Folder with one folder a run.

    Raises:
        SettingsError: There is no such folder, or a file of a run is damaged.
    """
    if not folder.is_dir():
        raise SettingsError(messages.NO_RUNS(folder=str(folder)))
    names = sorted(path.parent for path in folder.glob("*/recipe.yaml"))
    return [read_run(path) for path in names if (path / "log.jsonl").is_file() or (path / "run.json").is_file()]


def read_run(folder: Path) -> RunRecord:
    """Read one run.

    Args:
        folder: Folder of the run.

    Raises:
        SettingsError: A file of the run is damaged.
    """
    rows = []
    facts = {}
    log = folder / "log.jsonl"
    sheet = folder / "run.json"
    try:
        if log.is_file():
            rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
        if sheet.is_file():
            facts = json.loads(sheet.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingsError(messages.DAMAGED_RUN(folder=str(folder), reason=str(error))) from None
    return RunRecord(folder, read_recipe_summary(folder / "recipe.yaml"), tuple(rows), facts)


def render_results(
    recipes: Sequence[RecipeSummary], runs: Sequence[RunRecord], pictures: Mapping[Path, str] = MappingProxyType({})
) -> str:
    """Write RESULTS.md: the table, a section for each run, and how to request missing corpora.

    Args:
        recipes: All recipes.
        runs: All runs.
        pictures: Links to learning curves by the run's folder.
    """
    by_name = {recipe.name: [run for run in runs if _recipe_name(run) == recipe.name] for recipe in recipes}
    rows = []
    for recipe in recipes:
        recipe_runs = by_name[recipe.name]
        rows += [run_cells(run, recipe.file) for run in recipe_runs] or [_unrun_cells(recipe)]
    rows += [run_cells(run, None) for run in runs if _recipe_name(run) not in by_name]
    table = markdown_table(COLUMNS, rows)
    sheets = "".join(_run_section(run, pictures.get(run.folder)) for run in runs)
    return f"{_HEAD}\n{table}{sheets}{_request_section(recipes)}"


_HEAD = """# Results

One row a recipe of `training/recipes`, and one a run where it was run more than once; made by `python -m
training.emotion.results`. Accuracies are on the recipe's own validation part and classes. Best: the epoch with the
highest accuracy, which was chosen on that part and so flatters a little; macro-F1 is of the last epoch. Gap: training
less validation accuracy, last epoch, in points; training accuracy is on a sample of the training images as they are.
"""


def run_cells(run: RunRecord, file: str | None) -> list[str]:
    """Format the row of a run.

    Args:
        run: The run.
        file: Name of its recipe's file; None where it is not among the recipes.
    """
    accuracies = [row["valid_accuracy"] for row in run.rows if row.get("valid_accuracy") is not None]
    last = run.rows[-1] if run.rows else {}
    name = f"{run.recipe.name} ({file or 'a recipe of its own'}, run {run.folder.name})"
    return [
        name,
        _corpora(run.recipe),
        format_epochs(run),
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


def format_epochs(run: RunRecord) -> str:
    """Format the finished and planned epochs, and whether a run with fewer ended early or is unfinished."""
    done = len(run.rows)
    planned = run.recipe.epochs
    text = f"{done} of {planned} epochs"
    if done >= planned:
        return text
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


def _recipe_name(run: RunRecord) -> str:
    return str(run.facts.get("recipe_name") or run.recipe.name)


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
