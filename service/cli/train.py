"""`fer-phq train` and `fer-phq evaluate`: the training package's doors on the command line.

What a command does is described by its module in `training`, which needs the packages of the `train` extra.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fer_phq.errors import FerPhqError

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
    app.add_typer(train, name="train")
    evaluate = typer.Typer(cls=_EmotionByDefault, no_args_is_help=True, help="Measure a checkpoint on labelled data.")
    evaluate.callback()(lambda: None)
    evaluate.command(name="emotion")(evaluate_emotion)
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
    _run("training.emotion", args)


def evaluate_emotion(
    checkpoint: Annotated[str, typer.Argument(help="Name, id or folder of a checkpoint bundle.")],
    datasets: Annotated[list[str], typer.Argument(help="CORPUS:PATH[#SPLIT], as ferplus:data/ferplus#valid.")],
    out: Annotated[str | None, typer.Option(help="Folder for evaluation.json, .md and the figures.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Accuracy, macro-F1, UAR, calibration and confusion of a checkpoint on labelled faces, with intervals.

    Example: `fer-phq evaluate emotion fer-vit-convstem ferplus:data/ferplus#valid --out report` (the word may be left
    out)
    """
    args = [checkpoint, *datasets, *(["--out", out] if out else []), *(["--json"] if json else [])]
    _run("training.evaluate", args)


def _run(module: str, args: list[str]) -> None:
    """Run a module's `main` and leave with its exit code; a package that is missing is named in one sentence."""
    try:
        code = importlib.import_module(module).main(args)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("training", "fer_phq", "service"):
            raise
        raise FerPhqError(f"Training needs {error.name}: install it with pip install 'fer-phq[train]'.") from None
    if code:
        sys.exit(code)
