"""`/v1/subjects/{id}/trends`: a subject over time, as the Trends page charts it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from datetime import UTC
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.messages import Message
from fer_phq.core.phq import Modality, PhqEstimate, PhqResult, PhqUnavailable, Provenance, Scale, UnavailableReason
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from fer_phq.longitudinal.change import Change, NoBaseline
from service.api import messages
from service.api.v1.analyses.estimates import describe_estimate
from service.api.v1.answers.archive import READS, Archive
from service.api.v1.answers.openapi import IF_NONE_MATCH, extra
from service.api.v1.records import trend_schemas as schemas
from service.api.v1.records.events import event_item
from service.api.v1.records.subjects import SUBJECT
from service.models.active_model import preferred_model
from service.views.trends import TrendsView, load_trends_view, mixed_gaze, mixed_rates, with_breaks, with_segments

TRENDS = f"{SUBJECT}/trends"
Row = Mapping[Hashable, Any]
ModelId = Annotated[
    str | None,
    Query(description="Only analyses by this model; the active model's, else others', where it is left out."),
]


def trend_routes(archive: Archive) -> APIRouter:
    """Return the route.

    Args:
        archive: The installation and its store.
    """
    router = APIRouter(tags=["trends"])
    router.get(
        TRENDS,
        response_model=schemas.Trends,
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="A subject over time: estimates, questionnaires, emotions, measures and events.",
    )(_Trends(archive).get)
    return router


class _Trends:
    """The handler."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def get(self, subject_id: str, request: Request, model_id: ModelId = None) -> Response:
        """An estimate of a model is not a score of a person. PHQ-8 and PHQ-9 are never compared with each other."""
        trends = await self._archive.ask(self._describe, request=request, subject_id=subject_id, model_id=model_id)
        return await self._archive.answer_read(request, trends, "subject", subject_id, "trends")

    def _describe(self, request: Request, subject_id: str, model_id: str | None) -> schemas.Trends:
        view = self._load(subject_id, model_id)
        return schemas.Trends(
            subject_id=subject_id,
            sessions=[self._session(request, row, view) for row in _rows(with_segments(view.sessions))],
            questionnaires=[
                _questionnaire(row, change)
                for row, change in zip(_rows(with_breaks(view.answers)), view.changes, strict=True)
            ],
            measures=[
                schemas.MeasureItem(
                    name=measure.name,
                    title=measure.title,
                    unit=measure.unit,
                    modality=measure.modality,
                    description=measure.description,
                    direction=measure.direction,
                    source=measure.source,
                )
                for measure in view.measures
            ],
            baseline=self._baseline(request, view),
            events=[event_item(event) for event in view.events],
            notes=[self._archive.sentences.note(request, message) for message in _notes(view)],
        )

    def _load(self, subject_id: str, model_id: str | None) -> TrendsView:
        store = self._archive.store
        subject = store.subjects.get_summary(subject_id=subject_id)
        preferred = preferred_model(self._archive.settings, store)
        return load_trends_view(store, subject, UTC, model_id=model_id, prefer_model=preferred)

    def _session(self, request: Request, row: Row, view: TrendsView) -> schemas.TrendSession:
        emotions = {name: row[name] for name in EMOTIONS}
        return schemas.TrendSession(
            session_id=row["session_id"],
            analysis_id=row["analysis_id"],
            recorded_at=row["recorded_at"].to_pydatetime(),
            model_id=row["model_id"],
            segment=row["segment"],
            coverage=row["coverage"],
            counts_by_frames=row["counts_by_frames"],
            emotions=None if any(pd.isna(share) for share in emotions.values()) else emotions,
            dominant_emotion=_or_none(row["dominant_emotion"]),
            measures={measure.name: _or_none(row[measure.name]) for measure in view.measures},
            phq=describe_estimate(self._archive.sentences, request, _phq(row)),
            is_demo=row["is_demo"],
            consent_withdrawn=row["consent_withdrawn"],
            turns_kind=_or_none(row["turns_kind"]),
            speaker_choice=_or_none(row["speaker_choice"]),
        )

    def _baseline(self, request: Request, view: TrendsView) -> schemas.BaselineItem | schemas.NoBaselineItem | None:
        baseline = view.baseline
        if baseline is None:
            return None
        if isinstance(baseline, NoBaseline):
            return schemas.NoBaselineItem(detail=self._archive.sentences.note(request, baseline.message))
        return schemas.BaselineItem(
            phq_model_id=baseline.phq_model_id,
            scale=baseline.scale,
            offset=baseline.offset,
            error=baseline.error,
            pairs=baseline.pairs,
            mean=baseline.mean,
            weight=baseline.weight,
        )


def _rows(table: pd.DataFrame) -> Iterator[Row]:
    yield from table.to_dict("records")


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value


def _phq(row: Row) -> PhqResult:
    """Return the estimate of a row of `Store.trends.load`, or why there is none."""
    if isinstance(row["phq_unavailable"], str):
        detail = row["phq_detail"]
        return PhqUnavailable(UnavailableReason(row["phq_unavailable"]), detail if str(detail) else None)
    return PhqEstimate(
        score=row["phq_score"],
        low=row["phq_low"],
        high=row["phq_high"],
        level=row["phq_level"],
        scale=Scale(row["phq_scale"]),
        provenance=Provenance(row["phq_provenance"]),
        model_id=row["phq_model_id"],
        modalities=tuple(Modality(name) for name in row["phq_modalities"].split("+")),
    )


def _questionnaire(row: Row, change: Change) -> schemas.TrendQuestionnaire:
    return schemas.TrendQuestionnaire(
        id=row["questionnaire_id"],
        answered_at=row["answered_at"].to_pydatetime(),
        scale=row["scale"],
        total=row["total"],
        maximum=row["maximum"],
        band=row["band"],
        item9_flag=row["item9_flag"],
        difficulty=_or_none(row["difficulty"]),
        source=row["source"],
        segment=row["segment"],
        change=schemas.ChangeItem(
            is_baseline=change.is_baseline,
            baseline_answered_at=change.baseline.answered_at,
            difference=change.difference,
            rci=change.rci,
            reliable=change.reliable,
            direction=change.direction,
        ),
    )


def _notes(view: TrendsView) -> list[Message]:
    """Return what the page says beside its charts."""
    notes = [NOT_A_DIAGNOSIS()]
    if view.is_simulated:
        notes.append(messages.SIMULATED())
    if rates := mixed_rates(view.names, view.rates):
        notes.append(rates)
    if gaze := mixed_gaze(view.names, mixes=view.mixes_gaze):
        notes.append(gaze)
    notes += view.voice_notes(view.names).values()
    if view.heads > 1:
        notes.append(messages.SEVERAL_HEADS())
    by_frames = int(view.sessions["counts_by_frames"].sum())
    if by_frames:
        notes.append(messages.COUNTED_BY_FRAMES(n=by_frames))
    if view.withdrawn:
        notes.append(messages.WITHDRAWN(n=view.withdrawn))
    return notes
