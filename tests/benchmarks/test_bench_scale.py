"""The benchmark of what an installation can carry, in small: every part runs and says what it is for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_quick_run_measures_all_parts(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/bench_scale.py", "--quick", "--out", str(tmp_path)]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    if "PostgresMissing" in outcome.stderr:
        pytest.skip("no PostgreSQL")
    assert outcome.returncode == 0, outcome.stderr
    document = json.loads((tmp_path / "scale.json").read_text())
    assert document["throughput"]["workers_2"]["seconds_a_second"]["median"] > 0
    assert document["enqueueing"]["queue"]["queued"] > 0
    assert document["uploads"]["crowds"]["2"]["peak_mb"]["median"] > document["uploads"]["idle_mb"] * 0.5
    rows = {row["name"]: row["rows"] for row in document["sizes"]["postgres"]["tables"]}
    assert rows["public.frames"] == document["sizes"]["sessions"] * document["sizes"]["frames"]
    rows = {row["name"]: row["rows"] for row in document["storage"]["postgres"]["tables"]}
    assert rows["public.frames"] == document["storage"]["sessions"] * document["storage"]["frames"]
    assert document["sizes"]["partitions"]["frames_parts"] == 16
    table = (tmp_path / "scale.md").read_text()
    assert "| home: newest 13 sessions |" in table
