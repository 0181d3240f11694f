"""The description of the machine, and what one core gives."""

from __future__ import annotations

import os

from benchmarks.peers.machine import describe_machine, measure_peaks


def test_a_machine_is_described():
    machine = describe_machine()
    assert machine["cores"] == len(os.sched_getaffinity(0))
    assert machine["memory_gb"] > 0
    assert machine["processor"]


def test_a_core_multiplies_within_what_processors_can():
    """Between a tenth of a weak core's and four times a strong one's: a slip by a unit lies out."""
    peaks = measure_peaks()
    assert 1 < peaks.fp32 < 400
    assert 1 < peaks.int8 < 4000
