"""`/v1/subjects/{id}/events`: what happened to a subject, against which trends are read."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from db.records import EventRecord, Position
from service.api.v1.answers.archive import CREATES, READS, Archive, pick
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import check_match
from service.api.v1.answers.once import Creation, create_once
from service.api.v1.answers.openapi import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, extra, problems
from service.api.v1.answers.paging import DEFAULT_LIMIT, After, Limit, list_behind, read_cursor
from service.api.v1.answers.schemas import Listing
from service.api.v1.records import schemas
from service.api.v1.records.subjects import SUBJECT
from service.lifecycle.person.words import remove_event

EVENTS = f"{SUBJECT}/events"
EVENT = f"{EVENTS}/{{event_id}}"


def event_routes(archive: Archive) -> APIRouter:
    """Return the routes.

    Args:
        archive: The installation and its store.
    """
    events = _Events(archive)
    router = APIRouter(tags=["events"])
    router.get(
        EVENTS,
        response_model=Listing[schemas.EventItem],
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="What happened to a subject, oldest first.",
    )(events.list_page)
    router.post(
        EVENTS,
        status_code=201,
        response_model=schemas.EventItem,
        responses=CREATES,
        openapi_extra=extra(IDEMPOTENCY_KEY, body=schemas.NewEvent),
        summary="Note an event.",
    )(events.create)
    router.get(
        EVENT,
        response_model=schemas.EventItem,
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="An event.",
    )(events.get)
    router.delete(
        EVENT,
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 404, 409, 412, 422, 503),
        openapi_extra=extra(IF_MATCH),
        summary="Erase an event.",
    )(events.erase)
    return router


class _Events:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store

    async def list_page(
        self, subject_id: str, request: Request, limit: Limit = DEFAULT_LIMIT, after: After = None
    ) -> Response:
        """Events are free words, which researchers do not see."""
        rows = await self._rows(subject_id)
        page, cursor = list_behind(rows, limit, read_cursor(after), _position)
        listing = Listing[schemas.EventItem](items=[event_item(row) for row in page], next=cursor)
        return await self._archive.answer_read(request, listing, "subject", subject_id, f"{len(page)} events")

    async def create(self, subject_id: str, request: Request) -> Response:
        """Such as a medication begun, or a therapy ended."""
        wish = await read_model(request, schemas.NewEvent)

        def create() -> Creation:
            return Creation({"event": self._store.events.add(subject_id=subject_id, at=wish.at, words=wish.words).id})

        creation = await create_once(self._store, request, wish.model_dump_json(), create)
        event_id = creation.ids["event"]
        location = EVENT.format(subject_id=subject_id, event_id=event_id)
        item = await self._load(subject_id, event_id)
        return await self._archive.answer_new(request, creation, item, location, subject_id)

    async def get(self, subject_id: str, event_id: str, request: Request) -> Response:
        """An event that was erased is not there."""
        item = await self._load(subject_id, event_id)
        return await self._archive.answer_read(request, item, "subject", subject_id, "an event")

    async def erase(self, subject_id: str, event_id: str, request: Request) -> Response:
        """Its words go from the database's files too."""
        await self._load(subject_id, event_id)
        await check_match(request, lambda: self._load(subject_id, event_id))
        await self._archive.ask(remove_event, settings=self._archive.settings, store=self._store, event_id=event_id)
        return Response(status_code=204)

    async def _rows(self, subject_id: str) -> list[EventRecord]:
        await self._archive.ask(self._store.subjects.get, subject_id=subject_id)
        return await self._archive.ask(self._store.events.list_by_subject, subject_id=subject_id)

    async def _load(self, subject_id: str, event_id: str) -> schemas.EventItem:
        return event_item(pick(await self._rows(subject_id), event_id, "events"))


def _position(record: EventRecord) -> Position:
    return Position(record.at, record.id)


def event_item(record: EventRecord) -> schemas.EventItem:
    """Return an event as an answer.

    Args:
        record: The event.
    """
    return schemas.EventItem(
        id=record.id, subject_id=record.subject_id, at=record.at, words=record.words, created_at=record.created_at
    )
