"""fer-phq beside its peers and its floors: the same clips in turns, whole processes, imports and start-up included.

    python benchmarks/bench_peers.py                          all parts: about three hours on two cores
    python benchmarks/bench_peers.py first clip --rounds 5    parts: first, clip, every, memory, floors, accuracy
    python benchmarks/bench_peers.py --quick                  all parts in small, a few minutes
    python benchmarks/bench_peers.py clip --clip session.mp4  a recording of one's own

Films with a face are made (`peers/films.py`) and peers are installed (`peers/environments.py`) where they are not there
yet. Processor seconds and memory are of all processes that a command starts. Each round begins with another contestant;
a ratio is of the two runs of one round. Writes `peers.json` and `peers.md` to the folder of `--out`, and with `--docs`
the tables into docs/BENCHMARKS.md. On a busy machine the tables say so: those figures are no claim.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from benchmarks.peers import accuracy, environments, floors, report  # noqa: E402
from benchmarks.peers.catalogue import PEERS, Peer  # noqa: E402
from benchmarks.peers.contestants import (  # noqa: E402
    OURS,
    Contestant,
    RunError,
    our_contestant,
    peer_contestant,
    run_rounds,
    summarise,
)
from benchmarks.peers.films import FPS, Film, make_film, make_picture, open_film  # noqa: E402
from benchmarks.peers.machine import describe_machine  # noqa: E402
from benchmarks.scale.figures import plain  # noqa: E402

SAMPLED = 2.0
FERPLUS = ROOT.parent / "shared" / "data" / "ferplus" / "valid.parquet"
LOOK_S = 3.0
FOLDERS = ("--environments", "--films", "--out", "--ferplus")


@dataclass(frozen=True)
class Scale:
    """How large the parts are.

    Attributes:
        rounds: Counted rounds after one that is not; with none, the first one counts.
        sizes: Of `films.SIZES`.
        codecs: Of `films.ENCODERS`.
        clip_s: Length of the clips at 2 frames/s.
        every_s: Length of the clip of which every frame is analysed by all.
        every_alone_s: Length of the one of which fer-phq alone does, so that its start weighs less.
        every_floor_s: Length of the clip for the floors of every frame, all of which is held in memory.
        minutes: Lengths for the memory.
        faces: Images for the accuracy; None: all.
    """

    rounds: int = 5
    sizes: tuple[str, ...] = ("720p", "1080p")
    codecs: tuple[str, ...] = ("h264", "hevc")
    clip_s: float = 60
    every_s: float = 12
    every_alone_s: float = 60
    every_floor_s: float = 12
    minutes: tuple[int, ...] = (1, 10, 60, 180)
    faces: int | None = None


QUICK = Scale(
    rounds=0,
    sizes=("720p",),
    codecs=("h264",),
    clip_s=12,
    every_s=1,
    every_alone_s=12,
    every_floor_s=1,
    minutes=(1,),
    faces=100,
)


class Bench:
    """The parts of the benchmark."""

    def __init__(
        self,
        ours: Contestant,
        following: Contestant,
        peers: Sequence[Peer],
        options: argparse.Namespace,
        scale: Scale,
    ) -> None:
        """Take fer-phq without and with behaviour, the peers that are ready, the options and the sizes."""
        self._ours = ours
        self._following = following
        self._peers = peers
        self._options = options
        self._scale = scale

    def first(self) -> dict[str, Any]:
        """Measure how long a picture, and one of a short clip, takes from the start of the command."""
        films = [make_picture(self._options.films, "720p"), self._film("720p", "h264", 1)]
        return self._contest([self._ours], films, 1)

    def clip(self) -> dict[str, Any]:
        """Measure clips at 2 frames/s."""
        films = [open_film(path) for path in self._options.clip]
        if not films:
            kinds = itertools.product(self._scale.sizes, self._scale.codecs)
            films = [self._film(size, codec, self._scale.clip_s) for size, codec in kinds]
        return self._contest([self._ours, self._following], films, SAMPLED)

    def every(self) -> dict[str, Any]:
        """Measure every frame of a clip."""
        alone = self._film("720p", "h264", self._scale.every_alone_s)
        ours = [self._ours, self._following]
        figures = self._contest(ours, [self._film("720p", "h264", self._scale.every_s)], FPS)
        return figures | self._contest(ours, [alone], FPS, peers=())

    def memory(self) -> dict[str, Any]:
        """Measure the memory of fer-phq on recordings of several lengths, once each."""
        figures = {}
        for minutes in self._scale.minutes:
            film = self._film("720p", "h264", minutes * 60)
            figures[f"{minutes} min"] = summarise(run_rounds([self._ours], film, SAMPLED, 0, say))[OURS]
        return figures

    def floors(self) -> dict[str, Any]:
        """Measure each stage beside its floor, at 2 frames/s and for every frame."""
        rates = {"2 frames/s": (self._scale.clip_s, SAMPLED), "every frame": (self._scale.every_floor_s, FPS)}
        figures = {}
        for name, (seconds, fps) in rates.items():
            film = self._film("720p", "h264", seconds)
            title = f"{film.name}, {seconds:g} s, {name}"
            try:
                figures[title] = floors.measure(self._ours, film, fps, self._scale.rounds, say)
            except floors.NetworkMissingError as error:
                return {"reason": f"not measured: {error}"}
        return figures

    def accuracy(self) -> dict[str, Any]:
        """Measure how often fer-phq and its peers name the emotion that people named."""
        path = self._options.ferplus
        if not path.exists():
            return {"reason": f"not measured: {path.name} of FER+ is not there (--ferplus)"}
        folder = self._options.environments
        return {"results": accuracy.measure(path, folder, self._peers, self._scale.faces, say)}

    def _contest(
        self, ours: Sequence[Contestant], films: Sequence[Film], fps: float, peers: Sequence[Peer] | None = None
    ) -> dict[str, Any]:
        folder = self._options.environments
        chosen = self._peers if peers is None else peers
        rivals = [peer_contestant(folder, peer) for peer in chosen if peer.takes_clips]
        figures = {}
        for film in films:
            records = run_rounds([*ours, *rivals], film, fps, self._scale.rounds, say)
            title = film.name if film.frames(FPS) == 1 else f"{film.name}, {film.seconds:g} s"
            figures[title] = {"film": film.describe(), "contestants": summarise(records)}
        return figures

    def _film(self, size: str, codec: str, seconds: float) -> Film:
        return make_film(self._options.films, size, codec, seconds)


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "first": Bench.first,
    "clip": Bench.clip,
    "every": Bench.every,
    "memory": Bench.memory,
    "floors": Bench.floors,
    "accuracy": Bench.accuracy,
}


def say(text: str) -> None:
    """Print a line about what goes on, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def others_share() -> float:
    """Return the share of the processor's time that other processes take, 0 to 1."""
    return round(float(psutil.cpu_percent(LOOK_S)) / 100, 3)


