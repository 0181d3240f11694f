"""One command of ours in a process of its own, which outlives the dashboard that started it.

Everything about it lies in a folder: `lock`, which the process and its supervisor keep locked and the kernel unlocks
however they end; `state.json`; `log.txt`, what it printed; `work`, its temporary files and its error; `cancel`, once
its end is requested. No process is looked up by its number, which another may have by then.

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
from fer_phq.core.messages import Message, from_json, to_json
from service.models import error_file, messages

if TYPE_CHECKING:  # the supervisor needs no settings, and stays small without them
    from service.settings import AppSettings

LOG_LINES = 12
LOG_TAIL_BYTES = 16_384
POLL_S = 0.2
PROBE_S = 1.0
"""How long to wait for a lock that another process may hold only to read the state."""
STOP_S = 10.0
"""How long the command has after it was asked to stop."""
NICE = 10
REQUIRED_KEYS = {"name", "what", "arguments", "leftovers", "state", "started_at"}
"""What `state.json` always holds; `pid`, `finished_at` and `error`, a message as JSON, are added when known."""
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "DBUS_SESSION_BUS_ADDRESS")
"""Variables that the command needs; the last one leads to the system's keyring, where the key may be."""
OURS = ("FERPHQ_", "PG")
"""Prefixes of the settings' variables and of PostgreSQL's own."""
WITHHELD = ("FERPHQ_SECRET", "FERPHQ_MODEL")
ERROR_FILE = "work/error.json"
"""Where the command writes its error (see `service.models.error_file`)."""


class TaskState(StrEnum):
    """The state of a task."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Task:
    """The command that was started last.

    Attributes:
        name: The name it was started under.
        state: Whether it runs, or how it ended.
        started_at: With a time zone.
        finished_at: With a time zone; None while it runs.
        error: Why it failed; None unless it did.
        lines: The end of what it printed.
    """

    name: str
    state: TaskState
    started_at: datetime
    finished_at: datetime | None
    error: Message | None
    lines: tuple[str, ...]


class TaskRunner:
    """Runs an installation's tasks of one kind, one at a time."""

    def __init__(self, settings: AppSettings, kind: str) -> None:
        """Choose the kind of task.

        Args:
            settings: The installation's settings.
            kind: 'training', 'scoring' or 'masking', which is also the name of the task's folder.
        """
        self._settings = settings
        self._kind = kind
        self._name = messages.TASK_NAMES[kind]()
        self._folder = settings.data_dir / kind

    def start(self, name: str, arguments: Sequence[str], leftovers: Sequence[str] = ()) -> None:
        """Start `fer-phq ARGUMENTS`.

        Args:
            name: The task's name.
            arguments: The command's arguments.
            leftovers: Glob patterns of folders that are removed when it has ended.

        Raises:
            FerPhqError: Another task of this kind runs, or the process cannot be started.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock(PROBE_S) as lock:
                if lock is None:
                    raise FerPhqError(messages.TASK_RUNS_ALREADY(what=self._name))
                _clear(self._folder)
                (self._folder / "work").mkdir(mode=0o700)
                (self._folder / "log.txt").unlink(missing_ok=True)
                request = {"name": name, "what": self._kind, "arguments": [*arguments], "leftovers": [*leftovers]}
                _write(self._folder, request | {"state": TaskState.RUNNING, "started_at": _now()})
                self._supervise(lock)
        except OSError as error:
            strerror = error.strerror or str(error)
            raise FerPhqError(messages.TASK_NOT_STARTED(what=self._name, strerror=strerror)) from None

    def status(self) -> Task | None:
        """Return the last task; None when there was none. One that vanished without an error has failed."""
        state = _read(self._folder)
        if state is not None and state["state"] == TaskState.RUNNING:
            with self._lock(0) as lock:
                state = _read(self._folder)
                if lock is not None and state is not None and state["state"] == TaskState.RUNNING:
                    error = messages.TASK_VANISHED(what=self._name)
                    state = _finish(self._folder, TaskState.FAILED, error)
        return None if state is None else self._task(state)

    def cancel(self) -> None:
        """Stop the task, if it runs, and wait until it is gone.

        Raises:
            FerPhqError: It does not stop.
        """
        state = _read(self._folder)
        if state is None or state["state"] != TaskState.RUNNING:
            return
        (self._folder / "cancel").write_text(state["started_at"], encoding="utf-8")
        deadline = time.monotonic() + STOP_S + 5
        while (now := self.status()) is not None and now.state is TaskState.RUNNING:
            if time.monotonic() > deadline:
                pid = (_read(self._folder) or {}).get("pid")
                raise FerPhqError(messages.TASK_NOT_STOPPED(what=self._name, pid=str(pid)))
            time.sleep(POLL_S)

    def _task(self, state: Mapping[str, Any]) -> Task:
        finished = state.get("finished_at")
        return Task(
            name=state["name"],
            state=TaskState(state["state"]),
            started_at=datetime.fromisoformat(state["started_at"]),
            finished_at=datetime.fromisoformat(finished) if finished else None,
            error=from_json(state["error"]) if state.get("error") else None,
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
        threading.Thread(target=process.wait, daemon=True).start()  # reaps it when it ends, so that no zombie stays

    @contextmanager
    def _lock(self, patience_s: float) -> Iterator[int | None]:
        """Provide the locked descriptor; None when others hold it longer than `patience_s` seconds."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield descriptor if _locked(descriptor, patience_s) else None
        finally:
            os.close(descriptor)


