"""The ways by which a file comes in, and what becomes of each: sentence, time, memory, what is left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
from migrated import migrate

from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.errors import FerPhqError
from service.ingest.media import MediaStore
from service.ingest.questionnaire_csv import QuestionnaireTable, read_questionnaire_table
from service.ingest.recordings import store_upload
from service.ingest.session_csv import SessionTable, read_session_table
from service.ingest.tokens import UploadGrant
from service.ingest.transcripts import check_transcript
from service.settings import AppSettings

NOW = datetime(2026, 5, 6, 9, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
MOST_SECONDS = 60.0
"""Longest time that one file may take; most take less than one."""

MOST_MEMORY = 900 << 20
"""Most resident memory of a decoder process for pictures of up to 4K; larger ones may have 2 GiB."""

OF_SERIES = re.compile(r"\.(behaviour|blinks|turns|transcript|partner)$")
"""How the names of a recording's further tables end."""
BREAKDOWN = re.compile("broke down|was killed|made no progress|processor time")
"""Of a sentence that tells of a decoder's own end."""


@dataclass
class Result:
    """What became of some files.

    Attributes:
        outcomes: Number of files by outcome.
        breakdowns: Files at which a decoder process ended by itself, with the sentence.
        failures: Files at which the product did what it must not do, with what.
        slowest: (seconds, file).
        largest: (bytes, file) of a child process.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    breakdowns: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")

    def add(self, name: str, outcome: str, seconds: float, memory: int = 0) -> None:
        """Add a file's outcome, what it took and, where that is too much, a failure."""
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, (seconds, name))
        self.largest = max(self.largest, (memory, name))
        if seconds > MOST_SECONDS:
            self.failures.append(f"{name}: {seconds:.0f} s")
        if memory > MOST_MEMORY:
            self.failures.append(f"{name}: {memory >> 20} MiB")

    def __str__(self) -> str:
        """Return the numbers in a few lines."""
        lines = [
            f"{sum(self.outcomes.values())} files: {', '.join(f'{n} {what}' for what, n in self.outcomes.items())}"
        ]
        lines.append(f"slowest {self.slowest[0]:.1f} s ({self.slowest[1]})")
        if self.largest[0]:
            lines.append(f"largest child {self.largest[0] >> 20} MiB ({self.largest[1]})")
        lines += [f"decoder ended: {text}" for text in self.breakdowns]
        lines += [f"FAILURE {text}" for text in self.failures]
        return "\n".join(lines)


class Watch:
    """The peak of resident memory of this process's children, read from the system a hundred times a second."""

    def __init__(self) -> None:
        """Start to watch."""
        self._peak = 0
        self._stops = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def peak(self) -> int:
        """Return the bytes of the largest child since the last call."""
        peak = self._peak
        self._peak = 0
        return peak

    def stop(self) -> None:
        """Stop to watch."""
        self._stops = True
        self._thread.join()

    def _run(self) -> None:
        own = Path(f"/proc/{os.getpid()}/task")
        while not self._stops:
            for tree in own.glob("*/children"):
                for pid in _read(tree).split():
                    # Between fork and exec a child still shows its parent's memory.
                    if "decoder.main" in _read(Path(f"/proc/{pid}/cmdline")):
                        match = re.search(r"VmHWM:\s+(\d+)", _read(Path(f"/proc/{pid}/status")))
                        self._peak = max(self._peak, int(match[1]) << 10 if match else 0)
            time.sleep(0.01)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


class Installation:
    """An empty installation with one subject, to which recordings are uploaded."""

    def __init__(self, folder: Path) -> None:
        """Make it in a folder."""
        self.settings = AppSettings(data_dir=folder, min_free_bytes=0)
        self.settings.prepare()
        migrate(self.settings.database_url)
        self.store = Store(self.settings.database_url, actor="dashboard")
        self.subject: SubjectRecord = self.store.subjects.create(label="S-01")

    def upload(self, name: str, content: bytes) -> None:
        """Bring a recording in as an upload does."""
        with MediaStore(self.settings).incoming(key=None) as part:
            part.write(content)
            part.finish()
            store_upload(self.settings, self.store, part.path, UploadGrant(self.subject.id, NOW), name)

    def leftovers(self) -> list[str]:
        """Return files that no session names, and parts of uploads."""
        media = self.settings.media_dir
        files = [path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()]
        unnamed = [path for path in files if not self.store.sessions.media_in_use(media_path=path)]
        return unnamed + [path.name for path in self.settings.incoming_dir.iterdir()]


