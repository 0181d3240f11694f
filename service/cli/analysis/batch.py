"""`fer-phq analyze --queue`: recordings by the thousand stored, queued behind everybody else's, and reported."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from fer_phq.core.csv_input import without_formula
from fer_phq.core.errors import SettingsError
from fer_phq.core.paths import printable
from service.cli import messages
from service.cli.store import open_store
from service.jobs.batch.queueing import DateSource, End, Outcome, follow, queue_recording
from service.jobs.batch.sources import BatchRecording, read_source
from service.settings import AppSettings

if TYPE_CHECKING:
    from db.store import Store

MAX_LINES = 20
"""Problems and failures that are printed; the report has all."""
COLUMNS = (
    "file",
    "subject_id",
    "state",
    "code",
    "reason",
    "recorded_at",
    "recorded_at_from",
    "session_id",
    "job_id",
    "analysis_id",
    "attempt",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True)
class BatchOptions:
    """What was asked for on the command line.

    Attributes:
        subject: Label of the subject of all recordings of folders; None where their folders name the subjects.
        consent_by: Who recorded the consent where a manifest is silent; empty for nobody.
        analysis: Analysis settings of the jobs by name.
        report: Where the report is written; None for none.
        as_json: Whether a JSON document a recording is printed instead of a table.
        retry_failed: Whether what failed before is queued once more.
        wait: Whether the command waits until everything is analysed.
    """

    subject: str | None
    consent_by: str
    analysis: Mapping[str, Any]
    report: Path | None
    as_json: bool
    retry_failed: bool
    wait: bool


def run_batch(sources: Iterable[Path], options: BatchOptions, settings: AppSettings) -> int:
    """Queue the recordings of manifests and folders, wait for their analyses, and report each.

    Args:
        sources: Manifests and folders.
        options: What was asked for.
        settings: The installation.

    Returns:
        The exit code: 0 when each recording is analysed, or queued where nobody waits; else 1.

    Raises:
        FerPhqError: A source or an option cannot be used, or the database cannot be reached.
    """
    settings.analysis_settings(options.analysis)
    recordings = _read(sources, options)
    if recordings is None:
        return 1
    if options.report is not None:
        # Learned before the first recording is stored, not after ten thousand.
        _write_report(options.report, [])
    outcomes: dict[BatchRecording, Outcome] = {}
    try:
        with open_store(settings) as store:
            for outcome in _work(settings, store, recordings, options):
                outcomes[outcome.recording] = outcome
    finally:
        _report(list(outcomes.values()), len(recordings), options)
    may_wait = not options.wait
    return 0 if all(each.sound or (may_wait and each.end is End.WAITING) for each in outcomes.values()) else 1


def _read(sources: Iterable[Path], options: BatchOptions) -> list[BatchRecording] | None:
    """Read the sources; None, with the problems printed, where something is wrong with one."""
    recordings: dict[BatchRecording, None] = {}
    problems: list[str] = []
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    for path in sources:
        if path.is_dir() and not options.consent_by.strip():
            raise SettingsError(messages.QUEUE_NEEDS_CONSENT())
        source = read_source(path, subject=options.subject, consent_by=options.consent_by, zone=zone)
        recordings.update(dict.fromkeys(source.recordings))
        problems += [str(problem) for problem in source.problems]
    if not problems:
        return list(recordings)
    _print_some([f"Error: {problem}" for problem in problems])
    print("Nothing was queued.", file=sys.stderr)
    return None


def _work(
    settings: AppSettings, store: Store, recordings: list[BatchRecording], options: BatchOptions
) -> Iterator[Outcome]:
    """Queue the recordings, then follow their jobs; each recording comes when it is queued, and when it has ended."""
    queued: list[Outcome] = []
    with _bar("queueing", len(recordings)) as advance:
        for recording in recordings:
            outcome = queue_recording(settings, store, recording, options.analysis, retry_failed=options.retry_failed)
            queued.append(outcome)
            yield outcome
            advance()
    if not options.wait:
        return
    with _bar("analysing", len(recordings)) as advance:
        for outcome in follow(settings, store, queued):
            yield outcome
            advance()


@contextmanager
def _bar(title: str, total: int) -> Iterator[Any]:
    """Provide a function that moves a bar by one recording; it does nothing where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)


def _report(outcomes: list[Outcome], total: int, options: BatchOptions) -> None:
    if options.report is not None:
        _write_report(options.report, outcomes)
    if options.as_json:
        for outcome in outcomes:
            print(json.dumps(as_row(outcome)), flush=True)
    else:
        counts = Counter(outcome.end for outcome in outcomes)
        table = Table(title=f"Recordings: {total}", title_justify="left", show_header=False, min_width=40)
        for end in End:
            if counts[end]:
                table.add_row(str(end), str(counts[end]))
        if total > len(outcomes):
            table.add_row("not queued", str(total - len(outcomes)))
        Console().print(table)
    by_file = sum(outcome.date_source in (DateSource.FILE, DateSource.QUEUEING) for outcome in outcomes)
    if by_file:
        print(f"Note: {messages.FILE_DATES(n=by_file)}", file=sys.stderr)
    wrong = [outcome for outcome in outcomes if not outcome.sound and outcome.reason is not None]
    _print_some([f"{outcome.recording.file}: {outcome.end}. {outcome.reason}" for outcome in wrong])


def _print_some(lines: list[str]) -> None:
    for line in lines[:MAX_LINES]:
        print(printable(line), file=sys.stderr)
    if len(lines) > MAX_LINES:
        print(f"... and {len(lines) - MAX_LINES} more.", file=sys.stderr)


def as_row(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as the report has it, JSON-able, under the names of `COLUMNS`."""
    job = outcome.job
    reason = outcome.reason
    return {
        "file": outcome.recording.file,
        "subject_id": outcome.recording.subject,
        "state": str(outcome.end),
        "code": None if reason is None else reason.code,
        "reason": None if reason is None else str(reason),
        "recorded_at": None if outcome.recorded_at is None else outcome.recorded_at.isoformat(),
        "recorded_at_from": None if outcome.date_source is None else str(outcome.date_source),
        "session_id": outcome.session_id,
        "job_id": None if job is None else job.id,
        "analysis_id": None if job is None else job.analysis_id,
        "attempt": None if job is None else job.attempt,
        "started_at": None if job is None or job.started_at is None else job.started_at.isoformat(),
        "finished_at": None if job is None or job.finished_at is None else job.finished_at.isoformat(),
    }


def _write_report(path: Path, outcomes: list[Outcome]) -> None:
    """Write the report; texts that a spreadsheet would calculate have an apostrophe before them.

    Raises:
        SettingsError: It cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for outcome in outcomes:
                row = as_row(outcome).items()
                writer.writerow({name: without_formula(cell) if isinstance(cell, str) else cell for name, cell in row})
    except OSError as error:
        raise SettingsError(messages.CANNOT_WRITE_FILE(path=str(path), error=str(error.strerror))) from None
