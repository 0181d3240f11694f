"""`fer-phq analyze` of recordings: results as a table, JSON documents, CSV files or rows of the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from db.records import MAX_TRANSCRIPT
from fer_phq.behaviour.measures import coverage
from fer_phq.behaviour.seconds.series import to_seconds
from fer_phq.core.analysis import Progress, ProgressHook, SessionAnalysis, Settings, Step
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, RecordingError, SettingsError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.core.paths import printable, shorten_stem
from fer_phq.core.phq import PhqEstimate, Provenance
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.files import write_features
from fer_phq.features.measures import versioned_measures
from fer_phq.speakers.files.series import subject_of, turns_of
from fer_phq.video import RECORDING_SUFFIXES, prepare_decoder
from service.cli import messages
from service.cli.analysis.documents import print_document
from service.cli.store import command_line_actor
from service.ingest import transcripts
from service.ingest.media import check_size
from service.ingest.messages import NO_RECORDINGS, TRANSCRIPT_TOO_LARGE, size_message
from service.models.active_model import active_bundle
from service.settings import AppSettings

if TYPE_CHECKING:
    import pandas as pd

    from fer_phq.models.model import FerPhqModel

STEPS = {
    Step.FACES: ("finding faces", "frames"),
    Step.SOUND: ("analysing the sound", "s"),
    Step.BEHAVIOUR: ("following the face", "frames"),
    Step.WORDS: ("reading the words", "utterances"),
    Step.ESTIMATE: ("estimating", ""),
}
"""What the progress bar calls each step, and the unit it counts in."""

MAX_NAMES = 10
"""Names of files that a note spells out."""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line.

    Attributes:
        settings: How recordings are analysed.
        sidecar: Files given beside the recording.
        as_json: Whether JSON is printed instead of tables.
        csv_dir: Folder for timelines; None for none.
        features_dir: Folder for features files; None for none.
        mesh_dir: Folder for files of the face mesh; None for none.
        subject: Label of the subject that results are stored for; None where they are not stored.
        consent_by: Who recorded the subject's consent; None where none is recorded.
        recorded_at: When it was recorded, local time; None for the file's date.
    """

    settings: Settings
    sidecar: Sidecar
    as_json: bool
    csv_dir: Path | None
    features_dir: Path | None
    mesh_dir: Path | None
    subject: str | None
    consent_by: str | None
    recorded_at: datetime | None


def expand(paths: Iterable[Path]) -> tuple[list[Path], list[Message]]:
    """Return the files to analyse, and a complaint for each folder without any.

    Of folders, every recording below, sorted; other paths as they are.
    """
    files: list[Path] = []
    complaints: list[Message] = []
    for path in paths:
        recordings = [path]
        if path.is_dir():
            recordings = sorted(p for p in path.rglob("*") if p.suffix.lower() in RECORDING_SUFFIXES and p.is_file())
            if not recordings:
                complaints.append(NO_RECORDINGS(path=str(path), suffixes=RECORDING_SUFFIXES[:5]))
        files += recordings
    return files, complaints


def left_out(paths: Iterable[Path]) -> list[Message]:
    """Return a note for each folder with files that are neither recordings nor transcripts, which names them.

    Args:
        paths: Files and folders.
    """
    notes: list[Message] = []
    for folder in filter(Path.is_dir, paths):
        names = sorted(
            str(p.relative_to(folder))
            for p in folder.rglob("*")
            if p.is_file()
            and not p.name.startswith(".")
            and p.suffix.lower() not in (*RECORDING_SUFFIXES, *transcripts.SUFFIXES)
        )
        if names:
            notes.append(messages.LEFT_OUT(n=len(names), path=str(folder), names=tuple(names[:MAX_NAMES])))
    return notes


