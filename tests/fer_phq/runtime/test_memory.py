"""Memory that was freed goes back to the system, and a network holds no more than it needs."""

import platform
from pathlib import Path

import pytest

from fer_phq.faces import detector
from fer_phq.runtime.memory import release_memory
from fer_phq.runtime.sessions import open_session

PIECE = 16 << 10
MB = 1_000_000


def resident_mb() -> float:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024 / MB


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed")
def test_what_was_freed_is_given_back():
    pieces = [bytes([number % 251 + 1]) * PIECE for number in range(64 * MB // PIECE)]
    last = bytes(PIECE)  # it lies above them, so that glibc by itself would give nothing back
    full = resident_mb()
    pieces.clear()
    release_memory()
    assert resident_mb() < full - 50
    assert len(last) == PIECE


def test_a_session_keeps_neither_the_file_nor_room_for_every_size():
    session = open_session(detector.WEIGHTS)
    assert not session._model_bytes
    assert not session.get_session_options().enable_mem_pattern
