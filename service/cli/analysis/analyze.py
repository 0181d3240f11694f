"""`fer-phq analyze`: recordings in, results as a table, JSON documents, CSV files or rows of the store."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from db.records import MAX_TRANSCRIPT
from fer_phq.core.analysis import Progress, ProgressHook, Sampling, SessionAnalysis, Settings, SoundChoice, Step
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError, RecordingError, SettingsError
from fer_phq.core.messages import Message, Template
from fer_phq.core.paths import printable, shorten_stem
from fer_phq.core.phq import PhqEstimate, Provenance
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.files import write_features
from fer_phq.features.measures import versioned_measures
from fer_phq.video import RECORDING_SUFFIXES, prepare_decoder
from service.cli import messages
from service.cli.analysis.tracks import TRACK_IDS, parse_tracks
from service.cli.store import command_line_actor
from service.ingest import transcripts
from service.ingest.media import check_size
from service.ingest.messages import NO_RECORDINGS, TRANSCRIPT_TOO_LARGE, size_message
from service.models.active_model import active_bundle
from service.runtime_settings import current_settings
from service.settings import AppSettings, load_settings

if TYPE_CHECKING:
    from fer_phq.models.model import FerPhqModel

EXAMPLES = """
Analyse recordings: files, or every recording in a folder.

Examples:

- `fer-phq analyze session.mp4`
- `fer-phq analyze photo.jpg` (the faces of pictures; nothing of them is stored)
- `fer-phq analyze session.mp4 --json | jq .dominant_emotion`
- `fer-phq analyze session.mp4 --transcript session.vtt --speaker Client`
- `fer-phq analyze recordings/ --csv results/ --features features/`
- `fer-phq analyze session.mp4 --subject P01 --consent-by "Dr Meyer"` (kept in the store, shown in the dashboard)
- `fer-phq analyze --queue recordings.csv --report report.csv` (thousands, by the workers, when nobody else waits)

With `--queue`, a table (CSV) has the columns file, subject_id, recorded_at, consent_by, keep_days, transcript and
speaker; in a folder, the folders right in it are named like their subjects, and transcripts lie beside their
recordings. What is stored already is not stored again: start an interrupted batch once more, and it goes on. What is
stored otherwise than the table says is reported, and left as it is.

Exit code 0 when every recording was analysed, 1 when one could not be (the others still are).
"""

STEPS = {
    Step.FACES: ("finding faces", "frames"),
    Step.SOUND: ("analysing the sound", "s"),
    Step.WORDS: ("reading the words", "utterances"),
    Step.ESTIMATE: ("estimating", ""),
}
"""What the progress bar calls each step, and the unit it counts in."""


PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""Endings of files that are taken for pictures; whether they are, their content says."""

CHANNELS = {"left": 1, "right": 2}
"""Names of channels beside their numbers."""

JSON_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys and JSON leaves as it is."""

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
        subject: Label of the subject that results are stored for; None where they are not stored.
        consent_by: Who recorded the subject's consent; None where none is recorded.
        recorded_at: When it was recorded, local time; None for the file's date.
    """

    settings: Settings
    sidecar: Sidecar
    as_json: bool
    csv_dir: Path | None
    features_dir: Path | None
    subject: str | None
    consent_by: str | None
    recorded_at: datetime | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="analyze", help=EXAMPLES)(analyze_command)


