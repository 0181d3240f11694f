"""What a batch holds: the rows of a manifest, or the recordings below a folder.

A manifest is a table of recordings as the dashboard takes it (`service.ingest.session_csv`); its files and transcripts
are named relative to its own folder. Below a folder without a table, the folders right in it are named like their
subjects, and a transcript lies beside its recording under the same name.

All that can be told without decoding is checked before the first recording is stored.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from db.records import MAX_TRANSCRIPT, NewTranscript
from fer_phq.core.csv_input import Problem
from fer_phq.core.errors import FerPhqError, RecordingError, SettingsError
from fer_phq.core.messages import Message
from fer_phq.core.paths import find_spelling
from fer_phq.video import RECORDING_SUFFIXES
from service.ingest import transcripts
from service.ingest.messages import NO_RECORDINGS, UNREADABLE_FILE
from service.ingest.session_csv import SessionRow, read_session_table, subject_label
from service.ingest.transcripts import CheckedTranscript
from service.jobs import messages

MAX_MANIFEST_BYTES = 64 * 2**20
MAX_MANIFEST_ROWS = 100_000


@dataclass(frozen=True)
class BatchRecording:
    """One recording of a batch, before it is stored.

    Attributes:
        file: Its path as the manifest has it, or relative to the folder.
        path: Where it is.
        subject: The subject's label.
        recorded_at: When it was recorded; None stands for the file's own date.
        consent_by: Who recorded the consent.
        keep_days: Days until it is erased; None stands for the installation's retention.
        transcript: Where its transcript is; None for none.
        speaker: Who of the transcript is the subject; None where it says so itself.
    """

    file: str
    path: Path
    subject: str
    recorded_at: datetime | None
    consent_by: str
    keep_days: int | None = None
    transcript: Path | None = None
    speaker: str | None = None

    def read_transcript(self) -> NewTranscript | None:
        """Read the transcript; None where there is none.

        Raises:
            FerPhqError: It cannot be read any more.
        """
        if self.transcript is None:
            return None
        return _read_transcript(self.transcript).with_speaker(self.speaker)


@dataclass(frozen=True)
class Batch:
    """The recordings of a source and all that is wrong with it. It may be queued when there are no problems."""

    recordings: tuple[BatchRecording, ...]
    problems: tuple[Problem, ...]


def read_source(path: Path, *, subject: str | None, consent_by: str, zone: tzinfo) -> Batch:
    """Read a manifest or a folder.

    Args:
        path: The manifest or the folder.
        subject: Label of the subject of all recordings of a folder; None where its folders name the subjects.
        consent_by: Who recorded the consent where a manifest is silent.
        zone: Zone of a manifest's times without an offset.

    Raises:
        SettingsError: There is no such file or folder, it cannot be read, or an option does not belong to it.
    """
    if path.is_dir():
        return _read_folder(path, subject, consent_by)
    if path.suffix.lower() in RECORDING_SUFFIXES:
        raise SettingsError(messages.NO_BATCH(path=str(path)))
    if subject is not None:
        raise SettingsError(messages.SUBJECT_OF_MANIFEST())
    try:
        with path.open("rb") as file:
            document = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise SettingsError(UNREADABLE_FILE(path=str(path), reason=error.strerror or str(error))) from None
    return _read_manifest(document, path.parent, consent_by, zone)


def _read_manifest(document: bytes, folder: Path, consent_by: str, zone: tzinfo) -> Batch:
    def open_transcript(cell: str) -> CheckedTranscript:
        # The words of ten thousand transcripts are not held at once: each is read again when its recording is stored.
        return dataclasses.replace(_read_transcript(find_spelling(folder / cell)), name=cell, document=b"")

    def file_problem(cell: str) -> Message | None:
        return None if find_spelling(folder / cell).is_file() else messages.NOT_BESIDE_MANIFEST(file=cell[:100])

    table = read_session_table(
        document,
        zone=zone,
        now=datetime.now(UTC),
        consent_by=consent_by,
        open_transcript=open_transcript,
        file_problem=file_problem,
        max_bytes=MAX_MANIFEST_BYTES,
        max_rows=MAX_MANIFEST_ROWS,
    )
    return Batch(tuple(_of_row(row, folder) for row in table.rows), table.problems)


def _of_row(row: SessionRow, folder: Path) -> BatchRecording:
    words = row.transcript
    return BatchRecording(
        file=row.file,
        path=find_spelling(folder / row.file),
        subject=row.subject,
        recorded_at=row.recorded_at,
        consent_by=row.consent_by,
        keep_days=row.keep_days,
        transcript=None if words is None else find_spelling(folder / words.original_name),
        speaker=None if words is None else words.speaker,
    )


def _read_folder(folder: Path, subject: str | None, consent_by: str) -> Batch:
    recordings: list[BatchRecording] = []
    problems: list[Problem] = []
    for path, words in _list_recordings(folder):
        relative = path.relative_to(folder)
        file = relative.as_posix()
        try:
            label = _subject_of(relative) if subject is None else subject_label(subject)
            if words is not None:
                _check_speakers(_read_transcript(words))
        except FerPhqError as error:
            problems.append(Problem(None, file, messages.OF_FILE(file=file, problem=error.message)))
            continue
        recordings.append(BatchRecording(file, path, label, None, consent_by.strip(), transcript=words))
    if not recordings and not problems:
        problems.append(Problem(None, "", NO_RECORDINGS(path=str(folder), suffixes=RECORDING_SUFFIXES[:5])))
    return Batch(tuple(recordings), tuple(problems))


def _subject_of(relative: Path) -> str:
    if len(relative.parts) < 2:
        raise FerPhqError(messages.NO_SUBJECT_FOLDER())
    return subject_label(relative.parts[0])


def _check_speakers(transcript: CheckedTranscript) -> None:
    """Refuse a transcript of which nobody can say, in a folder, who of several speakers is the subject."""
    if transcript.needs_speaker:
        raise FerPhqError(messages.SPEAKER_NEEDED(name=transcript.name, speakers=transcript.names))


def _list_recordings(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """List the recordings below a folder, sorted by path, each with the transcript beside it; hidden ones are left out.

    Raises:
        SettingsError: A folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        reason = error.strerror or str(error)
        raise SettingsError(UNREADABLE_FILE(path=str(error.filename), reason=reason)) from None

    for directory, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        words = transcripts.by_stem(names)
        for name in sorted(names):
            path = Path(directory, name)
            if path.suffix.lower() in RECORDING_SUFFIXES and not name.startswith(".") and path.is_file():
                transcript_name = words.get(transcripts.folded_stem(name))
                yield path, None if transcript_name is None else Path(directory, transcript_name)


def _read_transcript(path: Path) -> CheckedTranscript:
    try:
        with path.open("rb") as file:
            document = file.read(MAX_TRANSCRIPT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecordingError(UNREADABLE_FILE(path=path.name, reason=reason)) from None
    return transcripts.check_transcript(path.name, document)
