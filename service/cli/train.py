"""`fer-phq train` and `fer-phq evaluate`: the training package's doors on the command line.

What a command does is described by its module in `training`, which needs the packages of the `train` extra.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from db.store import Store
from fer_phq.core.errors import FerPhqError, SettingsError
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import find_bundle
from service.models.active_model import active_bundle
from service.models.training_manifest import LONGEST_DAYS, WITHIN_DAYS, write_manifest
from service.settings import load_settings

Overrides = Annotated[list[str] | None, typer.Argument(help="key=value, replacing a field of the recipe.")]


class _EmotionByDefault(TyperGroup):
    """`fer-phq evaluate CHECKPOINT ...` means `fer-phq evaluate emotion CHECKPOINT ...`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        if args and args[0] not in self.commands:
            args = ["emotion", *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add both groups."""
    train = typer.Typer(no_args_is_help=True, help="Train models from your own data.")
    train.command(name="emotion")(train_emotion)
    train.command(name="phq")(train_phq)
    app.add_typer(train, name="train")
    evaluate = typer.Typer(cls=_EmotionByDefault, no_args_is_help=True, help="Measure a checkpoint on labelled data.")
    evaluate.callback()(lambda: None)
    evaluate.command(name="emotion")(evaluate_emotion)
    evaluate.command(name="phq")(evaluate_phq)
    app.add_typer(evaluate, name="evaluate")


def train_emotion(
    recipe: Annotated[str, typer.Argument(help="A YAML file, or the name of a recipe that comes with the package.")],
    overrides: Overrides = None,
    out: Annotated[str | None, typer.Option(help="Folder for log, state and weights (default: runs/NAME).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the state in the folder.")] = False,
) -> None:
    """Train an emotion model by a recipe. Ctrl-C leaves a run that `--resume` goes on with.

    Example: `fer-phq train emotion teacher root=data --out runs/teacher`
    """
    args = [recipe, *(overrides or []), *(["--out", out] if out else []), *(["--resume"] if resume else [])]
    _run("training.emotion.train", args)


def evaluate_emotion(
    checkpoint: Annotated[str, typer.Argument(help="Name, id or folder of a checkpoint bundle, or a run's folder.")],
    datasets: Annotated[list[str], typer.Argument(help="CORPUS:PATH[#SPLIT], as ferplus:data/ferplus#valid.")],
    out: Annotated[str | None, typer.Option(help="Folder for evaluation.json, .md and the figures.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    majority: Annotated[
        bool, typer.Option("--majority", help="Leave out images whose label has half of the votes or fewer.")
    ] = False,
    others: Annotated[
        list[str] | None, typer.Option("--with", help="Judge the mean with this run too; can be given again.")
    ] = None,
) -> None:
    """Accuracy, macro-F1, UAR, calibration and confusion of a checkpoint on labelled faces, with intervals.

    Example: `fer-phq evaluate emotion fer-vit-convstem ferplus:data/ferplus#valid --out report` (the word may be left
    out)
    """
    args = [checkpoint, *datasets, *(["--out", out] if out else []), *(["--json"] if json else [])]
    args += [word for other in others or [] for word in ("--with", other)]
    _run("training.emotion.evaluate", [*args, *(["--majority"] if majority else [])])


def train_phq(
    manifest: Annotated[
        Path | None, typer.Argument(help="A CSV of labelled sessions, or a folder of DAIC-WOZ or E-DAIC.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new checkpoint bundle.")] = None,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Only ridge regression, one repetition.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Go on without rows that cannot be used.")] = False,
    base: Annotated[str | None, typer.Option(help="Bundle whose backbone is used (default: the active one).")] = None,
    features: Annotated[Path | None, typer.Option(help="Folder to keep what recordings give.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle that is there.")] = False,
    steps: Annotated[
        Path | None, typer.Option(help="File for each model's error after every fold (JSON lines).")
    ] = None,
    from_store: Annotated[
        bool, typer.Option("--from-store", help="Train on the kept sessions with questionnaires answered near them.")
    ] = False,
    within_days: Annotated[float, typer.Option(help="How near, in days (with --from-store).")] = WITHIN_DAYS,
    scale: Annotated[Scale | None, typer.Option(help="Which questionnaires (default: the more frequent).")] = None,
) -> None:
    """Train PHQ heads from your own labelled sessions, with their report; nothing makes them active but you.

    The manifest: `recording` or `features`, `subject_id`, `scale`, `score`, and, where there are, `recorded_at`,
    `split`, `transcript`, `speaker`, `audio`; any other column is a group that errors are told by.

    Examples:

    - `fer-phq train phq sessions.csv --out heads/clinic-2026`
    - `fer-phq train phq --from-store --out heads/clinic-2026`, then `fer-phq models activate heads/clinic-2026`
    """
    if (manifest is None) != from_store or out is None:
        raise SettingsError("Name a manifest, or use --from-store; and name the new bundle's folder with --out.")
    if not 0 <= within_days <= LONGEST_DAYS:
        raise SettingsError(f"--within-days lies between 0 and {LONGEST_DAYS:g}.")
    settings = load_settings()
    bundle = find_bundle(base) if base else active_bundle(settings)
    training = _import("training.phq.train")
    options = training.Options(seed, quick, skip_bad)

    def train_from(path: Path) -> None:
        training.train_bundle(
            path, out, options, base=str(bundle.path), features=features, steps=steps, overwrite=force
        )

    if manifest is not None:
        train_from(manifest)
        return
    with tempfile.TemporaryDirectory(prefix="fer-phq-") as folder, Store(settings.database_url, actor="cli") as store:
        train_from(
            write_manifest(store, Path(folder), face_kind=bundle.face_kind, scale=scale, within_days=within_days)
        )


def evaluate_phq(
    bundle: Annotated[str, typer.Argument(help="Name, id or folder of a checkpoint bundle.")],
    manifest: Annotated[Path, typer.Argument(help="A CSV of labelled sessions, or a folder of DAIC-WOZ or E-DAIC.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Go on without rows that cannot be used.")] = False,
    features: Annotated[Path | None, typer.Option(help="Folder to keep what recordings give.")] = None,
) -> None:
    """How near PHQ estimates come to questionnaires of people that the heads have not seen, and what intervals cover.

    Example: `fer-phq evaluate phq heads/clinic-2026 others.csv --json`
    """
    args = [bundle, str(manifest), *(["--json"] if json else []), *(["--skip-bad"] if skip_bad else [])]
    _run("training.phq.evaluate", [*args, *(["--features", str(features)] if features else [])])


def _run(module: str, args: list[str]) -> None:
    """Run a module's `main` and leave with its exit code."""
    code = _import(module).main(args)
    if code:
        sys.exit(code)


def _import(module: str) -> Any:
    """Import a module of the training; a package that is missing is named in one sentence."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("training", "fer_phq", "service"):
            raise
        raise FerPhqError(f"Training needs {error.name}: install it with pip install 'fer-phq[train]'.") from None
