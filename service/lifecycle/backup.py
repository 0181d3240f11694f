"""Backup of an installation into one file, and its restoration into an empty one.

The file is a ZIP: `rows/<table>.jsonl` with a row a line, `media/...` with the recordings, `models/...` with the
checkpoint bundles of a person's own, and `manifest.json`, which says of every member how large it is and what its
SHA-256 is. It is the same for SQLite and PostgreSQL, and holds the revision of its tables: an older one is restored as
it was and then migrated.

Of an encrypted installation it holds what is encrypted as it is, and the key's check with the settings; no key.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from db.clearing import remove_engine_jobs
from db.encryption.conversion import prepare_database
from db.encryption.state import SETTING, parse_state, require_key
from db.engine import normalise_url, sqlite_file
from db.migrate import upgrade
from db.upkeep.transfer import Values, check_revision, is_empty, load_rows, snapshot
from db.urls import sqlite_url
from fer_phq import __version__
from fer_phq.core.encryption.key import installation_key
from fer_phq.core.errors import FerPhqError
from fer_phq.masking.new_file import whole_file
from service.lifecycle import messages
from service.lifecycle.bundles import (
    FOLDER,
    bundle_files,
    is_same,
    is_whole,
    names_of,
    own_bundles,
    place_bundles,
)
from service.settings import MIB, AppSettings

MANIFEST = "manifest.json"
FORMAT = "fer-phq backup 1"
MEMBER = re.compile(
    r"rows/[a-z0-9_]{1,60}\.jsonl|media/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{2,4}|models(/\w[\w.-]{0,99}){2,4}"
)
"""What a backup may hold: no folders above, no links, no other names."""
MAX_MANIFEST = 64 * MIB
MAX_MEMBERS = 1_000_000
MAX_LINE = 1024 * MIB
"""Bytes of one row; the embeddings of many hours are one."""
COPY_BYTES = 4 * MIB
UNIX_LINK = 0o120000
UNIX_KIND = 0o170000
Report = Callable[[str], None]


class BackupError(FerPhqError):
    """A backup cannot be written, is damaged, or does not belong here."""


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds.

    Attributes:
        path: The file.
        bytes: Its size.
        subjects: Number of subjects.
        sessions: Number of sessions.
        recordings: Number of recordings.
        missing: Number of recordings that rows name and that are not there.
        revision: Revision of its tables.
        models: Number of checkpoint bundles.
        damaged_models: Names of the bundles that are damaged, and so not in it.
    """

    path: Path
    bytes: int
    subjects: int
    sessions: int
    recordings: int
    missing: int
    revision: str
    models: int = 0
    damaged_models: tuple[str, ...] = ()


