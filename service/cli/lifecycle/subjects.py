"""`fer-phq subjects`: the people whose data is stored, and the erasure of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_phq.core.errors import FerPhqError, StoreError
from service.cli.store import open_store
from service.lifecycle import messages
from service.settings import load_settings

if TYPE_CHECKING:
    from db.records import ErasurePlan, SubjectRecord
    from db.store import Store

Subject = Annotated[str, typer.Argument(metavar="ID", help="The subject's id or label.")]
UUID_LENGTH = 36
ROWS = (
    ("sessions", "sessions"),
    ("recordings", "recordings"),
    ("analyses", "analyses"),
    ("embeddings", "face embeddings"),
    ("series", "series of voice and words"),
    ("face_pictures", "pictures of faces"),
    ("transcripts", "transcripts"),
    ("notes", "notes"),
    ("questionnaires", "questionnaires"),
    ("events", "events"),
    ("tags", "tags"),
    ("jobs", "jobs"),
)
"""What a preview counts, and what it is called."""


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Subjects: list them, rename, merge, share, export or erase one.")
    group.command(name="list")(list_command)
    group.command(name="erase")(erase_command)
    group.command(name="rename")(rename_command)
    group.command(name="export")(export_command)
    group.command(name="merge")(merge_command)
    group.command(name="pseudonyms")(pseudonyms_command)
    group.command(name="share")(share_command)
    group.command(name="unshare")(unshare_command)
    app.add_typer(group, name="subjects")


def list_command() -> None:
    """List the subjects: id, label, number of sessions and of PHQ questionnaires, date of the last recording.

    Example: `fer-phq subjects list`
    """
    with open_store() as store:
        # Without lines a label has room beside the id in 80 columns.
        table = Table("id", "label", "sessions", "PHQ", "recorded", box=None, pad_edge=False)
        for column in table.columns:
            column.overflow = "fold"
        table.columns[0].min_width = UUID_LENGTH  # it is copied, and part of one names nobody
        table.columns[0].no_wrap = True
        subjects = store.subjects.list_all()
        store.audit.add(action="read", object_kind="subject", object_id="all", detail=f"{len(subjects)} subjects")
        for subject in subjects:
            last = "" if subject.last_recorded_at is None else f"{subject.last_recorded_at:%Y-%m-%d}"
            numbers = (str(subject.sessions), str(subject.questionnaires), last)
            table.add_row(subject.id, Text(subject.label), *numbers)
        Console().print(table)


def export_command(
    subject: Subject,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to make.")],
) -> None:
    """Write everything that is stored of a person into a folder, in open formats, with a page that explains it.

    Recordings and pictures of faces may show other people: look before you hand it on.

    Example: `fer-phq subjects export P01 --out P01-2026-03-02`
    """
    from service.lifecycle.export import export_subject

    settings = load_settings()
    with open_store(settings) as store:
        report = export_subject(settings, store, find_subject(store, subject).id, out)
    print(f"{report.folder}: {report.files} files of {report.sessions} sessions; open index.html.")
    print("Recordings and pictures of faces may show other people: look before you hand it on.")
    if report.missing:
        print(f"{report.missing} recordings are missing from the media folder, and so from the export.")


def rename_command(
    subject: Subject,
    label: Annotated[str, typer.Argument(help="The new label, not used yet.")],
) -> None:
    """Give a subject another label; everything that is stored stays with it.

    Example: `fer-phq subjects rename P01 "Study 7, P01"`
    """
    from service.lifecycle.person.words import rename_subject

    settings = load_settings()
    with open_store(settings) as store:
        record = rename_subject(settings, store, find_subject(store, subject).id, label)
    print(f"{record.id} is called {record.label} now.")


def pseudonyms_command(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The CSV to write; it must not be there yet.")],
) -> None:
    """Write the key of the pseudonyms: which person a researcher's pseudonym stands for. Only its owner may read it.

    A researcher reads and exports pseudonyms alone. Keep the key apart from what they hand on.

    Example: `fer-phq subjects pseudonyms --out key.csv`
    """
    import csv
    import os

    from fer_phq.core.csv_input import without_formula

    with open_store() as store:
        try:
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            reason = error.strerror or str(error)
            raise FerPhqError(messages.EXPORT_UNWRITABLE(path=str(out), reason=reason)) from error
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            key = store.subjects.list_pseudonyms()
            writer = csv.writer(file)
            writer.writerow(["pseudonym", "label", "id"])
            writer.writerows([pseudonym, without_formula(label), row_id] for pseudonym, label, row_id in key)
    print(f"{len(key)} pseudonyms are in {out}: whoever reads it knows who everybody is.")


def share_command(
    subject: Subject,
    account: Annotated[str, typer.Argument(help="The name of the account that may see the subject.")],
) -> None:
    """Let an account see a subject; whoever added the subject sees it anyway.

    Example: `fer-phq subjects share P01 "Dr M"`
    """
    with open_store() as store:
        record = find_subject(store, subject)
        other = store.accounts.get(name=account)
        store.shares.add(subject_id=record.id, account_id=other.id)
    print(f"{other.name} may see {record.label}.")


def unshare_command(
    subject: Subject,
    account: Annotated[str, typer.Argument(help="The name of the account that may see it no more.")],
) -> None:
    """Let an account see a subject no more.

    Example: `fer-phq subjects unshare P01 "Dr M"`
    """
    with open_store() as store:
        record = find_subject(store, subject)
        other = store.accounts.get(name=account)
        store.shares.remove(subject_id=record.id, account_id=other.id)
    print(f"{other.name} may not see {record.label} any more.")


def merge_command(
    source: Annotated[str, typer.Argument(metavar="ID", help="The subject who goes, by id or label.")],
    target: Annotated[str, typer.Argument(metavar="INTO", help="The subject who stays, by id or label.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, as in a script.")] = False,
) -> None:
    """Merge two subjects who are one person: sessions, questionnaires, events, tags and shares go to the second.

    Of a recording or questionnaire that both have, one stays. First it says what will happen; then the label of the
    first must be typed.

    Example: `fer-phq subjects merge P01-again P01`
    """
    from service.lifecycle.erasure import merge_subjects
    from service.lifecycle.person.merging import describe_merge

    settings = load_settings()
    with open_store(settings) as store:
        goes = find_subject(store, source)
        stays = find_subject(store, target)
        plan = store.merging.plan(source_id=goes.id, target_id=stays.id)
        for record in (goes, stays):
            store.audit.add(action="read", object_kind="subject", object_id=record.id, detail="before a merging")
        print(f"Everything of {goes.label} goes to {stays.label}.")
        for sentence in describe_merge(plan):
            print(sentence)
        if not yes:
            confirm_label(goes.label)
        report = merge_subjects(settings, store, goes.id, stays.id)
    print(f"Merged: {report.sessions} sessions, {report.questionnaires} questionnaires, {report.events} events.")
    if report.twins:
        print(f"{report.twins} recordings were there twice; of each, one session stays.")


def erase_command(
    subject: Subject,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, as in a script.")] = False,
    wait: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for other programs.")] = 10.0,
) -> None:
    """Erase a person for good: sessions, recordings, results, questionnaires, notes, and what databases keep of them.

    First it says what will be erased; then the label must be typed. Where another program still reads the database,
    the erasure is noted, and a running worker finishes it.

    Examples:
    - `fer-phq subjects erase P01`
    - `fer-phq subjects erase 0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e --yes`

    Exit code 0 when nothing is left, 1 when something is, which the sentence on standard error says.
    """
    from service.lifecycle import erasure, ledger

    settings = load_settings()
    ledger.make_room(settings)
    with open_store(settings) as store:
        if ledger.find(settings, subject) is not None:
            outcome = erasure.erase_subject(settings, store, subject, wait_s=wait)
        else:
            record = find_subject(store, subject)
            preview = erasure.preview_subject(settings, store, record.id)
            store.audit.add(action="read", object_kind="subject", object_id=record.id, detail="before an erasure")
            Console().print(Text(f"Subject {record.label}"))
            Console().print(preview_table(preview.plan, preview.recording_bytes))
            if preview.plan.shared_recordings:
                print("Recordings that another subject has too stay with that subject.")
            if preview.heads:
                print(messages.HEADS_LEARNED(names=", ".join(preview.heads)))
            if not yes:
                confirm_label(record.label)
            outcome = erasure.erase_subject(settings, store, record.id, wait_s=wait)
    if outcome.pending is not None:
        raise FerPhqError(outcome.pending)
    print(f"Erased: {outcome.sessions} sessions, {outcome.files} recording files. Nothing of them is left here.")
    if outcome.heads:
        print(messages.HEADS_LEARNED(names=", ".join(outcome.heads)))
    print("Backups, exports and copies elsewhere, and heads that were trained with the data, are not changed by this.")


def preview_table(plan: ErasurePlan, recording_bytes: int) -> Table:
    """Return what an erasure will remove as a table; kinds of which there are none are left out.

    Args:
        plan: How many rows of each kind.
        recording_bytes: Size of the recordings.
    """
    table = Table("", "will be erased")
    for name, words in ROWS:
        count = getattr(plan, name)
        if count:
            size = f" ({recording_bytes / 1e6:.1f} MB)" if name == "recordings" else ""
            table.add_row(str(count), f"{words}{size}")
    return table


def confirm_label(label: str) -> None:
    """Have the subject's label typed.

    Raises:
        FerPhqError: Something else was typed.
    """
    print("This cannot be undone. Type the subject's label to go on:", file=sys.stderr)
    if sys.stdin.readline().strip() != label.strip():
        raise FerPhqError(messages.OTHER_LABEL())


def find_subject(store: Store, name: str) -> SubjectRecord:
    """Return the subject of this id, else the one of this label.

    Args:
        store: The open store.
        name: An id or a label.

    Raises:
        StoreError: There is no such subject.
    """
    from db.records import NotFoundError

    try:
        return store.subjects.get(subject_id=name)
    except NotFoundError:
        pass
    subject = store.subjects.find(label=name)
    if subject is None:
        raise StoreError(messages.NO_SUBJECT(name=name[:200]))
    return subject
