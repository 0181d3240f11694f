"""What stored sessions take, table by table, and what their erasure costs and leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from benchmarks.scale.content import NEWEST, SESSIONS_PER_PERSON, Fill
from benchmarks.scale.figures import Spread, markdown, spread
from benchmarks.scale.plans import LISTED
from db.engine import normalise_url, open_engine, sqlite_file
from db.store import Store
from service.lifecycle.erasure import remove_expired
from service.settings import AppSettings

POSTGRES_SIZES = """
SELECT n.nspname || '.' || c.relname AS name, pg_total_relation_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS indexes,
    coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'dbos') ORDER BY bytes DESC
"""
POSTGRES_INDEXES = """
SELECT relname || '.' || indexrelname AS name, pg_relation_size(indexrelid) AS bytes
FROM pg_stat_user_indexes WHERE schemaname = 'public' ORDER BY bytes DESC LIMIT 12
"""
DEAD = """
SELECT relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables WHERE schemaname = 'public' AND n_dead_tup > 0
ORDER BY n_dead_tup DESC
"""


def postgres_sizes(engine: Engine) -> dict[str, Any]:
    """Return rows and bytes of each table of a PostgreSQL, after a vacuum, and its largest indexes."""
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with connection:
        connection.execute(text("VACUUM ANALYZE"))
        tables = [dict(row) for row in connection.execute(text(POSTGRES_SIZES)).mappings()]
        for row in tables:
            row["rows"] = connection.execute(text(f"SELECT count(*) FROM {row['name']}")).scalar_one()
        indexes = [dict(row) for row in connection.execute(text(POSTGRES_INDEXES)).mappings()]
        version = connection.execute(text("SHOW server_version")).scalar_one()
        return {"version": version, "tables": [row for row in tables if row["rows"]], "indexes": indexes}


def sqlite_sizes(url: str) -> dict[str, Any]:
    """Return the size of a SQLite database's file, and bytes by table where SQLite can tell them (dbstat)."""
    engine = open_engine(normalise_url(url))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
            tables = _sqlite_tables(connection)
    finally:
        engine.dispose()
    file = sqlite_file(normalise_url(url))
    assert file is not None
    return {"bytes": file.stat().st_size, "tables": tables}


def _sqlite_tables(connection: Connection) -> dict[str, int]:
    query = "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_master m ON m.name = d.name GROUP BY m.tbl_name"
    try:
        return {row[0]: row[1] for row in connection.exec_driver_sql(query)}
    except Exception as error:  # a SQLite without dbstat
        return {f"(not told: {type(error).__name__})": 0}


def measure_erasure(settings: AppSettings, store: Store, engine: Engine, fill: Fill, sessions: int) -> dict[str, Any]:
    """Let the retention of some sessions end and erase others, and say what it costs and leaves.

    Args:
        settings: The installation.
        store: Its store.
        engine: The same database.
        fill: What is in it; a subject and some sessions go.
        sessions: How many sessions each.
    """
    result: dict[str, Any] = {"sessions": sessions}
    for session_id in fill.sessions[SESSIONS_PER_PERSON : SESSIONS_PER_PERSON + sessions]:
        store.sessions.set_retention(session_id=session_id, retain_until=NEWEST - timedelta(days=9000))
    begin = time.perf_counter()
    result["expired"] = remove_expired(settings, store)
    result["expired_s"] = (time.perf_counter() - begin) / result["expired"]
    before = _total_bytes(engine)
    vacuums: list[float] = []
    doomed = fill.sessions[SESSIONS_PER_PERSON + sessions : SESSIONS_PER_PERSON + 2 * sessions]
    result["erase_s"] = spread([_erase(store, session_id, vacuums) for session_id in doomed])
    result["vacuum_s"] = spread(vacuums)
    result["bytes_before"] = before
    result["bytes_after"] = _total_bytes(engine)
    result["dead"] = _dead(engine)
    for statement in ("VACUUM", "VACUUM FULL"):
        begin = time.perf_counter()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        name = statement.lower().replace(" ", "_")
        result[f"{name}_all_s"] = time.perf_counter() - begin
        result[f"bytes_after_{name}"] = _total_bytes(engine)
    result["subject_s"] = _seconds(lambda: store.erasure.erase_subject(subject_id=fill.subjects[-1]))
    return result


