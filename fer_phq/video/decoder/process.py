"""The parent's side of a decoder process: start it, read its responses, explain its end, stop it."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import fer_phq
from fer_phq.core.encryption.files import file_key
from fer_phq.core.errors import RecordingError
from fer_phq.core.messages import Message
from fer_phq.video import messages
from fer_phq.video.decoder.protocol import Header, IdleError, ProtocolError, ResponseReader, message_of
from fer_phq.video.types import DEFAULT_LIMITS, Limits

_INHERITED_VARIABLES = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "TMPDIR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
)
PIPE_BYTES = 1 << 20
"""How much a pipe holds: a picture then passes in a few turns of the two processes, not in dozens."""

_COMMAND = [sys.executable, "-P", "-m", "fer_phq.video.decoder.main"]

_PREPARED: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
"""Processes that wait for a request, by their commands."""


class DecoderProcess:
    """One decoder process that serves one request and ends. Closing it, or losing the last reference, kills it.

    The process also ends by itself when this one does: its standard input, which only this process holds, closes.
    """

    def __init__(self, request: dict[str, Any], limits: Limits, max_payload: int = 0) -> None:
        """Start a process and send it a request.

        Args:
            request: `command`, `path`, `display_name` and what the command takes (see `fer_phq.video.decoder.main`).
            limits: What the process may use.
            max_payload: Most bytes of a response's payload.

        Raises:
            RecordingError: The file is encrypted and cannot be decrypted here.
            SettingsError: The key cannot be read.
        """
        self._display_name = request["display_name"]
        key = file_key(request["path"])
        self._limits = limits
        self._process = take_process(_command(limits))
        self._end = weakref.finalize(self, stop_process, self._process)
        self._reader = ResponseReader(cast(IO[bytes], self._process.stdout).fileno(), limits.idle_seconds, max_payload)
        key_of_file = {} if key is None else {"key": key.hex()}
        self._send({**request, **key_of_file, "max_payload": max_payload})

    @property
    def pid(self) -> int:
        """Id of the decoder process."""
        return self._process.pid

    def responses(self) -> Iterator[tuple[Header, bytearray]]:
        """Yield every response up to the process's `done`, as (header, payload); heartbeats are left out.

        Raises:
            RecordingError: The process reports an error, crashes, reaches a limit or falls silent.
        """
        try:
            while (response := self._reader.read()) is not None:
                kind = response[0]["kind"]
                if kind == "error":
                    raise RecordingError(message_of(response[0]))
                if kind != "heartbeat":
                    yield response
                if kind == "done":
                    return
        except IdleError:
            idle_seconds = self._limits.idle_seconds
            raise RecordingError(messages.NO_PROGRESS(file=self._display_name, seconds=idle_seconds)) from None
        except ProtocolError:
            pass  # ended within a response: explained like any other early end
        raise RecordingError(self._early_end())

    def close(self) -> None:
        """Kill the process if it still runs and release its pipes; may be called again."""
        self._reader.close()
        self._end()

    def _send(self, request: dict[str, Any]) -> None:
        try:
            cast(IO[bytes], self._process.stdin).write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            return  # it ended at once: reading its responses shows why

    def _early_end(self) -> Message:
        """Explain why the process ended without a result."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code == -signal.SIGXCPU:
            return messages.OVER_TIME(file=self._display_name, seconds=self._limits.cpu_seconds)
        if code == -signal.SIGKILL:
            return messages.KILLED(file=self._display_name)
        reason = signal.Signals(-code).name if code < 0 else messages.EXIT_CODE(code=code)
        return messages.CRASHED(file=self._display_name, reason=reason)


def prepare_decoder(limits: Limits = DEFAULT_LIMITS) -> None:
    """Start a decoder process before there is a request, so that it loads its libraries meanwhile.

    The next request under these limits takes it. Where nobody does, it ends with this process.

    Args:
        limits: What the process may use.
    """
    prepare_process(_command(limits))


def prepare_process(command: Sequence[str]) -> None:
    """Start a process that decodes, for whoever takes it by its command; one of a command waits at a time.

    Args:
        command: The program and its arguments.
    """
    if tuple(command) not in _PREPARED:
        _PREPARED[tuple(command)] = _start_process(command)


def take_process(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Return a process that decodes: one that was prepared, or else a new one.

    Args:
        command: The program and its arguments.
    """
    prepared = _PREPARED.pop(tuple(command), None)
    if prepared is None:
        return _start_process(command)
    if prepared.poll() is None:
        return prepared
    stop_process(prepared)
    return _start_process(command)


def stop_prepared() -> None:
    """Stop the processes that were prepared and that nobody took."""
    while _PREPARED:
        stop_process(_PREPARED.popitem()[1])


def _command(limits: Limits) -> list[str]:
    return [*_COMMAND, json.dumps(vars(limits))]


def _start_process(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process that decodes: with pipes to it and from it, silent, in a session of its own."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_child_environment(),
        bufsize=0,
        start_new_session=True,
    )
    if sys.platform == "linux":  # elsewhere a pipe cannot be asked to hold more
        with suppress(OSError):  # nor where the user's pipes hold their share already
            fcntl.fcntl(cast(IO[bytes], process.stdout), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return process


def _child_environment() -> dict[str, str]:
    """Return a small environment without the parent's secrets, in which this package is found."""
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    root = Path(fer_phq.__path__[0]).resolve().parent
    return inherited | {
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # keeps address space, which is limited, near the memory in use
        # Pictures come and go in the same memory, instead of the system giving and taking it page by page.
        "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
    }


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, wait for its end and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


atexit.register(stop_prepared)