def analyze_recordings(recordings: list[Path], options: Options, app_settings: AppSettings) -> int:
    """Analyse each recording and deliver its results; one that fails does not stop the others.

    Args:
        recordings: Files and folders.
        options: What was asked for.
        app_settings: The installation's settings.

    Returns:
        The exit code: 0 when everything was analysed and written, else 1.

    Raises:
        FerPhqError: The model cannot be loaded, a folder cannot be created or the store cannot be opened.
    """
    paths, complaints = expand(recordings)
    for note in left_out(recordings):
        print(f"Note: {printable(str(note))}", file=sys.stderr)
    for complaint in complaints:
        print(f"Error: {printable(str(complaint))}", file=sys.stderr)
    if not paths:
        return 1
    prepare_decoder()
    from fer_phq.models.model import load_model  # takes seconds to import, so only when there is something to do

    for folder in (options.csv_dir, options.features_dir, options.mesh_dir):
        if folder:
            make_folder(folder)
    keep = keeper(options, app_settings) if options.subject else None
    model = load_model(active_bundle(app_settings))
    failed = 0
    for path in paths:
        try:
            check_sizes(path, options.sidecar, app_settings)
            analysis, unwritten = analyze_one(path, model, options)
            if unwritten is not None:
                complaints.append(unwritten)
                print(f"Error: {printable(str(unwritten))}", file=sys.stderr)
            deliver(analysis, options, keep)
        except FerPhqError as error:
            failed += 1
            print(f"Error: {printable(str(error))}", file=sys.stderr)
    if failed and len(paths) > 1:
        print(f"{failed} of {len(paths)} recordings could not be analysed.", file=sys.stderr)
    return 1 if failed or complaints else 0


def check_sizes(path: Path, sidecar: Sidecar, app_settings: AppSettings) -> None:
    """Check the sizes of a recording and its sidecar files before any of them is read.

    Args:
        path: The recording.
        sidecar: Its sidecar files.
        app_settings: The installation's settings.

    Raises:
        FerPhqError: A file is larger than this installation takes.
    """
    for file in filter(None, (path, sidecar.audio)):
        check_size(app_settings, file)
    if sidecar.transcript is not None and check_size(app_settings, sidecar.transcript) > MAX_TRANSCRIPT:
        limit = size_message(MAX_TRANSCRIPT)
        raise FerPhqError(TRANSCRIPT_TOO_LARGE(name=sidecar.transcript.name, limit=limit))


def analyze_one(path: Path, model: FerPhqModel, options: Options) -> tuple[SessionAnalysis, Message | None]:
    """Analyse one recording, with a progress bar on standard error when that is a terminal.

    Args:
        path: The recording.
        model: The model.
        options: What was asked for.

    Returns:
        The analysis, and why its file of the face mesh is missing; None where it is not.

    Raises:
        FerPhqError: The recording or its sidecar files cannot be used.
    """
    from fer_phq.pipeline.session import analyze

    with progress_bar(path.name) as hook:
        if options.mesh_dir is None:
            return analyze(path, model, options.settings, hook, options.sidecar), None
        from fer_phq.behaviour.files.meshes import MeshFile  # pyarrow takes a fifth of a second

        with MeshFile(options.mesh_dir) as meshes:
            analysis = analyze(path, model, options.settings, hook, options.sidecar, on_faces=meshes.add)
            try:
                meshes.finish(f"{file_stem(analysis)}.mesh.parquet")
            except SettingsError as error:
                return analysis, error.message
            return analysis, None


