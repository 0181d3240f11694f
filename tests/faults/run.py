"""Break an installation in every way, and say what became of it; exit code 1 for what must not happen.

python tests/faults/run.py                            # all
python tests/faults/run.py workers --kills 150        # a part: so many kills that hit a job that is held
python tests/faults/run.py workers --seed 7           # the moments of an earlier run
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run the parts that the arguments name, print what became of each, and return the exit code."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    parts = {"workers": kill_workers}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(parts))
    parser.add_argument("--kills", type=int, default=150, help="kills that must hit a job that is held")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    faults = 0
    for name in arguments.parts or parts:
        begin = time.monotonic()
        result = parts[name](arguments)
        print(f"{name}: {result} ({time.monotonic() - begin:.0f} s)", flush=True)
        faults += len(result.faults)
    print(f"{faults} faults")
    return 1 if faults else 0


def kill_workers(arguments: argparse.Namespace) -> Any:
    from tests.faults import kills

    with _house() as house:
        return kills.kill_workers(house, kills=arguments.kills, seed=arguments.seed)


@contextmanager
def _house(**options: Any) -> Iterator[Any]:
    from recordings import make_recording

    from tests.faults.installation import installation

    with TemporaryDirectory(prefix="ferphq-faults-") as name:
        folder = Path(name)
        with installation(folder, make_recording(folder / "film.mp4", seconds=1), **options) as house:
            yield house


if __name__ == "__main__":
    sys.exit(main())
