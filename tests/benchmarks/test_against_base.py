"""The comparison of stages with the merge base: its verdict, and the stages of this checkout."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import recordings

from benchmarks.against_base import (
    FEWEST_ROUNDS,
    ROOT,
    Comparison,
    check_out,
    compare,
    find_base,
    main,
    read_purposes,
)
from benchmarks.stage_process import StageError, StageProcess


def comparison(*ratios: float) -> Comparison:
    """A comparison with these ratios."""
    return Comparison("embed", tuple(1.0 for _ in ratios), ratios, rows=(24, 24))


class Version:
    """A version whose turns take what is written down: the arithmetic of verdicts has no clock."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds = iter([0.0, *seconds])

    def run(self, stage: str) -> tuple[float, int]:
        return next(self.seconds), 24


@pytest.mark.parametrize(
    ("ratios", "seems_slower"),
    [
        ((1.2, 1.2, 1.2, 1.2, 1.2), True),
        ((1.12, 1.17, 1.19, 1.21, 1.3), True),
        ((1.0, 1.0, 1.01, 1.47, 2.0), False),  # others' work fell on some turns
        ((0.9, 1.0, 1.16, 1.3, 1.5), False),  # no doubt is left only where the turns agree
        ((1.0, 1.2, 1.2, 1.2, 1.2), False),  # what is slower has no turn as short as the base's
        ((1.1, 1.1, 1.1, 1.1, 1.1), False),
        ((0.8, 0.8, 0.8, 0.8, 0.8), False),
        ((), False),
    ],
)
def test_a_stage_seems_slower_where_median_most_turns_and_the_shortest_say_so(
    ratios: tuple[float, ...], seems_slower: bool
):
    assert comparison(*ratios).seems_slower is seems_slower


@pytest.mark.parametrize(("second", "is_slower"), [(1.2, True), (1.0, False)])
def test_a_stage_is_slower_where_a_second_series_says_so_too(second: float, is_slower: bool):
    base: Any = Version([1.0] * 2 * FEWEST_ROUNDS)
    present: Any = Version([1.2] * FEWEST_ROUNDS + [second] * FEWEST_ROUNDS)
    (result,) = compare(base, present, ["embed"], seconds=0)
    assert result.is_slower is is_slower
    assert len(result.ratios) == 2 * FEWEST_ROUNDS


def test_other_rows_and_a_base_that_cannot_are_said():
    assert comparison(1.0, 1.0).cells()[-1] == ""
    assert replace(comparison(1.2, 1.2), is_slower=True).cells()[-1] == "**slower**"
    assert Comparison("detect", (1.0,), (1.0,), rows=(24, 23)).cells()[-1] == "24 rows before, 23 now"
    assert Comparison("detect", (), (), base_error="no detector").cells()[-1] == "not compared: no detector"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with a face."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return recordings.make_recording(path, seconds=2, fps=12, motion="moving", code=False)


def test_stages_run_in_turns_and_make_the_same(film: Path):
    with StageProcess(ROOT, film) as base, StageProcess(ROOT, film) as present:
        results = compare(base, present, ["decode", "detect", "embed"], seconds=0)
    assert [result.stage for result in results] == ["decode", "detect", "embed"]
    assert [result.rows for result in results] == [(4, 4)] * 3
    assert all(ratio > 0 for result in results for ratio in result.ratios)
    assert {len(result.ratios) for result in results} == {5}


@pytest.mark.slow
def test_sessions_are_stored(film: Path):
    with StageProcess(ROOT, film) as process:
        seconds, rows = process.run("store")
    assert seconds > 0
    assert rows == 8


def test_a_checkout_that_lacks_a_stage_says_so(film: Path):
    with StageProcess(ROOT, film) as process, pytest.raises(StageError, match="'Stages' object has no attribute"):
        process.run("nothing")


def test_code_of_another_place_is_refused(film: Path, tmp_path: Path):
    with pytest.raises(StageError, match=f"the code of {tmp_path}"):
        StageProcess(tmp_path, film)


def test_a_commit_is_checked_out_as_it_was(tmp_path: Path):
    tree = check_out("HEAD", tmp_path)
    words = ["git", "show", "HEAD:fer_phq/__init__.py"]
    expected = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (tree / "fer_phq" / "__init__.py").read_text() == expected


def test_what_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--base", "no-such-commit"]) == 2
    assert capsys.readouterr().err.startswith("Error: git has no commit no-such-commit")
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "no such stage: nothing" in capsys.readouterr().err


def commit(root: Path, message: str, hours: int, branch: str = "main") -> str:
    """Commit a change to the checkout at so many hours after an arbitrary moment; returns the commit."""
    (root / "file").write_text(message)
    moment = f"{1_700_000_000 + hours * 3600} +0000"
    environment = {
        "GIT_COMMITTER_DATE": moment,
        "GIT_AUTHOR_DATE": moment,
        "HOME": str(root),
        "PATH": os.environ["PATH"],
    }
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]

    def git(*words: str) -> str:
        run = subprocess.run(["git", *identity, *words], cwd=root, env=environment, capture_output=True, check=True)
        return run.stdout.decode().strip()

    if not (root / ".git").exists():
        git("init", "--quiet", "--initial-branch=main")
    git("checkout", "--quiet", "-B", branch)
    git("add", "file")
    git("commit", "--quiet", "--message", message)
    return git("rev-parse", "HEAD")


def test_main_is_compared_with_itself_a_day_before_and_a_branch_with_what_it_left(tmp_path: Path):
    commit(tmp_path, "first", hours=0)
    with pytest.raises(StageError, match="no commit to compare with"):
        find_base(tmp_path)
    early = commit(tmp_path, "second", hours=10)
    commit(tmp_path, "third", hours=20)
    newest = commit(tmp_path, "fourth", hours=34)
    assert find_base(tmp_path) == early
    (tmp_path / "file").write_text("not committed")
    assert find_base(tmp_path) == newest
    commit(tmp_path, "fifth", hours=60, branch="change")
    assert find_base(tmp_path) == newest


def test_stages_that_are_slowed_on_purpose_are_those_that_commits_since_the_base_name(tmp_path: Path):
    commit(tmp_path, "Stores more\n\nSlower: store", hours=0)
    base = commit(tmp_path, "Base\n\nslower: not a stage of this line", hours=1)
    commit(tmp_path, "A larger network\n\nIt is right more often.\n\nSlower: embed, start", hours=2)
    commit(tmp_path, "Slower: detect is the subject of a sentence", hours=3)
    assert read_purposes(base, tmp_path) == {"embed", "start"}
