"""Export of a person: everything that is stored of them, in open formats, in a folder that explains itself."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, BinaryIO

from db.records import SessionRecord, SubjectRecord
from db.store import Store
from fer_phq import __version__
from fer_phq.behaviour.files.tables import closure_table, series_table
from fer_phq.behaviour.measures import closures
from fer_phq.behaviour.seconds.series import to_seconds
from fer_phq.core.csv_input import without_formula
from fer_phq.core.encryption.files import open_content
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from fer_phq.features.files import features_file
from fer_phq.speakers.files.tables import turn_table
from fer_phq.transcription.documents.tables import segment_table
from fer_phq.voice.kinds import without_earlier_pitch
from service.ingest.media import MediaStore
from service.lifecycle import messages
from service.settings import MIB, AppSettings

COPY_BYTES = 4 * MIB
MOST_SESSIONS = 100_000
EXPLANATIONS = {
    "person.json": "Who it is: label, id, tags, and when the person was first stored.",
    "questionnaires.csv": "Every PHQ-8 and PHQ-9: each answer (0 to 3), the total, when it was answered, and whether a "
    "later one corrects it.",
    "events.csv": "What was noted of the person's life, with dates.",
    "sessions.csv": "A row for each session: when it was recorded, consent, whether it was withdrawn, retention, and "
    "the folder it is in.",
    "recording.*": "The recording as it came in. It may show and let hear other people than this person.",
    "transcript.*": "The transcript as it came in.",
    "notes.csv": "What reviewers wrote, with the second of the recording.",
    "analysis.json": "What the software found: shares of seven expressions, coverage, face tracks, the PHQ estimate "
    "with its interval or why there is none, the model, warnings.",
    "timeline.csv": "A row for each frame that was looked at: its second, the probabilities of seven expressions (0 to "
    "1), the face's box in pixels, and how good the picture of the face was (0 to 1). Empty cells: no face was seen.",
    "measures.csv": "Numbers that sum up the session.",
    "behaviour.csv": "A row for each frame in which the face mesh was followed: its second, head pose and gaze in "
    "degrees, how far eyes and mouth are open, and 52 movements of the face (0 to 1). Empty cells: it was not seen.",
    "blinks.csv": "When the eyes closed and opened again, in seconds; no row where they were looked at too seldom.",
    "turns.csv": "Who spoke when: start and end in seconds, the speaker's number, whether it was this person (empty "
    "where that is not known), and how sure it is (0 to 1).",
    "transcript.csv": "What was recognised by a machine of what was said: start and end in seconds, the speaker, the "
    "words, and how sure it is (0 to 1). (?) marks words that should not be relied upon, or that were left out.",
    "features.npz": "Numbers of the networks, as NumPy arrays without pickle (numpy.load): visual (t, d) and time_s "
    "(t,) in seconds are the face's embeddings; emotions (t, 7); voice (u, e) with voice_time_s and voice_names; words "
    "(w, f) with words_time_s; behaviour (s, g), a row a second, with behaviour_names. Values are float32 without a "
    "unit of their own; NaN means not measured.",
    "faces/*.jpg": "A small picture of each person in view, by face track. Some are of other people.",
    "manifest.json": "Every file with its size in bytes and its SHA-256, and recordings that are not there.",
}
"""What each file is, for the page."""


class ExportError(FerPhqError):
    """An export cannot be written."""


@dataclass(frozen=True)
class Entry:
    """A file of an export.

    Attributes:
        name: Its path within the export.
        open: Opens its content for reading; None for a recording that a row names and that is not there.
    """

    name: str
    open: Callable[[], BinaryIO] | None


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Attributes:
        folder: The folder.
        files: Number of its files.
        sessions: Number of sessions.
        missing: Number of recordings that rows name and that are not there.
    """

    folder: Path
    files: int
    sessions: int
    missing: int


