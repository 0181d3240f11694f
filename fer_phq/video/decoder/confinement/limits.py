"""Bounds of the decoder process by the system's own counters, and the memory that a recording's pictures warrant."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

WORKING_BYTES = 640 << 20
"""Memory beyond the libraries' own that opening any recording, sound, and pictures of up to `LARGE_PIXELS` may take.

Measured as address space: 310 MiB for pictures of 3840x2160 in 10 bits by HEVC, 480 MiB to open AV1 of 7680x4320."""

LARGE_PIXELS = 4096 * 2304
"""Pictures with more pixels may take all of the memory that `Limits` allows, and are decoded by fewer threads.

Measured: 7680x4320 in 10 bits by HEVC takes 1.2 GiB with one thread and 1.6 GiB with four."""

THREADS_OF_LARGE = 2

MOST_FILES = 64
"""Files and pipes that are open at a time."""


def set_limits(limits: dict[str, int]) -> None:
    """Bound for good what this process may use, by the names of `resource`. An existing bound is never raised."""
    for name, value in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # Over its processor time a process is first told, by a signal that says so, and then killed.
        last = bound + 5 if name == "RLIMIT_CPU" else bound
        last = last if hard == resource.RLIM_INFINITY else min(last, hard)
        try:
            resource.setrlimit(kind, (bound, last))
        except (ValueError, OSError):
            continue  # macOS has no bound on address space; the others still hold


def bound_memory(pixels: int) -> None:
    """Bound memory to what a recording warrants, within the bound that holds for good.

    Args:
        pixels: Pixels of its pictures; 0 before they are known, and for sound.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or sys.platform != "linux":
        return
    bound = hard if pixels > LARGE_PIXELS else min(hard, _address_space() + WORKING_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


def memory_bound() -> int:
    """Return the bytes of memory that this process may take at present."""
    return resource.getrlimit(resource.RLIMIT_AS)[0]


def _address_space() -> int:
    """Return the bytes of address space in use; a confined process can no longer read them."""
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
