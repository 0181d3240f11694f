"""`fer-phq train` and `fer-phq evaluate`: the commands of the training package, which need its extra when they run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from db.store import Store
from fer_phq.core.errors import SettingsError
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import find_bundle
from service.cli import messages
from service.cli.store import command_line_actor
from service.models.active_model import active_bundle
from service.models.labelled_sessions import LONGEST_DAYS, WITHIN_DAYS, find_labelled_sessions
from service.models.messages import NOTHING_MEASURED
from service.models.training_manifest import write_manifest
from service.settings import load_settings
from training.cli import print_progress
from training.emotion import commands as emotion
from training.phq import commands as phq


class _EmotionByDefault(TyperGroup):
    """`fer-phq evaluate CHECKPOINT ...` means `fer-phq evaluate emotion CHECKPOINT ...`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        if args and args[0] not in self.commands:
            args = ["emotion", *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the groups `train` and `evaluate` to a command line."""
    train = typer.Typer(no_args_is_help=True, help="Train models from your own data.")
    train.command(name="emotion")(emotion.train)
    train.command(name="phq")(train_phq)
    app.add_typer(train, name="train")
    evaluate = typer.Typer(cls=_EmotionByDefault, no_args_is_help=True, help="Measure a checkpoint on labelled data.")
    evaluate.callback()(lambda: None)
    evaluate.command(name="emotion")(emotion.evaluate)
    evaluate.command(name="phq")(phq.evaluate)
    app.add_typer(evaluate, name="evaluate")


def train_phq(
    manifest: Annotated[Path | None, phq.MANIFEST] = None,
    out: Annotated[Path | None, phq.OUT] = None,
    seed: phq.Seed = 0,
    quick: phq.Quick = False,
    skip_bad: phq.SkipBad = False,
    base: phq.Base = None,
    features: phq.Features = None,
    force: phq.Force = False,
    steps: phq.Steps = None,
    from_store: Annotated[
        bool, typer.Option("--from-store", help="Train on the kept sessions with questionnaires answered near them.")
    ] = False,
    within_days: Annotated[float, typer.Option(help="How near, in days (with --from-store).")] = WITHIN_DAYS,
    scale: Annotated[Scale | None, typer.Option(help="Which questionnaires (default: the more frequent).")] = None,
) -> None:
    """Train PHQ heads from your own labelled sessions, with their report; nothing makes them active but you.

    The manifest: `recording` or `features`, `subject_id`, `scale`, `score`, and, where there are, `recorded_at`,
    `split`, `transcript`, `speaker`, `audio`; any other column is a group that errors are told by.

    Two examples:

    - `fer-phq train phq sessions.csv --out heads/clinic-2026`
    - `fer-phq train phq --from-store --out heads/clinic-2026`, then `fer-phq models activate heads/clinic-2026`
    """
    if (manifest is None) != from_store or out is None:
        raise SettingsError(messages.MANIFEST_OR_STORE())
    if not 0 <= within_days <= LONGEST_DAYS:
        raise SettingsError(messages.WITHIN_DAYS_RANGE(longest=LONGEST_DAYS))
    settings = load_settings()
    bundle = find_bundle(base) if base else active_bundle(settings)

    def train(manifest: Path) -> None:
        phq.train(
            manifest,
            out,
            seed=seed,
            quick=quick,
            skip_bad=skip_bad,
            base=str(bundle.path),
            features=features,
            force=force,
            steps=steps,
        )

    if manifest is not None:
        train(manifest)
        return
    with (
        tempfile.TemporaryDirectory(prefix="fer-phq-") as folder,
        Store(settings.database_url, actor=command_line_actor) as store,
    ):
        labelled = find_labelled_sessions(store, bundle.face_kind, scale, within_days)
        for line in labelled.lines:
            print_progress(line)
        path = write_manifest(store, Path(folder), labelled)
        sessions = len(list(Path(folder).glob("*.npz")))
        if unusable := len(labelled.sessions) - sessions:
            print_progress(NOTHING_MEASURED(n=unusable))
        store.audit.add(action="read", object_kind="session", object_id="all", detail=f"training, {sessions} sessions")
        train(path)