def revision() -> str:
    """Return the commit that is measured, with a mark where files differ from it."""
    words = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def run(options: argparse.Namespace, scale: Scale) -> dict[str, Any]:
    """Run the chosen parts.

    Args:
        options: Of the command line.
        scale: The sizes.

    Returns:
        The document: machine, peers, and one entry a part.
    """
    chosen = [peer for peer in PEERS if not options.peer or peer.name in options.peer]
    outcomes = environments.prepare(options.environments, chosen)
    document: dict[str, Any] = {
        "machine": describe_machine() | {"others": others_share()},
        "revision": revision(),
        "command": " ".join(["python", "benchmarks/bench_peers.py", *_without_folders(options.words)]),
        "scale": dataclasses.asdict(scale),
        "environments": {name: dataclasses.asdict(outcome) for name, outcome in outcomes.items()},
        "parts": {},
    }
    settings = dict(setting.split("=", 1) for setting in options.setting)
    with tempfile.TemporaryDirectory(prefix="ferphq-peers-") as folder:
        ours = our_contestant(options.command, Path(folder), settings)
        following = our_contestant(options.command, Path(folder), settings, face_rate=FPS)
        bench = Bench(ours, following, [peer for peer in chosen if outcomes[peer.name].is_ready], options, scale)
        for name in options.parts or PARTS:
            begin = time.monotonic()
            document["parts"][name] = PARTS[name](bench)
            document["seconds"] = document.get("seconds", {}) | {name: round(time.monotonic() - begin)}
            document["machine"]["others"] = max(document["machine"]["others"], others_share())
            write(document, options.out)  # what is measured stays where a later part fails
    return document


