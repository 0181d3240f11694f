"""`/v1/exports/...`: the tables of a cohort, as JSON, CSV, Parquet or Arrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from db.records import CohortFilter
from fer_phq.core.phq import Provenance
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from service.api import messages
from service.api.v1.answers.archive import Archive
from service.api.v1.answers.openapi import problems
from service.api.v1.answers.schemas import Table as TableSchema
from service.api.v1.answers.tables import FormatName, answer_table, choose_format, table_answer
from service.api.v1.records.moments import Moment
from service.models.active_model import preferred_model
from service.views import data_dictionary
from service.views.comparison import load_comparison_view
from service.views.documents.tables import MEDIA_TYPES, Table
from service.views.exports import pairs_table
from service.views.trends import MEASURE_NAMES

ANSWERS = {**table_answer(TableSchema), **problems(401, 403, 406, 422, 503)}
Tags = Annotated[
    list[str], Query(alias="tag", max_length=50, description="Subjects that have any of these; may repeat.")
]
Since = Annotated[Moment | None, Query(description="Sessions recorded at or after this moment.")]
Until = Annotated[Moment | None, Query(description="Sessions recorded before this moment.")]
Model = Annotated[str | None, Query(max_length=200, description="Analyses by this model alone.")]
Coverage = Annotated[float, Query(ge=0, le=1, description="The least share of the recording with a face.")]
Demo = Annotated[bool, Query(description="Whether made-up demonstrations count.")]
ModelId = Annotated[str, Query(max_length=200, description="Id of a model.")]


def export_routes(archive: Archive) -> APIRouter:
    """Return the routes. Whose sessions they hold, the store decides by who asks.

    Args:
        archive: The installation and its store.
    """
    exports = _Exports(archive)
    router = APIRouter(tags=["exports"])

    def export(path: str, handler: Callable[..., Any], summary: str) -> None:
        router.add_api_route(path, handler, methods=["GET"], response_model=None, responses=ANSWERS, summary=summary)

    export("/v1/exports/cohort", exports.cohort, "The analysed sessions of many subjects, a row each.")
    export("/v1/exports/pairs", exports.pairs, "The sessions that two models have both analysed, a row each.")
    return router


class _Exports:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store
        self._sentences = archive.sentences

    async def cohort(
        self,
        request: Request,
        tags: Tags = [],  # noqa: B006 - FastAPI copies it
        since: Since = None,
        until: Until = None,
        model_id: Model = None,
        min_coverage: Coverage = 0.0,
        demo: Demo = True,
        format_name: FormatName = None,
    ) -> Response:
        """By subject, then oldest first. Estimates of several heads are not one quantity: see `phq_model_id`.

        Without `model_id` the active model's analyses stand for their sessions, others where it has analysed none.
        """
        cohort_filter = CohortFilter(tuple(tags), since, until, model_id, min_coverage, demo)

        def load() -> tuple[pd.DataFrame, int]:
            preferred = preferred_model(self._archive.settings, self._store)
            sessions = self._store.cohort.load(cohort=cohort_filter, measures=MEASURE_NAMES, prefer_model=preferred)
            return sessions, self._store.cohort.count_withdrawn(cohort=cohort_filter, prefer_model=preferred)

        return await self._answer(request, format_name, "cohort", data_dictionary.COHORT, load)

    async def pairs(
        self, request: Request, first: ModelId, second: ModelId, format_name: FormatName = None
    ) -> Response:
        """Oldest first; columns that end in `_a` are the first model's, in `_b` the second's."""

        def load() -> tuple[pd.DataFrame, int]:
            comparison = load_comparison_view(self._store, first, second)
            return pairs_table(comparison), comparison.withdrawn

        return await self._answer(request, format_name, "pairs", data_dictionary.PAIRS, load)

    async def _answer(
        self,
        request: Request,
        format_name: str | None,
        name: str,
        entry: data_dictionary.TableEntry,
        load: Callable[[], tuple[pd.DataFrame, int]],
    ) -> Response:
        """Answer a table; `load` returns its rows, and how many sessions a withdrawn consent leaves out of it."""
        kind = choose_format(request, format_name, MEDIA_TYPES)

        def answer() -> Response:
            frame, withdrawn = load()
            self._store.audit.add(action="export", object_kind="file", object_id=f"{name}.{kind}")
            facts = {"row": entry.row, "note": self._sentences.write(request, NOT_A_DIAGNOSIS())}
            if withdrawn:
                facts["withdrawn"] = self._sentences.write(request, messages.WITHDRAWN_LEFT_OUT(n=withdrawn))
            provenances = [frame[column] for column in frame if str(column).startswith("phq_provenance")]
            if any((column == str(Provenance.SIMULATED)).any() for column in provenances):
                facts["simulated"] = self._sentences.write(request, messages.SIMULATED_ROWS())
            return answer_table(request, Table(name, facts, entry.columns, [frame]), kind)

        return await self._archive.ask(answer)
