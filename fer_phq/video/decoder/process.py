"""The parent's side of the decoding child: start it, read what it says, turn its end into a sentence, stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import fer_phq
from fer_phq.core.errors import RecordingError
from fer_phq.video.decoder.protocol import Header, IdleError, MessageReader, WireError
from fer_phq.video.types import Limits

_PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "TMPDIR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
)
_COMMAND = [sys.executable, "-P", "-m", "fer_phq.video.decoder.main"]


class DecoderProcess:
    """One decoding process that serves one request and ends. Closing it, or losing the last reference, kills it.

    The child also ends by itself when this process does: its standard input, which only this process holds, closes.
    """

    def __init__(self, request: dict[str, Any], limits: Limits, max_payload: int = 0) -> None:
        self._path = request["shown"]
        self._limits = limits
        self._process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            bufsize=0,
            start_new_session=True,
        )
        self._end = weakref.finalize(self, _stop, self._process)
        self._reader = MessageReader(cast(IO[bytes], self._process.stdout).fileno(), limits.idle_seconds, max_payload)
        self._ask({**request, "limits": vars(limits), "max_payload": max_payload})

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def messages(self) -> Iterator[tuple[Header, bytearray]]:
        """Every message up to the child's `done`; `beat` messages are swallowed.

        Raises RecordingError with one sentence for an error the child reports, a crash, a limit or silence.
        """
        try:
            while (message := self._reader.read()) is not None:
                kind = message[0]["kind"]
                if kind == "error":
                    raise RecordingError(str(message[0].get("text")))
                if kind != "beat":
                    yield message
                if kind == "done":
                    return
        except IdleError:
            raise RecordingError(
                f"Reading '{self._path}' made no progress for {self._limits.idle_seconds:g} s and was stopped: "
                "the file is probably damaged; export it again."
            ) from None
        except WireError:
            pass  # ended within a message: told like any other early end
        raise RecordingError(self._early_end())

    def close(self) -> None:
        """Kill the child if it still runs and release its pipes; may be called again."""
        self._reader.close()
        self._end()

    def _ask(self, request: dict[str, Any]) -> None:
        try:
            cast(IO[bytes], self._process.stdin).write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            return  # it ended at once: reading its messages tells why

    def _early_end(self) -> str:
        """Why the child ended without a result, as a sentence."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code == -signal.SIGXCPU:
            return (
                f"Reading '{self._path}' took over {self._limits.cpu_seconds} s of processor time and was stopped: "
                "the file is probably damaged; export it again."
            )
        if code == -signal.SIGKILL:
            return (
                f"The process that read '{self._path}' was killed, probably for want of memory: close other programs "
                "or export the recording at a lower resolution."
            )
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"The decoder broke down on '{self._path}' ({name}): the file is probably damaged; export it again."


def _environment() -> dict[str, str]:
    """A small environment without the parent's secrets; the package is found where the parent found it."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    root = Path(fer_phq.__path__[0]).resolve().parent
    return kept | {
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # keeps address space, which is limited, near the memory in use
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
