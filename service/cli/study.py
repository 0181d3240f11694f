"""`fer-phq study`: the sessions of a filter, as a folder that a paper can be written from."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_phq.core.errors import SettingsError
from service.cli.store import open_store
from service.settings import load_settings

if TYPE_CHECKING:
    from db.store import Store

DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        no_args_is_help=True, help="Study: export the sessions of a filter as open tables, with what a paper needs."
    )
    group.callback()(lambda: None)
    group.command(name="export")(export_command)
    app.add_typer(group, name="study")


def export_command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to make.")],
    tag: Annotated[list[str] | None, typer.Option(help="Only people with this tag; several are any of them.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=DAY, help="The first day, on this machine's clock.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAY, help="The last day, on this machine's clock.")] = None,
    model: Annotated[str | None, typer.Option(metavar="ID", help="Only analyses by this model.")] = None,
    min_coverage: Annotated[
        float, typer.Option(min=0, max=1, help="The least share of a recording with the face.")
    ] = 0.0,
    demonstrations: Annotated[bool, typer.Option("--demonstrations", help="With made-up sessions.")] = False,
    title: Annotated[str, typer.Option(help="What the study is called, for its citation.")] = "",
    author: Annotated[list[str] | None, typer.Option(help="Who is cited; may be given several times.")] = None,
) -> None:
    """Export the sessions of a filter: tables as CSV and Parquet, dictionary, methods, citation, models, checksums.

    People are called by pseudonyms, and only sessions whose recorded consent stands are in it. It is data about health
    all the same: an erasure does not reach the folder.

    Examples:
    - `fer-phq study export --out study`
    - `fer-phq study export --out arm-a --tag "arm A" --since 2026-01-01 --author "Dr A. Miller" --title "Arm A"`
    """
    from db.records import CohortFilter
    from service.models.active_model import preferred_model
    from service.study.export import write_study
    from service.study.selection import StudyRequest

    settings = load_settings()
    last = None if until is None else (until + timedelta(days=1)).astimezone()
    first = None if since is None else since.astimezone()
    cohort = CohortFilter(tuple(tag or ()), first, last, model, min_coverage, demonstrations)
    with open_store(settings) as store:
        _check_names(store, cohort.tags, model)
        request = StudyRequest(cohort, preferred_model(settings, store), " ".join(title.split()), tuple(author or ()))
        report = write_study(store, request, out)
    print(f"{report.folder}: {report.study.total}, {report.files} files; read README.md first.")
    for sentence in report.study.sentences:
        print(sentence)


def _check_names(store: Store, tags: tuple[str, ...], model: str | None) -> None:
    """Refuse a tag that nobody has and a model without analyses: of several tags, a misspelt one would not be missed.

    Raises:
        SettingsError: There is none of this name.
    """
    from service.study import messages

    known = sorted({tag for some in store.subjects.tags().values() for tag in some})
    for tag in tags:
        if tag not in known:
            raise SettingsError(
                messages.UNKNOWN_TAG(tag=tag, tags=tuple(known)) if known else messages.NO_TAGS(tag=tag)
            )
    models = store.cohort.list_models()
    if model is not None and model not in models:
        raise SettingsError(
            messages.UNKNOWN_MODEL(model=model, models=tuple(models)) if models else messages.NO_MODELS(model=model)
        )
