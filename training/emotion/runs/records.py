"""Runs and recipes as a report reads them: a run's log, its `run.json` and its recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fer_phq.core.errors import SettingsError
from training.emotion import messages
from training.emotion.recipe import resolve_stages


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

    @property
    def recipe_name(self) -> str:
        """Name of the recipe that was started, whose fields may have been changed on the command line."""
        return str(self.facts.get("recipe_name") or self.recipe.name)

    @property
    def last_accuracy(self) -> float | None:
        """Accuracy on the validation part after the last epoch, 0 to 1; None before the first."""
        return self.rows[-1].get("valid_accuracy") if self.rows else None


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
