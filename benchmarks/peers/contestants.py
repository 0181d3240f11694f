"""fer-phq and its peers as commands that take the same clip: run in turns, and measured with all their processes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers import environments
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.films import Film
from benchmarks.peers.processes import Run, run_tree
from benchmarks.scale.figures import Spread, spread

ROOT = Path(__file__).resolve().parents[2]
OURS = "fer-phq"
OURS_FOLLOWING = "fer-phq with behaviour"
"""The same with what is the product's default: the face followed in every frame, up to 30 a second."""
LIMIT_S = 4 * 3600.0
MANY = 10
"""Sampled pictures from which one more or less, by how a package rounds at the end, is no other work."""
FEWEST_FACES = 0.9
"""Faces a picture below which a figure is marked: the films show one face throughout."""


class RunError(RuntimeError):
    """A command failed, or did not do the work."""


@dataclass(frozen=True)
class Answer:
    """What a contestant says of a clip.

    Attributes:
        frames: Pictures that it analysed.
        faces: Faces that it saw in them.
    """

    frames: int
    faces: int


@dataclass(frozen=True)
class Contestant:
    """A command that analyses a clip.

    Attributes:
        name: Its name in tables.
        words: Makes its command line of a clip and a rate.
        read: Reads its answer from what it printed.
        variables: Its environment.
        folder: Its working folder.
    """

    name: str
    words: Callable[[Path, float], list[str]]
    read: Callable[[str], Answer]
    variables: Mapping[str, str]
    folder: Path


@dataclass
class Record:
    """The runs of a contestant on one film.

    Attributes:
        runs: In the order of the rounds.
        answer: What the last one said.
        error: Why it was left out.
    """

    runs: list[Run] = field(default_factory=list)
    answer: Answer | None = None
    error: str = ""


def our_contestant(
    command: str | None, folder: Path, settings: Mapping[str, str], face_rate: float = 0.0
) -> Contestant:
    """Return fer-phq.

    Args:
        command: An installed `fer-phq`; this checkout's where omitted.
        folder: For what it writes.
        settings: Further environment variables.
        face_rate: Frames a second in which the face is followed; 0 for emotions alone, which is what most peers give.
    """
    start = [command] if command else [sys.executable, "-P", "-m", "service.cli"]
    variables = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    variables["PYTHONPATH"] = "" if command else str(ROOT)
    variables["FERPHQ_DATA_DIR"] = str(folder / "data")
    variables["FERPHQ_FACE_RATE"] = f"{face_rate:g}"

    def words(clip: Path, fps: float) -> list[str]:
        sampling = [] if clip.suffix == ".png" else ["--fps", f"{fps:g}"]
        return [*start, "analyze", str(clip), "--json", *sampling]

    name = OURS_FOLLOWING if face_rate else OURS
    return Contestant(name, words, read_our_answer, variables | settings, folder)


def peer_contestant(folder: Path, peer: Peer) -> Contestant:
    """Return a peer.

    Args:
        folder: Of the environments.
        peer: Which.
    """
    start = environments.command(folder, peer)

    def words(clip: Path, fps: float) -> list[str]:
        return [*start, str(clip), "--fps", f"{fps:g}"]

    place = environments.working_folder(folder, peer)
    return Contestant(peer.name, words, read_peer_answer, environments.variables(folder, peer), place)


def read_our_answer(text: str) -> Answer:
    """Read the document of `fer-phq analyze --json`, on a recording or on a picture."""
    document = json.loads(text)
    if "timeline" not in document:
        return Answer(1, len(document["faces"]))
    faces = sum(row["box"] is not None for row in document["timeline"])
    return Answer(document["sampling"]["frames_sampled"], faces)


def read_peer_answer(text: str) -> Answer:
    """Read the last line that a peer's program printed."""
    document = json.loads(text.strip().splitlines()[-1])
    return Answer(document["frames"], document["faces"])


