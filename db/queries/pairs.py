"""Two models on the same sessions."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import aliased

from db.queries.base import Queries
from db.queries.heads import nearest_answer
from db.queries.rows import analysis_summary, is_superseded, questionnaire_record
from db.records import PairRecord
from db.tables import AnalysisRow, QuestionnaireRow, SessionRow, SubjectRow


class PairQueries(Queries):
    """Sessions that were analysed by two models."""

    def analysed_models(self) -> dict[str, int]:
        """How many sessions each model has analysed, by its id, sorted."""
        query = (
            select(AnalysisRow.model_id, func.count(AnalysisRow.session_id.distinct()))
            .group_by(AnalysisRow.model_id)
            .order_by(AnalysisRow.model_id)
        )
        with self._reading() as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def paired_analyses(self, *, first: str, second: str, within_days: float) -> list[PairRecord]:
        """Sessions that both models have analysed, oldest recording first: of each the newest analysis by either.

        With the subject's questionnaire, of any scale, that was answered nearest to the recording, at most
        `within_days` before or after it, if any.
        """
        one, other = _newest_by(first), _newest_by(second)
        a, b = aliased(AnalysisRow), aliased(AnalysisRow)
        query = (
            select(SessionRow, SubjectRow.label, a, b)
            .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
            .join(one, one.c.session_id == SessionRow.id)
            .join(other, other.c.session_id == SessionRow.id)
            .join(a, a.id == one.c.id)
            .join(b, b.id == other.c.id)
            .order_by(SessionRow.recorded_at, SessionRow.id)
        )
        answers = (
            select(QuestionnaireRow)
            .where(~is_superseded())
            .order_by(QuestionnaireRow.subject_id, QuestionnaireRow.answered_at, QuestionnaireRow.created_at)
        )
        found = []
        with self._reading() as session:
            rows = session.scalars(answers)
            of_subject = {subject: list(some) for subject, some in groupby(rows, lambda row: row.subject_id)}
            for parent, label, left, right in session.execute(query):
                near = nearest_answer(of_subject.get(parent.subject_id, ()), parent.recorded_at)
                if near is not None and abs(near.answered_at - parent.recorded_at) > timedelta(days=within_days):
                    near = None
                found.append(
                    PairRecord(
                        session_id=parent.id,
                        subject_id=parent.subject_id,
                        subject_label=label,
                        recorded_at=parent.recorded_at,
                        first=analysis_summary(left),
                        second=analysis_summary(right),
                        answered=None if near is None else questionnaire_record(near, superseded=False),
                    )
                )
        return found


def _newest_by(model_id: str) -> Subquery:
    """id and session_id of each session's newest analysis by this model."""
    newest_first = (AnalysisRow.created_at.desc(), AnalysisRow.id.desc())
    place = func.row_number().over(partition_by=AnalysisRow.session_id, order_by=newest_first)
    ranked = select(AnalysisRow.id, AnalysisRow.session_id, place.label("place")).where(
        AnalysisRow.model_id == model_id
    )
    chosen = ranked.subquery()
    return select(chosen.c.id, chosen.c.session_id).where(chosen.c.place == 1).subquery()