@contextmanager
def progress_bar(name: str) -> Iterator[ProgressHook | None]:
    """Provide a hook that moves a bar; None where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}"))
    with ProgressBar(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        tasks: dict[Step, TaskID] = {}

        def hook(progress: Progress) -> None:
            task = tasks.get(progress.step)
            if task is None:
                # A task a step: the time that remains is told from the pace of its own step.
                for earlier in tasks.values():
                    bar.update(earlier, visible=False)
                title, unit = STEPS[progress.step]
                task = tasks[progress.step] = bar.add_task(f"{escape(printable(name))}: {title}", total=None, unit=unit)
            total = None if progress.total is None else int(progress.total)
            bar.update(task, completed=int(progress.done), total=total)

        yield hook


def deliver(analysis: SessionAnalysis, options: Options, keep: Callable[[SessionAnalysis], None] | None) -> None:
    """Store an analysis, then write its files and print it. What was printed was thus also stored.

    Args:
        analysis: The analysis.
        options: What was asked for.
        keep: Stores an analysis; None where it is not stored.

    Raises:
        FerPhqError: It cannot be stored or written.
    """
    if keep:
        keep(analysis)
    if options.csv_dir:
        write_csv(analysis, options.csv_dir)
        write_behaviour_csv(analysis, options.csv_dir)
        write_turns_csv(analysis, options.csv_dir)
        write_transcript_csv(analysis, options.csv_dir)
    if options.features_dir:
        write_features(to_seconds(analysis.features), options.features_dir / f"{file_stem(analysis)}.npz")
    if options.as_json:
        from fer_phq.pipeline.document import analysis_document

        print_document(analysis_document(analysis, options.settings.coverage_floor))
    else:
        Console().print(summary(analysis))


def keeper(options: Options, app_settings: AppSettings) -> Callable[[SessionAnalysis], None]:
    """Open the store and return a function that stores an analysis as a session of the subject, with its recording.

    Args:
        options: What was asked for; `subject` is set.
        app_settings: The installation's settings.

    Raises:
        StoreError: The database cannot be opened, or the subject's label is unusable.
        RecordingError: Raised by the returned function when the file cannot be copied.
    """
    from db.migrate import upgrade
    from db.store import Store
    from service.ingest.differences import find_difference
    from service.ingest.recordings import copy_recording
    from service.ingest.tokens import UploadGrant
    from service.lifecycle.erasure import erase_session

    app_settings.prepare()
    upgrade(app_settings.database_url)
    store = Store(app_settings.database_url, actor=command_line_actor)
    subject = store.subjects.get_or_create(label=options.subject or "")

    def keep(analysis: SessionAnalysis) -> None:
        path = Path(analysis.recording.path)
        try:
            modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            grant = UploadGrant(
                subject.id,
                options.recorded_at.astimezone() if options.recorded_at else modified,
                consent_by=options.consent_by,
                consent_text="command line: --consent-by" if options.consent_by else None,
                retain_until=app_settings.retain_until(datetime.now(UTC)),
                is_dated=options.recorded_at is not None,
            )
            added = copy_recording(app_settings, store, path, grant, enqueue=False)
        except OSError as error:
            raise RecordingError(messages.CANNOT_COPY(path=str(path), error=str(error.strerror))) from None
        if added.duplicate:
            session = store.sessions.get(session_id=added.session_id)
            difference = find_difference(app_settings, store, session, grant)
            if difference is not None:
                print(f"Note: {printable(str(difference))}", file=sys.stderr)
        try:
            measures = versioned_measures(analysis, options.settings)
            store.analyses.save(
                session_id=added.session_id, analysis=analysis, settings=options.settings, measures=measures
            )
        except BaseException:
            # A session without its analysis would be half a result.
            if not added.duplicate:
                erase_session(app_settings, store, added.session_id)
            raise

    return keep


def make_folder(folder: Path) -> None:
    """Create a folder for results.

    Raises:
        SettingsError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(messages.CANNOT_MAKE_FOLDER(folder=str(folder), error=str(error.strerror))) from None


def file_stem(analysis: SessionAnalysis) -> str:
    """Return what a recording's files are called: its content tells equal names, and long ones cut off, apart."""
    return f"{shorten_stem(Path(analysis.recording.path).stem)}-{analysis.recording.sha256[:8]}"


def write_csv(analysis: SessionAnalysis, folder: Path) -> Path:
    """Write the timeline as CSV: a row for each sampled frame, empty cells in gaps.

    Args:
        analysis: The analysis.
        folder: The folder, which exists.

    Returns:
        The file.

    Raises:
        SettingsError: It cannot be written.
    """
    path = folder / f"{file_stem(analysis)}.csv"
    _write_table([analysis.timeline.to_frame(rounded=True).drop(columns="idx")], path)
    return path


