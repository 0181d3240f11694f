"""Time of the pages over a large store, and of their queries beside naive ones that read frames and average them.

    python benchmarks/bench_pages.py --store DIR            2,000 sessions, 5,000,000 frames in SQLite; DIR is kept
    python benchmarks/bench_pages.py --sessions 200 --frames 100000 --rounds 5

The store is made once (a few sessions through the product's own functions, the others as copies of them by SQL) and
used again when DIR holds it. Every page is run by Streamlit's own test runner in this process, warm, each time for
another person or session. The browser's drawing is not measured, nor Streamlit's collection of garbage after a page
was sent. Pages, queries and naive queries take turns in every round, so that the machine's other work falls on all.
"""

from __future__ import annotations

import argparse
import json
import logging
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT), str(ROOT / "tests")]

from synthetic_sessions import Plan, recording_info, synthetic_analysis  # noqa: E402

from db.migrate import upgrade  # noqa: E402
from db.records import CohortFilter  # noqa: E402
from db.store import Store  # noqa: E402
from fer_phq.core.analysis import Settings  # noqa: E402
from fer_phq.core.emotions import EMOTIONS  # noqa: E402
from fer_phq.core.phq import Provenance, Scale  # noqa: E402
from fer_phq.features.measures import MEASURES, versioned_measures  # noqa: E402
from service.settings import AppSettings  # noqa: E402

SESSIONS_PER_PERSON = 20
"""Sessions of a person."""
TEMPLATES = 10
"""Number of sessions that are saved through the store; the others are copies of them."""
NEWEST = datetime(2026, 6, 1, 10, tzinfo=UTC)
NAMES = [measure.name for measure in MEASURES]
PAGES = ("home", "new_session", "session", "trends", "cohort", "questionnaire", "models", "settings")
OTHER_MODEL = "synthetic-89abcdef"
"""Half of the sessions have an older analysis by it too, without its frames: the Models page compares two models."""


