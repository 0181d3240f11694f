"""Sessions of onnxruntime, which runs every network that a recording needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import onnxruntime

from fer_phq.core.errors import ModelError, SettingsError
from fer_phq.runtime import messages

THREADS = "FERPHQ_THREADS"
"""The environment variable that says how many threads a network may use."""

_EXTERNAL = b"\x0a\x08location"  # how ONNX names a file beside it that holds a tensor


def count_threads() -> int:
    """Count the threads that a network may use: those of `FERPHQ_THREADS`, else one for two cores of this process.

    Two networks and the decoder work at the same time, so that more threads would only wait for one another.

    Raises:
        SettingsError: The variable is no whole number above 0.
    """
    value = os.environ.get(THREADS, "")
    if value.isdecimal() and int(value) > 0:
        return int(value)
    if value:
        raise SettingsError(messages.THREADS_UNUSABLE(name=THREADS, value=value[:40]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)


def open_session(
    path: Path, *, threads: int | None = None, entries: Mapping[str, str] = MappingProxyType({})
) -> onnxruntime.InferenceSession:
    """Load a network that comes with fer-phq.

    Args:
        path: An ONNX file.
        threads: Processor threads; `count_threads` when omitted.
        entries: Further entries of onnxruntime's session configuration.

    Raises:
        SettingsError: The number of threads in the environment cannot be used.
        ModelError: The file is missing or damaged.
    """
    try:
        return read_session(path.read_bytes(), threads=threads, entries=entries)
    except (OSError, NetworkError) as error:
        raise ModelError(messages.NETWORK_DAMAGED(path=str(path), error=str(error))) from None


class NetworkError(Exception):
    """What was read is no network that onnxruntime runs."""


def read_session(
    network: bytes, *, threads: int | None = None, entries: Mapping[str, str] = MappingProxyType({})
) -> onnxruntime.InferenceSession:
    """Load a network from what an ONNX file holds.

    Args:
        network: The file's bytes.
        threads: Processor threads; `count_threads` when omitted.
        entries: Further entries of onnxruntime's session configuration.

    Raises:
        SettingsError: The number of threads in the environment cannot be used.
        NetworkError: They are no network, are damaged, or refer to other files.
    """
    # A network that reads other files of this machine as its weights has no place here.
    if _EXTERNAL in network:
        raise NetworkError("it refers to other files")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or count_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads sleep rather than spin: decoding and the other networks run on the same cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for name, value in entries.items():
        options.add_session_config_entry(name, value)
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises unrelated types of its own
        raise NetworkError(str(error).strip().partition("\n")[0]) from None
