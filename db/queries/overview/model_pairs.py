"""Two models on the same sessions."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import Subquery, func, select

from db.queries.base import TEXT, TIME, Queries, tidy_frame
from db.queries.mapping import is_superseded, is_withdrawn, newest_first
from db.queries.overview.labels import nearest_answer
from db.tables import AnalysisRow, QuestionnaireRow, SessionRow, SubjectRow
from fer_phq.core.emotions import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

_SIDE = {
    **dict.fromkeys(EMOTIONS, "float64"),
    "dominant_emotion": TEXT,
    "phq_score": "float64",
    "phq_low": "float64",
    "phq_high": "float64",
    "phq_level": "float64",
    "phq_scale": TEXT,
    "phq_provenance": TEXT,
    "phq_model_id": TEXT,
}
_SESSION = {"session_id": TEXT, "subject_id": TEXT, "subject_label": TEXT, "recorded_at": TIME}


class ModelPairQueries(Queries):
    """Sessions that were analysed by two models."""

    def count_analyses(self) -> dict[str, int]:
        """Count the sessions that each model has analysed, by its id, sorted.

        Sessions whose consent was withdrawn are left out.
        """
        query = (
            select(AnalysisRow.model_id, func.count(AnalysisRow.session_id.distinct()))
            .join(SessionRow, SessionRow.id == AnalysisRow.session_id)
            .where(~is_withdrawn())
            .group_by(AnalysisRow.model_id)
            .order_by(AnalysisRow.model_id)
        )
        with self._reading() as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def count_withdrawn(self, *, first: str, second: str) -> int:
        """Count the sessions that two models have analysed and `load` leaves out: consent was withdrawn.

        Args:
            first: A model's id.
            second: Another model's id.
        """
        analysed = [
            select(AnalysisRow.id)
            .where(AnalysisRow.session_id == SessionRow.id, AnalysisRow.model_id == model)
            .exists()
            for model in (first, second)
        ]
        query = select(func.count()).select_from(SessionRow).where(*analysed, is_withdrawn())
        with self._reading() as session:
            return session.scalar(query) or 0

    def load(self, *, first: str, second: str, within_days: float) -> pd.DataFrame:
        """Load one row for each session that two models have analysed, oldest recording first.

        Of each model its newest analysis. Sessions whose consent was withdrawn are left out. Columns: session_id,
        subject_id, subject_label, recorded_at (UTC); the seven mean probabilities, dominant_emotion, phq_score,
        phq_low, phq_high, phq_level, phq_scale, phq_provenance and phq_model_id, once ending in `_a` for the first
        model and once in `_b` for the second (NaN or None without a face or an estimate); items, the answers of the
        subject's questionnaire nearest to the recording, of either scale, or None.

        Args:
            first: A model's id.
            second: Another model's id.
            within_days: The most days between recording and questionnaire, before or after.
        """
        first_analyses = _newest_by(first)
        second_analyses = _newest_by(second)
        query = (
            select(
                SessionRow.id, SessionRow.subject_id, SubjectRow.label, SessionRow.recorded_at,
                *(first_analyses.c[name] for name in _SIDE), *(second_analyses.c[name] for name in _SIDE),
            )
            .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
            .join(first_analyses, first_analyses.c.session_id == SessionRow.id)
            .join(second_analyses, second_analyses.c.session_id == SessionRow.id)
            .where(first_analyses.c.place == 1, second_analyses.c.place == 1, ~is_withdrawn())
            .order_by(SessionRow.recorded_at, SessionRow.id)
        )  # fmt: skip
        answers = (
            select(QuestionnaireRow)
            .where(~is_superseded())
            .order_by(QuestionnaireRow.subject_id, QuestionnaireRow.answered_at, QuestionnaireRow.created_at)
        )
        nearest_items: list[tuple[int, ...] | None] = []
        with self._reading() as session:
            rows = session.execute(query).all()
            of_subject = {subject: list(some) for subject, some in groupby(session.scalars(answers), _subject_of)}
            for row in rows:
                answer = nearest_answer(of_subject.get(row.subject_id, ()), row.recorded_at)
                is_near = answer is not None and abs(answer.answered_at - row.recorded_at) <= timedelta(within_days)
                nearest_items.append(tuple(answer.items) if answer is not None and is_near else None)
        import pandas as pd  # see `tidy_frame`

        sides = {f"{name}_{side}": dtype for side in "ab" for name, dtype in _SIDE.items()}
        return tidy_frame(rows, _SESSION | sides).assign(items=pd.Series(nearest_items, dtype=object))


def _newest_by(model_id: str) -> Subquery:
    """Build the columns of this model's analyses, with each one's rank among those of its session: 1 is the newest."""
    rank = func.row_number().over(partition_by=AnalysisRow.session_id, order_by=newest_first(AnalysisRow))
    columns = (getattr(AnalysisRow, name) for name in _SIDE)
    return (
        select(AnalysisRow.session_id, rank.label("place"), *columns).where(AnalysisRow.model_id == model_id).subquery()
    )


def _subject_of(row: QuestionnaireRow) -> str:
    return row.subject_id