class Manifest:
    """The size and the SHA-256 of every file of an export, noted while they are read."""

    NAME = "manifest.json"

    def __init__(self) -> None:
        """Begin with no file."""
        self.files: dict[str, dict[str, Any]] = {}
        self.missing: list[str] = []

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """Yield the content of an entry, and note it.

        Args:
            entry: A file of the export.

        Raises:
            OSError: It cannot be read.
            RecordingError: It is an encrypted recording that was changed.
        """
        if entry.open is None:
            self.missing.append(entry.name)
            return
        digest = hashlib.sha256()
        size = 0
        with entry.open() as content:
            while piece := content.read(COPY_BYTES):
                digest.update(piece)
                size += len(piece)
                yield piece
        self.files[entry.name] = {"bytes": size, "sha256": digest.hexdigest()}

    def content(self) -> bytes:
        """Return the manifest's own bytes."""
        body = {"version": __version__, "at": datetime.now(UTC), "files": self.files, "missing": self.missing}
        return _json(body)


def export_subject(settings: AppSettings, store: Store, subject_id: str, folder: Path) -> ExportReport:
    """Write everything that is stored of a person into a new folder. It appears only when it is whole.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject_id: The subject.
        folder: The folder to make; an empty one may be there.

    Raises:
        NotFoundError: There is no such subject.
        ForbiddenError: The actor reads only.
        ExportError: The folder holds something already, or cannot be written.
    """
    subject = store.subjects.get(subject_id=subject_id)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(messages.EXPORT_EXISTS(path=str(folder)))
    store.subjects.note_export(subject_id=subject_id)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    manifest = Manifest()
    try:
        draft.mkdir(mode=0o700, parents=True)
        for entry in entries(settings, store, subject):
            _write(draft / entry.name, manifest.pieces(entry), is_there=entry.open is not None)
        (draft / manifest.NAME).write_bytes(manifest.content())
        if folder.exists():
            folder.rmdir()
        draft.replace(folder)
    except OSError as error:
        raise ExportError(messages.EXPORT_UNWRITABLE(path=str(folder), reason=error.strerror or str(error))) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sessions = sum(name.endswith("/session.json") for name in manifest.files)
    return ExportReport(folder, len(manifest.files) + 1, sessions, len(manifest.missing))


