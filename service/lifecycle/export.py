"""Export of a person: everything that is stored of them, in open formats, in a folder that explains itself."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from db.records import SessionRecord
from db.store import Store
from fer_phq import __version__
from fer_phq.core.csv_input import without_formula
from fer_phq.core.encryption.files import open_content
from fer_phq.core.errors import FerPhqError
from fer_phq.features.files import write_features
from service.ingest.media import MediaStore, file_sha256
from service.lifecycle import messages
from service.settings import MIB, AppSettings

COPY_BYTES = 4 * MIB
MOST_SESSIONS = 100_000
EXPLANATIONS = {
    "person.json": "Who it is: label, id, tags, and when the person was first stored.",
    "questionnaires.csv": "Every PHQ-8 and PHQ-9: each answer (0 to 3), the total, when it was answered, and whether a "
    "later one corrects it.",
    "events.csv": "What was noted of the person's life, with dates.",
    "sessions.csv": "A row for each session: when it was recorded, consent, retention, and the folder it is in.",
    "recording.*": "The recording as it came in. It may show and let hear other people than this person.",
    "transcript.*": "The transcript as it came in.",
    "notes.csv": "What reviewers wrote, with the second of the recording.",
    "analysis.json": "What the software found: shares of seven expressions, coverage, face tracks, the PHQ estimate "
    "with its interval or why there is none, the model, warnings.",
    "timeline.csv": "A row for each frame that was looked at: its second, the probabilities of seven expressions (0 to "
    "1), the face's box in pixels, and how good the picture of the face was (0 to 1). Empty cells: no face was seen.",
    "measures.csv": "Numbers that sum up the session.",
    "features.npz": "Numbers of the networks, as NumPy arrays without pickle (numpy.load): visual (t, d) and time_s "
    "(t,) in seconds are the face's embeddings; emotions (t, 7); voice (u, e) with voice_time_s and voice_names; words "
    "(w, f) with words_time_s. Values are float32 without a unit of their own; NaN means not measured.",
    "faces/*.jpg": "A small picture of each person in view, by face track. Some are of other people.",
    "manifest.json": "Every file with its size in bytes and its SHA-256.",
}
"""What each file is, for the page."""
NOT_A_DIAGNOSIS = (
    "fer-phq is not a medical device and its output is not a diagnosis. An expression on a face is not the feeling "
    "behind it, and a PHQ estimate of a model is not a PHQ score of a person."
)


class ExportError(FerPhqError):
    """An export cannot be written."""


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
    try:
        draft.mkdir(mode=0o700, parents=True)
        tags = store.subjects.tags(subject_ids=[subject_id]).get(subject_id, ())
        _write_json(draft / "person.json", asdict(subject) | {"tags": tags})
        _write_answers(store, subject_id, draft)
        sessions = [row.session for row in store.sessions.list_recent(subject_id=subject_id, limit=MOST_SESSIONS)]
        missing = sum(_write_session(settings, store, session, draft) for session in sessions)
        rows = [_flat(session) | {"folder": _session_folder(session)} for session in sessions]
        _write_csv(draft / "sessions.csv", rows)
        (draft / "index.html").write_text(_page(subject.label, len(sessions)), encoding="utf-8")
        count = _write_manifest(draft)
        if folder.exists():
            folder.rmdir()
        draft.replace(folder)
    except OSError as error:
        raise ExportError(messages.EXPORT_UNWRITABLE(path=str(folder), reason=error.strerror or str(error))) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return ExportReport(folder, count, len(sessions), missing)


def _write_answers(store: Store, subject_id: str, folder: Path) -> None:
    questionnaires = store.questionnaires.list_by_subject(subject_id=subject_id, include_superseded=True)
    rows = []
    for questionnaire in questionnaires:
        row = _flat(questionnaire)
        items = {f"item_{number}": answer for number, answer in enumerate(questionnaire.items, 1)}
        rows.append({name: value for name, value in row.items() if name != "items"} | items)
    _write_csv(folder / "questionnaires.csv", rows)
    _write_csv(folder / "events.csv", [_flat(event) for event in store.events.list_by_subject(subject_id=subject_id)])


def _write_session(settings: AppSettings, store: Store, session: SessionRecord, folder: Path) -> bool:
    """Write a session's folder. Returns whether its recording is missing."""
    target = folder / _session_folder(session)
    target.mkdir(parents=True)
    _write_json(target / "session.json", asdict(session))
    _write_csv(target / "notes.csv", [_flat(note) for note in store.notes.list_by_session(session_id=session.id)])
    transcript = store.transcripts.get(session_id=session.id)
    if transcript is not None:
        suffix = Path(transcript.original_name).suffix.lower()
        (target / f"transcript{suffix if suffix[1:].isalnum() else '.txt'}").write_bytes(transcript.document)
    for summary in store.sessions.get_detail(session_id=session.id).analyses:
        _write_analysis(store, summary.id, target / "analyses" / summary.id)
    if session.media_path is None:
        return False
    source = MediaStore(settings).path_of(session.media_path)
    if not source.is_file():
        return True
    with open_content(source) as content, (target / f"recording{source.suffix}").open("wb") as file:
        shutil.copyfileobj(content, file, COPY_BYTES)
    return False


def _write_analysis(store: Store, analysis_id: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    analysis = store.analyses.load_session_analysis(analysis_id=analysis_id)
    _write_json(folder / "analysis.json", analysis.to_dict())
    frames = store.analyses.frames(analysis_id=analysis_id)
    frames.to_csv(folder / "timeline.csv", index=False)
    measures = store.measures.get(analysis_id=analysis_id)
    _write_csv(folder / "measures.csv", [{"name": name, "value": value} for name, value in measures.items()])
    if analysis.features.modalities:
        write_features(analysis.features, folder / "features.npz")
    for track, picture in store.faces.list_pictures(analysis_id=analysis_id).items():
        (folder / "faces").mkdir(exist_ok=True)
        (folder / "faces" / f"{track}.jpg").write_bytes(picture)


def _session_folder(session: SessionRecord) -> str:
    return f"sessions/{session.recorded_at:%Y-%m-%d}-{session.id[:8]}"


def _flat(record: Any) -> dict[str, Any]:
    """Return a record's fields, those of a record within it under both names."""
    row: dict[str, Any] = {}
    for name, value in asdict(record).items():
        row |= {f"{name}_{inner}": cell for inner, cell in value.items()} if isinstance(value, dict) else {name: value}
    return row


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as UTF-8 CSV; a text that a spreadsheet would calculate has an apostrophe before it."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return without_formula(value) if isinstance(value, str) else value


def _write_json(path: Path, body: Any) -> None:
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1, default=_plain), encoding="utf-8")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _write_manifest(folder: Path) -> int:
    files = {path.relative_to(folder).as_posix(): _facts(path) for path in _files(folder)}
    _write_json(folder / "manifest.json", {"version": __version__, "at": datetime.now(UTC), "files": files})
    return len(files) + 1


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _facts(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


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
<p><strong>{escape(NOT_A_DIAGNOSIS)}</strong></p>
<table>{rows}</table>
<p>Not in it: other people's data that is stored apart, backups, and models that were trained with the data.</p>
</html>
"""