def main() -> None:
    """Parse the options, make the store if it is missing, measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--store", type=Path, help="where the store lies, or is made and kept (default: made anew)")
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--frames", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--process-time", action="store_true", help="count this process's own time, on a busy machine")
    parser.add_argument("--naive-cohorts", type=int, default=3, help="in how many rounds all frames are averaged")
    options = parser.parse_args()
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        settings = AppSettings(data_dir=options.store or Path(scratch), min_free_bytes=0)
        build(settings, options.sessions, options.frames)
        clock = time.process_time if options.process_time else time.perf_counter
        measure(settings, options.rounds, options.naive_cohorts, clock)


# ------------------------------------------------------------------------------------------------ the store


def build(settings: AppSettings, sessions: int, frames: int) -> None:
    """Make a store of that many sessions and frames, unless there is one of that size."""
    content = {"sessions": sessions, "frames": frames}
    stamp = settings.data_dir / "bench.json"
    if stamp.is_file() and json.loads(stamp.read_text()) == content:
        return
    if (settings.data_dir / "fer-phq.db").exists():
        raise SystemExit(f"{settings.data_dir} holds another store: remove it or name another folder.")
    started = time.perf_counter()
    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url, actor="cli") as store:
        subjects = create_subjects(store, -(-sessions // SESSIONS_PER_PERSON))
        templates = [
            create_template(store, subjects[i % len(subjects)], i, frames // sessions) for i in range(TEMPLATES)
        ]
    copy_templates(settings.data_dir / "fer-phq.db", subjects, templates, sessions)
    stamp.write_text(json.dumps(content))
    size = (settings.data_dir / "fer-phq.db").stat().st_size / 2**20
    print(f"made in {time.perf_counter() - started:.0f} s, {size:.0f} MiB")


def create_subjects(store: Store, count: int) -> list[str]:
    """Create subjects with tags, questionnaires and an event, and return their ids."""
    ids = []
    for i in range(count):
        subject = store.subjects.create(label=f"P-{i + 1:04d}")
        store.subjects.set_tags(subject_id=subject.id, tags=[f"arm {'AB'[i % 2]}", f"site {i % 3 + 1}"])
        store.events.add(subject_id=subject.id, at=NEWEST - timedelta(weeks=10), words="Medication begun")
        for week in range(0, 20, 4):
            store.questionnaires.save(
                subject_id=subject.id,
                scale=Scale.PHQ9,
                items=[(i + week) % 3] * 8 + [0],
                answered_at=NEWEST - timedelta(weeks=week),
            )
        ids.append(subject.id)
    return ids


def create_template(store: Store, subject_id: str, seed: int, frames: int) -> str:
    """Save a session with its analysis, measures and job through the store, and return its id."""
    plan = Plan(seconds=frames / 2, severity=0.1 + 0.8 * seed / TEMPLATES, provenance=Provenance.CLINICAL)
    info = recording_info(seed, plan.seconds)
    session = store.sessions.create(
        subject_id=subject_id,
        recorded_at=NEWEST - timedelta(weeks=SESSIONS_PER_PERSON + seed),
        recording=info,
        original_name=f"{seed}.mp4",
        media_path=None,
    )
    analysis = synthetic_analysis(seed, plan, info)
    voice = dict.fromkeys([measure.name for measure in MEASURES], 1.0 + seed)
    store.analyses.save(
        session_id=session.id, analysis=analysis, measures=voice | versioned_measures(analysis, Settings())
    )
    store.jobs.create(session_id=session.id)
    return session.id


def copy_templates(path: Path, subjects: list[str], templates: list[str], sessions: int) -> None:
    """Copy the templates' rows under new ids, a person's sessions a week apart, until there are enough."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    rng = np.random.default_rng(0)
    for i in range(TEMPLATES, sessions):
        source = templates[i % TEMPLATES]
        session = str(uuid.uuid4())
        analysis = str(uuid.uuid4())
        at = (NEWEST - timedelta(weeks=i % SESSIONS_PER_PERSON, hours=i // SESSIONS_PER_PERSON)).strftime(
            "%Y-%m-%d %H:%M:%S.%f"
        )
        new = {
            "id": session,
            "subject_id": subjects[i // SESSIONS_PER_PERSON],
            "recorded_at": at,
            "media_sha256": f"{i:064x}",
        }
        duplicate(database, "sessions", "id", source, new)
        (old,) = database.execute("SELECT id FROM analyses WHERE session_id = ?", (source,)).fetchone()
        duplicate(database, "analyses", "id", old, {"id": analysis, "session_id": session})
        for table in ("frames", "embeddings", "measures"):
            duplicate(database, table, "analysis_id", old, {"analysis_id": analysis})
        if i % 2:
            older = {"model_id": OTHER_MODEL, "created_at": "2026-06-01 12:00:00.000000"}
            duplicate(database, "analyses", "id", old, {"id": str(uuid.uuid4()), "session_id": session} | older)
        database.execute(
            "UPDATE measures SET value = value * ? WHERE analysis_id = ?", (rng.uniform(0.8, 1.2), analysis)
        )
        job = {"id": str(uuid.uuid4()), "workflow_id": str(uuid.uuid4()), "session_id": session, "state": "done"}
        duplicate(database, "jobs", "session_id", source, job)
    database.execute("UPDATE jobs SET state = 'done'")
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def duplicate(database: sqlite3.Connection, table: str, key: str, value: str, changed: dict[str, str]) -> None:
    """Copy a table's rows of a key, with other values in some columns."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    selection = ", ".join("?" if name in changed else name for name in columns)
    values = [changed[name] for name in columns if name in changed]
    database.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {selection} FROM {table} WHERE {key} = ?", (*values, value)
    )


# ------------------------------------------------------------------------------------------------ the measuring


def measure(settings: AppSettings, rounds: int, naive_cohorts: int, clock: Callable[[], float]) -> None:
    """Run pages, queries and naive queries in turns, and print how long they took."""
    from streamlit import config
    from streamlit.runtime.context import ContextProxy

    from dashboard import context

    context.use(settings)
    ContextProxy.cookies = property(lambda _context: {})  # Streamlit's test runner has none that can be read
    ContextProxy.ip_address = property(lambda _context: "192.0.2.1")
    config.set_option("runner.postScriptGC", False)
    with Store(settings.database_url, actor="dashboard") as store:
        rows = store.sessions.list_recent(limit=100_000)
        subjects = sorted({row.session.subject_id for row in rows})
        frames = sum(row.analysis.frames_sampled for row in rows if row.analysis)
        print(f"{len(rows)} sessions of {len(subjects)} people, {frames} frames")
        rng = np.random.default_rng(1)
        took: dict[str, list[float]] = {}
        for turn in range(-1, rounds):  # the first round warms up
            subject = subjects[int(rng.integers(len(subjects)))]
            session = rows[int(rng.integers(len(rows)))].session.id
            todo: dict[str, Callable[[], object]] = {
                f"page {name}": open_page(name, subject, session) for name in PAGES
            } | make_queries(store, subject)
            if not 0 <= turn < naive_cohorts:
                del todo["naive cohort"]
            for name, call in todo.items():
                started = clock()
                call()
                if turn >= 0:
                    took.setdefault(name, []).append(clock() - started)
    report(took)
    context.use(None)


def open_page(name: str, subject: str, session: str) -> Callable[[], object]:
    """Return a function that runs a page's whole script, as for somebody who has just opened it."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "dashboard" / "main.py"), default_timeout=120)
    app.query_params["subject" if name == "trends" else "session"] = subject if name == "trends" else session
    if name != "home":
        app.switch_page(f"app_pages/{name}.py")

    def run() -> None:
        app.run()
        assert not app.exception, app.exception
        assert not app.error, app.error
        titles = [title.value for title in app.title]
        assert titles, name

    return run


def make_queries(store: Store, subject: str) -> dict[str, Callable[[], object]]:
    """Return the query of each page, and the same query by reading frames."""

    def averaged(analysis_id: str | None) -> object:
        table = store.analyses.frames(analysis_id=analysis_id or "")
        return table[list(EMOTIONS)].mean(), (table["neutral"] >= 0.5).mean()

    def home() -> object:
        return [averaged(row.analysis.id if row.analysis else None) for row in store.sessions.list_recent(limit=13)]

    def trend() -> object:
        sessions = store.sessions.list_recent(subject_id=subject, limit=1_000)
        return [averaged(row.analysis.id if row.analysis else None) for row in sessions]

    def cohort() -> object:
        columns = ", ".join(f"avg({name})" for name in EMOTIONS)
        database = sqlite3.connect(str(store._url.database))
        try:
            return database.execute(f"SELECT analysis_id, {columns} FROM frames GROUP BY analysis_id").fetchall()
        finally:
            database.close()

    return {
        "ours home": lambda: store.sessions.list_recent(limit=13, prefer_model="synthetic-0123abcd"),
        "naive home": home,
        "ours trends": lambda: store.trends.load(subject_id=subject, measures=NAMES, prefer_model="synthetic-0123abcd"),
        "naive trends": trend,
        "ours cohort": lambda: store.cohort.load(
            cohort=CohortFilter(), measures=NAMES, prefer_model="synthetic-0123abcd"
        ),
        "naive cohort": cohort,
    }


def report(took: dict[str, list[float]]) -> None:
    """Print two Markdown tables."""

    def milliseconds(name: str) -> str:
        times = np.array(took[name]) * 1e3
        return f"{np.median(times):,.0f} ({times.min():,.0f} to {times.max():,.0f})"

    print("\n| page | runs | median (range), ms | p95, ms |\n|---|---|---|---|")
    for name in PAGES:
        times = took[f"page {name}"]
        title = name.capitalize().replace("_", " ")
        print(f"| {title} | {len(times)} | {milliseconds(f'page {name}')} | {p95(times):,.0f} |")
    print("\n| query of | ours, ms | p95 | reading frames, ms | p95 | times as long |\n|---|---|---|---|---|---|")
    for name in ("home", "trends", "cohort"):
        ours = took[f"ours {name}"]
        naive = took[f"naive {name}"]
        times = np.median(naive) / np.median(ours)
        cells = (milliseconds(f"ours {name}"), f"{p95(ours):,.0f}", milliseconds(f"naive {name}"), f"{p95(naive):,.0f}")
        print(f"| {name.capitalize()} | {' | '.join(cells)} | {times:,.0f} |")


def p95(times: list[float]) -> float:
    """Compute the 95th percentile in milliseconds."""
    return float(np.percentile(times, 95)) * 1e3


if __name__ == "__main__":
    main()
