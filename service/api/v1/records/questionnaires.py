"""`/v1/subjects/{id}/questionnaires`: what a person filled in, by the checks of the page and the import."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from db.records import Position, QuestionnaireRecord
from service.api.v1.answers.archive import CREATES, READS, Archive, pick
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.once import Creation, create_once
from service.api.v1.answers.openapi import IDEMPOTENCY_KEY, IF_NONE_MATCH, extra
from service.api.v1.answers.paging import DEFAULT_LIMIT, After, Limit, list_behind, read_cursor
from service.api.v1.answers.schemas import Listing
from service.api.v1.records import schemas
from service.api.v1.records.moments import check_past
from service.api.v1.records.subjects import SUBJECT

QUESTIONNAIRES = f"{SUBJECT}/questionnaires"
QUESTIONNAIRE = f"{QUESTIONNAIRES}/{{questionnaire_id}}"
Corrected = Annotated[bool, Query(description="Whether those are listed too that a later one corrects.")]


def questionnaire_routes(archive: Archive) -> APIRouter:
    """Return the routes.

    Args:
        archive: The installation and its store.
    """
    questionnaires = _Questionnaires(archive)
    router = APIRouter(tags=["questionnaires"])
    router.get(
        QUESTIONNAIRES,
        response_model=Listing[schemas.QuestionnaireItem],
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="A subject's questionnaires, the last answered first.",
    )(questionnaires.list_page)
    router.post(
        QUESTIONNAIRES,
        status_code=201,
        response_model=schemas.QuestionnaireItem,
        responses=CREATES,
        openapi_extra=extra(IDEMPOTENCY_KEY, body=schemas.NewQuestionnaire),
        summary="Store a PHQ-8 or PHQ-9, or the correction of one.",
    )(questionnaires.create)
    router.get(
        QUESTIONNAIRE,
        response_model=schemas.QuestionnaireItem,
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="A questionnaire.",
    )(questionnaires.get)
    return router


class _Questionnaires:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store

    async def list_page(
        self,
        subject_id: str,
        request: Request,
        superseded: Corrected = False,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Response:
        """A score is a person's own answers, not an estimate, and no diagnosis."""
        rows = await self._rows(subject_id, superseded=superseded)
        page, cursor = list_behind(rows, limit, read_cursor(after), _position, descending=True)
        listing = Listing[schemas.QuestionnaireItem](items=[_item(row) for row in page], next=cursor)
        return await self._archive.answer_read(request, listing, "subject", subject_id, f"{len(page)} questionnaires")

    async def create(self, subject_id: str, request: Request) -> Response:
        """Every item is answered, or there is no score. A correction leaves what it corrects in the store."""
        wish = await read_model(request, schemas.NewQuestionnaire)
        answered_at = check_past(wish.answered_at)

        def create() -> Creation:
            record = self._store.questionnaires.save(
                subject_id=subject_id,
                scale=wish.scale,
                items=wish.items,
                answered_at=answered_at,
                difficulty=wish.difficulty,
                supersedes_id=wish.supersedes_id,
            )
            return Creation({"questionnaire": record.id})

        creation = await create_once(self._store, request, wish.model_dump_json(), create)
        questionnaire_id = creation.ids["questionnaire"]
        item = await self._load(subject_id, questionnaire_id)
        location = QUESTIONNAIRE.format(subject_id=subject_id, questionnaire_id=questionnaire_id)
        return await self._archive.answer_new(request, creation, item, location, subject_id)

    async def get(self, subject_id: str, questionnaire_id: str, request: Request) -> Response:
        """One that was corrected is read too, and says so."""
        item = await self._load(subject_id, questionnaire_id)
        return await self._archive.answer_read(request, item, "subject", subject_id, "a questionnaire")

    async def _load(self, subject_id: str, questionnaire_id: str) -> schemas.QuestionnaireItem:
        rows = await self._rows(subject_id, superseded=True)
        return _item(pick(rows, questionnaire_id, "questionnaires"))

    async def _rows(self, subject_id: str, *, superseded: bool) -> list[QuestionnaireRecord]:
        await self._archive.ask(self._store.subjects.get, subject_id=subject_id)
        query = self._store.questionnaires.list_by_subject
        return await self._archive.ask(query, subject_id=subject_id, include_superseded=superseded)


def _position(record: QuestionnaireRecord) -> Position:
    return Position(record.answered_at, record.id)


def _item(record: QuestionnaireRecord) -> schemas.QuestionnaireItem:
    return schemas.QuestionnaireItem(
        id=record.id,
        subject_id=record.subject_id,
        scale=record.scale,
        items=list(record.items),
        total=record.total,
        maximum=record.scale.maximum,
        band=record.band,
        item9_flag=record.item9_flag,
        difficulty=record.difficulty,
        answered_at=record.answered_at,
        source=record.source,
        supersedes_id=record.supersedes_id,
        superseded=record.superseded,
        acknowledged_at=record.acknowledged_at,
        created_at=record.created_at,
    )