class _Hashed:
    """A file of the backup, with what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, block: bytes) -> None:
        self._file.write(block)
        self._digest.update(block)
        self._size += len(block)

    def facts(self) -> dict[str, Any]:
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}


def write_backup(
    settings: AppSettings, path: Path, *, force: bool = False, on_progress: Report = lambda line: None
) -> BackupReport:
    """Write everything that is stored into one file, while everything goes on running.

    Rows are of one moment. The job engine's database is not in it: its jobs are queued anew from the rows. Neither are
    the secret of links, unfinished uploads and the checkpoint bundle that ships.

    Args:
        settings: The installation.
        path: The file to write; it appears only when it is whole.
        force: Whether to replace a file that is there.
        on_progress: Receives a line at a time.

    Raises:
        BackupError: The file is there already, or cannot be written.
        StoreError: The database cannot be read.
    """
    if path.exists() and not (force and path.is_file()):
        raise BackupError(messages.BACKUP_EXISTS(path=str(path)))
    try:
        with whole_file(path, force=force) as file:
            manifest = _write_archive(settings, file, on_progress)
    except FileExistsError:
        raise BackupError(messages.BACKUP_EXISTS(path=str(path))) from None
    except OSError as error:
        raise BackupError(messages.BACKUP_UNWRITABLE(path=str(path), reason=error.strerror or str(error))) from error
    return _report(path, path.stat().st_size, manifest)


def _write_archive(settings: AppSettings, file: IO[bytes], on_progress: Report) -> dict[str, Any]:
    members: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    media: list[str] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        with snapshot(settings.database_url) as moment:
            revision = moment.revision
            for table in moment.tables:
                name = f"rows/{table}.jsonl"
                counts[table] = 0
                with archive.open(name, "w", force_zip64=True) as member:
                    target = _Hashed(member)
                    for row in moment.rows(table):
                        target.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                        counts[table] += 1
                        if table == "sessions" and row["media_path"]:
                            media.append(row["media_path"])
                members[name] = target.facts()
        on_progress(f"{sum(counts.values())} rows of {len(counts)} tables")
        missing = _write_media(settings, archive, sorted(set(media)), members, on_progress)
        damaged = _write_bundles(settings, archive, members)
        manifest = {
            "format": FORMAT,
            "version": __version__,
            "revision": revision,
            "created_at": datetime.now(UTC).isoformat(),
            "rows": counts,
            "members": members,
            "missing": missing,
            "damaged_models": damaged,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return manifest


def _write_media(
    settings: AppSettings,
    archive: zipfile.ZipFile,
    relatives: list[str],
    members: dict[str, dict[str, Any]],
    on_progress: Report,
) -> list[str]:
    """Write the recordings, which do not grow smaller by compression. Returns those that are not there."""
    missing = []
    for number, relative in enumerate(relatives, 1):
        name = f"media/{relative}"
        try:
            members[name] = _write_file(archive, settings.media_dir / relative, name)
        except FileNotFoundError:
            missing.append(relative)
            continue
        on_progress(f"recording {number} of {len(relatives)}")
    return missing


def _write_bundles(settings: AppSettings, archive: zipfile.ZipFile, members: dict[str, dict[str, Any]]) -> list[str]:
    """Write the bundles that do not come with the package. Returns the names of damaged ones, which are left out."""
    whole, damaged = own_bundles(settings)
    for folder in whole:
        for path in bundle_files(folder):
            name = f"{FOLDER}/{folder.name}/{path.relative_to(folder).as_posix()}"
            if MEMBER.fullmatch(name):
                members[name] = _write_file(archive, path, name)
    return damaged


def _write_file(archive: zipfile.ZipFile, source: Path, name: str) -> dict[str, Any]:
    """Write a file as it is. Returns its size and hash."""
    info = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
    info.external_attr = 0o600 << 16
    with source.open("rb") as file, archive.open(info, "w", force_zip64=True) as member:
        target = _Hashed(member)
        while block := file.read(COPY_BYTES):
            target.write(block)
    return target.facts()


def check_backup(path: Path, on_progress: Report = lambda line: None) -> dict[str, Any]:
    """Read a whole backup and compare every member with the manifest; nothing is written.

    Args:
        path: The file.
        on_progress: Receives a line at a time.

    Returns:
        The manifest.

    Raises:
        BackupError: It is no backup, is damaged, or holds what a backup never does.
        StoreError: A newer version made it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _read_manifest(path, archive)
            check_revision("sqlite:////backup", manifest["revision"])
            for name, facts in manifest["members"].items():
                _check_member(path, archive, name, facts)
            on_progress(f"{len(manifest['members'])} members are whole")
            return manifest
    except FileNotFoundError:
        raise BackupError(messages.BACKUP_MISSING(path=str(path))) from None
    except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
        raise BackupError(messages.BACKUP_DAMAGED(path=str(path), reason=str(error))) from error


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > MAX_MANIFEST or len(names) > MAX_MEMBERS:
        raise BackupError(messages.NO_BACKUP(path=str(path)))
    for info in infos:
        is_link = info.external_attr >> 16 & UNIX_KIND == UNIX_LINK
        if is_link or (info.filename != MANIFEST and not MEMBER.fullmatch(info.filename)):
            raise BackupError(messages.BACKUP_DAMAGED(path=str(path), reason=f"a member {info.filename[:80]!r}"))
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        is_ours = manifest["format"] == FORMAT and isinstance(manifest["revision"], str)
        is_whole = sorted([*manifest["members"], MANIFEST]) == sorted(names)
    except (ValueError, KeyError, TypeError):
        raise BackupError(messages.NO_BACKUP(path=str(path))) from None
    if not is_ours:
        raise BackupError(messages.NO_BACKUP(path=str(path)))
    if not is_whole:
        raise BackupError(messages.BACKUP_DAMAGED(path=str(path), reason="members are missing or too many"))
    return manifest


