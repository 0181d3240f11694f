"""One command of ours in a process of its own, which outlives the dashboard that started it.

A folder holds all that is known of it: `lock`, which the process and its supervisor keep locked and the kernel lets go
of however they end; `state.json`; `log.txt`, what it printed; `work`, its temporary files; `cancel`, once somebody asks
for its end. No process is found again by its number, which another may have by then.

`python -m service.models.task FOLDER LOCK` is the supervisor: it waits for the command and writes down how it ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fer_phq
from fer_phq.core.errors import FerPhqError

if TYPE_CHECKING:  # the supervisor needs no settings, and stays small without them
    from service.settings import AppSettings

LOG_LINES = 12
LOG_TAIL_BYTES = 16_384
POLL_S = 0.2
PROBE_S = 1.0
"""How long to wait for a lock that somebody may hold only to look."""
STOP_S = 10.0
"""How long the command has after it was asked to stop."""
NICE = 10
KEPT = {"name", "what", "arguments", "leftovers", "state", "started_at"}
"""What `state.json` always holds; `pid`, `error` and `finished_at` are added when they are known."""
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL")
OURS = ("FERPHQ_", "PG")
"""Prefixes of the settings' variables and of PostgreSQL's own."""
WITHHELD = ("FERPHQ_SECRET", "FERPHQ_MODEL")
ERROR = "Error: "
"""How our commands begin the line that says what could not be done."""


class TaskState(StrEnum):
    """Where a task stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Task:
    """The last command that was started. error: one sentence when it failed. lines: the end of what it printed."""

    name: str
    state: TaskState
    started_at: datetime
    finished_at: datetime | None
    error: str | None
    lines: tuple[str, ...]


class Background:
    """An installation's task of one kind. what: 'training', as its folder and sentences call it."""

    def __init__(self, settings: AppSettings, what: str) -> None:
        self._settings = settings
        self._what = what
        self._folder = settings.data_dir / what

    def start(self, name: str, arguments: Sequence[str], leftovers: Sequence[str] = ()) -> None:
        """Start `fer-phq ARGUMENTS`. leftovers: glob patterns of folders that are removed when it has ended.

        Raises FerPhqError while another runs, or when the process cannot be started.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock(PROBE_S) as lock:
                if lock is None:
                    raise FerPhqError(f"A {self._what} runs already: wait for its end, or cancel it.")
                _clear(self._folder)
                (self._folder / "work").mkdir(mode=0o700)
                (self._folder / "log.txt").unlink(missing_ok=True)
                fresh = {"name": name, "what": self._what, "arguments": [*arguments], "leftovers": [*leftovers]}
                _write(self._folder, fresh | {"state": TaskState.RUNNING, "started_at": _now()})
                self._supervise(lock)
        except OSError as error:
            raise FerPhqError(f"The {self._what} cannot be started: {error.strerror or error}.") from None

    def status(self) -> Task | None:
        """What is known of the last task; None when there was none. One that vanished without a word has failed."""
        found = _read(self._folder)
        if found is not None and found["state"] == TaskState.RUNNING:
            with self._lock(0) as lock:
                found = _read(self._folder)
                if lock is not None and found is not None and found["state"] == TaskState.RUNNING:
                    said = f"The {self._what} ended without saying why, perhaps with the machine: start it again."
                    found = _finish(self._folder, TaskState.FAILED, said)
        return None if found is None else self._task(found)

    def cancel(self) -> None:
        """Stop the task, if it runs, and wait until it is gone. Raises FerPhqError when it does not stop."""
        seen = _read(self._folder)
        if seen is None or seen["state"] != TaskState.RUNNING:
            return
        (self._folder / "cancel").write_text(seen["started_at"], encoding="utf-8")
        deadline = time.monotonic() + STOP_S + 5
        while (now := self.status()) is not None and now.state is TaskState.RUNNING:
            if time.monotonic() > deadline:
                pid = (_read(self._folder) or {}).get("pid")
                raise FerPhqError(f"The {self._what} does not stop: end its process {pid} by hand.")
            time.sleep(POLL_S)

    def _task(self, found: Mapping[str, Any]) -> Task:
        finished = found.get("finished_at")
        return Task(
            name=found["name"],
            state=TaskState(found["state"]),
            started_at=datetime.fromisoformat(found["started_at"]),
            finished_at=datetime.fromisoformat(finished) if finished else None,
            error=found.get("error"),
            lines=tuple(_log_lines(self._folder)[-LOG_LINES:]),
        )

    def _supervise(self, lock: int) -> None:
        process = subprocess.Popen(
            # -P: a folder in which the dashboard happens to be started cannot put its own modules in front of ours.
            [sys.executable, "-P", "-m", "service.models.task", str(self._folder), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**environment(self._settings), "TMPDIR": str(self._folder / "work")},
            start_new_session=True,
            pass_fds=(lock,),
        )
        threading.Thread(target=process.wait, daemon=True).start()  # takes leave of it when it ends: no zombie stays

    @contextmanager
    def _lock(self, patience_s: float) -> Iterator[int | None]:
        """The locked descriptor; None when others hold it longer than that."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield descriptor if _locked(descriptor, patience_s) else None
        finally:
            os.close(descriptor)


