"""`fer-phq backup` and `fer-phq restore`: everything that is stored into one file, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.store import command_line_actor, open_store
from service.settings import AppSettings, load_settings

if TYPE_CHECKING:
    from service.lifecycle.backup import BackupReport


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="backup")(backup_command)
    app.command(name="restore")(restore_command)


def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as fer-phq-2026-03-02.zip.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write everything that is stored into one file, while dashboard and workers go on running.

    Database, recordings and your own checkpoint bundles are in it, and who reads it reads everything: keep it as safe
    as the installation. Not in it: the job engine's database (queued analyses are queued anew), unfinished uploads.

    Example: `fer-phq backup /safe/fer-phq-2026-03-02.zip`
    """
    from db.encryption.conversion import is_database_encrypted
    from service.lifecycle.backup import check_backup, write_backup

    settings = load_settings()
    with open_store(settings):  # without it the backup could not be noted in the audit
        pass
    report = write_backup(settings, file, force=force, on_progress=print_progress)
    check_backup(file)
    note_all(settings, "export", report)
    print(
        f"{report.path}: {report.subjects} subjects, {report.sessions} sessions, {report.recordings} recordings, "
        f"{report.models} models, "
        f"{report.bytes / 1e6:.1f} MB; read back, and whole."
    )
    if report.missing:
        print(f"{report.missing} recordings are missing from the media folder, and so from the backup.")
    for name in report.damaged_models:
        print(f"The model {name} is damaged, and so not in the backup.")
    if is_database_encrypted(settings.database_url):
        print("Labels, questionnaires and scores are in plain in it, other than in the database: keep it encrypted.")


def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `fer-phq backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move what is stored here aside, into a folder of the data folder.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, with --replace.")] = False,
) -> None:
    """Restore a backup into an empty installation; every hash is checked before anything is written.

    A backup of an earlier version is migrated, one of SQLite goes into PostgreSQL and back. Stop worker and dashboard
    first. Erasures since the backup was made must be made again.

    Example: `FERPHQ_DATA_DIR=/new fer-phq restore /safe/fer-phq-2026-03-02.zip`
    """
    from service.lifecycle.backup import restore_backup

    settings = load_settings()
    refuse_workers(settings)
    if replace and not yes:
        typer.confirm("What is stored here will be moved aside, and the backup put in its place. Go on?", abort=True)
    report = restore_backup(settings, file, replace=replace, on_progress=print_progress)
    note_all(settings, "restore", report)
    print(f"Restored: {report.subjects} subjects, {report.sessions} sessions, {report.recordings} recordings.")
    if report.models:
        print(f"Restored too: {report.models} models.")
    print("Whoever was erased after this backup was made is stored again: erase them again.")


def note_all(settings: AppSettings, action: str, report: BackupReport) -> None:
    """Note in the audit that everybody's data went out of the installation, or came back into it.

    Args:
        settings: The installation.
        action: What was done.
        report: How much it was.
    """
    with open_store(settings) as store:
        detail = f"backup, {report.subjects} subjects, {report.sessions} sessions"
        store.audit.add(action=action, object_kind="installation", object_id="all", detail=detail)


def refuse_workers(settings: AppSettings) -> None:
    """Refuse to go on while a worker runs.

    Args:
        settings: The installation.

    Raises:
        FerPhqError: A worker shows signs of life.
    """
    from db.store import Store
    from fer_phq.core.errors import FerPhqError, StoreError
    from service.lifecycle import messages

    try:
        with Store(settings.database_url, actor=command_line_actor) as store:
            is_running = bool(store.workers.list_living(timeout_s=settings.worker_timeout_s))
    except StoreError:
        return
    if is_running:
        raise FerPhqError(messages.WORKERS_RUN())


def print_progress(line: str) -> None:
    """Write one line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)
