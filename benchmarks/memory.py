"""Memory of processes, for the benchmarks."""

from __future__ import annotations

from pathlib import Path


def peak_mb(pid: int) -> float:
    """Return a process's peak resident memory by Linux (getrusage would count its parent's before the start)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0  # it has just ended; earlier readings have seen its peak
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)
