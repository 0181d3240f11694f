"""The health of an installation: what is checked, how it is, and what to do about it."""

from __future__ import annotations

import functools
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from db.encryption.conversion import is_database_encrypted
from db.encryption.state import require_key, state_of
from db.engine import normalise_url, sqlite_file
from db.migrate import current_revision, head_revision
from db.records import JobState
from db.store import Store
from db.upkeep.integrity import find_faults, newest_times, recordings_of_rows
from fer_phq.core.encryption.key import installation_key, is_configured, key_file
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.core.messages import Message, literal
from fer_phq.runtime.devices import check_device
from service.ingest.media import file_sha256
from service.lifecycle import ledger, messages
from service.lifecycle.encryption import count_encrypted
from service.lifecycle.person.heads import heads_with_erased
from service.settings import GIB, AppSettings

if TYPE_CHECKING:
    from fer_phq.video import Confinement

LOW_DISK_BYTES = 2 * GIB
CLOCK_TOLERANCE = timedelta(minutes=5)
PRIVATE_BITS = stat.S_IRWXG | stat.S_IRWXO
STORED_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{2,4}")
SHOWN = 5
"""Names that a sentence spells out."""


class Health(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is, for programs.
        health: How it is.
        message: What was seen, one sentence.
        advice: What to do; None where nothing is to be done.
    """

    name: str
    health: Health
    message: Message
    advice: Message | None = None


def examine(settings: AppSettings, *, with_hashes: bool = False) -> list[Check]:
    """Look at everything that can be wrong with an installation. Nothing is changed.

    Args:
        settings: The installation.
        with_hashes: Whether every recording is read and compared with its hash, which takes as long as a copy.

    Returns:
        The checks, in an order in which they can be mended.
    """
    checks = [*_examine_folder(settings), _examine_disk(settings), *_examine_decoder(), _examine_device()]
    checks.append(_describe_behaviour(settings))
    revision = _examine_revision(settings)
    checks.append(revision)
    if revision.health is Health.PROBLEM:
        return [*checks, *_examine_models()]
    names: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("database", lambda: _examine_database(settings)),
        ("encryption", lambda: _examine_encryption(settings)),
        ("recordings", lambda: _examine_recordings(settings)),
        ("clock", lambda: _examine_clock(settings)),
        ("workers", lambda: _examine_workers(settings)),
        ("heads", lambda: _examine_heads(settings)),
    ]
    if with_hashes:
        names.append(("hashes", lambda: _examine_hashes(settings)))
    for name, look in names:
        try:
            checks += look()
        except FerPhqError as error:
            checks.append(Check(name, Health.PROBLEM, messages.NOT_CHECKED(reason=error.message)))
    return [*checks, _examine_erasures(settings), *_examine_models()]


def _examine_folder(settings: AppSettings) -> Iterator[Check]:
    """Look at who may read the data folder and the secret."""
    if not settings.data_dir.is_dir():
        advice = messages.SET_DATA_DIR()
        yield Check("folder", Health.PROBLEM, messages.NO_DATA_FOLDER(path=str(settings.data_dir)), advice)
        return
    private = [settings.data_dir, settings.data_dir / "secret", sqlite_file(normalise_url(settings.database_url))]
    open_paths = [str(path) for path in private if path is not None and path.exists() and _is_open(path)]
    if open_paths:
        advice = messages.MAKE_PRIVATE(paths=tuple(open_paths))
        yield Check("folder", Health.WARNING, messages.OTHERS_MAY_READ(paths=tuple(open_paths)), advice)
        return
    yield Check("folder", Health.OK, messages.FOLDER_IS_PRIVATE())


def _is_open(path: Path) -> bool:
    """Tell whether others than the owner may use a path; a file in a private folder is out of their reach."""
    mode = path.stat().st_mode
    return bool(mode & PRIVATE_BITS) and not (path.is_file() and not path.parent.stat().st_mode & PRIVATE_BITS)


def _examine_disk(settings: AppSettings) -> Check:
    if not settings.data_dir.is_dir():
        return Check("disk", Health.WARNING, messages.NO_DATA_FOLDER(path=str(settings.data_dir)))
    free = shutil.disk_usage(settings.data_dir).free
    text = messages.DISK_FREE(gb=free / 1e9)
    if free < settings.min_free_bytes:
        return Check("disk", Health.PROBLEM, text, messages.FREE_SPACE())
    return Check("disk", Health.WARNING if free < LOW_DISK_BYTES else Health.OK, text)


def _examine_revision(settings: AppSettings) -> Check:
    try:
        revision = current_revision(settings.database_url)
    except FerPhqError as error:
        return Check("schema", Health.PROBLEM, error.message)
    if revision is None:
        return Check("schema", Health.PROBLEM, messages.NO_TABLES(), messages.RUN_UPGRADE())
    if revision != head_revision():
        text = messages.OTHER_REVISION(revision=revision, needed=head_revision())
        return Check("schema", Health.PROBLEM, text, messages.RUN_UPGRADE())
    return Check("schema", Health.OK, messages.REVISION_FITS(revision=revision))


def _examine_database(settings: AppSettings) -> Iterator[Check]:
    """Look for damaged pages and rows without those that they belong to."""
    faults = find_faults(settings.database_url)
    if faults:
        text = messages.DATABASE_DAMAGED(faults=tuple(faults[:SHOWN]))
        yield Check("database", Health.PROBLEM, text, messages.RESTORE_BACKUP())
        return
    yield Check("database", Health.OK, messages.DATABASE_WHOLE())


def _examine_encryption(settings: AppSettings) -> Iterator[Check]:
    """Look whether the key is there and out of the data folder, and whether all is encrypted that should be."""
    state = state_of(settings.database_url)
    if state is None and not is_configured():
        return
    key = installation_key() if state is None else require_key(state)
    path = key_file()
    if path is not None and path.resolve().is_relative_to(settings.data_dir.resolve()):
        yield Check("key", Health.WARNING, messages.KEY_IN_DATA_FOLDER(path=str(path)), messages.MOVE_KEY())
    elif key is not None:
        yield Check("key", Health.OK, messages.KEY_THERE(place=key.place))
    if state is None:
        yield Check("encryption", Health.WARNING, messages.NOT_ENCRYPTED(), messages.TURN_ENCRYPTION_ON())
        return
    counts = count_encrypted(settings)
    numbers = {"encrypted": counts.encrypted, "plain": counts.plain}
    if state.is_on and state.is_complete and not counts.plain:
        yield Check("encryption", Health.OK, messages.ALL_ENCRYPTED(count=counts.encrypted))
    else:
        advice = messages.FINISH_ENCRYPTION(direction="on" if state.is_on else "off")
        yield Check("encryption", Health.WARNING, messages.PARTLY_ENCRYPTED(**numbers), advice)
    if is_database_encrypted(settings.database_url):
        yield Check("database_encryption", Health.OK, messages.DATABASE_ENCRYPTED())
    elif sqlite_file(normalise_url(settings.database_url)) is not None:
        yield Check("database_encryption", Health.OK, messages.DATABASE_IN_PLAIN(), messages.ENCRYPT_DATABASE())


def _examine_recordings(settings: AppSettings) -> Iterator[Check]:
    """Look for rows without their recording, recordings without a row, and uploads that were left."""
    named = recordings_of_rows(settings.database_url)
    media = settings.media_dir
    present = {path.relative_to(media).as_posix() for path in media.glob("??/*") if path.is_file()}
    missing = sorted(named - present)
    if missing:
        text = messages.RECORDINGS_MISSING(count=len(missing), names=tuple(missing[:SHOWN]))
        yield Check("recordings", Health.PROBLEM, text, messages.BRING_RECORDINGS_BACK())
    else:
        yield Check("recordings", Health.OK, messages.RECORDINGS_PRESENT(count=len(named)))
    orphans = len(present - named)
    old = datetime.now(UTC).timestamp() - settings.stale_upload_s
    uploads = 0
    for path in settings.incoming_dir.glob("*.part"):
        with suppress(FileNotFoundError):
            uploads += path.stat().st_mtime < old
    if orphans or uploads:
        text = messages.LEFTOVERS(orphans=orphans, uploads=uploads)
        yield Check("leftovers", Health.WARNING, text, messages.WORKER_SWEEPS())
    else:
        yield Check("leftovers", Health.OK, messages.NO_LEFTOVERS())


def _examine_hashes(settings: AppSettings) -> Iterator[Check]:
    """Read every recording and compare it with the hash in its name."""
    changed = []
    count = 0
    for path in sorted(settings.media_dir.glob("??/*")):
        name = STORED_NAME.fullmatch(path.name)
        if name is None:
            continue
        count += 1
        try:
            is_same = file_sha256(path) == name[1]
        except RecordingError:  # encrypted, and changed since
            is_same = False
        if not is_same:
            changed.append(path.name)
    if changed:
        text = messages.RECORDINGS_CHANGED(count=len(changed), names=tuple(changed[:SHOWN]))
        yield Check("hashes", Health.PROBLEM, text, messages.RESTORE_BACKUP())
        return
    yield Check("hashes", Health.OK, messages.HASHES_FIT(count=count))


def _examine_clock(settings: AppSettings) -> Iterator[Check]:
    """Look for rows that were written in the future: the clock stood wrong then, or stands wrong now."""
    latest = datetime.now(UTC) + CLOCK_TOLERANCE
    ahead = sorted(table for table, at in newest_times(settings.database_url).items() if at > latest)
    if ahead:
        yield Check("clock", Health.WARNING, messages.CLOCK_WRONG(tables=tuple(ahead)), messages.SET_CLOCK())
        return
    yield Check("clock", Health.OK, messages.CLOCK_RIGHT())


def _examine_workers(settings: AppSettings) -> Iterator[Check]:
    with Store(settings.database_url, actor="cli") as store:
        alive = len(store.workers.list_living(timeout_s=settings.worker_timeout_s))
        waiting = store.jobs.count_by_state().get(JobState.QUEUED, 0)
    if alive or not waiting:
        yield Check("workers", Health.OK, messages.WORKERS(alive=alive, waiting=waiting))
        return
    yield Check("workers", Health.WARNING, messages.WORKERS(alive=alive, waiting=waiting), messages.START_WORKER())


def _examine_decoder() -> Iterator[Check]:
    """Have the process that decodes recordings try what a recording must not make it do."""
    try:
        confinement = _confinement()
    except (FerPhqError, OSError) as error:
        reason = error.message if isinstance(error, FerPhqError) else literal(str(error))
        yield Check("decoder", Health.PROBLEM, messages.DECODER_FAILED(reason=reason), messages.REINSTALL())
        return
    acts = {
        messages.OPEN_CONNECTIONS(): confinement.network,
        messages.START_PROGRAMS(): confinement.processes,
        messages.WRITE_FILES(): confinement.writing,
    }
    possible = tuple(act for act, is_refused in acts.items() if not is_refused)
    if possible:
        yield Check("decoder_calls", Health.WARNING, messages.DECODER_ACTS(acts=possible), messages.FILTER_CALLS())
    else:
        yield Check("decoder_calls", Health.OK, messages.DECODER_ACTS_NOT(acts=tuple(acts)))
    if confinement.reading:
        yield Check("decoder_files", Health.OK, messages.DECODER_READS_NOT())
    else:
        yield Check("decoder_files", Health.WARNING, messages.DECODER_READS(), messages.USE_LANDLOCK())
    if confinement.memory:
        yield Check("decoder_memory", Health.OK, messages.DECODER_MEMORY_BOUND())
    else:
        yield Check("decoder_memory", Health.WARNING, messages.DECODER_MEMORY_UNBOUND(), messages.BOUND_MEMORY())


def _examine_device() -> Check:
    """Start a network on the device that runs them, where that is not the processor."""
    try:
        return Check("device", Health.OK, messages.NETWORKS_RUN_ON(device=str(check_device())))
    except FerPhqError as error:
        return Check("device", Health.PROBLEM, error.message)


def _describe_behaviour(settings: AppSettings) -> Check:
    """Say how often a second a face is followed."""
    if not settings.face_rate:
        return Check("behaviour", Health.OK, messages.BEHAVIOUR_IS_OFF())
    return Check("behaviour", Health.OK, messages.BEHAVIOUR_IS_ON(rate=settings.face_rate))


@functools.cache
def _confinement() -> Confinement:
    """Return which protections hold around a decoder; while this program runs, they stay."""
    from fer_phq.video import confinement

    return confinement()


def _examine_heads(settings: AppSettings) -> Iterator[Check]:
    """Look for trained heads that learned from people who were erased since."""
    with Store(settings.database_url, actor="cli") as store:
        counts = heads_with_erased(settings, store)
    if not counts:
        yield Check("heads", Health.OK, messages.NO_HEADS_WITH_ERASED())
        return
    heads = ", ".join(f"{name}: {count}" for name, count in counts.items())
    yield Check("heads", Health.WARNING, messages.HEADS_WITH_ERASED(heads=heads), messages.TRAIN_AGAIN())


def _examine_erasures(settings: AppSettings) -> Check:
    pending = ledger.list_pending(settings)
    if not pending:
        return Check("erasures", Health.OK, messages.NO_PENDING_ERASURES())
    reason = pending[0].reason or messages.WAITS_FOR_READER()
    text = messages.PENDING_ERASURES(count=len(pending), since=f"{pending[0].begun_at:%Y-%m-%d %H:%M}", reason=reason)
    return Check("erasures", Health.PROBLEM, text, messages.START_WORKER_FOR_ERASURES())


def _examine_models() -> Iterator[Check]:
    """Look whether the files of every checkpoint bundle are those that were shipped or trained."""
    from fer_phq.models.checkpoint import find_damaged_files, list_bundles

    try:
        bundles = list_bundles()
    except FerPhqError as error:
        yield Check("models", Health.PROBLEM, error.message)
        return
    damaged = [f"{bundle.path}/{name}" for bundle in bundles for name in find_damaged_files(bundle)]
    if damaged:
        text = messages.MODELS_DAMAGED(paths=tuple(damaged[:SHOWN]))
        yield Check("models", Health.PROBLEM, text, messages.INSTALL_AGAIN())
    elif not bundles:
        yield Check("models", Health.PROBLEM, messages.NO_MODELS(), messages.INSTALL_AGAIN())
    else:
        yield Check("models", Health.OK, messages.MODELS_WHOLE(count=len(bundles)))
