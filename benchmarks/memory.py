"""Memory of processes, for the benchmarks."""

from __future__ import annotations

from pathlib import Path


def peak_mb(pid: int) -> float:
    """Peak resident memory of a process by Linux (getrusage would count what its parent used before starting it)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0  # it has just ended; what it used before was seen
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)
