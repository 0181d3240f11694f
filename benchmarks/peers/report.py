"""The tables of the benchmark of peers in Markdown, and their place in docs/BENCHMARKS.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers import accuracy, contestants, floors
from benchmarks.peers.catalogue import find_peer
from benchmarks.scale.figures import markdown

BEGIN = "<!-- benchmarks/bench_peers.py writes from here -->"
END = "<!-- benchmarks/bench_peers.py writes to here -->"
BUSY = 0.1
"""Share of the processor that others take from which the machine counts as busy."""


class MarksMissingError(ValueError):
    """A document has no place for the tables."""


def markdown_report(document: Mapping[str, Any]) -> str:
    """Write all tables of a document.

    Args:
        document: Of `bench_peers.run`. A part that could not be measured has only a reason.
    """
    sections = [describe_run(document), describe_peers(document["environments"])]
    for name, part in document["parts"].items():
        text = str(part["reason"]) if "reason" in part else SECTIONS[name](part)
        sections.append(f"### {TITLES[name]}\n\n{text}")
    return "\n\n".join(sections) + "\n"


def describe_run(document: Mapping[str, Any]) -> str:
    """Say what was run, on what machine, and whether that was busy."""
    machine = document["machine"]
    features = ", ".join(machine["features"])
    rounds = document["scale"]["rounds"]
    turns = f"{rounds} rounds in turns; median, lowest and highest" if rounds > 1 else "each once: no spread is known"
    lines = [
        f"`{document['command']}` at {document['revision']}: {turns}.",
        f"{machine['processor']} ({machine['family_model']}; {features}), {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}.",
    ]
    share = machine["others"]
    if share > BUSY:
        lines.append(f"**The machine was busy: others took {share:.0%} of it. These figures are no claim.**")
    return "\n".join(lines)


def describe_peers(outcomes: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the table of the peers: versions and use, or why one was not run."""
    rows = []
    for name, outcome in outcomes.items():
        peer = find_peer(name)
        use = peer.remark if outcome["is_ready"] else f"not run: {outcome['reason']}"
        rows.append([name, outcome["requirements"][0], f"{outcome['megabytes']:,}", use])
    return markdown(("peer", "package", "MB with all it needs", "use"), rows)


def contest_section(part: Mapping[str, Any]) -> str:
    """Write a table a film."""
    sections = []
    for name, entry in part.items():
        film = entry["film"]
        is_picture = film["fps"] * film["seconds"] <= 1
        head = name if is_picture else f"{name}, {film['fps']:g} pictures/s, {film['mbit_s']:g} Mbit/s"
        sections.append(f"{head}:\n\n{markdown(contestants.HEADS, contestants.table_rows(entry['contestants']))}")
    return "\n\n".join(sections)


def memory_section(part: Mapping[str, Any]) -> str:
    """Write the table of fer-phq's memory."""
    heads = ("720p H.264 at 2 frames/s", "peak MB of all processes", "processor s", "clock s", "pictures")
    rows = []
    for name, entry in part.items():
        figures = [f"{entry[key].median:,.{digits}f}" for key, digits in (("peak_mb", 0), ("cpu_s", 1), ("wall_s", 1))]
        rows.append([name, *figures, f"{entry['frames']:,}"])
    return markdown(heads, rows)


def floors_section(part: Mapping[str, Any]) -> str:
    """Write the tables of stages beside their floors."""
    sections = []
    for name, figures in part.items():
        table = markdown(floors.HEADS, floors.table_rows(figures))
        sections.append(f"{name}: {floors.describe(figures)}\n\n{table}")
    return "\n\n".join(sections)


def accuracy_section(part: Mapping[str, Any]) -> str:
    """Write the table of accuracies with its protocol."""
    _, _, protocol = (accuracy.__doc__ or "").partition("\n\n")
    images = part["results"][contestants.OURS]["images"]
    counts = ", ".join(f"{count:,} images with labels of {name}" for name, count in images.items())
    return f"{protocol.strip()} {counts}.\n\n{markdown(accuracy.HEADS, accuracy.table_rows(part['results']))}"


TITLES = {
    "first": "First picture from the start of the command",
    "clip": "Clips at 2 frames/s",
    "every": "Every frame",
    "memory": "Memory",
    "floors": "Stages and their floors",
    "accuracy": "Accuracy",
}
SECTIONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "first": contest_section,
    "clip": contest_section,
    "every": contest_section,
    "memory": memory_section,
    "floors": floors_section,
    "accuracy": accuracy_section,
}


def write_section(path: Path, text: str) -> None:
    """Write the tables into a document, in place of those between the marks.

    Args:
        path: The document.
        text: The tables.

    Raises:
        MarksMissingError: It has no marks.
    """
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MarksMissingError(f"{path} has no lines {BEGIN} and {END}.")
    path.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}")