def _write_table(blocks: Iterable[pd.DataFrame], path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            for number, block in enumerate(blocks):
                block.to_csv(file, index=False, header=number == 0, lineterminator="\r\n")
    except OSError as error:
        raise SettingsError(messages.CANNOT_WRITE_FILE(path=str(path), error=str(error.strerror))) from None


def write_behaviour_csv(analysis: SessionAnalysis, folder: Path) -> None:
    """Write the behaviour series as CSV, a row for each frame with empty cells in gaps, its blinks, and the partner's.

    Args:
        analysis: The analysis; nothing is written where its face was not followed.
        folder: The folder, which exists.

    Raises:
        SettingsError: They cannot be written.
    """
    series = analysis.behaviour
    if series is None:
        return
    from fer_phq.behaviour.files.tables import closure_table, series_blocks
    from fer_phq.behaviour.measures import closures

    tables = {"behaviour": series_blocks(series), "blinks": [closure_table(closures(series))]}
    if analysis.partner is not None:
        tables["partner"] = series_blocks(analysis.partner)
    for name, blocks in tables.items():
        _write_table(blocks, folder / f"{file_stem(analysis)}.{name}.csv")


def write_turns_csv(analysis: SessionAnalysis, folder: Path) -> None:
    """Write everybody's turns as CSV, a row each.

    Args:
        analysis: The analysis; nothing is written where turns were not told.
        folder: The folder, which exists.

    Raises:
        SettingsError: They cannot be written.
    """
    if analysis.turns is None:
        return
    from fer_phq.speakers.files.tables import turn_table

    _write_table([turn_table(analysis.turns)], folder / f"{file_stem(analysis)}.turns.csv")


def write_transcript_csv(analysis: SessionAnalysis, folder: Path) -> None:
    """Write recognised words as CSV, a row a segment.

    Args:
        analysis: The analysis; nothing is written where no words were recognised.
        folder: The folder, which exists.

    Raises:
        SettingsError: They cannot be written.
    """
    if analysis.transcription is None:
        return
    from fer_phq.transcription.documents.tables import segment_table

    _write_table([segment_table(analysis.transcription)], folder / f"{file_stem(analysis)}.transcript.csv")


def summary(analysis: SessionAnalysis) -> Table:
    """Build the table that a person sees on the terminal."""
    info = analysis.recording
    table = Table(title=Text(printable(Path(info.path).name)), title_justify="left", show_header=False, min_width=60)
    table.add_row(
        "Recording", f"{info.duration_s:.1f} s, {info.width} x {info.height}, {info.codec}, model {analysis.model_id}"
    )
    table.add_row("Face seen in", f"{analysis.coverage:.0%} of the recording ({len(analysis.timeline)} frames)")
    mean = analysis.emotion_distribution
    if mean is not None:
        ranked = sorted(zip(EMOTIONS, mean, strict=True), key=lambda pair: -pair[1])
        table.add_row("Emotions", ", ".join(f"{name} {share:.0%}" for name, share in ranked))
    if analysis.turns is not None:
        table.add_row("Speakers", speakers_text(analysis.turns))
    if analysis.partner is not None:
        table.add_row("Partner", partner_text(analysis.partner, info.duration_s))
    table.add_row("PHQ estimate", phq_text(analysis))
    for warning in (*analysis.warnings, *analysis.partner_warnings):
        table.add_row("Warning", Text(printable(str(warning))))
    return table


def speakers_text(series: FeatureSeries) -> str:
    """Return in words how long each speaker talks, and which one is the subject.

    Args:
        series: The turns (`fer_phq.speakers.files`).
    """
    turns = turns_of(series)
    if not turns:
        return "nobody speaks"
    subject = subject_of(series)
    texts = []
    for speaker in sorted({turn.speaker for turn in turns}):
        seconds = sum(turn.duration_s for turn in turns if turn.speaker == speaker)
        name = f"{speaker} (the subject)" if speaker == subject else f"{speaker}"
        texts.append(f"{name} talks {seconds:.1f} s")
    unknown = "; which one is the subject is not known" if subject is None else ""
    return f"{', '.join(texts)}{unknown}"


def partner_text(series: FeatureSeries, duration_s: float) -> str:
    """Return in words how much of the recording the partner's face was followed.

    Args:
        series: The partner's behaviour series.
        duration_s: Length of the recording in seconds.
    """
    share = coverage(series, duration_s)
    return f"followed too, in {share:.0%} of the recording; not stored"


def phq_text(analysis: SessionAnalysis) -> str:
    """Return the estimate with interval and provenance in words, or why there is none."""
    phq = analysis.phq
    if not isinstance(phq, PhqEstimate):
        return f"unavailable: {phq.message}"
    used = ", ".join(phq.modalities)
    text = f"{phq.scale} {phq.score:.1f}, {phq.level:.0%} interval {phq.low:.1f} to {phq.high:.1f}, from {used}"
    if phq.provenance is Provenance.SIMULATED:
        return f"{text}\nDemonstration only: trained on simulated labels; it says nothing about this person."
    return f"{text} ({phq.provenance} labels). Not a diagnosis."
