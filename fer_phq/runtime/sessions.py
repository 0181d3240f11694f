"""Sessions of onnxruntime, which runs every network that a recording needs.

They run on the device that `FERPHQ_DEVICE` names, and nowhere else: onnxruntime itself goes over to the processor,
without an error, where a graphics card cannot be used.
"""

from __future__ import annotations

import ctypes
import io
import os
import sys
from contextlib import redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import Any

import onnxruntime

from fer_phq.core.errors import ModelError, SettingsError
from fer_phq.runtime import messages
from fer_phq.runtime.devices import CPU, DEVICE, Device, selected_device
from fer_phq.runtime.memory import release_memory

THREADS = "FERPHQ_THREADS"
"""The environment variable that says how many threads a network may use."""

LONG_S = 60.0
"""From this duration the networks of a step are forgotten before the next one: what a long recording leaves takes the
memory that they had, and loading one again takes about 0.02 s."""

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
    path: Path, *, threads: int | None = None, device: Device | None = None
) -> onnxruntime.InferenceSession:
    """Load a network that comes with fer-phq.

    Args:
        path: An ONNX file.
        threads: Processor threads; `count_threads` when omitted.
        device: Where it runs; the selected device when omitted.

    Raises:
        SettingsError: The environment's number of threads or its device cannot be used.
        ModelError: The file is missing or damaged.
    """
    try:
        return read_session(path.read_bytes(), threads=threads, device=device)
    except (OSError, NetworkError) as error:
        raise ModelError(messages.NETWORK_DAMAGED(path=str(path), error=str(error))) from None


def shared_session(
    path: Path, *, threads: int | None = None, device: Device | None = None
) -> onnxruntime.InferenceSession:
    """Load a network once a process; a session may be used from several threads.

    Args:
        path: An ONNX file.
        threads: Processor threads; `count_threads` when omitted.
        device: Where it runs; the selected device when omitted.

    Raises:
        SettingsError: The environment's number of threads or its device cannot be used.
        ModelError: The file is missing or damaged.
    """
    return _shared(path, threads or count_threads(), device or selected_device())


def release_sessions() -> None:
    """Forget the shared sessions: each is freed when nobody uses it any more, and loaded anew when it is wanted."""
    _shared.cache_clear()


def release_step(duration_s: float) -> None:
    """Give back what a step of an analysis took and the next one does not want.

    Args:
        duration_s: Duration of the recording in seconds.
    """
    if duration_s > LONG_S:
        release_sessions()
    release_memory()


@lru_cache(maxsize=32)
def _shared(path: Path, threads: int, device: Device) -> onnxruntime.InferenceSession:
    return open_session(path, threads=threads, device=device)


class NetworkError(Exception):
    """What was read is no network that onnxruntime runs."""


def read_session(
    network: bytes,
    *,
    threads: int | None = None,
    device: Device | None = None,
) -> onnxruntime.InferenceSession:
    """Load a network from what an ONNX file holds.

    Args:
        network: The file's bytes.
        threads: Processor threads; `count_threads` when omitted.
        device: Where it runs; the selected device when omitted.

    Raises:
        SettingsError: The environment's number of threads or its device cannot be used.
        NetworkError: They are no network, are damaged, or refer to other files.
    """
    # A network that reads other files of this machine as its weights has no place here.
    if _EXTERNAL in network:
        raise NetworkError("it refers to other files")
    device = device or selected_device()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or count_threads()
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # sizes differ from run to run, and each size would reserve its own memory
    options.log_severity_level = 3
    # Idle threads sleep rather than spin: decoding and the other networks run on the same cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if device != CPU:
        _load_cuda(device)
    try:
        session = onnxruntime.InferenceSession(network, options, providers=[_CPU_PROVIDER])
    except Exception as error:  # onnxruntime raises unrelated types of its own
        raise NetworkError(_first_line(error)) from None
    if device != CPU:
        session = _CudaSession(network, options, device)
    session._model_bytes = b""  # it keeps them to start again elsewhere, which no session of ours does
    release_memory()  # reading and optimising a network takes several times what it takes then
    return session


_CPU_PROVIDER = "CPUExecutionProvider"
_CUDA_PROVIDER = "CUDAExecutionProvider"
_CUDA_OPTIONS = {
    "use_tf32": "0",  # products keep the 24 bits of a float32, so that results are the processor's
    "cudnn_conv_algo_search": "HEURISTIC",  # the default times every algorithm anew at each size of picture and batch
    "arena_extend_strategy": "kSameAsRequested",
}


class _CudaSession(onnxruntime.InferenceSession):  # type: ignore[misc]  # onnxruntime is untyped
    """A session on a graphics card, which fails where onnxruntime would go over to the processor."""

    def __init__(self, network: bytes, options: onnxruntime.SessionOptions, device: Device) -> None:
        """Start a network that the processor can run. Raises SettingsError where the card cannot."""
        self._device = device
        card = {"device_id": str(device.card), **_CUDA_OPTIONS}
        # What the card does not run, such as the computation of shapes, the processor does.
        providers = [(_CUDA_PROVIDER, card), _CPU_PROVIDER]
        try:
            super().__init__(network, options, providers=providers, enable_fallback=0)
        except Exception as error:  # onnxruntime raises unrelated types of its own
            raise _not_started(device, _first_line(error)) from None
        if _CUDA_PROVIDER not in self.get_providers():
            raise _not_started(device, "its log says why")
        self.disable_fallback()

    def run(self, *arguments: Any, **options: Any) -> Any:
        """Run the network, as onnxruntime's own method. Raises SettingsError where the card fails."""
        try:
            return super().run(*arguments, **options)
        except Exception as error:  # onnxruntime raises unrelated types of its own
            raise SettingsError(messages.DEVICE_FAILED(device=str(self._device), error=_first_line(error))) from None


def _load_cuda(device: Device) -> None:
    """Load the CUDA provider. Raises SettingsError where there is none, or a library that it needs is missing."""
    if _CUDA_PROVIDER not in onnxruntime.get_available_providers():
        raise SettingsError(messages.NO_CUDA(name=DEVICE, device=str(device), version=onnxruntime.__version__))
    with redirect_stdout(io.StringIO()):  # it prints what it does not find, which may well be found elsewhere
        onnxruntime.preload_dlls()
    if sys.platform == "linux":
        # onnxruntime would load them itself, and tell of what is missing in its log alone.
        folder = Path(onnxruntime.__file__).parent / "capi"
        try:
            ctypes.CDLL(str(folder / "libonnxruntime_providers_shared.so"), mode=ctypes.RTLD_GLOBAL)
            ctypes.CDLL(str(folder / "libonnxruntime_providers_cuda.so"))
        except OSError as error:
            raise _not_started(device, str(error)) from None


def _not_started(device: Device, reason: str) -> SettingsError:
    return SettingsError(messages.DEVICE_NOT_STARTED(name=DEVICE, device=str(device), reason=reason))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
