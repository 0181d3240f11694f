"""Trends of a subject over sessions, as tidy frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db.queries.analyses.measures import measure_columns
from db.queries.base import TEXT, TIME, WHOLE, Queries, get_row, tidy_frame
from db.queries.mapping import counts_by_frames, is_superseded, is_withdrawn, newest_analysis, readable_message
from db.tables import AnalysisRow, QuestionnaireRow, SessionRow, SubjectRow, TurnsRow
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.messages import from_text
from fer_phq.core.phq import Scale, band_of

if TYPE_CHECKING:
    import pandas as pd

_TREND = {
    "session_id": TEXT,
    "analysis_id": TEXT,
    "recorded_at": TIME,
    "model_id": TEXT,
    "coverage": "float64",
    "frames_sampled": "int64",
    "counts_by_frames": "bool",
    "dominant_emotion": TEXT,
    **dict.fromkeys(EMOTIONS, "float64"),
    "phq_score": "float64",
    "phq_low": "float64",
    "phq_high": "float64",
    "phq_level": "float64",
    "phq_scale": TEXT,
    "phq_provenance": TEXT,
    "phq_model_id": TEXT,
    "phq_modalities": TEXT,
    "phq_unavailable": TEXT,
    "phq_detail": TEXT,
    "is_demo": "bool",
    "consent_withdrawn": "bool",
    "turns_kind": TEXT,
    "speaker_choice": TEXT,
    "has_sidecar": "bool",
}

_QUESTIONNAIRES = {
    "questionnaire_id": TEXT,
    "answered_at": TIME,
    "scale": TEXT,
    "total": "int64",
    "item9_flag": "bool",
    "difficulty": WHOLE,
    "source": TEXT,
}


class TrendQueries(Queries):
    """Tidy frames over a subject's sessions and questionnaires."""

    def load(
        self,
        *,
        subject_id: str,
        model_id: str | None = None,
        prefer_model: str | None = None,
        measures: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Load one row for each analysed session of a subject, oldest first: its newest analysis.

        Columns: session_id, analysis_id, recorded_at (UTC), model_id, coverage, frames_sampled, counts_by_frames
        (whether an earlier version counted coverage and shares by frames, not by time), dominant_emotion, the seven
        mean probabilities, phq_score, phq_low, phq_high, phq_level, phq_scale, phq_provenance, phq_model_id,
        phq_modalities ("face+voice"); where there is no estimate those are NaN, and phq_unavailable and phq_detail (a
        `Message`) say why; is_demo; consent_withdrawn (and not given again); turns_kind and speaker_choice, of the
        analysis's turns, missing where they were not told, the latter also without a turn; has_sidecar, whether files
        were given beside the recording; and a column for each of `measures`, NaN where not measured.

        Args:
            subject_id: The subject's UUID.
            model_id: Only analyses by this model count; None for any.
            prefer_model: The model whose newest analysis stands for a session where it has one; None for no preference.
                Ignored beside `model_id`.
            measures: The names of the measures that become columns.

        Raises:
            NotFoundError: There is no such subject.
        """
        elsewhere: dict[str, Any] = {
            "session_id": SessionRow.id,
            "analysis_id": AnalysisRow.id,
            "counts_by_frames": counts_by_frames(),
            "recorded_at": SessionRow.recorded_at,
            "is_demo": SessionRow.is_demo,
            "consent_withdrawn": is_withdrawn(),
            "turns_kind": TurnsRow.kind,
            "speaker_choice": TurnsRow.speaker_choice,
            "has_sidecar": AnalysisRow.beside != "",
        }
        columns = [elsewhere[name] if name in elsewhere else getattr(AnalysisRow, name) for name in _TREND]
        analyses_of_sessions = select(AnalysisRow.id).join(SessionRow, SessionRow.id == AnalysisRow.session_id)
        measured = measure_columns(measures, analyses_of_sessions.where(SessionRow.subject_id == subject_id))
        query = (
            select(*columns, *(measured.c[name] for name in measures))
            .select_from(SessionRow)
            .join(AnalysisRow, AnalysisRow.id == newest_analysis(model_id=model_id, prefer_model=prefer_model))
            .outerjoin(measured, measured.c.analysis_id == AnalysisRow.id)
            .outerjoin(TurnsRow, TurnsRow.analysis_id == AnalysisRow.id)
            .where(SessionRow.subject_id == subject_id)
            .order_by(SessionRow.recorded_at, SessionRow.id)
        )
        import pandas as pd  # see `tidy_frame`

        with self._reading() as session:
            get_row(session, SubjectRow, subject_id)
            table = tidy_frame(session.execute(query).all(), _TREND | dict.fromkeys(measures, "float64"))
            details = [readable_message(from_text(detail)) for detail in table["phq_detail"]]
        table["phq_detail"] = pd.Series(details, dtype=object)
        return table

    def list_models(self, *, subject_id: str) -> list[str]:
        """List the ids of the models that analysed any of the subject's sessions, sorted."""
        query = (
            select(AnalysisRow.model_id)
            .join(SessionRow, SessionRow.id == AnalysisRow.session_id)
            .where(SessionRow.subject_id == subject_id)
            .distinct()
            .order_by(AnalysisRow.model_id)
        )
        with self._reading() as session:
            return list(session.scalars(query))

    def questionnaires(self, *, subject_id: str) -> pd.DataFrame:
        """Load the subject's questionnaires that no correction supersedes, oldest first.

        Columns: questionnaire_id, answered_at (UTC), scale, total, item9_flag, difficulty (NA where it was not
        answered), source, maximum (of the scale), band.

        Raises:
            NotFoundError: There is no such subject.
        """
        columns = [QuestionnaireRow.id, *(getattr(QuestionnaireRow, name) for name in list(_QUESTIONNAIRES)[1:])]
        query = (
            select(*columns)
            .where(QuestionnaireRow.subject_id == subject_id, ~is_superseded())
            .order_by(QuestionnaireRow.answered_at, QuestionnaireRow.created_at)
        )
        import pandas as pd  # see `tidy_frame`

        with self._reading() as session:
            get_row(session, SubjectRow, subject_id)
            table = tidy_frame(session.execute(query).all(), _QUESTIONNAIRES)
        table["maximum"] = pd.Series([Scale(scale).maximum for scale in table["scale"]], dtype="int64")
        table["band"] = pd.Series([str(band_of(total)) for total in table["total"]], dtype=object).infer_objects()
        return table
