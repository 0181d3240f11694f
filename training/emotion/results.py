"""RESULTS.md, every recipe and its runs: `python -m training.emotion.results RUNS [--out FILE] [--figures DIR]`.

A run is a folder of RUNS with `log.jsonl` (a line an epoch) or `run.json` (command, hardware, data sheet, and a `note`
where a person added one), and its resolved `recipe.yaml`. Nothing is computed here but differences and counts of what
those files say; what they do not say is a dash. A recipe without a run says so, with the reason where its corpora are
not to be had.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from fer_phq.core.errors import FerPhqError, SettingsError
from training.emotion.recipe import resolve
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
"""Corpora that only their owners hand out: how they are called, and how they are had."""

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
class Recipe:
    """What a report needs of a recipe. sources: (corpus, path with its root) of every stage; epochs: planned, all.

    from_hub: the network whose weights have to be downloaded, '' where none has.
    """

    name: str
    file: str
    sources: tuple[tuple[str, Path], ...]
    epochs: int
    from_hub: str = ""


@dataclass(frozen=True)
class Run:
    """One run's folder as read: its log's rows, and `run.json` (empty where there is none)."""

    folder: Path
    recipe: Recipe
    rows: tuple[dict[str, Any], ...]
    facts: Mapping[str, Any]


def read_recipe(path: Path, root: Path | None = None) -> Recipe:
    """A recipe's name, sources and planned epochs, of YAML with or without `stages`. root replaces the recipe's own.

    Raises SettingsError in one sentence when it is not a recipe.
    """
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        base = Path(root or fields.get("root", "data"))
        stages = resolve(fields)["stages"]
        epochs = sum(int(phase["epochs"]) for stage in stages for phase in stage["phases"])
        network = fields.get("network", {})
        from_hub = str(network["backbone"]) if network.get("init_from") == "hub" else ""
        return Recipe(str(fields["name"]), path.name, tuple(_sources(stages, base)), epochs, from_hub)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read as a recipe: {type(error).__name__}, {error}.") from None


def _sources(stages: Sequence[Mapping[str, Any]], root: Path) -> Iterator[tuple[str, Path]]:
    for stage in stages:
        data = stage["data"]
        for source in (*data["train"], *data["valid"]):
            hub = str(source["path"]).startswith("hub:")
            yield str(source["corpus"]), Path(source["path"]) if hub else root / source["path"]


def missing(recipe: Recipe) -> list[tuple[str, Path]]:
    """Corpora of which a part does not lie where the recipe expects it, once each, with that place."""
    absent = {corpus: path for corpus, path in reversed(recipe.sources) if not _there(path)}
    return sorted(absent.items())


def _there(path: Path) -> bool:
    return str(path).startswith("hub:") or path.exists()


def why_not(recipe: Recipe) -> str:
    """`not run`, and what stands in the way of it where corpora are missing or weights come from the hub."""
    absent = missing(recipe)
    asked = [ON_REQUEST[corpus][0] for corpus, _ in absent if corpus in ON_REQUEST]
    if asked:
        verb, owner = ("has", "its") if len(asked) == 1 else ("have", "their")
        return f"not run: {_listed(asked)} {verb} to be requested from {owner} owners"
    if absent:
        return "not run: " + _listed([f"no {corpus} at {path}" for corpus, path in absent])
    if recipe.from_hub:
        return f"not run: {recipe.from_hub} has to be downloaded from the hub"
    return "not run"


def read_runs(folder: Path) -> list[Run]:
    """Every run below a folder, by name. Raises SettingsError when there is no such folder or a file is damaged."""
    if not folder.is_dir():
        raise SettingsError(f"No folder of runs at {folder}.")
    names = sorted(path.parent for path in folder.glob("*/recipe.yaml"))
    return [read_run(path) for path in names if (path / "log.jsonl").is_file() or (path / "run.json").is_file()]


def read_run(folder: Path) -> Run:
    """One run. Raises SettingsError in one sentence for a damaged file."""
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
        raise SettingsError(f"The run in {folder} has a damaged log.jsonl or run.json: {error}.") from None
    return Run(folder, read_recipe(folder / "recipe.yaml"), tuple(rows), facts)


def results(recipes: Sequence[Recipe], runs: Sequence[Run], pictures: Mapping[Path, str] = MappingProxyType({})) -> str:
    """RESULTS.md: the table, the runs' data sheets (with `pictures`: run folder to the curve's link), the corpora."""
    by_name = {recipe.name: [run for run in runs if _recipe_name(run) == recipe.name] for recipe in recipes}
    rows = []
    for recipe in recipes:
        found = by_name[recipe.name]
        rows += [run_cells(run, recipe.file) for run in found] or [_unrun_cells(recipe)]
    rows += [run_cells(run, None) for run in runs if _recipe_name(run) not in by_name]
    table = markdown_table(COLUMNS, rows)
    sheets = "".join(_sheet(run, pictures.get(run.folder)) for run in runs)
    return f"{_HEAD}\n{table}{sheets}{_obtaining(recipes)}"


_HEAD = """# Results