def write(document: dict[str, Any], folder: Path) -> None:
    """Write the figures as JSON and Markdown.

    Args:
        document: Of `run`.
        folder: Where they go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.json").write_text(json.dumps(plain(document), indent=1) + "\n")
    (folder / "peers.md").write_text(report.markdown_report(document))


def _without_folders(words: Sequence[str]) -> list[str]:
    """Return the words of a command line without the folders of this machine, which change no figure."""
    kept = []
    rest = iter(words)
    for word in rest:
        if word in FOLDERS:
            next(rest, None)
        elif word.partition("=")[0] not in FOLDERS:
            kept.append(word)
    return kept


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; a mistake ends the program with one sentence."""
    description, _, details = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = environments.default_folder()
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    parser.add_argument("--rounds", type=int, help="counted rounds of what is compared (5)")
    parser.add_argument("--minutes", type=int, nargs="+", help="lengths for the memory (1 10 60 180)")
    parser.add_argument("--peer", action="append", default=[], help="a peer; all where none is named")
    parser.add_argument("--clip", type=Path, action="append", default=[], help="a recording for the part clip")
    parser.add_argument("--command", help="an installed fer-phq, in place of this checkout")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="environment of fer-phq")
    parser.add_argument("--environments", type=Path, default=cache, help="folder of the peers (%(default)s)")
    parser.add_argument("--films", type=Path, default=cache.with_name("films"), help="of the films (%(default)s)")
    parser.add_argument("--ferplus", type=Path, default=FERPLUS, help="FER+'s valid part (%(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "peers", help="of the figures (%(default)s)")
    parser.add_argument("--docs", action="store_true", help="write the tables into docs/BENCHMARKS.md, too")
    options = parser.parse_args(arguments)
    options.words = list(sys.argv[1:] if arguments is None else arguments)
    names = [peer.name for peer in PEERS]
    for kind, values, known in (("part", options.parts, list(PARTS)), ("peer", options.peer, names)):
        unknown = sorted(set(values) - set(known))
        if unknown:
            parser.error(f"no such {kind}: {', '.join(unknown)}. There are: {', '.join(known)}.")
    if options.rounds is not None and options.rounds < 1:
        parser.error("there must be at least one round.")
    missing = [str(path) for path in options.clip if not path.is_file()]
    if missing:
        parser.error(f"no such recording: {', '.join(missing)}.")
    if any("=" not in setting for setting in options.setting):
        parser.error("a setting is written NAME=VALUE.")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, measure, print and write.

    Args:
        arguments: The words of the command line; None for the program's own.

    Returns:
        The exit code.
    """
    options = parse(arguments)
    named = {name: getattr(options, name) for name in ("rounds", "minutes") if getattr(options, name)}
    scale = dataclasses.replace(QUICK if options.quick else Scale(), **named)
    try:
        document = run(options, scale)
    except RunError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    write(document, options.out)
    text = report.markdown_report(document)
    print(text)
    if options.docs:
        report.write_section(ROOT / "docs" / "BENCHMARKS.md", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
