"""How the queries of pages and API grow: the plans that PostgreSQL makes of them, at several sizes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from benchmarks.scale.content import NEWEST, SESSIONS_PER_PERSON, Fill
from benchmarks.scale.figures import Spread, markdown, timed
from db.actors import Actor, Role
from db.records import CohortFilter, JobState
from db.store import Store
from fer_phq.core.phq import Provenance
from fer_phq.features.measures import MEASURES, VERSION, VERSION_KEY

NAMES = [measure.name for measure in MEASURES]
KEYS = {"id", "subject_id", "session_id", "analysis_id", "supersedes_id", "workflow_id", "object_id", "pseudonym"}
"""Columns whose copies are other ids, the same for the same id wherever it stands."""
DIGESTS = {"media_sha256"}
TEXTS = {"label", "media_path"}
TIMES = {"recorded_at", "created_at", "answered_at", "updated_at", "at"}
LISTED = (
    *("subjects", "subject_tags", "sessions", "analyses", "measures", "jobs", "questionnaires", "events", "notes"),
    "audit",
)
"""Tables that lists read; frames and embeddings are read of one analysis at a time, by their key."""
FEW_ROWS = 50
"""A table that is read whole is only named where that many rows of it were read."""


def multiply(engine: Engine, first: int, last: int) -> None:
    """Copy what lists read, under other ids and days.

    Args:
        engine: The database.
        first: Number of the first copy.
        last: Number of the last copy.
    """
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # no look-up of each parent
        for table in LISTED:
            columns = [row[0] for row in connection.execute(text(COLUMNS), {"name": table})]
            names = [name for name in columns if not (table == "audit" and name == "id")]
            values = ", ".join(_copied(name) for name in names)
            connection.execute(
                text(
                    f"INSERT INTO {table} ({', '.join(names)}) SELECT {values}"
                    f" FROM {table}_seed AS t, generate_series(CAST(:first AS int), CAST(:last AS int)) AS k"
                ),
                {"first": first, "last": last},
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def multiply_rows(engine: Engine, table: str, row_id: str, number: int) -> None:
    """Copy a row so often, under other ids and times.

    Args:
        engine: The database.
        table: The row's table.
        row_id: The row's id.
        number: How often.
    """
    with engine.begin() as connection:
        names = [row[0] for row in connection.execute(text(COLUMNS), {"name": table})]
        values = ", ".join(_copied(name) for name in names if name != "subject_id")
        named = ", ".join(name for name in names if name != "subject_id")
        subject = ("subject_id, ", "t.subject_id, ") if "subject_id" in names else ("", "")
        connection.execute(
            text(
                f"INSERT INTO {table} ({subject[0]}{named}) SELECT {subject[1]}{values}"
                f" FROM {table} AS t, generate_series(1, CAST(:number AS int)) AS k WHERE t.id = :id"
            ),
            {"number": number, "id": row_id},
        )


COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = :name"


def remember_seed(engine: Engine) -> None:
    """Keep what lists read, so that copies are made of the original rows alone."""
    with engine.begin() as connection:
        for table in LISTED:
            connection.execute(text(f"CREATE TABLE {table}_seed AS SELECT * FROM {table}"))


def _copied(name: str) -> str:
    if name in KEYS:
        return f"CAST(md5(t.{name} || k) AS uuid)::text"
    if name in DIGESTS:
        return f"md5(t.{name} || k) || md5(k || t.{name})"
    if name in TEXTS:
        return f"t.{name} || '-' || k"
    return f"t.{name} - k * interval '3 hours'" if name in TIMES else f"t.{name}"


def queries(store: Store, roles: dict[Role, Store], fill: Fill, model_id: str) -> dict[str, Callable[[], object]]:
    """Return what pages and API ask, by a name for readers.

    Args:
        store: The store.
        roles: The same store as accounts of some roles see it.
        fill: Sessions and subjects that are there.
        model_id: The active model's id.
    """
    subject = fill.subjects[0]
    session = fill.sessions[1]
    recent = store.sessions.list_recent(limit=1)[0].session
    month = CohortFilter(since=NEWEST - timedelta(days=30), until=NEWEST)
    return {
        "home: newest 13 sessions": lambda: store.sessions.list_recent(limit=13, prefer_model=model_id),
        "home: the same, of a clinician": lambda: roles[Role.CLINICIAN].sessions.list_recent(limit=13),
        "home: the same, of a researcher": lambda: roles[Role.RESEARCHER].sessions.list_recent(limit=13),
        "API: a page of 50 sessions": lambda: store.sessions.list_recent(limit=50, until=NEWEST - timedelta(days=9)),
        "API: 50 sessions whose job failed": lambda: store.sessions.list_recent(limit=50, state=JobState.FAILED),
        "home: what needs attention": lambda: store.triage.list_items(prefer_model=model_id),
        "home: questionnaires of half a year": lambda: store.cohort.load_answers(
            seen_since=NEWEST - timedelta(days=182)
        ),
        "home: clinical estimates": lambda: store.cohort.load_estimates(
            provenance=Provenance.CLINICAL, prefer_model=model_id
        ),
        "home: jobs that wait or run": lambda: store.jobs.list_newest(states=[JobState.QUEUED, JobState.RUNNING]),
        "session: with its analyses": lambda: store.sessions.get_detail(session_id=session),
        "session: same recording elsewhere": lambda: store.sessions.list_by_recording(sha256=recent.media_sha256),
        "trends: of one person": lambda: store.trends.load(subject_id=subject, measures=NAMES, prefer_model=model_id),
        "trends: questionnaires": lambda: store.trends.questionnaires(subject_id=subject),
        "cohort: all": lambda: store.cohort.load(cohort=CohortFilter(), measures=NAMES, prefer_model=model_id),
        "cohort: of a month": lambda: store.cohort.load(cohort=month, measures=NAMES, prefer_model=model_id),
        "pages: all subjects with counts": store.subjects.list_all,
        "API: a page of 50 subjects": lambda: store.subjects.list_page(limit=50),
        "jobs: newest 200": lambda: store.jobs.list_newest(limit=200),
        "API: a page of 50 jobs": lambda: store.jobs.list_page(limit=50),
        "metrics: jobs by state": store.jobs.count_by_state,
        "metrics: the longest wait": store.jobs.longest_wait,
        "audit: newest 100": lambda: store.audit.list_newest(limit=100),
        "audit: of one session": lambda: store.audit.list_newest(object_id=session),
        "settings: changes of settings": lambda: store.audit.list_newest(object_kind="setting", limit=20),
        "worker: analyses without measures": lambda: store.measures.list_unmeasured(
            mark=VERSION_KEY, version=VERSION, limit=20
        ),
        "worker: recordings past retention": store.sessions.list_past_retention,
        "worker: whether a file is a session's": lambda: store.sessions.media_in_use(
            media_path=recent.media_path or ""
        ),
        "erasure: what would go": lambda: store.erasure.plan_session(session_id=session),
    }


def _as_role(store: Store, engine: Engine, role: Role, subject_id: str) -> Store:
    """Return the store as a new account of a role sees it, which one subject is shared with."""
    account = store.accounts.create(name=f"Dr {role}", role=role, identity=f"{role}@example.org")
    store.shares.add(subject_id=subject_id, account_id=account.id)
    actor = Actor("dashboard", account.name, "", account.id, role)
    return Store(engine.url.render_as_string(hide_password=False), actor=lambda: actor)


def explain(engine: Engine, call: Callable[[], object]) -> dict[str, Any]:
    """Return what PostgreSQL reads for a call: its statements' plans, joined.

    Args:
        engine: The database.
        call: Uses one of its queries.
    """
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    scans: Counter[str] = Counter()
    indexes: set[str] = set()
    buffers = 0
    with engine.connect() as connection:
        for statement, parameters in statements:
            root = _plan(connection, statement, parameters)
            buffers += root["Shared Hit Blocks"] + root["Shared Read Blocks"]
            for node in _nodes(root):
                if node["Node Type"] == "Seq Scan":
                    read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
                    scans[node["Relation Name"]] += round(read)
                elif "Index Name" in node:
                    indexes.add(node["Index Name"])
    large = {name: rows for name, rows in scans.items() if rows >= FEW_ROWS}
    return {"statements": len(statements), "pages": buffers, "scans": large, "indexes": sorted(indexes)}


def _plan(connection: Connection, statement: str, parameters: Any) -> dict[str, Any]:
    answer = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters).scalar_one()
    document = json.loads(answer) if isinstance(answer, str) else answer
    plan: dict[str, Any] = document[0]["Plan"]
    return plan


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def measure(store: Store, engine: Engine, fill: Fill, model_id: str, factors: tuple[int, ...], repetitions: int) -> Any:
    """Time and explain every query at several sizes.

    Args:
        store: A store that `fill_store` filled.
        engine: The same database.
        fill: What is in it.
        model_id: The active model's id.
        factors: How many times as many sessions, each larger than the one before; the first is 1.
        repetitions: How often a query is timed.
    """
    remember_seed(engine)
    by_size: dict[str, Any] = {}
    erasing: dict[str, Spread] = {}
    doomed = iter(fill.sessions[2:SESSIONS_PER_PERSON])
    roles = {role: _as_role(store, engine, role, fill.subjects[0]) for role in (Role.CLINICIAN, Role.RESEARCHER)}
    before = 1
    for factor in factors:
        if factor > before:
            multiply(engine, before, factor - 1)
            before = factor
        with engine.connect() as connection:
            sessions = connection.execute(text("SELECT count(*) FROM sessions")).scalar_one()
        by_size[str(sessions)] = {
            name: {"seconds": timed(call, repetitions), **explain(engine, call)}
            for name, call in queries(store, roles, fill, model_id).items()
        }
        erasing[str(sessions)] = timed(lambda: store.erasure.erase_session(session_id=next(doomed)), 3)
    for other in roles.values():
        other.close()
    return {"queries": by_size, "erasing": erasing}


def table(result: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    by_size = result["queries"]
    sizes = list(by_size)
    rows = []
    for name, largest in by_size[sizes[-1]].items():
        times = []
        for size in sizes:
            seconds: Spread = by_size[size][name]["seconds"]
            times.append(f"{seconds.median * 1e3:,.1f}")
        scans = ", ".join(f"{relation} ({rows_read:,})" for relation, rows_read in largest["scans"].items())
        rows.append([name, *times, f"{largest['pages']:,}", scans or "none"])
    erasing = [f"{result['erasing'][size].median * 1e3:,.1f}" for size in sizes]
    rows.append(["erasure: of a session, with its vacuum", *erasing, "", ""])
    heads = ["query", *(f"ms at {int(size):,} sessions" for size in sizes), "pages read", "tables read whole (rows)"]
    return markdown(heads, rows)
