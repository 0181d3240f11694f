"""The benchmark of peers: its command line, and a small run without peers to install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import bench_peers
from benchmarks.peers.contestants import OURS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing"], "no such part: nothing. There are: first, clip"),
        (["--peer", "nobody"], "no such peer: nobody. There are: fer"),
        (["--clip", "gone.mp4"], "no such recording: gone.mp4"),
        (["--setting", "A"], "a setting is written NAME=VALUE"),
        (["--rounds", "0"], "at least one round"),
    ],
)
def test_mistakes_are_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        bench_peers.parse(words)
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.slow
def test_a_quick_run_writes_figures_of_whole_processes(tmp_path: Path):
    """Of the peers, one whose weights cannot be had: it is named, and fer-phq is measured alone."""
    words = [sys.executable, "benchmarks/bench_peers.py", "--quick", "first", "floors", "accuracy"]
    words += ["--peer", "EmotiEffLib", "--environments", str(tmp_path / "env"), "--films", str(tmp_path / "films")]
    words += ["--out", str(tmp_path / "out"), "--ferplus", str(tmp_path / "none.parquet")]
    (tmp_path / "env").mkdir()
    outcome = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert outcome.returncode == 0, outcome.stderr
    document = json.loads((tmp_path / "out" / "peers.json").read_text())
    ours = document["parts"]["first"]["720p H.264, 1 s"]["contestants"][OURS]
    assert (ours["frames"], ours["faces"]) == (1, 1)
    assert ours["cpu_s"]["median"] > 0
    assert ours["peak_mb"]["median"] > 50
    for figures in document["parts"]["floors"].values():
        assert figures["stages"]["whole"]["cpu_s"]["median"] > figures["stages"]["whole"]["floor_s"] > 0
    text = (tmp_path / "out" / "peers.md").read_text()
    assert "emotiefflib==1.1.1" in text
    assert "not measured: none.parquet" in text


def test_the_command_is_told_without_the_folders_of_a_machine():
    words = ["clip", "--films", "/here/films", "--rounds", "2", "--out=/here/out"]
    assert bench_peers._without_folders(words) == ["clip", "--rounds", "2"]