def environment(settings: AppSettings) -> dict[str, str]:
    """A small environment in which our command line finds these settings; signing key and chosen model stay here."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if (name in PASSED_ON or name.startswith(OURS)) and name not in WITHHELD
    }
    return kept | {
        "FERPHQ_DATA_DIR": str(settings.data_dir),
        "FERPHQ_DATABASE_URL": settings.database_url,
        "FERPHQ_DBOS_DATABASE_URL": settings.dbos_database_url,
        "PYTHONPATH": str(Path(fer_phq.__path__[0]).resolve().parent),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",  # the log is read by people, to whom a library's warnings say nothing
        # The tables are small, and the machine's other cores belong to the worker and the dashboard.
        "OMP_NUM_THREADS": "1",
    }


def supervise(folder: Path, lock: int) -> None:
    """Run the folder's command to its end, or until it is to be cancelled, and write down which. Holds the lock."""
    os.nice(NICE)
    found = _read(folder)
    if found is None:
        return
    with (folder / "log.txt").open("wb") as log:
        # The command holds the lock too: should this process be killed, the task is still seen to run.
        command = [sys.executable, "-P", "-m", "service.cli", *found["arguments"]]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, pass_fds=(lock,))
        _write(folder, found | {"pid": process.pid})
        cancelled = False
        while process.poll() is None:
            if _to_be_cancelled(folder, found):
                cancelled = True
                _stop(process)
            time.sleep(POLL_S)
    if not process.returncode:
        _finish(folder, TaskState.DONE)
    elif cancelled:
        _finish(folder, TaskState.CANCELLED)
    else:
        _finish(folder, TaskState.FAILED, _sentence(folder, found["what"], process.returncode))


def _to_be_cancelled(folder: Path, found: Mapping[str, Any]) -> bool:
    """Whether somebody asked for the end of this task, and not of one before it."""
    try:
        return (folder / "cancel").read_text(encoding="utf-8") == str(found["started_at"])
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started, by force when it does not go."""
    for number, patience in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _sentence(folder: Path, what: str, code: int) -> str:
    """Why it failed: its own sentence, where it said one."""
    said = [line.removeprefix(ERROR) for line in _log_lines(folder) if line.startswith(ERROR)]
    if said:
        return said[-1]
    if code < 0:
        return f"The {what} was stopped from outside, perhaps for want of memory: start it again."
    return f"The {what} broke down for an unforeseen reason: {folder / 'log.txt'} says more."


def _finish(folder: Path, state: TaskState, error: str | None = None) -> dict[str, Any] | None:
    """Write down how the task ended and remove what it left; the caller holds the lock."""
    found = _read(folder)
    _clear(folder)
    if found is not None:
        found |= {"state": state, "error": error, "finished_at": _now(), "pid": None}
        _write(folder, found)
    return found


def _clear(folder: Path) -> None:
    """Remove the temporary files and the folders that a task which was killed may have left half-written."""
    (folder / "cancel").unlink(missing_ok=True)
    shutil.rmtree(folder / "work", ignore_errors=True)
    for pattern in (_read(folder) or {}).get("leftovers", ()):
        place = Path(pattern)
        for path in place.parent.glob(place.name):
            shutil.rmtree(path, ignore_errors=True)


def _read(folder: Path) -> dict[str, Any] | None:
    """What was written down; None when there is nothing, or nothing of ours."""
    try:
        found = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.keys() >= KEPT else None


def _write(folder: Path, found: Mapping[str, Any]) -> None:
    """Replace the state at once: nobody reads half of it."""
    part = folder / f"state.json.{os.getpid()}.{threading.get_ident()}"
    part.write_text(json.dumps(found), encoding="utf-8")
    os.replace(part, folder / "state.json")


def _log_lines(folder: Path) -> list[str]:
    """The last lines of what was printed, without empty ones."""
    try:
        with (folder / "log.txt").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _locked(descriptor: int, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), int(sys.argv[2]))
