"""`/v1/subjects/{id}`: a person as a whole is merged, exported and erased; `/v1/pseudonyms`: the key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.requests import Request

from service.api import messages
from service.api.archive import answer_archive
from service.api.v1.answers.archive import CREATES, Archive
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.openapi import IF_NONE_MATCH, UNCHANGED, extra, problems
from service.api.v1.answers.problems import RequestError
from service.api.v1.people import schemas
from service.api.v1.people.erasures import describe_erasure
from service.lifecycle import erasure, ledger
from service.lifecycle.person.merging import describe_merge

SUBJECT = "/v1/subjects/{subject_id}"
Answers = dict[int | str, dict[str, Any]]
ERASES: Answers = {202: {"model": schemas.Erasure}, **CREATES}
Handler = Callable[..., Any]
Model = type[BaseModel]


def people_routes(archive: Archive) -> APIRouter:
    """Return the routes. Whose subjects they answer for, the store decides by who asks.

    Args:
        archive: The installation and its store.
    """
    people = _People(archive)
    router = APIRouter(tags=["people"])

    def change(
        path: str, handler: Handler, body: Model, answer: Model, summary: str, responses: Answers = CREATES
    ) -> None:
        router.add_api_route(
            path,
            handler,
            methods=["POST"],
            response_model=answer,
            responses=responses,
            openapi_extra=extra(body=body),
            summary=summary,
        )

    words = "Merge a subject into another who is the same person, or say what that would do."
    change(f"{SUBJECT}/merge", people.merge, schemas.Merging, schemas.MergeReport, words)
    words = "Erase a person for good."
    change(f"{SUBJECT}/erasure", people.erase, schemas.Confirmation, schemas.Erasure, words, ERASES)
    router.get(
        f"{SUBJECT}/erasure",
        response_model=schemas.ErasurePreview,
        responses={**UNCHANGED, **problems(401, 403, 404, 422, 503, 507)},
        openapi_extra=extra(IF_NONE_MATCH),
        summary="What erasing a person would remove.",
    )(people.preview)
    router.get(
        f"{SUBJECT}/export",
        response_class=Response,
        responses={200: {"content": {"application/zip": {}}}, **problems(401, 403, 404, 503)},
        summary="Everything that is stored of a person, as a ZIP with open formats and a page that explains it.",
    )(people.export)
    router.get(
        "/v1/pseudonyms",
        response_model=schemas.Pseudonyms,
        responses={**UNCHANGED, **problems(401, 403, 503)},
        openapi_extra=extra(IF_NONE_MATCH),
        summary="The key of the pseudonyms, for administrators.",
    )(people.pseudonyms)
    return router


class _People:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._settings = archive.settings
        self._store = archive.store
        self._sentences = archive.sentences

    async def merge(self, subject_id: str, request: Request) -> schemas.MergeReport:
        """Sessions, questionnaires, events, tags and shares go to the other. Without `confirm` nothing is changed."""
        wish = await read_model(request, schemas.Merging)
        plan = await self._archive.ask(self._store.merging.plan, source_id=subject_id, target_id=wish.into)
        if wish.confirm is None:
            for name in (subject_id, wish.into):
                await self._archive.note_read("subject", name, "before a merging")
            report = plan
        else:
            await self._check_confirmed(subject_id, wish.confirm)
            report = await self._archive.ask(
                erasure.merge_subjects,
                settings=self._settings,
                store=self._store,
                source_id=subject_id,
                target_id=wish.into,
            )
        return schemas.MergeReport(
            merged=wish.confirm is not None,
            sessions=report.sessions,
            questionnaires=report.questionnaires,
            events=report.events,
            tags=report.tags,
            notes=[self._sentences.note(request, sentence) for sentence in describe_merge(report)],
        )

    async def export(self, subject_id: str) -> Response:
        """Recordings and pictures of faces may show other people: look before you hand it on."""
        return await answer_archive(self._settings, self._store, subject_id)

    async def preview(self, subject_id: str, request: Request) -> Response:
        """Nothing is removed."""
        removal = await self._archive.ask(
            erasure.preview_subject, settings=self._settings, store=self._store, subject_id=subject_id
        )
        plan = removal.plan
        preview = schemas.ErasurePreview(
            sessions=plan.sessions,
            recordings=plan.recordings,
            shared_recordings=plan.shared_recordings,
            recording_bytes=removal.recording_bytes,
            analyses=plan.analyses,
            transcripts=plan.transcripts,
            notes=plan.notes,
            questionnaires=plan.questionnaires,
            events=plan.events,
            heads=list(removal.heads),
        )
        return await self._archive.answer_read(request, preview, "subject", subject_id, "before an erasure")

    async def erase(self, subject_id: str, request: Request, response: Response) -> schemas.Erasure:
        """202 says that the rows are gone and the erasure waits for somebody who reads; a worker finishes it.

        Backups, exports and copies elsewhere are not changed by this.
        """
        await self._check_confirmed(subject_id, (await read_model(request, schemas.Confirmation)).confirm)
        await self._archive.ask(ledger.make_room, settings=self._settings)
        counts = await self._archive.ask(
            erasure.erase_subject, settings=self._settings, store=self._store, subject_id=subject_id
        )
        response.status_code = 200 if counts.pending is None else 202
        return describe_erasure(self._sentences, request, counts)

    async def pseudonyms(self, request: Request) -> Response:
        """Whoever reads it knows who everybody is: it is an entry of the audit."""
        key = await self._archive.ask(self._store.subjects.list_pseudonyms)
        rows = [schemas.Pseudonym(id=row_id, label=label, pseudonym=pseudonym) for pseudonym, label, row_id in key]
        return answer_model(request, schemas.Pseudonyms(items=rows))

    async def _check_confirmed(self, subject_id: str, confirm: str) -> None:
        """Raise RequestError where the label is not the subject's."""
        record = await self._archive.ask(self._store.subjects.get, subject_id=subject_id)
        if record.label != confirm:
            raise RequestError(messages.NOT_CONFIRMED(), 422)
