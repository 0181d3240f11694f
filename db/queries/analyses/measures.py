"""Measures: the few numbers that sum up an analysis, kept beside it so that no list has to read frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Subquery, case, delete, func, insert, select
from sqlalchemy.orm import Session

from db.queries.base import Queries, get_row
from db.queries.mapping import is_withdrawn
from db.tables import AnalysisRow, MeasureRow, SessionRow


class MeasureQueries(Queries):
    """Writing measures and finding analyses that have none."""

    def replace(self, *, analysis_id: str, measures: Mapping[str, float]) -> None:
        """Give an analysis these measures and no others.

        Args:
            analysis_id: The analysis's UUID.
            measures: Numbers by name; those that are not finite get no row.

        Raises:
            NotFoundError: There is no such analysis.
        """
        with self._writing() as session:
            get_row(session, AnalysisRow, analysis_id, lock=True)
            session.execute(delete(MeasureRow).where(MeasureRow.analysis_id == analysis_id))
            write_measures(session, analysis_id, measures)

    def get(self, *, analysis_id: str) -> dict[str, float]:
        """Load an analysis's measures by name.

        Raises:
            NotFoundError: There is no such analysis.
        """
        query = select(MeasureRow).where(MeasureRow.analysis_id == analysis_id).order_by(MeasureRow.name)
        with self._reading() as session:
            get_row(session, AnalysisRow, analysis_id)
            return {row.name: row.value for row in session.scalars(query)}

    def list_unmeasured(self, *, mark: str, version: int, limit: int | None = None) -> list[str]:
        """List analyses whose measures are missing or of an old version, the newest first.

        Sessions whose consent was withdrawn are left out: nothing of them is computed any more.

        Args:
            mark: The name of the measure that holds the version.
            version: The version that is up to date; analyses below it are listed.
            limit: The most ids to return; None for all.

        Returns:
            The analyses' UUIDs.
        """
        marked = select(MeasureRow.name).where(
            MeasureRow.analysis_id == AnalysisRow.id, MeasureRow.name == mark, MeasureRow.value >= version
        )
        query = (
            select(AnalysisRow.id)
            .join(SessionRow, SessionRow.id == AnalysisRow.session_id)
            .where(~marked.exists(), ~is_withdrawn())
            .order_by(AnalysisRow.created_at.desc(), AnalysisRow.id)
            .limit(limit)
        )
        with self._reading() as session:
            return list(session.scalars(query))


def write_measures(session: Session, analysis_id: str, measures: Mapping[str, float]) -> None:
    """Add an analysis's measures, in an open transaction.

    Args:
        session: The open transaction.
        analysis_id: The analysis's UUID.
        measures: Numbers by name; those that are not finite get no row.
    """
    rows = [
        {"analysis_id": analysis_id, "name": name, "value": float(value)}
        for name, value in measures.items()
        if math.isfinite(value)
    ]
    if rows:
        session.execute(insert(MeasureRow), rows)


def measure_columns(names: Sequence[str], analyses: Select[Any] | None = None) -> Subquery:
    """Build a subquery of analysis_id and a column for each measure, null where not measured.

    Args:
        names: The measures that become columns.
        analyses: A query of the ids of the analyses to read; None for all.
    """
    query = select(
        MeasureRow.analysis_id,
        *(func.max(case((MeasureRow.name == name, MeasureRow.value))).label(name) for name in names),
    )
    if analyses is not None:
        query = query.where(MeasureRow.analysis_id.in_(analyses))
    return query.group_by(MeasureRow.analysis_id).subquery()
