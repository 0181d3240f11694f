"""Compare the processor seconds of each stage with those of the commit that a change begins at; fail where one slows.

    python benchmarks/against_base.py                  against the merge base; on main, against main a day before
    python benchmarks/against_base.py --base v1.2      against another commit
    python benchmarks/against_base.py embed store      some stages

Both versions run the same work in short turns, each in a process that lives as long as the comparison, so that
whatever else the machine does falls on both alike. A stage counts as slower where the median of the ratios of
neighbouring turns reaches `LIMIT`, and both their lower quartile and the ratio of the shortest turns reach `CLEAR`; and
where as many turns again say the same. A commit that slows a stage on purpose names it in its message, on a line of its
own at the end (`Slower: embed`); a stage that is named since the base is compared and does not fail.
Exit code: 0 nothing is slower, 1 a stage is slower, 2 it could not be measured, 3 there is no commit to compare with.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks.scale.figures import markdown, spread  # noqa: E402
from benchmarks.stage_process import StageError, StageProcess  # noqa: E402
from benchmarks.stages import STAGES  # noqa: E402

LIMIT = 1.15
"""Median ratio from which a stage counts as slower: what is 20 % slower lies above it in nearly every run."""
CLEAR = 1.08
ROUNDS = 12
FEWEST_ROUNDS = 5
SECONDS = 90.0
FILM_S = 12
DAY_S = 86400


class NoBaseError(StageError):
    """There is no commit to compare with."""


@dataclass(frozen=True)
class Comparison:
    """A stage of two versions.

    Attributes:
        stage: Which.
        base_s: Processor seconds of the base's turns.
        present_s: Those of the present version's turns, in the same order.
        rows: What the stage made in the base's turns and in the present version's, as in `stages.py`.
        base_error: What the base said where it cannot run the stage.
        is_slower: Whether the stage slowed: two series of turns say so.
    """

    stage: str
    base_s: tuple[float, ...]
    present_s: tuple[float, ...]
    rows: tuple[int, int] = (0, 0)
    base_error: str = ""
    is_slower: bool = False

    @property
    def ratios(self) -> tuple[float, ...]:
        """Present over base of each pair of turns."""
        return tuple(present / base for base, present in zip(self.base_s, self.present_s, strict=True))

    @property
    def seems_slower(self) -> bool:
        """Whether these turns say that the stage slowed."""
        if not self.ratios:
            return False
        shortest = min(self.present_s) / min(self.base_s)
        return bool(np.median(self.ratios) >= LIMIT and min(shortest, np.percentile(self.ratios, 25)) >= CLEAR)

    def cells(self) -> list[str]:
        """Return the stage's row of the table."""
        if self.base_error:
            return [self.stage, "", "", "", f"not compared: {self.base_error}"]
        base, present = spread(self.base_s).median, spread(self.present_s).median
        verdict = ["**slower**"] if self.is_slower else []
        if self.rows[0] != self.rows[1]:
            verdict.append("{} rows before, {} now".format(*self.rows))
        return [self.stage, f"{base:.3f} s", f"{present:.3f} s", spread(self.ratios).text(digits=2), ", ".join(verdict)]


def compare(base: StageProcess, present: StageProcess, stages: Sequence[str], seconds: float) -> list[Comparison]:
    """Run stages of two versions in turns.

    Args:
        base: The earlier version.
        present: The present one.
        stages: Which.
        seconds: After which no further round begins, once there are `FEWEST_ROUNDS`.

    Raises:
        StageError: The present version cannot run a stage.
    """
    deadline = time.monotonic() + seconds
    comparisons = {stage: _first_turn(base, present, stage) for stage in stages}
    comparable = [stage for stage, first in comparisons.items() if not first.base_error]
    pairs = _take_turns(base, present, comparable, deadline)
    comparisons |= {stage: _with_turns(comparisons[stage], pairs[stage]) for stage in comparable}
    suspects = [stage for stage in comparable if comparisons[stage].seems_slower]
    again = _take_turns(base, present, suspects, deadline)
    for stage in suspects:
        is_slower = _with_turns(comparisons[stage], again[stage]).seems_slower  # or else it was the machine
        joined = _with_turns(comparisons[stage], pairs[stage] + again[stage])
        comparisons[stage] = replace(joined, is_slower=is_slower)
    return list(comparisons.values())


def _take_turns(
    base: StageProcess, present: StageProcess, stages: Sequence[str], deadline: float
) -> dict[str, list[tuple[float, float]]]:
    """Run stages of two versions in turns; returns the processor seconds of both of each turn."""
    pairs: dict[str, list[tuple[float, float]]] = {stage: [] for stage in stages}
    for turn in range(ROUNDS):
        if turn >= FEWEST_ROUNDS and time.monotonic() > deadline:
            break
        for stage in stages:
            order = (base, present) if turn % 2 else (present, base)
            results = {version: version.run(stage)[0] for version in order}
            pairs[stage].append((results[base], results[present]))
    return pairs


