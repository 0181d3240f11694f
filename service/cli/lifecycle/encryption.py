"""`fer-phq encryption`: a key, turning the encryption at rest on and off, and how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fer_phq.core.errors import FerPhqError
from service.cli.lifecycle.backup import print_progress, refuse_workers
from service.cli.store import open_store
from service.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Encryption at rest: make a key, turn it on or off.")
    group.command(name="new-key")(new_key_command)
    group.command(name="on")(on_command)
    group.command(name="off")(off_command)
    group.command(name="status")(status_command)
    app.add_typer(group, name="encryption")


def new_key_command(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The file to make, outside the data folder.")
    ] = None,
    keyring: Annotated[bool, typer.Option("--keyring", help="Put it into the system's keyring instead.")] = False,
) -> None:
    """Make a key of 256 random bits, in a file that its owner alone may read, or in the keyring.

    Keep a copy of it in a safe place, apart from the data and its backups: whoever loses the key loses the data.

    Example: `fer-phq encryption new-key ~/.config/fer-phq.key`
    """
    from fer_phq.core.encryption.key import FILE_VARIABLE, KEYRING_VARIABLE, create_key_file, create_keyring_entry

    if keyring == (file is not None):
        raise typer.BadParameter("Name a file, or use --keyring.")
    if file is None:
        create_keyring_entry()
        print(f"The keyring holds a new key. Set {KEYRING_VARIABLE}=1 for every program of this installation.")
    else:
        create_key_file(file.expanduser().absolute())
        path = file.expanduser().absolute()
        print(f"{path} holds a new key. Set {FILE_VARIABLE}={path} for every program of this installation.")
    print("Keep a copy in a safe place, apart from the data: whoever loses the key loses what is encrypted with it.")


def on_command(
    database: Annotated[
        bool, typer.Option("--database", help="Encrypt the SQLite database as a whole, too (needs sqlcipher3).")
    ] = False,
) -> None:
    """Encrypt recordings, frames, embeddings, series, pictures of faces, transcripts, and words of notes and events.

    Stop workers and dashboards first. A call that was broken off is carried on by the next. In plain stay, unless
    `--database` says otherwise: labels, tags, questionnaires, scores and shares of expressions.

    Example: `FERPHQ_ENCRYPTION_KEY_FILE=~/.config/fer-phq.key fer-phq encryption on --database`
    """
    counts = _turn(on=True, database=database)
    print(f"Encrypted: {counts[0]} recordings and {counts[1]} rows. They cannot be read without the key.")
    _print_database()
    print("Backups and exports from before, and what the disk has freed and not written over, are still plain.")


def off_command(yes: Annotated[bool, typer.Option("--yes", help="Do not ask, as in a script.")] = False) -> None:
    """Write everything in plain again; then the key is not needed any more.

    Stop workers and dashboards first. A call that was broken off is carried on by the next.

    Example: `fer-phq encryption off`
    """
    if not yes:
        typer.confirm("Everything that is encrypted will be written to the disk in plain. Go on?", abort=True)
    counts = _turn(on=False, database=True)
    print(f"In plain: {counts[2]} recordings and {counts[3]} rows. The key is not needed here any more.")


def status_command() -> None:
    """Say whether this installation is encrypted, and whether anything in it is not.

    Example: `fer-phq encryption status`

    Exit code 0 when everything is as it should be, 1 when some is encrypted and some is not.
    """
    from db.encryption.conversion import is_database_encrypted
    from service.lifecycle.encryption import count_encrypted

    settings = load_settings()
    with open_store(settings) as store:
        state = store.encryption.state()
        counts = count_encrypted(settings, store)
    word = "not encrypted" if state is None else "encrypted" if state.is_on else "being written in plain again"
    print(f"This installation is {word}.")
    print(f"Recordings: {counts.encrypted_files} encrypted, {counts.plain_files} plain.")
    print(f"Rows of words, frames, faces and series: {counts.encrypted_rows} encrypted, {counts.plain_rows} plain.")
    _print_database()
    if state is not None and counts.plain_uploads:
        print(f"{counts.plain_uploads} uploads were begun in plain; they are encrypted when they are complete.")
    left = counts.encrypted > 0 or is_database_encrypted(settings.database_url)
    mixed = left if state is None else not state.is_complete or (state.is_on and counts.plain > 0)
    if mixed:
        print(f"Finish it: fer-phq encryption {'on' if state is not None and state.is_on else 'off'}")
    raise typer.Exit(1 if mixed else 0)


def _print_database() -> None:
    """Print whether the database is encrypted as a whole, where it is a file."""
    from db.encryption.conversion import is_database_encrypted
    from db.engine import normalise_url, sqlite_file
    from service.lifecycle import messages

    url = load_settings().database_url
    if is_database_encrypted(url):
        print(messages.DATABASE_ENCRYPTED())
    elif sqlite_file(normalise_url(url)) is not None:
        print(messages.DATABASE_IN_PLAIN())


def _turn(*, on: bool, database: bool) -> tuple[int, int, int, int]:
    """Turn the encryption on or off. Returns encrypted recordings and rows, and plain ones."""
    from service.jobs import masking
    from service.jobs.messages import MASK_RUNS
    from service.lifecycle.encryption import turn_database, turn_encryption
    from service.models.task import TaskState

    settings = load_settings()
    refuse_workers(settings)
    task = masking.status(settings)
    if task is not None and task.state is TaskState.RUNNING:
        raise FerPhqError(MASK_RUNS())
    with open_store(settings) as store:
        counts = turn_encryption(settings, store, on=on, on_progress=print_progress)
    if database:
        turn_database(settings, on=on)
    return counts.encrypted_files, counts.encrypted_rows, counts.plain_files, counts.plain_rows
