"""A cohort: many subjects' sessions side by side, summed up; frames are never read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from db.queries.analyses.measures import measure_columns
from db.queries.base import TEXT, TIME, WHOLE, Queries, tidy_frame
from db.queries.mapping import counts_by_frames, is_superseded, is_withdrawn, newest_analysis
from db.records import CohortFilter
from db.tables import (
    AnalysisRow,
    BehaviourRow,
    ChannelRow,
    QuestionnaireRow,
    SessionRow,
    SubjectRow,
    SubjectTagRow,
    TurnsRow,
)
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Modality, Provenance

if TYPE_CHECKING:
    import pandas as pd

_SESSIONS = {
    "subject_id": TEXT,
    "label": TEXT,
    "is_demo": "bool",
    "session_id": TEXT,
    "recorded_at": TIME,
    "duration_s": "float64",
    "analysis_id": TEXT,
    "model_id": TEXT,
    "coverage": "float64",
    "counts_by_frames": "bool",
    **dict.fromkeys(EMOTIONS, "float64"),
    "phq_score": "float64",
    "phq_low": "float64",
    "phq_high": "float64",
    "phq_level": "float64",
    "phq_scale": TEXT,
    "phq_provenance": TEXT,
    "phq_model_id": TEXT,
    "turns_kind": TEXT,
    "speaker_choice": TEXT,
    "has_sidecar": "bool",
}
_ANSWERS = {"subject_id": TEXT, "answered_at": TIME, "scale": TEXT, "total": "int64"}
_ESTIMATES = {
    "subject_id": TEXT,
    "session_id": TEXT,
    "recorded_at": TIME,
    "phq_score": "float64",
    "phq_low": "float64",
    "phq_high": "float64",
    "phq_level": "float64",
    "phq_scale": TEXT,
    "phq_model_id": TEXT,
    "phq_modalities": TEXT,
}
_SURVEY = {
    "session_id": TEXT,
    "subject_id": TEXT,
    "pseudonym": TEXT,
    "is_demo": "bool",
    "is_withdrawn": "bool",
    "has_consent": "bool",
    "analysis_id": TEXT,
    "coverage": "float64",
    "fps": "float64",
    "frames_sampled": WHOLE,
    "frames_with_face": WHOLE,
    "phq_modalities": TEXT,
    "phq_unavailable": TEXT,
    "has_voice": "bool",
    "has_words": "bool",
    "has_behaviour": "bool",
    "has_turns": "bool",
}


class CohortQueries(Queries):
    """Tidy frames over many subjects, each in one statement."""

    def load(
        self, *, cohort: CohortFilter, measures: Sequence[str] = (), prefer_model: str | None = None
    ) -> pd.DataFrame:
        """Load one row for each analysed session that the filter lets through, by subject's label, then oldest first.

        Sessions whose consent was withdrawn are left out.

        Columns: subject_id, label, is_demo (of the session), session_id, recorded_at (UTC), duration_s, analysis_id,
        model_id, coverage, counts_by_frames (as in `TrendQueries.load`), the seven mean probabilities, phq_score,
        phq_low, phq_high, phq_level, phq_scale, phq_provenance and phq_model_id (NaN or None without an estimate),
        turns_kind, speaker_choice and has_sidecar (as in `TrendQueries.load`), and a column for each of `measures`, NaN
        where not measured.

        Args:
            cohort: Which sessions.
            measures: The names of the measures that become columns.
            prefer_model: The model whose newest analysis stands for a session where it has one, else the newest of any;
                None for no preference.
        """
        elsewhere: dict[str, Any] = {
            "subject_id": SubjectRow.id,
            "label": SubjectRow.label,
            "is_demo": SessionRow.is_demo,
            "session_id": SessionRow.id,
            "recorded_at": SessionRow.recorded_at,
            "duration_s": SessionRow.duration_s,
            "analysis_id": AnalysisRow.id,
            "counts_by_frames": counts_by_frames(),
            "turns_kind": TurnsRow.kind,
            "speaker_choice": TurnsRow.speaker_choice,
            "has_sidecar": AnalysisRow.beside != "",
        }
        columns = [elsewhere[name] if name in elsewhere else getattr(AnalysisRow, name) for name in _SESSIONS]
        measured = measure_columns(measures, _analyses(cohort))
        query = (
            select(*columns, *(measured.c[name] for name in measures))
            .select_from(SessionRow)
            .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
            .join(AnalysisRow, AnalysisRow.id == _newest(cohort, prefer_model))
            .outerjoin(measured, measured.c.analysis_id == AnalysisRow.id)
            .outerjoin(TurnsRow, TurnsRow.analysis_id == AnalysisRow.id)
            .where(~is_withdrawn())
            .order_by(self._label_order(), SessionRow.recorded_at, SessionRow.id)
        )
        with self._reading() as session:
            rows = session.execute(_filtered(query, cohort)).all()
        return tidy_frame(rows, _SESSIONS | dict.fromkeys(measures, "float64"))

    def count_withdrawn(self, *, cohort: CohortFilter, prefer_model: str | None = None) -> int:
        """Count the analysed sessions that the filter lets through and `load` leaves out: consent was withdrawn.

        Args:
            cohort: Which sessions.
            prefer_model: As for `load`.
        """
        query = (
            select(func.count())
            .select_from(SessionRow)
            .join(AnalysisRow, AnalysisRow.id == _newest(cohort, prefer_model))
            .where(is_withdrawn())
        )
        with self._reading() as session:
            return session.scalar(_filtered(query, cohort)) or 0

    def survey(self, *, cohort: CohortFilter, prefer_model: str | None = None) -> pd.DataFrame:
        """Load one row for each session with the filter's tags and dates, whatever keeps it out, oldest first.

        Columns: session_id, subject_id, pseudonym (of the subject), is_demo, is_withdrawn, has_consent, analysis_id
        (None without an analysis), coverage, fps (NaN of key frames), frames_sampled, frames_with_face, phq_modalities,
        phq_unavailable, and whether the analysis has_voice, has_words, has_behaviour and has_turns.

        Args:
            cohort: Which sessions; its least coverage and whether demonstrations count are passed over.
            prefer_model: As for `load`.
        """
        elsewhere: dict[str, Any] = {
            "session_id": SessionRow.id,
            "subject_id": SessionRow.subject_id,
            "pseudonym": SubjectRow.pseudonym,
            "is_demo": SessionRow.is_demo,
            "is_withdrawn": is_withdrawn(),
            "has_consent": SessionRow.consent_at.is_not(None),
            "analysis_id": AnalysisRow.id,
            "has_voice": _has_channel(Modality.VOICE),
            "has_words": _has_channel(Modality.WORDS),
            "has_behaviour": exists().where(BehaviourRow.analysis_id == AnalysisRow.id),
            "has_turns": exists().where(TurnsRow.analysis_id == AnalysisRow.id),
        }
        query = (
            select(*((elsewhere[name] if name in elsewhere else getattr(AnalysisRow, name)) for name in _SURVEY))
            .select_from(SessionRow)
            .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
            .outerjoin(AnalysisRow, AnalysisRow.id == _newest(cohort, prefer_model))
            .order_by(SessionRow.recorded_at, SessionRow.id)
        )
        everything = replace(cohort, min_coverage=0.0, demo=True)
        with self._reading() as session:
            return tidy_frame(session.execute(_filtered(query, everything)).all(), _SURVEY)

    def load_answers(self, *, seen_since: datetime | None = None) -> pd.DataFrame:
        """Load the questionnaires that no correction supersedes, by subject, then oldest first.

        Columns: subject_id, answered_at (UTC), scale, total.

        Args:
            seen_since: Only subjects who answered or were recorded from then on count, with all that they answered;
                None for all.
        """
        query = (
            select(*(getattr(QuestionnaireRow, name) for name in _ANSWERS))
            .where(~is_superseded())
            .order_by(QuestionnaireRow.subject_id, QuestionnaireRow.answered_at, QuestionnaireRow.created_at)
        )
        if seen_since is not None:
            recent = aliased(QuestionnaireRow)
            answered = select(recent.subject_id).where(recent.answered_at >= seen_since)
            recorded = select(SessionRow.subject_id).where(SessionRow.recorded_at >= seen_since)
            query = query.where(
                or_(QuestionnaireRow.subject_id.in_(answered), QuestionnaireRow.subject_id.in_(recorded))
            )
        with self._reading() as session:
            return tidy_frame(session.execute(query).all(), _ANSWERS)

    def load_estimates(self, *, provenance: Provenance, prefer_model: str | None = None) -> pd.DataFrame:
        """Load the estimates of one provenance, by subject, then oldest first.

        Sessions whose consent was withdrawn are left out.

        Columns: subject_id, session_id, recorded_at (UTC), phq_score, phq_low, phq_high, phq_level, phq_scale,
        phq_model_id and phq_modalities (joined by "+").

        Args:
            provenance: What kind of labels the heads were trained on.
            prefer_model: As for `load`.
        """
        elsewhere: dict[str, Any] = {"subject_id": SessionRow.subject_id, "session_id": SessionRow.id}
        elsewhere["recorded_at"] = SessionRow.recorded_at
        columns = [elsewhere[name] if name in elsewhere else getattr(AnalysisRow, name) for name in _ESTIMATES]
        query = (
            select(*columns)
            .select_from(AnalysisRow)
            .join(SessionRow, SessionRow.id == AnalysisRow.session_id)
            .where(
                AnalysisRow.phq_provenance == str(provenance),
                AnalysisRow.id == newest_analysis(prefer_model=prefer_model),
                ~is_withdrawn(),
            )
            .order_by(SessionRow.subject_id, SessionRow.recorded_at, SessionRow.id)
        )
        with self._reading() as session:
            return tidy_frame(session.execute(query).all(), _ESTIMATES)

    def list_models(self) -> list[str]:
        """List the ids of the models of whose analyses a cohort can be made, sorted."""
        query = (
            select(AnalysisRow.model_id)
            .join(SessionRow, SessionRow.id == AnalysisRow.session_id)
            .where(~is_withdrawn())
            .distinct()
            .order_by(AnalysisRow.model_id)
        )
        with self._reading() as session:
            return list(session.scalars(query))


def _has_channel(modality: Modality) -> ColumnElement[bool]:
    return exists().where(
        ChannelRow.analysis_id == AnalysisRow.id, ChannelRow.modality == str(modality), ChannelRow.rows > 0
    )


def _newest(cohort: CohortFilter, prefer_model: str | None) -> ScalarSelect[str]:
    return newest_analysis(model_id=cohort.model_id, prefer_model=prefer_model)


def _analyses(cohort: CohortFilter) -> Select[Any] | None:
    """Build the query of all analyses of the filter's sessions; None where no filter spares the reading of most."""
    if not cohort.tags and cohort.since is None and cohort.until is None:
        return None
    return _filtered(select(AnalysisRow.id).join(SessionRow, SessionRow.id == AnalysisRow.session_id), cohort)


def _filtered(query: Select[Any], cohort: CohortFilter) -> Select[Any]:
    if cohort.tags:
        tagged = select(SubjectTagRow.subject_id).where(SubjectTagRow.tag.in_(cohort.tags))
        query = query.where(SessionRow.subject_id.in_(tagged))
    if cohort.since is not None:
        query = query.where(SessionRow.recorded_at >= cohort.since)
    if cohort.until is not None:
        query = query.where(SessionRow.recorded_at < cohort.until)
    if cohort.min_coverage > 0:
        query = query.where(AnalysisRow.coverage >= cohort.min_coverage)
    return query if cohort.demo else query.where(~SessionRow.is_demo)