def environment(settings: AppSettings) -> dict[str, str]:
    """Return a small environment in which our command line finds these settings, without signing key and chosen model.

    Args:
        settings: The installation's settings.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if (name in PASSED_ON or name.startswith(OURS)) and name not in WITHHELD
    }
    return inherited | {
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
    """Run a folder's command until it ends or its end is requested, and write down how it ended.

    Args:
        folder: The task's folder.
        lock: The locked descriptor of the folder's lock, which this process holds until it ends.
    """
    os.nice(NICE)
    state = _read(folder)
    if state is None:
        return
    error_path = folder / ERROR_FILE
    with (folder / "log.txt").open("wb") as log:
        # The command holds the lock too: should this process be killed, the task still counts as running.
        command = [sys.executable, "-P", "-m", "service.cli", *state["arguments"]]
        environ = os.environ | {error_file.VARIABLE: str(error_path)}
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environ, start_new_session=True, pass_fds=(lock,)
        )
        _write(folder, state | {"pid": process.pid})
        cancelled = False
        while process.poll() is None:
            if _is_cancel_requested(folder, state):
                cancelled = True
                _stop(process)
            time.sleep(POLL_S)
    if not process.returncode:
        _finish(folder, TaskState.DONE)
    elif cancelled:
        _finish(folder, TaskState.CANCELLED)
    else:
        error = error_file.read_error(error_path) or _unforeseen(folder, state["what"], process.returncode)
        _finish(folder, TaskState.FAILED, error)


def _is_cancel_requested(folder: Path, state: Mapping[str, Any]) -> bool:
    """Tell whether the end of this task was requested, and not of one before it."""
    try:
        return (folder / "cancel").read_text(encoding="utf-8") == str(state["started_at"])
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


def _unforeseen(folder: Path, kind: str, code: int) -> Message:
    """Say why a command failed that has handed over no error."""
    name = messages.TASK_NAMES[kind]()
    if code < 0:
        return messages.TASK_KILLED(what=name)
    return messages.TASK_BROKE_DOWN(what=name, folder=str(folder / "log.txt"))


def _finish(folder: Path, state: TaskState, error: Message | None = None) -> dict[str, Any] | None:
    """Write down how the task ended and remove what it left; the caller holds the lock."""
    fields = _read(folder)
    _clear(folder)
    if fields is not None:
        reason = None if error is None else to_json(error)
        fields |= {"state": state, "error": reason, "finished_at": _now(), "pid": None}
        _write(folder, fields)
    return fields


def _clear(folder: Path) -> None:
    """Remove the temporary files and the folders that a task which was killed may have left half-written."""
    (folder / "cancel").unlink(missing_ok=True)
    shutil.rmtree(folder / "work", ignore_errors=True)
    for leftover in (_read(folder) or {}).get("leftovers", ()):
        pattern = Path(leftover)
        for path in pattern.parent.glob(pattern.name):
            shutil.rmtree(path, ignore_errors=True)


def _read(folder: Path) -> dict[str, Any] | None:
    """Read the task's state as it was written; None when there is none, or it is not ours."""
    try:
        fields = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return fields if isinstance(fields, dict) and fields.keys() >= REQUIRED_KEYS else None


def _write(folder: Path, fields: Mapping[str, Any]) -> None:
    """Replace the state at once: nobody reads half of it."""
    part = folder / f"state.json.{os.getpid()}.{threading.get_ident()}"
    part.write_text(json.dumps(fields), encoding="utf-8")
    os.replace(part, folder / "state.json")


def _log_lines(folder: Path) -> list[str]:
    """Return the end of what the command printed, without empty lines."""
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
