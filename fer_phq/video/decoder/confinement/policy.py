"""What the decoder process keeps: reading of the recording and of its own libraries, memory, threads, its pipes.

The steps are independent of each other, and a platform may have none of them: macOS has neither, a kernel before 5.13
or a container may lack Landlock. `attempts` says what holds, by trying.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from pathlib import Path

import fer_phq
from fer_phq.video.decoder.confinement import landlock, syscalls

_PR_SET_NO_NEW_PRIVS = 38
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/nix/store")
_PROCESSORS = "/sys/devices/system/cpu"  # how many there are


def confine(recording: str | None) -> None:
    """Take network, other processes, other files and all writing from this process, as far as the platform can.

    Call it before a thread is started and before the recording is opened: older threads stay free.

    Args:
        recording: The file that stays readable; None for no file.
    """
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return
    landlock.allow_only([] if recording is None else [Path(recording)], library_folders())
    syscalls.refuse_calls()


def library_folders() -> list[Path]:
    """Return where the modules and shared libraries lie that may still be loaded: never the folder of a checkout."""
    root = Path(fer_phq.__path__[0]).resolve().parent
    is_installed = root in {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    modules = [Path(entry).resolve() for entry in sys.path if entry]
    folders = [path for path in modules if is_installed or path != root]
    linked = [entry for entry in os.environ.get("LD_LIBRARY_PATH", "").split(":") if entry]
    places = [sysconfig.get_config_var("LIBDIR"), sys.pycache_prefix]  # of Python's own libraries; of compiled modules
    libraries = [*_LIBRARIES, *(place for place in places if place), *linked, _PROCESSORS]
    return [
        *folders,
        *(Path(path).resolve() for path in fer_phq.__path__),
        *(Path(entry) for entry in libraries if entry),
    ]
