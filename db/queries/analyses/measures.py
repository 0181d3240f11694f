"""Measures: the few numbers that sum up an analysis, kept beside it so that no list has to read frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Subquery, case, delete, func, insert, select
from sqlalchemy.orm import Session

from db.queries.base import Queries, get_row
from db.tables import AnalysisRow, MeasureRow


class MeasureQueries(Queries):
    """Writing measures and finding analyses that have none."""

    def replace(self, *, analysis_id: str, measures: Mapping[str, float]) -> None:
        """Give an analysis these measures and no others; what is not finite has no row. Raises NotFoundError."""
        with self._writing() as session:
            get_row(session, AnalysisRow, analysis_id, lock=True)
            session.execute(delete(MeasureRow).where(MeasureRow.analysis_id == analysis_id))
            write_measures(session, analysis_id, measures)

    def get(self, *, analysis_id: str) -> dict[str, float]:
        """An analysis's measures by name. Raises NotFoundError."""
        query = select(MeasureRow).where(MeasureRow.analysis_id == analysis_id).order_by(MeasureRow.name)
        with self._reading() as session:
            get_row(session, AnalysisRow, analysis_id)
            return {row.name: row.value for row in session.scalars(query)}

    def list_unmeasured(self, *, mark: str, version: int, limit: int | None = None) -> list[str]:
        """Ids of analyses whose measure named `mark` is missing or below `version`, the newest first."""
        marked = select(MeasureRow.name).where(
            MeasureRow.analysis_id == AnalysisRow.id, MeasureRow.name == mark, MeasureRow.value >= version
        )
        query = (
            select(AnalysisRow.id)
            .where(~marked.exists())
            .order_by(AnalysisRow.created_at.desc(), AnalysisRow.id)
            .limit(limit)
        )
        with self._reading() as session:
            return list(session.scalars(query))


def write_measures(session: Session, analysis_id: str, measures: Mapping[str, float]) -> None:
    """Add rows for what is finite, in a transaction that is open."""
    rows = [
        {"analysis_id": analysis_id, "name": name, "value": float(value)}
        for name, value in measures.items()
        if math.isfinite(value)
    ]
    if rows:
        session.execute(insert(MeasureRow), rows)


def measure_columns(names: Sequence[str], analyses: Select[Any] | None = None) -> Subquery:
    """analysis_id and a column a measure, null where not measured; of these analyses alone when given."""
    query = select(
        MeasureRow.analysis_id,
        *(func.max(case((MeasureRow.name == name, MeasureRow.value))).label(name) for name in names),
    )
    if analyses is not None:
        query = query.where(MeasureRow.analysis_id.in_(analyses))
    return query.group_by(MeasureRow.analysis_id).subquery()