def _with_turns(comparison: Comparison, pairs: Sequence[tuple[float, float]]) -> Comparison:
    base_s, present_s = zip(*pairs, strict=True)
    return replace(comparison, base_s=base_s, present_s=present_s)


def _first_turn(base: StageProcess, present: StageProcess, stage: str) -> Comparison:
    """Run a stage of both versions for the first time, which is not counted."""
    _, rows = present.run(stage)
    try:
        _, base_rows = base.run(stage)
    except StageError as error:
        return Comparison(stage, (), (), base_error=str(error))
    return Comparison(stage, (), (), rows=(base_rows, rows))


def find_base(root: Path = ROOT) -> str:
    """Return the commit to compare with: the merge base with main; on main, its last commit a day before the newest.

    What is changed and not committed is a change of the last commit.

    Args:
        root: The checkout.

    Raises:
        NoBaseError: The history goes back less than a day, or there is none.
    """
    main = next(
        (name for name in ("origin/main", "main") if _git(root, "rev-parse", "--verify", "--quiet", name)), "HEAD"
    )
    head = _git(root, "rev-parse", "HEAD")
    base = _git(root, "merge-base", "HEAD", main)
    if base == head and not _git(root, "status", "--porcelain", "--untracked-files=no"):
        newest = _git(root, "show", "--no-patch", "--format=%ct", "HEAD")
        base = _git(root, "rev-list", "--max-count=1", f"--before={int(newest or 0) - DAY_S}", "HEAD")
    if not base:
        raise NoBaseError("there is no commit to compare with: the history begins within a day. Name one: --base")
    return base


def read_purposes(base: str, root: Path = ROOT) -> frozenset[str]:
    """Return the stages that commits since a base slow on purpose, as their `Slower:` lines say.

    Args:
        base: The commit.
        root: The checkout.
    """
    lines = _git(root, "log", "--format=%(trailers:key=Slower,valueonly)", f"{base}..HEAD")
    return frozenset(lines.replace(",", " ").split())


def check_out(revision: str, folder: Path) -> Path:
    """Write the files of a commit into a folder.

    Args:
        revision: The commit.
        folder: An empty folder.

    Raises:
        StageError: There is no such commit.
    """
    archive = folder / "tree.tar"
    outcome = subprocess.run(
        ["git", "archive", "--output", str(archive), revision], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if outcome.returncode:
        raise StageError(f"git has no commit {revision}: {outcome.stderr.strip()}")
    tree = folder / "tree"
    with tarfile.open(archive) as files:
        files.extractall(tree, filter="data")
    archive.unlink()
    return tree


def _git(root: Path, *words: str) -> str:
    outcome = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return outcome.stdout.strip() if outcome.returncode == 0 else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, compare and print.

    Args:
        arguments: The words of the command line; None for the program's own.

    Returns:
        The exit code.
    """
    description, _, details = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="stage", help=", ".join(STAGES))
    parser.add_argument("--base", help="the commit to compare with")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long, about (%(default)g)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.stages) - set(STAGES))
    if unknown:
        parser.error(f"no such stage: {', '.join(unknown)}. There are: {', '.join(STAGES)}.")
    with tempfile.TemporaryDirectory(prefix="ferphq-base-") as folder:
        try:
            base = options.base or find_base()
            comparisons = measure(base, Path(folder), options.stages or STAGES, options.seconds)
        except StageError as error:
            print(f"Error: {error}", file=sys.stderr)
            return 3 if isinstance(error, NoBaseError) else 2
    commit = _git(ROOT, "log", "-1", "--format=%h %s", base)
    print(f"Processor seconds of each stage, on one thread; the base is {commit}\n")
    heads = ["stage", "base", "present", "present / base, median and range of turns", ""]
    print(markdown(heads, [comparison.cells() for comparison in comparisons]))
    slower = {comparison.stage for comparison in comparisons if comparison.is_slower}
    purposes = read_purposes(base)
    if slower & purposes:
        print(f"\nSlower on purpose, as a commit since then says: {', '.join(sorted(slower & purposes))}")
    return 1 if slower - purposes else 0


def measure(base: str, folder: Path, stages: Sequence[str], seconds: float) -> list[Comparison]:
    """Check out a commit, make a film, and compare.

    Args:
        base: The commit.
        folder: For its files and the film.
        stages: Which.
        seconds: How long, about.

    Raises:
        StageError: There is no such commit, or the present version cannot run a stage.
    """
    tests = str(ROOT / "tests")
    if tests not in sys.path:
        sys.path.append(tests)
    import recordings

    tree = check_out(base, folder)
    film = folder / "film.mp4"
    recordings.make_recording(film, seconds=FILM_S, fps=24, size=(1280, 720), motion="moving", gop=48, code=False)
    begin = time.monotonic()
    with StageProcess(tree, film) as before, StageProcess(ROOT, film) as present:
        return compare(before, present, stages, seconds - (time.monotonic() - begin))


if __name__ == "__main__":
    sys.exit(main())