def upload_all(files: Iterable[tuple[str, bytes]], folder: Path) -> Result:
    """Upload recordings one by one; after each, nothing may be left of one that was refused, and no process."""
    result = Result()
    watch = Watch()
    installation = Installation(folder)
    earlier = set(psutil.Process().children())  # of other tests in this process
    for name, content in files:
        _try(result, name, lambda name=name, content=content: installation.upload(name, content), "stored", watch)
        parts = list(installation.settings.incoming_dir.iterdir())
        result.failures += [f"{name}: left {path.name}" for path in parts]
        result.failures += [f"{name}: a process is left" for _ in set(psutil.Process().children()) - earlier]
    watch.stop()
    result.failures += [f"left {path}" for path in installation.leftovers()]
    installation.store.close()
    return result


def read_transcripts(files: Iterable[tuple[str, bytes]]) -> Result:
    """Read transcripts as they come in."""
    result = Result()
    for name, content in files:
        _try(result, name, lambda name=name, content=content: check_transcript(name, content), "read")
    return result


def read_tables(files: Iterable[tuple[str, bytes]]) -> Result:
    """Read tables of sessions and of questionnaires as they come in."""
    result = Result()
    for name, content in files:
        _try(result, name, lambda name=name, content=content: _read_table(name, content), "read")
    return result


def _read_table(name: str, content: bytes) -> None:
    table: SessionTable | QuestionnaireTable
    if "questionnaires" in name:
        table = read_questionnaire_table(content, zone=UTC, now=NOW)
    else:
        table = read_session_table(content, zone=UTC, now=NOW, open_transcript=lambda path: check_transcript(path, b""))
    if table.problems:
        raise FerPhqError(table.problems[0].message_with_place)


def _try(result: Result, name: str, act: Callable[[], object], success: str, watch: Watch | None = None) -> None:
    """Do something with a file and note what became of it: success, a sentence, or what must not be."""
    start = time.monotonic()
    outcome = success
    try:
        act()
    except FerPhqError as error:
        outcome = "refused"
        text = str(error)
        if BREAKDOWN.search(text):
            outcome = "refused, the decoder ended"
            result.breakdowns.append(f"{name}: {text}")
        if not text.endswith(".") or len(text) > 2000 or "\n" in text:
            result.failures.append(f"{name}: not one sentence: {text[:200]!r}")
    except Exception as error:
        outcome = "DIED"
        result.failures.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
    result.add(name, outcome, time.monotonic() - start, watch.peak() if watch else 0)


def analyse_all(paths: Sequence[Path], folder: Path) -> Result:
    """Analyse recordings by the command, all in one run: one that fails must not stop the others."""
    result = Result()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FERPHQ_")},
        "PYTHONPATH": str(ROOT),
        "FERPHQ_DATA_DIR": str(folder),
        "OMP_NUM_THREADS": "1",
    }
    out = folder / "csv"
    command = [sys.executable, "-P", "-m", "service.cli", "analyze", "--csv", str(out), *map(str, paths)]
    start = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    tables = out.glob("*.csv") if out.is_dir() else ()
    analysed = len({OF_SERIES.sub("", path.name.removesuffix(".csv")) for path in tables})
    result.outcomes.update({"analysed": analysed, "refused": len(errors)})
    result.slowest = (time.monotonic() - start, "all of them")
    result.breakdowns += [line for line in errors if BREAKDOWN.search(line)]
    if "Traceback" in done.stderr or done.returncode not in (0, 1):
        result.failures.append(f"the command died ({done.returncode}): {done.stderr[-2000:]}")
    if analysed + len(errors) != len(paths):
        result.failures.append(f"{len(paths)} files, {analysed} analysed, {len(errors)} refused")
    result.failures += [f"left {path}" for path in folder.rglob("*.part")]
    return result
