"""The commands of `training.phq`. `fer-phq train phq` shares the options of `train`; `fer-phq evaluate phq` is one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.cli import command, print_progress

MANIFEST = typer.Argument(help="A CSV of labelled sessions, or a folder of DAIC-WOZ or E-DAIC.")
OUT = typer.Option(help="Folder of the new checkpoint bundle.")
Seed = Annotated[int, typer.Option(help="Of the folds.")]
Quick = Annotated[bool, typer.Option("--quick", help="Only ridge regression, one repetition.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Go on without rows that cannot be used.")]
Base = Annotated[str | None, typer.Option(help="Bundle whose backbone is used (default: the active one).")]
Features = Annotated[Path | None, typer.Option(help="Folder to keep what recordings give.")]
Steps = Annotated[Path | None, typer.Option(help="File for each model's error after every fold (JSON lines).")]
Force = Annotated[bool, typer.Option("--force", help="Replace a bundle that is there.")]


@command
def train(
    manifest: Annotated[Path, MANIFEST],
    out: Annotated[Path, OUT],
    seed: Seed = 0,
    quick: Quick = False,
    skip_bad: SkipBad = False,
    base: Base = None,
    features: Features = None,
    force: Force = False,
    steps: Steps = None,
) -> None:
    """Train PHQ heads from labelled sessions, with their report; nothing makes them active but you."""
    from training.phq.train import Options, train_bundle

    options = Options(seed, quick, skip_bad)
    train_bundle(manifest, out, options, base=base, features=features, steps=steps, overwrite=force)


@command
def evaluate(
    bundle: Annotated[str, typer.Argument(help="Name, id or folder of a checkpoint bundle.")],
    manifest: Annotated[Path, MANIFEST],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
    skip_bad: SkipBad = False,
    features: Features = None,
    controls: Annotated[
        bool, typer.Option("--controls", help="Measure beside it what is told without the subject, and judge claims.")
    ] = False,
) -> None:
    """Compare PHQ estimates with questionnaires of people that the heads have not seen, and count what intervals cover.

    Example: `fer-phq evaluate phq heads/clinic-2026 others.csv --controls --json`
    """
    from fer_phq.models.checkpoint import find_bundle
    from training.phq.evaluate import as_json, as_text, evaluate_bundle

    evaluation = evaluate_bundle(find_bundle(bundle), manifest, features, skip_bad, print_progress, controls)
    print(as_json(evaluation) if json else as_text(evaluation))
