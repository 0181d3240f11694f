"""`/v1/subjects`: subjects are listed, added, read and renamed."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from db.records import Position, SubjectSummary
from service.api.v1.answers.archive import CHANGES, CREATES, READS, Archive
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model, check_match
from service.api.v1.answers.once import Creation, create_once
from service.api.v1.answers.openapi import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, extra
from service.api.v1.answers.paging import DEFAULT_LIMIT, After, Limit, cut_page, read_cursor
from service.api.v1.answers.schemas import Listing
from service.api.v1.records import schemas
from service.lifecycle.person.words import rename_subject

SUBJECTS = "/v1/subjects"
SUBJECT = f"{SUBJECTS}/{{subject_id}}"


def subject_routes(archive: Archive) -> APIRouter:
    """Return the routes.

    Args:
        archive: The installation and its store.
    """
    subjects = _Subjects(archive)
    router = APIRouter(tags=["subjects"])
    router.get(
        SUBJECTS,
        response_model=Listing[schemas.SubjectItem],
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="The subjects, in the order in which they were added.",
    )(subjects.list_page)
    router.post(
        SUBJECTS,
        status_code=201,
        response_model=schemas.SubjectItem,
        responses=CREATES,
        openapi_extra=extra(IDEMPOTENCY_KEY, body=schemas.NewSubject),
        summary="Add a subject.",
    )(subjects.create)
    router.get(
        SUBJECT,
        response_model=schemas.SubjectItem,
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="A subject.",
    )(subjects.get)
    router.patch(
        SUBJECT,
        response_model=schemas.SubjectItem,
        responses=CHANGES,
        openapi_extra=extra(IF_MATCH, body=schemas.NewSubject),
        summary="Give a subject another label.",
    )(subjects.rename)
    return router


class _Subjects:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store

    async def list_page(self, request: Request, limit: Limit = DEFAULT_LIMIT, after: After = None) -> Response:
        """Those that the account may see."""
        query = self._store.subjects.list_page
        rows = await self._archive.ask(query, limit=limit + 1, after=read_cursor(after))
        page, cursor = cut_page(rows, limit, lambda row: Position(row.created_at, row.id))
        tags = await self._archive.ask(self._store.subjects.tags, subject_ids=[row.id for row in page])
        items = [_item(row, tags.get(row.id, ())) for row in page]
        listing = Listing[schemas.SubjectItem](items=items, next=cursor)
        return await self._archive.answer_read(request, listing, "subject", "all", f"{len(page)} subjects")

    async def create(self, request: Request) -> Response:
        """It belongs to the account, which may share it."""
        wish = await read_model(request, schemas.NewSubject)

        def create() -> Creation:
            return Creation({"subject": self._store.subjects.create(label=wish.label).id})

        creation = await create_once(self._store, request, wish.model_dump_json(), create)
        subject_id = creation.ids["subject"]
        location = SUBJECT.format(subject_id=subject_id)
        return await self._archive.answer_new(request, creation, await self._load(subject_id), location, subject_id)

    async def get(self, subject_id: str, request: Request) -> Response:
        """A researcher sees a pseudonym for the label."""
        return await self._archive.answer_read(request, await self._load(subject_id), "subject", subject_id, "")

    async def rename(self, subject_id: str, request: Request) -> Response:
        """Everything that is stored stays with the subject; the old label goes from the database's files too."""
        wish = await read_model(request, schemas.NewSubject)
        await check_match(request, lambda: self._load(subject_id))
        settings = self._archive.settings
        await self._archive.ask(
            rename_subject, settings=settings, store=self._store, subject_id=subject_id, label=wish.label
        )
        return answer_model(request, await self._load(subject_id))

    async def _load(self, subject_id: str) -> schemas.SubjectItem:
        summary = await self._archive.ask(self._store.subjects.get_summary, subject_id=subject_id)
        tags = await self._archive.ask(self._store.subjects.tags, subject_ids=[subject_id])
        return _item(summary, tags.get(subject_id, ()))


def _item(summary: SubjectSummary, tags: tuple[str, ...]) -> schemas.SubjectItem:
    return schemas.SubjectItem(
        id=summary.id,
        label=summary.label,
        tags=list(tags),
        sessions=summary.sessions,
        analysed_sessions=summary.analysed_sessions,
        last_recorded_at=summary.last_recorded_at,
        questionnaires=summary.questionnaires,
        last_answered_at=summary.last_answered_at,
        is_demo=summary.is_demo,
        created_at=summary.created_at,
    )
