"""Wall and processor seconds and memory of a command, with all the processes that it starts. Linux."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

SHORTEST_STEP_S = 0.05
LONGEST_STEP_S = 0.5
STEP_SHARE = 0.02
"""Between two looks at the memory passes this share of the time so far: a look takes a few milliseconds."""
TICK_S = 0.01
KEPT_ERROR = 4000
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37


@dataclass(frozen=True)
class Run:
    """A run of a command.

    Attributes:
        wall_s: Seconds from its start to its end.
        cpu_s: Processor seconds of all its processes.
        peak_mb: Largest sum of their memory; pages that several share count once (PSS).
        output: What it printed.
        error: The end of what it said on standard error.
        code: Its exit code; None where it was ended at the time limit.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str
    error: str
    code: int | None


def run_tree(
    words: Sequence[str],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    limit_s: float = 3600,
) -> Run:
    """Run a command and measure it with its children, as the system counts them when they end.

    Args:
        words: The command.
        folder: Its working folder.
        variables: Its environment; the present one where omitted.
        limit_s: Seconds after which it is ended.
    """
    with _adopted_orphans(), tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
        before = _waited_cpu_s()
        begin = time.monotonic()
        child = subprocess.Popen(
            words,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=error,
            start_new_session=True,
        )
        peak_mb, is_late = _watch(child, begin + limit_s)
        wall_s = time.monotonic() - begin
        _end_orphans(child.pid)
        cpu_s = _waited_cpu_s() - before
        text, said = (_read(file) for file in (output, error))
    return Run(wall_s, cpu_s, peak_mb, text, said[-KEPT_ERROR:], None if is_late else child.returncode)


def tree_mb(pid: int) -> float:
    """Return the memory of a process and its descendants in MB, shared pages counted once (PSS)."""
    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_pss_mb(member.pid) for member in members)


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return 0.0  # it has just ended
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:")), 0.0)


def _watch(child: subprocess.Popen[bytes], deadline: float) -> tuple[float, bool]:
    """Wait for the end; returns the largest memory seen, and whether the command had to be ended."""
    peak_mb = 0.0
    begin = look = time.monotonic()
    while child.poll() is None:
        now = time.monotonic()
        if now > deadline:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return peak_mb, True
        if now >= look:
            peak_mb = max(peak_mb, tree_mb(child.pid))
            look = now + min(LONGEST_STEP_S, max(SHORTEST_STEP_S, STEP_SHARE * (now - begin)))
        time.sleep(TICK_S)
    return peak_mb, False


def _waited_cpu_s() -> float:
    """Return the processor seconds of all children that were waited for, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def _adopted_orphans() -> Iterator[None]:
    """Have the descendants whose parent ends given to this process, so that their time can be counted."""
    library = ctypes.CDLL(None)
    before = ctypes.c_int()
    library.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        library.prctl(_PR_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


def _end_orphans(session: int) -> None:
    """End and wait for what the command left behind: the processes of its session that are this one's children now."""
    for child in psutil.Process().children():
        if _session_of(child.pid) == session:
            child.kill()
            child.wait()


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