def _erase(store: Store, session_id: str, vacuums: list[float]) -> float:
    """Erase a session; return the seconds without the vacuum that follows, whose seconds are noted."""
    queries = store.erasure
    clear = queries._clear_erased_bytes
    begin = time.perf_counter()

    def clear_and_note() -> bool:
        start = time.perf_counter()
        done = clear()
        vacuums.append(time.perf_counter() - start)
        return done

    queries._clear_erased_bytes = clear_and_note  # type: ignore[method-assign]
    try:
        queries.erase_session(session_id=session_id)
    finally:
        queries._clear_erased_bytes = clear  # type: ignore[method-assign]
    return time.perf_counter() - begin - vacuums[-1]


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _total_bytes(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def _dead(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        return {row.relname: row.n_dead_tup for row in connection.execute(text(DEAD))}


def storage_table(result: dict[str, Any]) -> str:
    """Return what sessions that were stored whole take as Markdown."""
    sessions = result["sessions"]
    rows = [
        [
            row["name"].removeprefix("public."),
            f"{row['rows']:,}",
            f"{row['bytes'] / 1e6:,.2f}",
            f"{row['bytes'] / sessions / 1e3:,.1f}",
            f"{row['indexes'] / sessions / 1e3:,.1f}",
        ]
        for row in result["postgres"]["tables"]
    ]
    whole = sum(row["bytes"] for row in result["postgres"]["tables"])
    rows.append(["all", "", f"{whole / 1e6:,.2f}", f"{whole / sessions / 1e3:,.1f}", ""])
    heads = ["table", "rows", "MB", "kB a session", "of it indexes, kB"]
    saves = (
        f"{sessions} sessions of {result['frames']} frames; saving an analysis took {result['save_s'].text(1, 2)} s."
    )
    return f"{markdown(heads, rows)}\n\n{saves}"


def table(result: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    sessions = result["sessions"]
    lite = result["sqlite"]["tables"]
    few = result["sqlite"]["sessions"]
    rows = []
    for row in result["postgres"]["tables"]:
        name = row["name"].removeprefix("public.")
        if row["bytes"] / sessions < 50:
            continue
        million = row["bytes"] / sessions * 1e6 / 1e9
        rows.append(
            [
                name,
                f"{row['rows'] / sessions:,.1f}",
                f"{row['bytes'] / sessions / 1e3:,.1f}",
                f"{row['indexes'] / sessions / 1e3:,.1f}",
                f"{million:,.1f}",
                f"{lite[name] / few / 1e3:,.1f}" if name in lite else "",
            ]
        )
    rows += _large_lists(result)
    total = sum(row["bytes"] for row in result["postgres"]["tables"])
    indexes = sum(row["indexes"] for row in result["postgres"]["tables"])
    rows.append(
        [
            "all",
            "",
            f"{total / sessions / 1e3:,.1f}",
            f"{indexes / sessions / 1e3:,.1f}",
            f"{total / sessions * 1e6 / 1e9:,.1f}",
            f"{result['sqlite']['bytes'] / few / 1e3:,.1f}",
        ]
    )
    heads = ["table", "rows a session", "kB a session", "of it indexes, kB", "GB at 1,000,000 sessions", "SQLite, kB"]
    saves = f"Saving an analysis takes {result['save_s'].text(1, 2)} s on PostgreSQL, "
    saves += (
        f"{result['sqlite_save_s'].text(1, 2)} s on SQLite. Of {result['frames']} frames each, {sessions} sessions "
    )
    saves += f"({few} on SQLite); "
    saves += f"a recording of {result['minutes']:.0f} min at the film's rate would be {result['media_mb']:.0f} MB."
    return f"{markdown(heads, rows)}\n\n{saves}\n\n{_erasure_words(result['erasure'])}"


def _large_lists(result: dict[str, Any]) -> list[list[str]]:
    """Return rows of the tables that lists read, where these were filled with far more sessions."""
    sessions = int(list(result["plans"]["queries"])[-1])
    large = [row for row in result["postgres_lists"]["tables"] if row["name"].removeprefix("public.") in LISTED]
    return [
        [
            f"{row['name'].removeprefix('public.')}, of {sessions:,} sessions",
            f"{row['rows'] / sessions:,.1f}",
            f"{row['bytes'] / sessions / 1e3:,.1f}",
            f"{row['indexes'] / sessions / 1e3:,.1f}",
            f"{row['bytes'] / sessions * 1e6 / 1e9:,.1f}",
            "",
        ]
        for row in large
    ]


def _erasure_words(erasure: dict[str, Any]) -> str:
    mb = {name: f"{erasure[name] / 1e6:,.0f} MB" for name in erasure if name.startswith("bytes")}
    dead = ", ".join(f"{name} {number:,}" for name, number in erasure["dead"].items()) or "none"
    erase: Spread = erasure["erase_s"]
    parts = [
        f"Erasing a session takes {erase.text(1e3, 0)} ms, the vacuum after it {erasure['vacuum_s'].text(1e3, 0)} ms,",
        f"removing a recording whose retention has ended {erasure['expired_s'] * 1e3:.0f} ms,",
        f"a subject with its sessions {erasure['subject_s'] * 1e3:.0f} ms.",
        f"The database with {erasure['sessions']} sessions that were erased one by one: {mb['bytes_before']} before,",
        f"{mb['bytes_after']} after, {mb['bytes_after_vacuum_full']} after VACUUM FULL",
        f"({erasure['vacuum_full_all_s']:.1f} s). Dead rows that the vacuums left: {dead}.",
    ]
    return " ".join(parts)
