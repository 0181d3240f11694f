"""Rounds of contestants with real commands, and their figures."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.peers.contestants import (
    HEADS,
    OURS,
    Answer,
    Contestant,
    Record,
    RunError,
    read_our_answer,
    read_peer_answer,
    run_rounds,
    summarise,
    table_rows,
)
from benchmarks.peers.films import Film
from benchmarks.peers.processes import Run


def contestant(name: str, tmp_path: Path, program: str) -> Contestant:
    """A contestant that runs a line of Python."""
    return Contestant(name, lambda clip, fps: [sys.executable, "-c", program], read_peer_answer, os.environ, tmp_path)


def program(frames: int, faces: int, mark: str = "") -> str:
    """A program that answers, and notes in a file that it ran."""
    answer = json.dumps({"frames": frames, "faces": faces, "rows": []})
    return f"open('order', 'a').write({mark!r})\nprint('noise')\nprint({answer!r})"


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Ten seconds that nobody opens."""
    return Film("720p H.264", tmp_path / "film.mp4", 10.0, 30.0)


def test_rounds_begin_with_another_contestant_and_the_first_is_not_counted(tmp_path: Path, film: Film):
    rivals = [contestant(OURS, tmp_path, program(20, 20, "a")), contestant("peer", tmp_path, program(20, 19, "b"))]
    lines: list[str] = []
    records = run_rounds(rivals, film, 2.0, 2, lines.append)
    assert (tmp_path / "order").read_text() == "ab" + "ba" + "ab"
    assert [len(record.runs) for record in records.values()] == [2, 2]
    assert records["peer"].answer == Answer(20, 19)
    assert len(lines) == 6


def test_without_rounds_the_first_turn_counts(tmp_path: Path, film: Film):
    records = run_rounds([contestant(OURS, tmp_path, program(20, 20))], film, 2.0, 0, str)
    assert len(records[OURS].runs) == 1


def test_a_peer_that_fails_or_sees_other_pictures_is_left_out_with_the_reason(tmp_path: Path, film: Film):
    rivals = [
        contestant(OURS, tmp_path, program(20, 20, "a")),
        contestant("breaks", tmp_path, "raise ValueError('no weights')"),
        contestant("skips", tmp_path, program(12, 12, "s")),
        contestant("mumbles", tmp_path, "print('?')"),
    ]
    records = run_rounds(rivals, film, 2.0, 2, str)
    assert records["breaks"].error == "ValueError: no weights (exit code 1)"
    assert records["skips"].error == "it analysed 12 pictures in place of 20"
    assert records["mumbles"].error.startswith("its answer cannot be read")
    assert (tmp_path / "order").read_text().count("s") == 1
    rows = table_rows(summarise(records))
    assert [row[0] for row in rows] == [f"**{OURS}**", "breaks", "skips", "mumbles"]
    assert rows[1][1] == "failed: ValueError: no weights (exit code 1)"
    assert {len(row) for row in rows} == {len(HEADS)}


def test_a_failure_of_fer_phq_ends_the_benchmark(tmp_path: Path, film: Film):
    with pytest.raises(RunError, match="no model"):
        run_rounds([contestant(OURS, tmp_path, "raise ValueError('no model')")], film, 2.0, 1, str)


@pytest.mark.parametrize(
    ("seconds", "frames", "is_same_work"), [(1, 0, False), (4, 7, False), (10, 19, True), (10, 18, False)]
)
def test_one_picture_of_many_may_differ_and_none_of_few(tmp_path: Path, seconds: int, frames: int, is_same_work: bool):
    film = Film("film", tmp_path / "film.mp4", seconds, 30.0)
    rivals = [contestant(OURS, tmp_path, program(2 * seconds, 1)), contestant("peer", tmp_path, program(frames, 1))]
    assert (run_rounds(rivals, film, 2.0, 0, str)["peer"].error == "") is is_same_work


def made_run(wall_s: float, cpu_s: float) -> Run:
    """A run with figures."""
    return Run(wall_s, cpu_s, 100.0, "", "", 0)


def test_ratios_are_of_the_runs_of_one_round():
    records = {
        OURS: Record([made_run(1, 2), made_run(10, 20), made_run(2, 4)], Answer(20, 20)),
        "peer": Record([made_run(3, 4), made_run(30, 40), made_run(4, 16)], Answer(20, 10)),
    }
    figures = summarise(records)
    assert figures["peer"]["cpu_ratio"].median == 2.0
    assert (figures["peer"]["wall_ratio"].low, figures["peer"]["wall_ratio"].high) == (2.0, 3.0)
    rows = table_rows(figures)
    assert rows[0][:5] == [f"**{OURS}**", "4.00 (2.00 to 20.00)", "2.00 (1.00 to 10.00)", "1", "1"]
    assert rows[1][3] == "2.00 (2.00 to 4.00)"
    assert rows[1][5] == "5.0"
    assert rows[1][7] == "10 in 20 (!)"


def test_answers_are_read():
    ours = {
        "sampling": {"frames_sampled": 3},
        "timeline": [{"box": [0, 0, 1, 1]}, {"box": None}, {"box": [1, 1, 2, 2]}],
    }
    assert read_our_answer(json.dumps(ours)) == Answer(3, 2)
    assert read_our_answer(json.dumps({"file": "a.png", "faces": [{}, {}]})) == Answer(1, 2)
    assert read_peer_answer('warning\n{"frames": 3, "faces": 4, "rows": []}\n') == Answer(3, 4)
