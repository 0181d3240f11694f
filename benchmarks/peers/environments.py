"""Make the environment of each peer: packages from PyPI (by uv) and npm, pinned, in a folder outside the project.

    python -m benchmarks.peers.environments                      all of them, in the user's cache folder
    python -m benchmarks.peers.environments fer human --folder DIR

Then each peer's networks are loaded once. A peer that cannot be installed, or whose weights cannot be had, is named
with what it said. `environments.json` in the folder holds the outcome; what is ready is not made again (`--again`).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from benchmarks.peers.catalogue import PEERS, PROGRAMS, SNAPSHOT, Peer

RECORD = "environments.json"
INSTALL_S = 1800
LOAD_S = 300
LONGEST_REASON = 250


@dataclass(frozen=True)
class Environment:
    """What came of making a peer's environment.

    Attributes:
        requirements: What was asked for.
        is_ready: Whether the peer's networks could be loaded.
        reason: What it said where they could not.
        packages: All that is installed, with versions.
        megabytes: Space that the environment takes, which peers of one environment share.
    """

    requirements: tuple[str, ...]
    is_ready: bool
    reason: str
    packages: tuple[str, ...]
    megabytes: int


def default_folder() -> Path:
    """Return the folder of the environments where none is named."""
    return Path(platformdirs.user_cache_dir("fer-phq-benchmarks")) / "peers"


def prepare(folder: Path, peers: Sequence[Peer] = PEERS, *, again: bool = False) -> dict[str, Environment]:
    """Make environments, and say of each peer whether it can run.

    Args:
        folder: Where they go.
        peers: Which.
        again: Make them anew where they are there.

    Returns:
        One entry a peer.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = read_record(folder)
    if again:
        for environment in {peer.environment for peer in peers}:
            shutil.rmtree(folder / environment, ignore_errors=True)
    for peer in peers:
        known = outcomes.get(peer.name)
        if known and known.is_ready and known.requirements == _requirements(peer) and not again:
            continue
        outcomes[peer.name] = _make(folder, peer)
        _write_record(folder, outcomes)
    return {peer.name: outcomes[peer.name] for peer in peers}


def read_record(folder: Path) -> dict[str, Environment]:
    """Read what came of earlier calls: one entry a peer."""
    path = folder / RECORD
    if not path.exists():
        return {}
    entries = json.loads(path.read_text())
    return {
        name: Environment(
            **entry | {"requirements": tuple(entry["requirements"]), "packages": tuple(entry["packages"])}
        )
        for name, entry in entries.items()
    }


def command(folder: Path, peer: Peer) -> list[str]:
    """Return the words that run a peer's program, to which a clip or an option is added."""
    program = [str(PROGRAMS / peer.program), *peer.options]
    return ["node", *program] if peer.is_node else [str(_python(folder, peer)), *program]


def working_folder(folder: Path, peer: Peer) -> Path:
    """Return the folder in which a peer's program is run: of its environment."""
    return folder.resolve() / peer.environment


