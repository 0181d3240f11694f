"""The tables of the benchmark, and their place in a document."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import report
from benchmarks.peers.contestants import OURS
from benchmarks.scale.figures import Spread

ONE = Spread(1.0, 1.0, 1.0)
ENTRY = {"wall_s": ONE, "cpu_s": Spread(2.0, 1.5, 2.5), "peak_mb": ONE, "wall_ratio": ONE, "cpu_ratio": ONE}
DOCUMENT: dict[str, Any] = {
    "command": "python benchmarks/bench_peers.py clip",
    "revision": "abc1234",
    "scale": {"rounds": 5},
    "machine": {
        "processor": "Processor",
        "family_model": "family 1, model 2",
        "features": ["avx2"],
        "cores": 2,
        "memory_gb": 8.0,
        "system": "Linux 6",
        "python": "3.11",
        "others": 0.02,
    },
    "environments": {
        "fer": {"is_ready": True, "reason": "", "requirements": ["fer==25.10.3"], "megabytes": 9655},
        "deepface": {
            "is_ready": False,
            "reason": "no weights",
            "requirements": ["deepface==0.0.103"],
            "megabytes": 2501,
        },
    },
    "parts": {
        "clip": {
            "720p H.264, 60 s": {
                "film": {"seconds": 60, "fps": 30, "mbit_s": 0.57},
                "contestants": {OURS: ENTRY | {"frames": 120, "faces": 120}},
            }
        },
        "accuracy": {"reason": "not measured: valid.parquet of FER+ is not there"},
    },
}


def test_a_report_names_the_machine_the_peers_and_why_one_was_not_run():
    text = report.markdown_report(DOCUMENT)
    assert "Processor (family 1, model 2; avx2), 2 cores" in text
    assert "| deepface | deepface==0.0.103 | 2,501 | not run: no weights |" in text
    assert f"| **{OURS}** | 2.00 (1.50 to 2.50) | 1.00 | 1 | 1 | 120.0 | 1 | 120 in 120 |" in text
    assert "not measured: valid.parquet" in text
    assert "no claim" not in text


def test_a_busy_machine_is_said():
    document = copy.deepcopy(DOCUMENT)
    document["machine"]["others"] = 0.5
    assert "others took 50% of it. These figures are no claim." in report.markdown_report(document)


def test_the_tables_go_between_the_marks(tmp_path: Path):
    path = tmp_path / "a.md"
    path.write_text(f"before\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nafter\n")
    report.write_section(path, "new\n")
    report.write_section(path, "newer\n")
    assert path.read_text() == f"before\n\n{report.BEGIN}\n\nnewer\n\n{report.END}\n\nafter\n"


def test_a_document_without_marks_stays_as_it_is(tmp_path: Path):
    path = tmp_path / "a.md"
    path.write_text("text\n")
    with pytest.raises(report.MarksMissingError, match="has no lines"):
        report.write_section(path, "new")
    assert path.read_text() == "text\n"


def test_the_projects_document_has_the_marks():
    text = (Path(report.__file__).parents[2] / "docs" / "BENCHMARKS.md").read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1
