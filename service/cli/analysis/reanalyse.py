"""`fer-phq reanalyse`: score what is stored with the active model's PHQ heads, without the recordings."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from fer_phq.core.errors import StoreError
from service.cli import messages
from service.cli.store import open_store
from service.models.active_model import active_bundle
from service.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="reanalyse")(reanalyse_command)


def reanalyse_command(
    subject: Annotated[str | None, typer.Option(help="Only this subject's sessions (label).")] = None,
    model: Annotated[str | None, typer.Option(help="Name, id or folder of a bundle (default: the active one).")] = None,
) -> None:
    """Give stored sessions an estimate by another model's PHQ heads, from stored embeddings: no recording is needed.

    Earlier analyses stay, with the model that made them. Sessions analysed with another backbone are left as they are.

    Example: `fer-phq models activate clinic-2026 && fer-phq reanalyse`
    """
    from fer_phq.models.model import load_model
    from service.models.rescoring import rescore

    settings = load_settings(**({"model": model} if model else {}))
    loaded = load_model(active_bundle(settings).path)
    console = Console(stderr=True)

    def report(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    with (
        open_store(settings) as store,
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        subject_id = None
        if subject is not None:
            subject_ids = [summary.id for summary in store.subjects.list_all() if summary.label == subject]
            if not subject_ids:
                raise StoreError(messages.NO_SUBJECT(subject=subject))
            subject_id = subject_ids[0]
        task = bar.add_task("Sessions", total=None)
        result = rescore(
            store,
            loaded,
            subject_id=subject_id,
            on_progress=lambda n, total: bar.update(task, completed=n, total=total),
        )
    print(f"{result.analyses} sessions have a new analysis by {loaded.model_id}.")
    if result.unknown:
        print(f"{result.unknown} were analysed by an older version, which did not say by what: analyse them again.")