def _check_member(path: Path, archive: zipfile.ZipFile, name: str, facts: Mapping[str, Any]) -> None:
    digest = hashlib.sha256()
    size = 0
    with archive.open(name) as member:
        while size <= facts["bytes"] and (block := member.read(COPY_BYTES)):
            digest.update(block)
            size += len(block)
    if (size, digest.hexdigest()) != (facts["bytes"], facts["sha256"]):
        raise BackupError(messages.BACKUP_DAMAGED(path=str(path), reason=f"{name} differs from its hash"))


def restore_backup(
    settings: AppSettings, path: Path, *, replace: bool = False, on_progress: Report = lambda line: None
) -> BackupReport:
    """Restore a backup into an empty installation. Everything is checked before anything is written.

    Args:
        settings: The installation.
        path: The backup.
        replace: Whether to move what is stored here aside, into `replaced-<time>` of the data folder; of PostgreSQL
            a backup is written there.
        on_progress: Receives a line at a time.

    Raises:
        BackupError: The backup is damaged, or somebody is stored here.
        StoreError: A newer version made it, it is of an encrypted installation and its key is not configured, or the
            database cannot be written.
    """
    manifest = check_backup(path, on_progress)
    _check_key(path, manifest)
    settings.prepare()
    is_filled = not is_empty_installation(settings)
    if is_filled and not replace:
        raise BackupError(messages.NOT_EMPTY())
    needed = sum(facts["bytes"] for facts in manifest["members"].values())
    if needed + MIB > shutil.disk_usage(settings.data_dir).free:
        raise BackupError(messages.NO_ROOM_TO_RESTORE(mib=needed // MIB))
    draft = settings.data_dir / "restoring"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        _restore(settings, path, manifest, draft, replace=replace, is_filled=is_filled)
    except OSError as error:
        raise BackupError(messages.RESTORE_FAILED(reason=error.strerror or str(error))) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    on_progress("everything is restored")
    return _report(path, path.stat().st_size, manifest)


def _restore(
    settings: AppSettings, path: Path, manifest: Mapping[str, Any], draft: Path, *, replace: bool, is_filled: bool
) -> None:
    """Write rows, recordings and bundles, what could fail first; then put them into their places."""
    file = sqlite_file(normalise_url(settings.database_url))
    url = settings.database_url if file is None else sqlite_url(draft / file.name)
    with zipfile.ZipFile(path) as archive:
        media = _extract(archive, manifest, draft, "media")
        _extract(archive, manifest, draft, FOLDER)
        bundles = _check_bundles(settings, path, manifest, draft, replace)
        aside = _new_aside(settings) if replace else None
        jobs = _back_up_aside(settings, aside) if file is None and is_filled and aside is not None else []
        if file is not None:
            prepare_database(url, settings.database_url, installation_key())
        load_rows(url, manifest["revision"], _tables(archive, manifest), replace=file is None and replace)
    upgrade(url)
    if file is not None:
        if aside is not None:
            _move_aside(settings, file, aside)
        _move_in(draft / file.name, file)
    remove_engine_jobs(settings.dbos_database_url, jobs, running_too=True)
    place_bundles(settings, draft, bundles, aside)
    for relative in media:
        target = settings.media_dir / relative
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (draft / "media" / relative).replace(target)


def _check_key(path: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a backup of an encrypted installation where its key is not configured: nobody could read it."""
    if "settings" not in manifest["rows"]:
        return
    with zipfile.ZipFile(path) as archive:
        values = [row["value"] for row in _rows(archive, "settings") if row["key"] == SETTING]
    if values:
        require_key(parse_state(values[0]))


def is_empty_installation(settings: AppSettings) -> bool:
    """Tell whether nobody is stored in an installation.

    Args:
        settings: The installation.

    Raises:
        StoreError: The database cannot be read.
    """
    file = sqlite_file(normalise_url(settings.database_url))
    return (file is not None and not file.exists()) or is_empty(settings.database_url)


def _check_bundles(
    settings: AppSettings, path: Path, manifest: Mapping[str, Any], draft: Path, replace: bool
) -> list[str]:
    """Return the names of the restored bundles, before anything of the installation is changed.

    Raises:
        BackupError: One is damaged, or another bundle of its name is here.
    """
    names = names_of(manifest["members"])
    for name in names:
        if not is_whole(draft / FOLDER / name):
            raise BackupError(messages.BACKUP_DAMAGED(path=str(path), reason=f"the model {name}"))
        present = settings.data_dir / FOLDER / name
        if present.exists() and not replace and not is_same(draft / FOLDER / name, present):
            raise BackupError(messages.MODEL_HERE(name=name))
    return names


def _extract(archive: zipfile.ZipFile, manifest: Mapping[str, Any], draft: Path, folder: str) -> list[str]:
    """Write the members below a folder. Returns their paths within it."""
    prefix = f"{folder}/"
    relatives = [name.removeprefix(prefix) for name in manifest["members"] if name.startswith(prefix)]
    for relative in relatives:
        target = draft / folder / relative
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with archive.open(f"{prefix}{relative}") as member, os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(member, file, COPY_BYTES)
    return relatives


def _tables(archive: zipfile.ZipFile, manifest: Mapping[str, Any]) -> dict[str, Iterable[Values]]:
    return {name: _rows(archive, name) for name in manifest["rows"]}


def _rows(archive: zipfile.ZipFile, table: str) -> Iterator[Values]:
    with archive.open(f"rows/{table}.jsonl") as member:
        while line := member.readline(MAX_LINE):
            yield json.loads(line)


def _new_aside(settings: AppSettings) -> Path:
    aside = settings.data_dir / f"replaced-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    aside.mkdir(mode=0o700)
    return aside


def _back_up_aside(settings: AppSettings, aside: Path) -> list[str]:
    """Write what a server's database and the media folder hold into a backup. Returns the jobs' UUIDs."""
    target = aside / "backup.zip"
    write_backup(settings, target)
    check_backup(target)
    with zipfile.ZipFile(target) as archive:
        return [row["id"] for row in _rows(archive, "jobs")]


def _move_aside(settings: AppSettings, file: Path, aside: Path) -> None:
    """Move the database, the job engine's and the recordings into a folder of their own."""
    for path in [*file.parent.glob(f"{file.name}*"), *settings.data_dir.glob("jobs.db*"), settings.media_dir]:
        if path.exists():
            path.replace(aside / path.name)
    settings.prepare()


def _move_in(draft: Path, file: Path) -> None:
    """Put the restored database, whose log is empty, into its place."""
    for suffix in ("-wal", "-shm"):
        file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
    draft.replace(file)


def _report(path: Path, size: int, manifest: Mapping[str, Any]) -> BackupReport:
    rows = manifest["rows"]
    recordings = sum(name.startswith("media/") for name in manifest["members"])
    return BackupReport(
        path=path,
        bytes=size,
        subjects=rows.get("subjects", 0),
        sessions=rows.get("sessions", 0),
        recordings=recordings,
        missing=len(manifest["missing"]),
        revision=manifest["revision"],
        models=len(names_of(manifest["members"])),
        damaged_models=tuple(manifest.get("damaged_models", ())),
    )