def variables(folder: Path, peer: Peer) -> dict[str, str]:
    """Return the environment variables of a peer's program: what it keeps in a home lies beside its packages.

    How many threads it takes is left to it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    kept.pop("PYTHONPATH", None)
    return kept | {"HOME": str(working_folder(folder, peer) / "home")}


def _make(folder: Path, peer: Peer) -> Environment:
    place = folder / peer.environment
    (place / "home").mkdir(parents=True, exist_ok=True)
    print(f"{peer.name}: installing {', '.join(_requirements(peer))}", file=sys.stderr, flush=True)
    reason = _install_node(place, peer) if peer.is_node else _install_python(folder, peer)
    reason = reason or _load(folder, peer)
    print(f"{peer.name}: {reason or 'ready'}", file=sys.stderr, flush=True)
    packages = _node_packages(place) if peer.is_node else _python_packages(folder, peer)
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file() and not file.is_symlink())
    return Environment(_requirements(peer), not reason, reason, packages, round(size / 1e6))


def _requirements(peer: Peer) -> tuple[str, ...]:
    return (*peer.requirements, *peer.bare)


def _python(folder: Path, peer: Peer) -> Path:
    return folder.resolve() / peer.environment / "python" / "bin" / "python"


def _install_python(folder: Path, peer: Peer) -> str:
    uv = [sys.executable, "-m", "uv"]
    place = _python(folder, peer).parents[1]
    steps = [] if place.exists() else [[*uv, "venv", "--quiet", "--python", sys.executable, str(place)]]
    install = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--exclude-newer", SNAPSHOT]
    install += ["--python", str(_python(folder, peer))]
    steps.append([*install, *peer.requirements])
    if peer.bare:
        steps.append([*install, "--no-deps", *peer.bare])
    return next((reason for step in steps if (reason := _run(step, folder, INSTALL_S))), "")


def _install_node(place: Path, peer: Peer) -> str:
    if not shutil.which("npm") or not shutil.which("ffmpeg"):
        return "npm and ffmpeg must be on the path"
    manifest = {"name": "peer", "version": "1.0.0", "private": True}
    (place / "package.json").write_text(json.dumps(manifest))
    words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", "--before", SNAPSHOT]
    return _run([*words, *peer.requirements], place, INSTALL_S)


def _load(folder: Path, peer: Peer) -> str:
    """Load a peer's networks; returns the reason where that cannot be done, else an empty text."""
    place = working_folder(folder, peer)
    return _run([*command(folder, peer), "--load"], place, LOAD_S, variables(folder, peer))


def _run(words: Sequence[str], place: Path, limit_s: float, variables: dict[str, str] | None = None) -> str:
    try:
        outcome = subprocess.run(
            words, cwd=place, env=variables, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {limit_s:g} s"
    if outcome.returncode == 0:
        return ""
    addresses = [line.strip() for line in outcome.stdout.splitlines() if "https://" in line]
    return " ".join([shorten_error(outcome.stderr, outcome.returncode), *addresses[-1:]])


def shorten_error(text: str, code: int) -> str:
    """Return the last sentence of what a program said when it failed.

    Args:
        text: Its standard error.
        code: Its exit code; negative for a signal.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if "Error" in line or line.startswith("error:")]
    reason = (said or lines or ["nothing was said"])[-1]
    return f"{reason[:LONGEST_REASON]} (exit code {code})"


def _python_packages(folder: Path, peer: Peer) -> tuple[str, ...]:
    words = [sys.executable, "-m", "uv", "pip", "freeze", "--python", str(_python(folder, peer))]
    outcome = subprocess.run(words, capture_output=True, text=True, check=False)
    return tuple(outcome.stdout.split())


def _node_packages(place: Path) -> tuple[str, ...]:
    lock = place / "package-lock.json"
    packages = json.loads(lock.read_text())["packages"] if lock.exists() else {}
    names = ((path.rpartition("node_modules/")[2], entry.get("version")) for path, entry in packages.items() if path)
    return tuple(sorted(f"{name}@{version}" for name, version in names))


def _write_record(folder: Path, outcomes: dict[str, Environment]) -> None:
    entries = {name: dataclasses.asdict(outcome) for name, outcome in outcomes.items()}
    (folder / RECORD).write_text(json.dumps(entries, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options and make the environments; returns 1 where a peer cannot run.

    Args:
        arguments: The words of the command line; None for the program's own.
    """
    description, _, details = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument("peers", nargs="*", metavar="peer", help=f"which: {', '.join(names)}")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where they go (%(default)s)")
    parser.add_argument("--again", action="store_true", help="make anew what is there")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.peers) - set(names))
    if unknown:
        parser.error(f"no such peer: {', '.join(unknown)}. There are: {', '.join(names)}.")
    chosen = [peer for peer in PEERS if not options.peers or peer.name in options.peers]
    outcomes = prepare(options.folder, chosen, again=options.again)
    return 0 if all(outcome.is_ready for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
