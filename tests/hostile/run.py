"""Bring every hostile file in by every way, and say what became of them; exit code 1 for what must not happen.

python tests/hostile/run.py                # all ways
python tests/hostile/run.py upload         # one of them: upload, command, transcripts, tables
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
BATCH = 100
"""Recordings that one run of the command analyses."""


def main() -> int:
    """Run the ways that the arguments name, print what became of the files, and return the exit code."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from hostile import doors
    from hostile.documents import hostile_tables, hostile_transcripts
    from hostile.media import hostile_recordings

    ways = sys.argv[1:] or ["transcripts", "tables", "upload", "command"]
    results: list[doors.Result] = []

    def show(way: str, result: doors.Result) -> None:
        results.append(result)
        print(f"{way}: {result}", flush=True)

    with TemporaryDirectory() as folder:
        if "transcripts" in ways:
            show("transcripts", doors.read_transcripts(hostile_transcripts()))
        if "tables" in ways:
            show("tables", doors.read_tables(hostile_tables()))
        if "upload" in ways:
            show("upload", doors.upload_all(hostile_recordings(), Path(folder) / "upload"))
        if "command" in ways:
            for number, paths in enumerate(_batches(Path(folder) / "files")):
                show("command", doors.analyse_all(paths, Path(folder) / f"command-{number}"))
    failures = [failure for result in results for failure in result.failures]
    print(f"{sum(result.outcomes.total() for result in results)} files, {len(failures)} failures")
    return 1 if failures else 0


def _batches(folder: Path) -> list[list[Path]]:
    """Write the recordings, and those that are sparse. Returns them in batches."""
    from hostile.media import hostile_recordings, sparse

    folder.mkdir()
    paths = list(sparse(folder))
    for number, (name, content) in enumerate(hostile_recordings()):
        path = folder / f"{number:04d}-{name}"
        path.write_bytes(content)
        paths.append(path)
    return [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]


if __name__ == "__main__":
    sys.exit(main())
