"""The faces of one picture from the start of the command, beside an earlier version and beside what it stands on.

    python benchmarks/bench_first.py                     against the merge base with main
    python benchmarks/bench_first.py --base v1.2         against another commit

All run in turns, each time in new processes; seconds are of all processes that the command starts.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks.against_base import check_out, find_base  # noqa: E402
from benchmarks.peers.processes import Run, run_tree  # noqa: E402
from benchmarks.scale.figures import markdown, spread  # noqa: E402

PICTURE = ROOT / "training" / "simulation" / "puppet" / "portrait.jpg"
COMMAND = ["-P", "-m", "service.cli", "analyze", str(PICTURE), "--json"]
NETWORKS = "import numpy, onnxruntime, PIL.Image, safetensors.numpy"
OPTIONS = "import pydantic_settings, typer, typer._adapters"
FLOORS = {
    "Python alone": ["-c", "pass"],
    "libraries of the networks": ["-c", NETWORKS],
    "and of options and settings": ["-c", f"{NETWORKS}\n{OPTIONS}"],
    "process that decodes, without a picture": ["-P", "-m", "fer_phq.pictures.process_main"],
}
"""Commands that do a part of the work, each with its name in the table."""


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Measure the first picture.")
    parser.add_argument("--base", help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    base = options.base or find_base()
    with tempfile.TemporaryDirectory(prefix="ferphq-first-") as folder:
        tree = check_out(base, Path(folder))
        versions = {"present": (COMMAND, ROOT), f"version {base[:7]}": (COMMAND, tree)}
        contestants = versions | {name: (words, ROOT) for name, words in FLOORS.items()}
        runs: dict[str, list[Run]] = defaultdict(list)
        for turn in range(options.rounds + 1):
            for name in sorted(contestants, reverse=bool(turn % 2)):
                runs[name].append(measure(*contestants[name], Path(folder)))
    print(
        markdown(["", "processor s", "clock s", "processor, present / it"], [row(name, runs) for name in contestants])
    )


def measure(words: list[str], tree: Path, folder: Path) -> Run:
    """Run Python with a version's modules, in an installation without a store.

    Args:
        words: Python's options and arguments.
        tree: The version.
        folder: For the installation's data.

    Raises:
        SystemExit: The command failed.
    """
    variables = os.environ | {"PYTHONPATH": str(tree), "FERPHQ_DATA_DIR": str(folder / "data"), "OMP_NUM_THREADS": "1"}
    run = run_tree([sys.executable, *words], folder=folder, variables=variables)
    if run.code:
        raise SystemExit(run.error)
    return run


def row(name: str, runs: dict[str, list[Run]]) -> list[str]:
    """Return a contestant's row of the table; its first run, which fills the system's caches, does not count.

    Args:
        name: The contestant.
        runs: Of all contestants.
    """
    own, present = runs[name][1:], runs["present"][1:]
    ratios = [a.cpu_s / b.cpu_s for a, b in zip(present, own, strict=True)]
    seconds = (spread([run.cpu_s for run in own]), spread([run.wall_s for run in own]))
    return [name, *(values.text(digits=2) for values in seconds), spread(ratios).text(digits=2)]


if __name__ == "__main__":
    main()
