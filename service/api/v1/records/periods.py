"""`/v1/subjects/{id}/trends/periods`: two periods of a subject beside each other, as the Trends page compares them."""

from __future__ import annotations

from datetime import date, tzinfo
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from fer_phq.core.messages import Message
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from fer_phq.longitudinal.periods import MIN_SESSIONS
from service.api import messages
from service.api.v1.answers.archive import Archive
from service.api.v1.answers.openapi import problems
from service.api.v1.answers.problems import RequestError
from service.api.v1.answers.schemas import Table as TableModel
from service.api.v1.answers.tables import FormatName, answer_table, choose_format, table_answer
from service.api.v1.answers.zones import Zone, read_zone
from service.api.v1.records.subjects import SUBJECT
from service.models.active_model import preferred_model
from service.views import data_dictionary
from service.views import messages as views
from service.views.documents.tables import MEDIA_TYPES, Table
from service.views.exports import periods_table
from service.views.trends import (
    Days,
    PeriodsView,
    TrendsView,
    halves,
    have_shared_days,
    load_trends_view,
    mixed_gaze,
    mixed_rates,
)

Day = Annotated[
    date | None,
    Query(description="A day of `time_zone`, within the period; without any, the earlier and the later half."),
]
ModelId = Annotated[str | None, Query(max_length=200, description="As for the trends.")]
ANSWERS: dict[int | str, dict[str, Any]] = {
    **table_answer(TableModel),
    **problems(401, 403, 404, 406, 422, 503),
}


def period_routes(archive: Archive) -> APIRouter:
    """Return the route.

    Args:
        archive: The installation and its store.
    """
    router = APIRouter(tags=["trends"])
    router.get(
        f"{SUBJECT}/trends/periods",
        response_model=None,
        responses=ANSWERS,
        summary="Two periods of a subject beside each other, a row a measure.",
    )(_Periods(archive).get)
    return router


class _Periods:
    """The handler."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def get(
        self,
        subject_id: str,
        request: Request,
        first_from: Day = None,
        first_to: Day = None,
        second_from: Day = None,
        second_to: Day = None,
        time_zone: Zone = None,
        model_id: ModelId = None,
        format_name: FormatName = None,
    ) -> Response:
        """No test is made: `facts` say what the usual spread is, and which models measured the sessions.

        Estimates are not compared, as on the page; questionnaires and measures are.
        """
        kind = choose_format(request, format_name, MEDIA_TYPES)
        zone = read_zone(time_zone)
        days = _read_days(first_from, first_to, second_from, second_to)

        def answer() -> Response:
            view = self._load(subject_id, zone, model_id)
            return answer_table(request, self._table(request, view, days), kind)

        response = await self._archive.ask(answer)
        await self._archive.note_read("subject", subject_id, f"periods, {kind}")
        return response

    def _load(self, subject_id: str, zone: tzinfo, model_id: str | None) -> TrendsView:
        store = self._archive.store
        subject = store.subjects.get_summary(subject_id=subject_id)
        preferred = preferred_model(self._archive.settings, store)
        return load_trends_view(store, subject, zone, model_id=model_id, prefer_model=preferred)

    def _table(self, request: Request, view: TrendsView, days: tuple[Days, Days] | None) -> Table:
        facts = {"row": data_dictionary.PERIODS.row, "time_zone": str(view.zone)}
        facts |= {"is_demo": "true"} if view.subject.is_demo else {}
        notes: dict[str, Message] = {"note": NOT_A_DIAGNOSIS()}
        if days is None and len(view.days) < 2:
            table = periods_table(PeriodsView(pd.DataFrame(), {}, ()))
            notes["too_few_days"] = views.TOO_FEW_DAYS()
        else:
            first, second = days or halves(view.days)
            periods = view.compare_periods(first, second)
            table = periods_table(periods)
            facts |= {"first": _interval(first), "second": _interval(second), "model_ids": ", ".join(periods.models)}
            notes |= _notes(view, periods, first, second)
        sentences = {name: self._archive.sentences.write(request, message) for name, message in notes.items()}
        name = f"subject-{view.subject.id[:8]}-periods"
        return Table(name, {**facts, **sentences}, data_dictionary.PERIODS.columns, [table])


def _read_days(
    first_from: date | None, first_to: date | None, second_from: date | None, second_to: date | None
) -> tuple[Days, Days] | None:
    """Return the two periods; None where none is named. Raises RequestError where they are none."""
    if first_from is None and first_to is None and second_from is None and second_to is None:
        return None
    if first_from is None or first_to is None or second_from is None or second_to is None:
        raise RequestError(messages.TWO_PERIODS(), 422)
    if first_to < first_from:
        raise RequestError(messages.PERIOD_ORDER(begin="first_from", end="first_to"), 422)
    if second_to < second_from:
        raise RequestError(messages.PERIOD_ORDER(begin="second_from", end="second_to"), 422)
    return (first_from, first_to), (second_from, second_to)


def _interval(days: Days) -> str:
    """Write a period as ISO 8601 does, its last day within it."""
    return f"{days[0].isoformat()}/{days[1].isoformat()}"


def _notes(view: TrendsView, periods: PeriodsView, first: Days, second: Days) -> dict[str, Message]:
    """Return what the page says beside the table."""
    notes: dict[str, Message] = {"spread": views.USUAL_SPREAD(few=MIN_SESSIONS)}
    if len(periods.models) > 1:
        notes["several_models"] = views.MIXED_MODELS()
    if rates := mixed_rates(periods.comparisons, periods.rates):
        notes["several_rates"] = rates
    if gaze := mixed_gaze(periods.comparisons, mixes=periods.mixes_gaze):
        notes["gaze_and_head"] = gaze
    notes |= periods.voice_notes(periods.comparisons)
    if have_shared_days(first, second):
        notes["shared_days"] = views.SHARED_DAYS()
    by_frames = int(view.sessions["counts_by_frames"].sum())
    if by_frames:
        notes["counts_by_frames"] = messages.COUNTED_BY_FRAMES(n=by_frames)
    if view.withdrawn:
        notes["consent_withdrawn"] = messages.WITHDRAWN(n=view.withdrawn)
    return notes