def analyze_command(
    recordings: Annotated[list[Path], typer.Argument(metavar="RECORDING...", help="Files or folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a recording on standard output.")] = False,
    csv_dir: Annotated[Path | None, typer.Option("--csv", help="Write one CSV timeline a recording here.")] = None,
    features_dir: Annotated[
        Path | None, typer.Option("--features", help="Write one file of features a recording (.npz) here.")
    ] = None,
    transcript: Annotated[
        Path | None, typer.Option(help="Transcript of the one recording: WebVTT, SRT, CSV, tab-separated or JSON.")
    ] = None,
    speaker: Annotated[str | None, typer.Option(help="Whose turns of the transcript are the subject's.")] = None,
    audio: Annotated[Path | None, typer.Option(help="Sound of the one recording, recorded apart.")] = None,
    subject: Annotated[str | None, typer.Option(help="Keep the results for this subject (with --save).")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second that are analysed (default 2).")] = None,
    key_frames: Annotated[bool, typer.Option("--key-frames", help="Analyse only key frames: quicker.")] = False,
    track: Annotated[
        str | None,
        typer.Option(
            metavar=TRACK_IDS, help="Analyse the person of this face track, or exactly these tracks (0,3), instead."
        ),
    ] = None,
    sound_track: Annotated[int | None, typer.Option(min=1, help="Hear this sound track alone, counted from 1.")] = None,
    sound_channel: Annotated[
        str | None, typer.Option(metavar="left|right|N", help="Hear this channel of the sound track alone.")
    ] = None,
    save: Annotated[
        bool | None, typer.Option("--save/--no-save", help="Keep recording and results (default: with --subject).")
    ] = None,
    consent_by: Annotated[str | None, typer.Option(help="Who recorded the subject's consent; kept with it.")] = None,
    recorded_at: Annotated[
        datetime | None, typer.Option(help="When it was recorded, local time (default: the file's date).")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name, id or folder of a checkpoint bundle.")] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Store the recordings of tables or folders and have workers analyse them.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="With --queue: write what became of each recording (CSV).")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --queue: queue what failed before once more.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="With --queue: wait until everything is analysed.")
    ] = True,
) -> None:
    """Analyse recordings, print the results and store them where a subject is named. `EXAMPLES` is the help."""
    if queue:
        _refuse(
            messages.NOT_WITH_QUEUE,
            **{
                "--csv": csv_dir,
                "--features": features_dir,
                "--transcript": transcript,
                "--speaker": speaker,
                "--audio": audio,
                "--track": track,
                "--save/--no-save": save,
                "--recorded-at": recorded_at,
                "--model": model,
            },
        )
        analysis = {
            "fps": fps,
            "key_frames": key_frames or None,
            "sound_track": sound_track,
            "sound_channel": channel_number(sound_channel),
        }
        job_settings = {name: value for name, value in analysis.items() if value is not None}
        from service.cli.analysis.batch import BatchOptions, run_batch  # half a second, which only a batch needs

        choice = BatchOptions(subject, consent_by or "", job_settings, report, as_json, retry_failed, wait)
        raise typer.Exit(run_batch(recordings, choice, current_settings(load_settings())))
    _refuse(
        messages.ONLY_WITH_QUEUE,
        **{"--report": report, "--retry-failed": retry_failed or None, "--no-wait": None if wait else False},
    )
    app_settings = current_settings(load_settings(**({"model": model} if model else {})))
    pictures = [path for path in recordings if path.suffix.lower() in PICTURE_SUFFIXES and not path.is_dir()]
    code = 0
    if pictures:
        _refuse(
            messages.NOT_WITH_PICTURES,
            **{
                "--csv": csv_dir,
                "--features": features_dir,
                "--transcript": transcript,
                "--speaker": speaker,
                "--audio": audio,
                "--subject": subject,
                "--save": save or None,
                "--track": track,
                "--sound-track": sound_track,
                "--sound-channel": sound_channel,
                "--consent-by": consent_by,
                "--recorded-at": recorded_at,
            },
        )
        from service.cli.analysis.pictures import analyze_pictures

        code = analyze_pictures(pictures, app_settings, as_json=as_json)
        recordings = [path for path in recordings if path not in pictures]
        if not recordings:
            raise typer.Exit(code)
    if save is None:
        save = subject is not None
    if save and subject is None:
        raise SettingsError(messages.SAVE_NEEDS_SUBJECT())
    if save and not (consent_by or "").strip():
        raise SettingsError(messages.SAVE_NEEDS_CONSENT())
    if not save and (consent_by or recorded_at):
        raise SettingsError(messages.NOT_SAVED())
    try:
        sampling = Sampling(fps=app_settings.fps if fps is None else fps, key_frames=key_frames)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    tracks = () if track is None else parse_tracks(track)
    settings = Settings(
        sampling=sampling,
        coverage_floor=app_settings.coverage_floor,
        track=tracks[0] if len(tracks) == 1 else None,
        tracks=tracks if len(tracks) > 1 else (),
        all_faces=save,
        sound=SoundChoice(sound_track, channel_number(sound_channel)),
    )
    sidecar = Sidecar(transcript, speaker, audio)
    if speaker is not None and transcript is None:
        raise SettingsError(messages.SPEAKER_ALONE())
    if sidecar != Sidecar() and (len(recordings) > 1 or recordings[0].is_dir()):
        raise SettingsError(messages.ONE_RECORDING())
    label_to_save = subject if save else None
    options = Options(settings, sidecar, as_json, csv_dir, features_dir, label_to_save, consent_by, recorded_at)
    raise typer.Exit(max(code, run(recordings, options, app_settings)))


def _refuse(refusal: Template, **options: object) -> None:
    """Refuse the first option that has a value.

    Raises:
        SettingsError: One has.
    """
    for option, value in options.items():
        if value is not None:
            raise SettingsError(refusal(option=option))


def channel_number(name: str | None) -> int | None:
    """Return the number of a channel from 1, which is the left one of two; None for no name.

    Args:
        name: `left`, `right` or the number.

    Raises:
        SettingsError: It is none of them.
    """
    if name is None:
        return None
    number = CHANNELS.get(name.strip().lower(), name)
    if not str(number).isdecimal() or int(number) < 1:
        raise SettingsError(messages.UNKNOWN_CHANNEL(name=name))
    return int(number)


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


def run(recordings: list[Path], options: Options, app_settings: AppSettings) -> int:
    """Analyse each recording and deliver its results; one that fails does not stop the others.

    Args:
        recordings: Files and folders.
        options: What was asked for.
        app_settings: The installation's settings.

    Returns:
        The exit code: 0 when everything was analysed, else 1.

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

    for folder in (options.csv_dir, options.features_dir):
        if folder:
            make_folder(folder)
    keep = keeper(options, app_settings) if options.subject else None
    model = load_model(active_bundle(app_settings).path)
    failed = 0
    for path in paths:
        try:
            check_sizes(path, options.sidecar, app_settings)
            analysis = analyze_one(path, model, options)
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


def analyze_one(path: Path, model: FerPhqModel, options: Options) -> SessionAnalysis:
    """Analyse one recording, with a progress bar on standard error when that is a terminal.

    Args:
        path: The recording.
        model: The model.
        options: What was asked for.

    Raises:
        FerPhqError: The recording or its sidecar files cannot be used.
    """
    from fer_phq.pipeline.session import analyze

    with progress_bar(path.name) as hook:
        return analyze(path, model, options.settings, hook, options.sidecar)


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
    if options.features_dir:
        write_features(analysis.features, options.features_dir / f"{file_stem(analysis)}.npz")
    if options.as_json:
        document = json.dumps(analysis.to_dict(), ensure_ascii=False)
        print(JSON_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", document), flush=True)
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
    try:
        table = analysis.timeline.to_frame(rounded=True).drop(columns="idx")
        table.to_csv(path, index=False, lineterminator="\r\n")
    except OSError as error:
        raise SettingsError(messages.CANNOT_WRITE_FILE(path=str(path), error=str(error.strerror))) from None
    return path


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
    table.add_row("PHQ estimate", phq_text(analysis))
    for warning in analysis.warnings:
        table.add_row("Warning", Text(printable(str(warning))))
    return table


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
