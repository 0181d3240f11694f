"""Partitioned tables: the SQL of `deploy/postgresql`, and whether the store does the same with them."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from benchmarks.scale.content import NEWEST, Fill
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis

FOLDER = Path(__file__).parents[2] / "deploy" / "postgresql"
PARTS = "SELECT count(*) FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)"


def measure(store: Store, engine: Engine, fill: Fill, analysis: SessionAnalysis) -> dict[str, Any]:
    """Partition frames and audit, then store, read and erase a session.

    Args:
        store: The store.
        engine: The same database.
        fill: What is in it.
        analysis: The analysis that is stored.
    """
    result: dict[str, Any] = {}
    for name in ("frames", "audit"):
        begin = time.perf_counter()
        run_script(engine, FOLDER / f"partition-{name}.sql")
        result[f"{name}_s"] = time.perf_counter() - begin
        with engine.connect() as connection:
            result[f"{name}_parts"] = connection.execute(text(PARTS), {"name": name}).scalar_one()
            result[f"{name}_rows"] = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
    recording = dataclasses.replace(analysis.recording, sha256="f" * 64)
    session = store.sessions.create(
        subject_id=fill.subjects[0],
        recorded_at=NEWEST,
        recording=recording,
        original_name="session.mp4",
        media_path=None,
    )
    begin = time.perf_counter()
    analysis = dataclasses.replace(analysis, recording=recording)
    analysis_id = store.analyses.save(session_id=session.id, analysis=analysis)
    result["save_s"] = time.perf_counter() - begin
    begin = time.perf_counter()
    rows = len(store.analyses.load(analysis_id=analysis_id).timeline)
    result["load_s"] = time.perf_counter() - begin
    assert rows == len(analysis.timeline)
    store.erasure.erase_session(session_id=session.id)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM frames WHERE analysis_id = :id"), {"id": analysis_id})
        assert left.scalar_one() == 0
    assert store.audit.list_newest(limit=1)[0].action == "erase"
    return result


def run_script(engine: Engine, path: Path) -> None:
    """Run a script of SQL as psql does, comments aside."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("--")]
    connection = engine.raw_connection()
    try:
        connection.driver_connection.autocommit = True  # type: ignore[union-attr]
        with connection.driver_connection.cursor() as cursor:  # type: ignore[union-attr]
            cursor.execute("\n".join(lines))
    finally:
        connection.driver_connection.autocommit = False  # type: ignore[union-attr]
        connection.close()


def table(result: dict[str, Any]) -> str:
    """Return what was measured as a sentence."""
    parts = [
        f"{name}: {result[f'{name}_rows']:,} rows into {result[f'{name}_parts']} parts in {result[f'{name}_s']:.1f} s"
        for name in ("frames", "audit")
    ]
    uses = f"an analysis is saved in {result['save_s']:.2f} s, read in {result['load_s']:.2f} s and erased"
    return f"Partitioned, {'; '.join(parts)}. With both, {uses}."
