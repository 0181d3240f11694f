"""Parts that end are started again, and none outlives the one who started it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

SUPERVISOR = """
import sys
from service.processes.supervision import Supervisor

commands = {}
for argument in sys.argv[1:]:
    name, code = argument.split("=", 1)
    commands[name] = [sys.executable, "-c", code]
notify = lambda message: print(message, flush=True)
raise SystemExit(Supervisor(commands, notify=notify, least_pause_s=0.1).run())
"""
PART = """
import os, pathlib, time
from service.processes.lifeline import follow_starter
follow_starter()
with open({path!r}, "a") as file:
    file.write(str(os.getpid()) + chr(10))
time.sleep(60)
"""


class Installation:
    """A supervisor of two parts that write their process ids down each time they start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        parts = [f"{name}={PART.format(path=str(folder / name))}" for name in ("first", "second")]
        self.process = self.start(*parts)

    def start(self, *parts: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, *parts],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def pids(self, name: str) -> list[int]:
        path = self.folder / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def all_pids(self) -> list[int]:
        return [*self.pids("first"), *self.pids("second")]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    until(lambda: made.pids("first") and made.pids("second"))
    yield made
    made.process.kill()
    made.process.communicate()
    until(lambda: not any(psutil.pid_exists(pid) for pid in made.all_pids()))


def until(holds: Callable[[], object]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("What was waited for did not come about.")


def test_a_part_that_is_killed_is_started_again_and_the_other_goes_on(installation: Installation) -> None:
    (first,) = installation.pids("first")
    (second,) = installation.pids("second")
    os.kill(first, signal.SIGKILL)
    until(lambda: len(installation.pids("first")) == 2)
    os.kill(installation.pids("first")[1], signal.SIGTERM)
    until(lambda: len(installation.pids("first")) == 3)
    assert installation.pids("second") == [second]
    assert psutil.pid_exists(second)

    installation.process.send_signal(signal.SIGTERM)
    output, _ = installation.process.communicate(timeout=60)
    assert installation.process.returncode == 0
    assert output.splitlines() == [
        "The first ended by signal 9; it is started again in 0 s.",
        "The first ended by signal 15; it is started again in 0 s.",
    ]
    assert not any(psutil.pid_exists(pid) for pid in installation.all_pids())


def test_nothing_outlives_a_supervisor_that_is_killed(installation: Installation) -> None:
    installation.process.kill()
    installation.process.wait()
    until(lambda: not any(psutil.pid_exists(pid) for pid in installation.all_pids()))


def test_a_part_that_cannot_start_stops_everything(tmp_path: Path) -> None:
    path = str(tmp_path / "other")
    waits = f"import os, time; open({path!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    fails = f"import os, time\nwhile not os.path.exists({path!r}): time.sleep(0.02)\nraise SystemExit(1)"
    made = Installation.__new__(Installation)
    process = made.start(f"worker={waits}", f"dashboard={fails}")
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.strip()) == (
        1,
        "Error: the dashboard could not start, so everything was stopped; its message is above.",
    )
    assert not psutil.pid_exists(int(Path(path).read_text()))


def test_pauses_grow_and_begin_anew_after_a_long_life(monkeypatch: pytest.MonkeyPatch) -> None:
    from service.processes import supervision

    pauses = []
    supervisor = supervision.Supervisor({}, notify=lambda message: pauses.append(message.params["pause_s"]))
    part = supervision._Part("worker", [sys.executable, "-c", "import os; os.abort()"])
    now = [1000.0]
    monkeypatch.setattr(supervision.time, "monotonic", lambda: now[0])
    reading, writing = os.pipe()
    for lived_s in (1, 1, 1, 1, 1, 1, 1, 1, 61, 1):
        assert not supervisor._cannot_start(part, reading)
        assert part.process is not None
        part.process.wait()
        now[0] += lived_s
        assert not supervisor._cannot_start(part, reading)
        now[0] = part.due
    os.close(reading)
    os.close(writing)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]