def run_rounds(
    contestants: Sequence[Contestant], film: Film, fps: float, rounds: int, say: Callable[[str], None]
) -> dict[str, Record]:
    """Run contestants on a film in turns, after a first turn of each that is not counted.

    Each round begins with another one. A contestant that fails is left out from then on, with what it said.

    Args:
        contestants: Who.
        film: The film.
        fps: Pictures a second.
        rounds: Number of counted rounds; with none, the first turns count.
        say: Is told of each run.

    Raises:
        RunError: fer-phq failed, without behaviour or with it.
    """
    records = {contestant.name: Record() for contestant in contestants}
    for turn in range(rounds + 1):
        first = turn % len(contestants)
        for contestant in (*contestants[first:], *contestants[:first]):
            record = records[contestant.name]
            if record.error:
                continue
            run = _run(contestant, film, fps, record)
            say(f"{film.name}, {fps:g}/s, round {turn}, {contestant.name}: {record.error or describe_run(run)}")
            if record.error and contestant.name in (OURS, OURS_FOLLOWING):
                raise RunError(f"{contestant.name} failed on {film.path}: {record.error}")
            if turn or not rounds:
                record.runs.append(run)
    return records


def describe_run(run: Run) -> str:
    """Return a run's figures in a line."""
    return f"{run.wall_s:.2f} s, {run.cpu_s:.2f} processor seconds, {run.peak_mb:.0f} MB"


def _run(contestant: Contestant, film: Film, fps: float, record: Record) -> Run:
    contestant.folder.mkdir(parents=True, exist_ok=True)
    words = contestant.words(film.path.resolve(), min(fps, film.fps))
    run = run_tree(words, folder=contestant.folder, variables=contestant.variables, limit_s=LIMIT_S)
    if run.code is None:
        record.error = f"it took longer than {LIMIT_S:g} s"
    elif run.code:
        record.error = environments.shorten_error(run.error, run.code)
    else:
        try:
            record.answer = contestant.read(run.output)
        except (ValueError, KeyError, IndexError) as error:
            record.error = f"its answer cannot be read: {type(error).__name__}: {error}"
    expected = film.frames(fps)
    if record.answer and abs(record.answer.frames - expected) > (expected >= MANY):
        record.error = f"it analysed {record.answer.frames} pictures in place of {expected}"
    return run


def summarise(records: Mapping[str, Record]) -> dict[str, dict[str, Any]]:
    """Return each contestant's figures: seconds, memory, and its ratios to fer-phq of the same round.

    Args:
        records: One a contestant, fer-phq among them.
    """
    ours = records[OURS].runs
    return {name: _summarise_record(record, ours) for name, record in records.items()}


def _summarise_record(record: Record, ours: Sequence[Run]) -> dict[str, Any]:
    if record.error or record.answer is None:
        return {"error": record.error}
    pairs = list(zip(record.runs, ours, strict=True))
    return {
        "wall_s": spread([run.wall_s for run in record.runs]),
        "cpu_s": spread([run.cpu_s for run in record.runs]),
        "peak_mb": spread([run.peak_mb for run in record.runs]),
        "wall_ratio": spread([run.wall_s / our.wall_s for run, our in pairs]),
        "cpu_ratio": spread([run.cpu_s / our.cpu_s for run, our in pairs]),
        "frames": record.answer.frames,
        "faces": record.answer.faces,
    }


HEADS = (
    "",
    "processor s",
    "clock s",
    "processor, × fer-phq",
    "clock, × fer-phq",
    "pictures a clock s",
    "peak MB",
    "faces in pictures",
)


def format_spread(value: Spread) -> str:
    """Return the median, with the range where there is one."""
    return f"{value.median:.2f}" if value.low == value.high else value.text(digits=2)


def table_rows(figures: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return the rows of a table, one a contestant; those with fewest processor seconds first.

    Args:
        figures: Of `summarise`.
    """
    finished = {name: entry for name, entry in figures.items() if "error" not in entry}
    rows = []
    for name, entry in sorted(finished.items(), key=lambda item: item[1]["cpu_s"].median):
        ratios = ["1", "1"] if name == OURS else [format_spread(entry[key]) for key in ("cpu_ratio", "wall_ratio")]
        seconds = [format_spread(entry[key]) for key in ("cpu_s", "wall_s")]
        label = f"**{name}**" if name in (OURS, OURS_FOLLOWING) else name
        faces = f"{entry['faces']} in {entry['frames']}"
        if entry["faces"] < FEWEST_FACES * entry["frames"]:
            faces += " (!)"
        speed = f"{entry['frames'] / entry['wall_s'].median:.1f}"
        rows.append([label, *seconds, *ratios, speed, f"{entry['peak_mb'].median:,.0f}", faces])
    rows += [
        [name, f"failed: {entry['error']}", *[""] * (len(HEADS) - 2)]
        for name, entry in figures.items()
        if name not in finished
    ]
    return rows
