"""What an installation can carry: workers, writers, uploads, and what a million sessions take; on a real PostgreSQL.

    python benchmarks/bench_scale.py                              all
    python benchmarks/bench_scale.py --quick --out FOLDER         the same in small, about a minute
    python benchmarks/bench_scale.py sizes --sessions 60          a part (throughput, enqueueing, uploads, sizes)
    python benchmarks/bench_scale.py storage                      1,000 sessions stored whole, and nothing else

A server is started in a temporary folder (with fsync, on the loopback) and workers run as programs with one thread.
What is compared takes turns. Prints Markdown and writes `scale.json` and `scale.md` to the folder of `--out`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = "1"

from postgres_server import Server, postgres_server  # noqa: E402

from benchmarks.scale import content, enqueueing, figures, partitioning, plans, sizes, throughput, uploads  # noqa: E402
from db.engine import normalise_url, open_engine  # noqa: E402
from db.migrate import upgrade  # noqa: E402
from db.store import Store  # noqa: E402
from db.urls import sqlite_url  # noqa: E402
from fer_phq.core.analysis import SessionAnalysis  # noqa: E402
from fer_phq.video import probe  # noqa: E402
from service.settings import AppSettings  # noqa: E402

MINUTES = 50.0
SESSIONS_PER_PERSON = content.SESSIONS_PER_PERSON


@dataclass(frozen=True)
class Scale:
    """How large the parts are."""

    rounds: int = 3
    film_s: int = 30
    recordings: int = 3
    writer_s: float = 2.0
    ingest: int = 8
    queued: int = 10_000
    repetitions: int = 9
    crowds: tuple[int, ...] = (1, 2, 4, 8)
    upload_bytes: int = 100_000_000
    sessions: int = 200
    stored: int = 1000
    minutes: float = MINUTES
    factors: tuple[int, ...] = (1, 10, 100, 500)


QUICK = Scale(
    rounds=1,
    film_s=12,
    recordings=1,
    writer_s=0.3,
    ingest=1,
    queued=100,
    repetitions=2,
    crowds=(1, 2),
    upload_bytes=5_000_000,
    sessions=60,
    stored=12,
    minutes=1.0,
    factors=(1, 3),
)


class Bench:
    """The parts, each on a database of its own."""

    def __init__(self, server: Server, folder: Path, scale: Scale) -> None:
        """Take a server, a folder for data and the sizes."""
        self._server = server
        self._folder = folder
        self._scale = scale

    def throughput(self) -> tuple[Any, str]:
        """Measure one worker beside two."""
        scale = self._scale
        with self._installation("throughput") as (settings, store):
            film = content.film(self._folder, scale.film_s)
            part = throughput.Throughput(settings, store, film, self._short_film())
            result = part.measure(scale.rounds, scale.recordings)
        return result, throughput.table(result)

    def enqueueing(self) -> tuple[Any, str]:
        """Measure how fast sessions come in, and what a long queue costs."""
        scale = self._scale
        info = probe(self._short_film())
        result: dict[str, Any] = {}
        for name in ("SQLite", "PostgreSQL"):
            with self._installation("enqueueing", on_sqlite=name == "SQLite") as (settings, store):
                url = settings.database_url
                result[name] = enqueueing.measure_rates(store, url, info, scale.rounds, scale.writer_s)
                if name == "PostgreSQL":
                    result["ingest_s"] = enqueueing.measure_ingest(settings, store, self._short_film(), scale.ingest)
                    result["queue"] = enqueueing.measure_queue(store, url, info, scale.queued, scale.repetitions)
        return result, enqueueing.table(result)

    def uploads(self) -> tuple[Any, str]:
        """Measure the server's memory while uploads come in."""
        scale = self._scale
        with self._installation("uploads", api_port=uploads.free_port()) as (settings, store):
            result = uploads.measure(settings, store, scale.crowds, scale.upload_bytes, scale.rounds)
        return result, uploads.table(result)

    def sizes(self) -> tuple[Any, str]:
        """Measure what sessions take, how queries grow, and partitions."""
        scale = self._scale
        result: dict[str, Any] = {"sessions": scale.sessions, "minutes": scale.minutes}
        with self._installation("sizes", on_sqlite=True) as (settings, store):
            analysis = content.repeat_analysis(content.analyse_film(settings, self._short_film()), scale.minutes * 60)
            few = content.fill_store(store, analysis, max(SESSIONS_PER_PERSON, scale.sessions // 10))
            result["sqlite_save_s"] = figures.spread(few.save_s)
            result["sqlite"] = {"sessions": len(few.sessions), **sizes.sqlite_sizes(settings.database_url)}
        result["frames"] = len(analysis.timeline)
        film = self._short_film()
        result["media_mb"] = film.stat().st_size / probe(film).duration_s * scale.minutes * 60 / content.MB
        with self._installation("sizes") as (settings, store):
            self._measure_postgres(settings, store, analysis, result)
        words = [sizes.table(result), plans.table(result["plans"]), partitioning.table(result["partitions"])]
        return result, "\n\n".join(words)

    def storage(self) -> tuple[Any, str]:
        """Measure what a thousandth of a million sessions takes in PostgreSQL, each stored whole by the store."""
        scale = self._scale
        with self._installation("storage") as (settings, store):
            analysis = content.repeat_analysis(content.analyse_film(settings, self._short_film()), scale.minutes * 60)
            engine = open_engine(normalise_url(settings.database_url))
            try:
                fill = content.fill_store(store, analysis, scale.stored)
                result = {"sessions": len(fill.sessions), "save_s": figures.spread(fill.save_s)}
                result |= {"frames": len(analysis.timeline), "postgres": sizes.postgres_sizes(engine)}
            finally:
                engine.dispose()
        return result, sizes.storage_table(result)

    def _short_film(self) -> Path:
        path = self._folder / "film-of-30-s.mp4"
        return path if path.exists() else content.film(self._folder, 30)

    def _measure_postgres(
        self, settings: AppSettings, store: Store, analysis: SessionAnalysis, result: dict[str, Any]
    ) -> None:
        scale = self._scale
        engine = open_engine(normalise_url(settings.database_url))
        try:
            fill = content.fill_store(store, analysis, scale.sessions)
            result["save_s"] = figures.spread(fill.save_s)
            result["postgres"] = sizes.postgres_sizes(engine)
            result["erasure"] = sizes.measure_erasure(settings, store, engine, fill, scale.sessions // 6)
            result["plans"] = plans.measure(store, engine, fill, analysis.model_id, scale.factors, scale.repetitions)
            result["postgres_lists"] = sizes.postgres_sizes(engine)
            result["partitions"] = partitioning.measure(store, engine, fill, analysis)
        finally:
            engine.dispose()

    @contextmanager
    def _installation(
        self, name: str, *, on_sqlite: bool = False, **options: Any
    ) -> Iterator[tuple[AppSettings, Store]]:
        """Make an installation without accounts, and open its store."""
        folder = self._folder / f"{name}{'-sqlite' if on_sqlite else ''}"
        url = sqlite_url(folder / "fer-phq.db") if on_sqlite else self._server.new_database()
        settings = AppSettings(data_dir=folder, database_url=url, min_free_bytes=0, **options)
        settings.prepare()
        upgrade(url)
        with Store(url, actor="cli") as store:
            yield settings, store


PARTS: dict[str, Callable[[Bench], tuple[Any, str]]] = {
    "throughput": Bench.throughput,
    "enqueueing": Bench.enqueueing,
    "uploads": Bench.uploads,
    "sizes": Bench.sizes,
    "storage": Bench.storage,
}


def main(arguments: list[str] | None = None) -> None:
    """Parse the options, measure, print and write.

    Args:
        arguments: The words of the command line; None for the program's own.
    """
    description, _, details = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    parser.add_argument("--sessions", type=int, help="sessions that are stored whole (200)")
    parser.add_argument("--rounds", type=int, help="turns of what is compared (3)")
    parser.add_argument("--out", type=Path, help="folder of scale.json and scale.md")
    options = parser.parse_args(arguments)
    changes = {name: getattr(options, name) for name in ("sessions", "rounds") if getattr(options, name)}
    scale = replace(QUICK if options.quick else Scale(), **changes)
    document: dict[str, Any] = {}
    words = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferphq-scale-")))
        server = stack.enter_context(postgres_server(is_durable=True))
        for name in options.parts or PARTS:
            begin = time.monotonic()
            result, table = PARTS[name](Bench(server, folder, scale))
            document[name] = figures.plain(result)
            words.append(f"## {name.capitalize()}\n\n{table}\n\n({time.monotonic() - begin:.0f} s)")
            print(words[-1], flush=True)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "scale.json").write_text(json.dumps(document, indent=1) + "\n")
        (options.out / "scale.md").write_text("\n\n".join(words) + "\n")


if __name__ == "__main__":
    main()
