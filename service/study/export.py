"""A study as files: streamed one after another, into a folder that appears only when it is whole, or as a ZIP."""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from db.store import Store
from service.lifecycle import messages as lifecycle_messages
from service.lifecycle.person.archive import stream_zip
from service.study import messages
from service.study.documents import citation, description, readme
from service.study.methods import methods
from service.study.models import study_models
from service.study.selection import Study, StudyError, StudyRequest, load_answers, load_study
from service.study.tables import study_tables
from service.views.data_dictionary import as_markdown
from service.views.documents.tables import WRITERS, Format

CHECKSUMS = "SHA256SUMS"
FORMATS = (Format.CSV, Format.PARQUET)
OPENING = "The tables of this study, with what their columns mean."
CARD_FILES = ("MODEL_CARD.md", "config.json")

File = tuple[str, Iterable[bytes]]


@dataclass(frozen=True)
class StudyReport:
    """What was written.

    Attributes:
        folder: The folder.
        files: Number of its files.
        study: What is in it.
    """

    folder: Path
    files: int
    study: Study


def begin_study(store: Store, request: StudyRequest) -> Study:
    """Read which sessions a study has, and note in the audit that they leave.

    Args:
        store: The store, which acts for whoever asks.
        request: What the study is made of.

    Raises:
        StudyError: No session may leave.
    """
    study = load_study(store, request)
    if study.sessions.empty:
        raise StudyError(messages.EMPTY(reasons=study.reasons) if study.reasons else messages.NOTHING_THERE())
    detail = f"{len(study.sessions)} sessions of {study.people} people"
    store.audit.add(action="export", object_kind="study", object_id="cohort", detail=detail)
    return study


def study_files(store: Store, study: Study) -> Iterator[File]:
    """Yield the files of a study, each read while it is written. The last one holds the hashes of the others.

    Args:
        store: The store.
        study: The study.

    Raises:
        StudyError: Sessions changed meanwhile: what was written is not to be used.
    """
    sums: dict[str, str] = {}
    for name, pieces in _files(store, study):
        yield name, _hashed(name, pieces, sums)
    _refuse_change(store, study)
    yield CHECKSUMS, ["".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()]


def write_study(store: Store, request: StudyRequest, folder: Path) -> StudyReport:
    """Write a study into a new folder. It appears only when it is whole.

    Args:
        store: The store, which acts for whoever asks.
        request: What the study is made of.
        folder: The folder to make; an empty one may be there.

    Raises:
        StudyError: No session may leave, sessions changed meanwhile, or the folder holds something already or cannot
            be written.
    """
    _check_folder(folder)
    study = begin_study(store, request)
    _remove_drafts(folder)
    draft = _draft(folder, os.getpid())
    number = 0
    try:
        draft.mkdir(mode=0o700, parents=True)
        for name, pieces in study_files(store, study):
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines(pieces)
            number += 1
        if folder.exists():
            folder.rmdir()
        draft.replace(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StudyError(lifecycle_messages.EXPORT_UNWRITABLE(path=str(folder), reason=reason)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return StudyReport(folder, number, study)


def _check_folder(folder: Path) -> None:
    """Check that a folder can become the study's. Raises StudyError where it cannot."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StudyError(lifecycle_messages.EXPORT_EXISTS(path=str(folder)))
        if folder.resolve() == Path.cwd():
            raise StudyError(messages.CURRENT_FOLDER())
    except OSError as error:
        reason = error.strerror or str(error)
        raise StudyError(lifecycle_messages.EXPORT_UNWRITABLE(path=str(folder), reason=reason)) from error


def _draft(folder: Path, process: int | str) -> Path:
    """Return where a process writes before the folder appears."""
    return folder.with_name(f".{folder.name}.{process}.part")


def _remove_drafts(folder: Path) -> None:
    """Remove what an export into the same folder left whose process was killed."""
    pattern = _draft(Path(glob.escape(folder.name)), "*").name
    for draft in folder.parent.glob(pattern):
        process = draft.name.split(".")[-2]
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(draft, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def stream_study(store: Store, study: Study, name: str) -> Iterator[bytes]:
    """Yield a study as a ZIP, a piece at a time. Nothing of it lies on the disk.

    Args:
        store: The store.
        study: The study, of `begin_study`.
        name: What the folder is called within the ZIP.

    Raises:
        StudyError: Sessions changed meanwhile: the ZIP is not whole.
    """
    return stream_zip(name, study_files(store, study))


def _files(store: Store, study: Study) -> Iterator[File]:
    models = study_models(study)
    tables = []
    for table in study_tables(store, study):
        for kind in FORMATS:
            blocks = table.blocks()
            first = next(blocks, None)
            if first is None:
                break
            content = WRITERS[kind](table.stream(()), itertools.chain([first], blocks))
            yield f"{table.entry.name}.{kind}", content
        else:
            tables.append(table)
    answers = load_answers(store, study)
    for model in models:
        for name in CARD_FILES if model.bundle is not None else ():
            path = model.bundle.path / name  # type: ignore[union-attr]
            if path.is_file():
                yield f"models/{model.model_id}/{name}", [path.read_bytes()]
    yield "DATA_DICTIONARY.md", [as_markdown([table.entry for table in tables], OPENING).encode()]
    yield "METHODS.md", [methods(study, models, answers).encode()]
    yield "CITATION.cff", [citation(study).encode()]
    yield "study.json", [description(study, models).encode()]
    yield "README.md", [readme(study, tables, models).encode()]


def _hashed(name: str, pieces: Iterable[bytes], sums: dict[str, str]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    sums[name] = digest.hexdigest()


def _refuse_change(store: Store, study: Study) -> None:
    """Check that the same sessions would leave now. Raises StudyError where they would not."""
    now = load_study(store, study.request)
    if set(now.sessions["analysis_id"]) != set(study.sessions["analysis_id"]):
        raise StudyError(messages.CHANGED())
