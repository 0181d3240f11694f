"""Break an installation in every way, and say what became of it; exit code 1 for what must not happen.

python tests/faults/run.py                            # all, about an hour on two cores
python tests/faults/run.py workers --kills 150        # a part: so many kills that hit a job that is held
python tests/faults/run.py workers --seed 7           # the moments of an earlier run
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
OTHERS = ("test_takeovers.py", "test_storage.py", "test_server.py")
"""Faults that come once, at a moment of their own: as tests."""
MB = 1_000_000
Part = Callable[[argparse.Namespace], Any]


def main() -> int:
    """Run the parts that the arguments name, print what became of each, and return the exit code."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    parts: dict[str, Part] = {
        "workers": _workers,
        "server": _server,
        "dashboard": _dashboard,
        "up": _up,
        "writers": _writers,
        "uploads": _uploads,
        "others": _others,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(parts))
    parser.add_argument("--kills", type=int, help="kills that must hit a job that is held (150; of others 20)")
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


def _workers(arguments: argparse.Namespace) -> Any:
    from tests.faults.kills import kill_workers

    with _house() as house:
        return kill_workers(house, kills=arguments.kills or 150, seed=arguments.seed)


def _server(arguments: argparse.Namespace) -> Any:
    from postgres_server import postgres_server

    from tests.faults.kills import kill_server

    with postgres_server() as server, _house(database_url=server.new_database()) as house:
        return kill_server(house, server, kills=arguments.kills or 20, seed=arguments.seed)


def _dashboard(arguments: argparse.Namespace) -> Any:
    from tests.faults.kills import kill_dashboard

    with _house() as house:
        return kill_dashboard(house, kills=arguments.kills or 20, seed=arguments.seed)


def _up(arguments: argparse.Namespace) -> Any:
    from tests.faults.kills import kill_supervisor

    with _house(seconds=20) as house:
        return kill_supervisor(house, kills=arguments.kills or 20, seed=arguments.seed)


def _writers(_: argparse.Namespace) -> Any:
    from tests.faults.crowds import write_at_once

    with _house() as house:
        return write_at_once(house, writers=50, seconds=60)


def _uploads(_: argparse.Namespace) -> Any:
    from tests.faults.crowds import upload_at_once

    with _house() as house:
        return upload_at_once(house, uploads=100, size=50 * MB)


@dataclass(frozen=True)
class Tests:
    """The outcome of tests."""

    code: int
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return one line."""
        return "all passed or were skipped" if self.code == 0 else f"pytest ended with {self.code}"


def _others(_: argparse.Namespace) -> Any:
    import pytest

    folder = Path(__file__).parent
    code = int(pytest.main(["-q", "-m", "faults", *[str(folder / name) for name in OTHERS]]))
    return Tests(code, [f"pytest ended with {code}"] if code else [])


@contextmanager
def _house(*, seconds: float = 1, **options: Any) -> Iterator[Any]:
    from recordings import make_recording
    from served import free_port

    from tests.faults.installation import installation

    with TemporaryDirectory(prefix="ferphq-faults-") as name:
        folder = Path(name)
        source = make_recording(folder / "film.mp4", seconds=seconds)
        with installation(folder, source, port=free_port(), **options) as house:
            yield house


if __name__ == "__main__":
    sys.exit(main())