def _write(path: Path, pieces: Iterable[bytes], *, is_there: bool) -> None:
    """Write a file of the export; of one that is not there, nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not is_there:
        deque(pieces, maxlen=0)
        return
    with path.open("wb") as file:
        file.writelines(pieces)


def entries(settings: AppSettings, store: Store, subject: SubjectRecord) -> Iterator[Entry]:
    """Yield everything that is stored of a person, a file at a time, each read when it is opened or shortly before.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject: The subject.
    """
    tags = store.subjects.tags(subject_ids=[subject.id]).get(subject.id, ())
    sessions = [row.session for row in store.sessions.list_recent(subject_id=subject.id, limit=MOST_SESSIONS)]
    yield _entry("index.html", _page(subject.label, len(sessions)).encode())
    yield _entry("person.json", _json(asdict(subject) | {"tags": tags}))
    yield _entry("questionnaires.csv", _csv(_answers(store, subject.id)))
    yield _entry("events.csv", _csv([_flat(event) for event in store.events.list_by_subject(subject_id=subject.id)]))
    withdrawn = store.sessions.list_withdrawn(session_ids=[session.id for session in sessions])
    yield _entry(
        "sessions.csv",
        _csv(
            [
                _flat(session) | {"consent_withdrawn": session.id in withdrawn, "folder": _session_folder(session)}
                for session in sessions
            ]
        ),
    )
    for session in sessions:
        yield from _session_entries(settings, store, session, is_withdrawn=session.id in withdrawn)


def _answers(store: Store, subject_id: str) -> list[dict[str, Any]]:
    questionnaires = store.questionnaires.list_by_subject(subject_id=subject_id, include_superseded=True)
    rows = []
    for questionnaire in questionnaires:
        row = _flat(questionnaire)
        items = {f"item_{number}": answer for number, answer in enumerate(questionnaire.items, 1)}
        rows.append({name: value for name, value in row.items() if name != "items"} | items)
    return rows


def _session_entries(
    settings: AppSettings, store: Store, session: SessionRecord, *, is_withdrawn: bool
) -> Iterator[Entry]:
    folder = _session_folder(session)
    yield _entry(f"{folder}/session.json", _json(asdict(session) | {"consent_withdrawn": is_withdrawn}))
    notes = store.notes.list_by_session(session_id=session.id)
    yield _entry(f"{folder}/notes.csv", _csv([_flat(note) for note in notes]))
    transcript = store.transcripts.get(session_id=session.id)
    if transcript is not None:
        suffix = Path(transcript.original_name).suffix.lower()
        name = f"transcript{suffix if suffix[1:].isalnum() else '.txt'}"
        yield _entry(f"{folder}/{name}", transcript.document)
    for summary in store.sessions.get_detail(session_id=session.id).analyses:
        yield from _analysis_entries(store, summary.id, f"{folder}/analyses/{summary.id}")
    if session.media_path is not None:
        source = MediaStore(settings).path_of(session.media_path)
        read = functools.partial(open_content, source) if source.is_file() else None
        yield Entry(f"{folder}/recording{source.suffix}", read)


def _analysis_entries(store: Store, analysis_id: str, folder: str) -> Iterator[Entry]:
    analysis = store.analyses.load_session_analysis(analysis_id=analysis_id)
    yield _entry(f"{folder}/analysis.json", _json(analysis.to_dict()))
    frames = store.analyses.frames(analysis_id=analysis_id)
    yield _entry(f"{folder}/timeline.csv", frames.to_csv(index=False).encode())
    measures = store.measures.get(analysis_id=analysis_id)
    yield _entry(f"{folder}/measures.csv", _csv([{"name": name, "value": value} for name, value in measures.items()]))
    if analysis.features.modalities:
        yield _entry(f"{folder}/features.npz", _features(analysis.features))
    if analysis.behaviour is not None:
        yield _entry(f"{folder}/behaviour.csv", series_table(analysis.behaviour).to_csv(index=False).encode())
        yield _entry(f"{folder}/blinks.csv", closure_table(closures(analysis.behaviour)).to_csv(index=False).encode())
    if analysis.turns is not None:
        yield _entry(f"{folder}/turns.csv", turn_table(analysis.turns).to_csv(index=False).encode())
    if analysis.transcription is not None:
        words = segment_table(analysis.transcription)
        yield _entry(f"{folder}/transcript.csv", words.to_csv(index=False).encode())
    for track, picture in store.faces.list_pictures(analysis_id=analysis_id).items():
        yield _entry(f"{folder}/faces/{track}.jpg", picture)


def _features(features: SessionFeatures) -> bytes:
    """Return the features file, without pitch of which it is known that it may be wrong."""
    voice = None if features.voice is None else without_earlier_pitch(features.voice)
    return features_file(replace(to_seconds(features), voice=voice))


def _entry(name: str, content: bytes) -> Entry:
    return Entry(name, functools.partial(io.BytesIO, content))


def _session_folder(session: SessionRecord) -> str:
    return f"sessions/{session.recorded_at:%Y-%m-%d}-{session.id[:8]}"


def _flat(record: Any) -> dict[str, Any]:
    """Return a record's fields, those of a record within it under both names."""
    row: dict[str, Any] = {}
    for name, value in asdict(record).items():
        row |= {f"{name}_{inner}": cell for inner, cell in value.items()} if isinstance(value, dict) else {name: value}
    return row


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as UTF-8 CSV; a text that a spreadsheet would calculate has an apostrophe before it."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return file.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return without_formula(value) if isinstance(value, str) else value


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, indent=1, default=_plain).encode()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _page(label: str, sessions: int) -> str:
    rows = "\n".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(words)}</td></tr>" for name, words in EXPLANATIONS.items()
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>What is stored of {escape(label)}</title>
<style>body{{font-family:sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;line-height:1.5}}
td{{vertical-align:top;padding:.3rem .8rem .3rem 0}}</style>
<h1>What is stored of {escape(label)}</h1>
<p>Written by fer-phq {__version__} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {sessions} sessions, each in a folder of
its own under <code>sessions</code>, its analyses below it. Times are UTC; seconds count from a recording's start.</p>
<p><strong>{escape(str(NOT_A_DIAGNOSIS()))}</strong></p>
<table>{rows}</table>
<p>Not in it: other people's data that is stored apart, backups, and models that were trained with the data.</p>
</html>
"""
