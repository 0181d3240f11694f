"""Starting the parts of an installation, and starting each again when it ends by itself, until told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from fer_phq.core.messages import Message
from service.processes import messages
from service.processes.lifeline import VARIABLE

TICK_S = 0.2
SHORT_LIFE_S = 60.0
"""A part that ends sooner than this waits longer each time before it is started again."""
LEAST_PAUSE_S = 1.0
MOST_PAUSE_S = 60.0
STOP_S = 15.0
"""How long a part may take to end by itself."""


@dataclass
class _Part:
    """A part: its command, and how it fared."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due: float = 0.0
    pause_s: float = 0.0
    starts: int = 0


@dataclass
class Supervisor:
    """Keeps parts running.

    Attributes:
        commands: The command of each part, by its name.
        notify: Called with what a person should read.
        least_pause_s: Wait before a part is started again for the first time, in seconds; doubled each time.
    """

    commands: Mapping[str, Sequence[str]]
    notify: Callable[[Message], None]
    least_pause_s: float = LEAST_PAUSE_S
    _stop: bool = field(default=False, init=False)

    def run(self) -> int:
        """Run every part until SIGINT, SIGTERM or SIGHUP, and return the exit code.

        A part that fails by its own decision (exit code above 0) right after its first start has said why: a port that
        is taken, a setting that cannot be used. It would say so each time, so everything is stopped.

        Returns:
            0 after a signal, 1 when a part could not start.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        reading, writing = os.pipe()
        parts = [_Part(name, command) for name, command in self.commands.items()]
        try:
            while not self._stop:
                for part in parts:
                    if self._cannot_start(part, reading):
                        self.notify(messages.PART_CANNOT_START(name=part.name))
                        return 1
                time.sleep(TICK_S)
            return 0
        finally:
            _end(parts)
            os.close(writing)
            os.close(reading)

    def _cannot_start(self, part: _Part, lifeline: int) -> bool:
        """Start a part whose time has come, or note that it ended; True when it failed at its first start."""
        if part.process is None:
            if time.monotonic() >= part.due:
                _start(part, lifeline)
            return False
        code = part.process.poll()
        if code is None:
            return False
        lived_s = time.monotonic() - part.started_at
        part.process = None
        if code > 0 and part.starts == 1 and lived_s < SHORT_LIFE_S:
            return True
        is_repeated = part.pause_s > 0 and lived_s < SHORT_LIFE_S
        part.pause_s = min(MOST_PAUSE_S, 2 * part.pause_s) if is_repeated else self.least_pause_s
        part.due = time.monotonic() + part.pause_s
        self.notify(messages.PART_STARTS_AGAIN(name=part.name, how=_how(code), pause_s=part.pause_s))
        return False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True


def _start(part: _Part, lifeline: int) -> None:
    # A session of its own: a Ctrl-C reaches the supervisor alone, which then asks each part once to stop.
    part.process = subprocess.Popen(
        part.command, start_new_session=True, pass_fds=(lifeline,), env={**os.environ, VARIABLE: str(lifeline)}
    )
    part.started_at = time.monotonic()
    part.starts += 1


def _how(code: int) -> Message:
    return messages.BY_SIGNAL(number=-code) if code < 0 else messages.WITH_CODE(code=code)


def _end(parts: Sequence[_Part]) -> None:
    """Ask every part to stop, and end those that do not."""
    running = [part.process for part in parts if part.process is not None]
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