One row a recipe of `training/recipes`, and one a run where it was run more than once; made by `python -m
training.emotion.results`. Accuracies are on the recipe's own validation part and classes. Best: the epoch with the
highest accuracy, which was chosen on that part and so flatters a little; macro-F1 is of the last epoch. Gap: training
less validation accuracy, last epoch, in points; training accuracy is on a sample of the training images as they are.
"""


def run_cells(run: Run, file: str | None) -> list[str]:
    """A run's row; `file`: its recipe's file, None where that is no longer among the recipes."""
    accuracies = [row["valid_accuracy"] for row in run.rows if row.get("valid_accuracy") is not None]
    last = run.rows[-1] if run.rows else {}
    name = f"{run.recipe.name} ({file or 'a recipe of its own'}, run {run.folder.name})"
    return [
        name,
        _data(run.recipe),
        epochs_text(run),
        _share(max(accuracies, default=None)),
        _share(last.get("valid_accuracy")),
        _number(last.get("macro_f1")),
        gap_text(last),
        str(run.facts.get("hardware") or DASH),
        duration(_seconds(run)),
        f"`{run.facts['command']}`" if run.facts.get("command") else DASH,
    ]


def _unrun_cells(recipe: Recipe) -> list[str]:
    fill = [DASH] * (len(COLUMNS) - 4)
    return [f"{recipe.name} ({recipe.file})", _data(recipe), f"0 of {recipe.epochs} epochs", why_not(recipe), *fill]


def epochs_text(run: Run) -> str:
    """Epochs done of those planned; a run that ended before its plan says whether it ended by itself."""
    done = len(run.rows)
    planned = run.recipe.epochs
    text = f"{done} of {planned} epochs"
    if done >= planned:
        return text
    return f"{text} ({'ended early' if run.facts.get('finished_at') else 'unfinished'})"


def gap_text(row: Mapping[str, Any]) -> str:
    """Training less validation accuracy of a log's row, in points."""
    train = row.get("train_accuracy")
    valid = row.get("valid_accuracy")
    return DASH if train is None or valid is None else f"{100 * (train - valid):+.1f}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return DASH
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _seconds(run: Run) -> float | None:
    """The run's own time; without one, the epochs' times where each has one."""
    if run.facts.get("seconds") is not None:
        return float(run.facts["seconds"])
    times = [float(row["seconds"]) for row in run.rows if row.get("seconds") is not None]
    return sum(times) if times and len(times) == len(run.rows) else None


def _recipe_name(run: Run) -> str:
    return str(run.facts.get("recipe_name") or run.recipe.name)


def _data(recipe: Recipe) -> str:
    return ", ".join(dict.fromkeys(corpus for corpus, _ in recipe.sources))


def _share(value: float | None) -> str:
    return DASH if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _sheet(run: Run, picture: str | None) -> str:
    """A run's section: what it was trained on, when and with what; its curves."""
    facts = run.facts
    named = {
        "Trained images": facts.get("train_images"),
        "Validation images": facts.get("valid_images"),
        "Parameters": facts.get("parameters"),
        "Started": facts.get("started_at"),
        "Finished": facts.get("finished_at"),
        "PyTorch": facts.get("torch"),
        "Recipe's sha256": facts.get("recipe_sha256"),
        "Note": facts.get("note"),
    }
    known = {name: f"{value:,}" if isinstance(value, int) else value for name, value in named.items() if value}
    lines = [f"- {name}: {value}" for name, value in known.items()]
    lines += [f"- {line}" for line in facts.get("data", [])]
    curve = f"\n![Learning curves of {run.folder.name}]({picture})\n" if picture else ""
    if not lines and not curve:
        return ""
    return f"\n## Run {run.folder.name}\n\n" + "".join(line + "\n" for line in lines) + curve


def _obtaining(recipes: Sequence[Recipe]) -> str:
    """How the corpora that are missing here can be had."""
    wanted = {corpus for recipe in recipes for corpus, _ in missing(recipe)} & set(ON_REQUEST)
    if not wanted:
        return ""
    lines = "".join(f"- {ON_REQUEST[corpus][0]}: {ON_REQUEST[corpus][1]}.\n" for corpus in sorted(wanted))
    return f"\n## Corpora that have to be requested\n\n{lines}"


def draw(runs: Sequence[Run], folder: Path, beside: Path) -> dict[Path, str]:
    """A PNG of learning curves for every run with epochs; {run folder: link from the folder `beside`}."""
    folder.mkdir(parents=True, exist_ok=True)
    links = {}
    for run in runs:
        if run.rows:
            path = folder / f"{run.folder.name}.png"
            save_figure(learning_curves_figure(run.rows, f"{run.recipe.name}, run {run.folder.name}"), path)
            links[run.folder] = Path(os.path.relpath(path, beside)).as_posix()
    return links


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.emotion.results", description="Write RESULTS.md of all recipes."
    )
    parser.add_argument("runs", type=Path, metavar="RUNS", help="folder with a folder a run")
    parser.add_argument("--out", type=Path, default=Path("RESULTS.md"))
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw each run's learning curves there")
    parser.add_argument("--recipes", type=Path, default=RECIPES, help="folder of recipes")
    parser.add_argument("--root", type=Path, help="where the corpora lie, in place of the recipes' own root")
    options = parser.parse_args(argv)
    try:
        recipes = [read_recipe(path, options.root) for path in sorted(options.recipes.glob("*.yaml"))]
        runs = read_runs(options.runs)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    pictures = draw(runs, options.figures, options.out.parent) if options.figures else {}
    options.out.write_text(results(recipes, runs, pictures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
