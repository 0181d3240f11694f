"""`/v1/sessions`: sessions are listed, read, changed and erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from db.records import AnalysisSummary, Consent, JobRecord, JobState, Position, SessionRecord
from service.api import messages
from service.api.v1.answers.archive import CHANGES, READS, Archive
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model, check_match
from service.api.v1.answers.openapi import IF_MATCH, IF_NONE_MATCH, extra, problems
from service.api.v1.answers.paging import DEFAULT_LIMIT, After, Limit, cut_page, read_cursor
from service.api.v1.answers.problems import RequestError
from service.api.v1.answers.schemas import Listing
from service.api.v1.people.erasures import describe_erasure
from service.api.v1.people.schemas import Erasure
from service.api.v1.records import schemas
from service.api.v1.records.moments import Moment, check_past
from service.lifecycle import erasure, ledger
from service.lifecycle.consent import check_retention, keep_until, withdraw_consent
from service.models.active_model import preferred_model

SESSIONS = "/v1/sessions"
SESSION = f"{SESSIONS}/{{session_id}}"
ERASES: dict[int | str, dict[str, Any]] = {202: {"model": Erasure}, **CHANGES, **problems(507)}


def session_routes(archive: Archive) -> APIRouter:
    """Return the routes.

    Args:
        archive: The installation and its store.
    """
    sessions = _Sessions(archive)
    router = APIRouter(tags=["sessions"])
    router.get(
        SESSIONS,
        response_model=Listing[schemas.SessionItem],
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="The sessions, the last recorded first.",
    )(sessions.list_page)
    router.get(
        SESSION,
        response_model=schemas.SessionItem,
        responses=READS,
        openapi_extra=extra(IF_NONE_MATCH),
        summary="A session.",
    )(sessions.get)
    router.patch(
        SESSION,
        response_model=schemas.SessionItem,
        responses=CHANGES,
        openapi_extra=extra(IF_MATCH, body=schemas.SessionChange),
        summary="Correct when a session was recorded, record or withdraw its consent, say how long it is kept.",
    )(sessions.change)
    router.delete(
        SESSION,
        response_model=Erasure,
        responses=ERASES,
        openapi_extra=extra(IF_MATCH, body=schemas.SessionConfirmation),
        summary="Erase a session for good.",
    )(sessions.erase)
    return router


class _Sessions:
    """The handlers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store = archive.store

    async def list_page(
        self,
        request: Request,
        subject: Annotated[str | None, Query(description="Only sessions of the subject with this id.")] = None,
        since: Annotated[Moment | None, Query(description="Only sessions recorded then or later.")] = None,
        until: Annotated[Moment | None, Query(description="Only sessions recorded before then.")] = None,
        state: Annotated[JobState | None, Query(description="Only sessions whose newest job is in this state.")] = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Response:
        """Those of the subjects that the account may see. Jobs are not for researchers: to them no state fits."""
        if subject is not None:
            await self._archive.ask(self._store.subjects.get, subject_id=subject)
        preferred = await self._archive.ask(preferred_model, settings=self._archive.settings, store=self._store)
        rows = await self._archive.ask(
            self._store.sessions.list_recent,
            subject_id=subject,
            since=since,
            until=until,
            state=state,
            limit=limit + 1,
            after=read_cursor(after),
            prefer_model=preferred,
        )
        page, cursor = cut_page(rows, limit, lambda row: Position(row.session.recorded_at, row.session.id))
        withdrawn = await self._withdrawn([row.session for row in page])
        items = [_item(row.session, row.analysis, row.job, row.session.id in withdrawn) for row in page]
        listing = Listing[schemas.SessionItem](items=items, next=cursor)
        kind, object_id = ("subject", subject) if subject else ("session", "all")
        return await self._archive.answer_read(request, listing, kind, object_id, f"{len(page)} sessions")

    async def get(self, session_id: str, request: Request) -> Response:
        """What was read in the recording is in the session's analyses."""
        return await self._archive.answer_read(request, await self._load(session_id), "session", session_id, "")

    async def change(self, session_id: str, request: Request) -> Response:
        """Each field that is sent is a change of its own, and an entry of the audit. Nothing is analysed anew."""
        wish = await read_model(request, schemas.SessionChange)
        recorded_at = check_past(wish.recorded_at) if "recorded_at" in wish.model_fields_set else None
        consent = None if wish.consent is None else self._consent(wish.consent)
        check_retention(wish.retain_until)
        before = await self._archive.ask(self._store.sessions.get, session_id=session_id)
        await check_match(request, lambda: self._load(session_id))
        await self._archive.ask(_change, archive=self._archive, before=before, wish=_Wish(wish, recorded_at, consent))
        return answer_model(request, await self._load(session_id))

    async def erase(self, session_id: str, request: Request) -> Response:
        """The recording, its analyses, notes and transcript go; the subject's questionnaires and events stay.

        202 says that the rows are gone and the erasure waits for somebody who reads; a worker finishes it.
        """
        wish = await read_model(request, schemas.SessionConfirmation)
        session = await self._archive.ask(self._store.sessions.get, session_id=session_id)
        subject = await self._archive.ask(self._store.subjects.get, subject_id=session.subject_id)
        if subject.label != wish.confirm:
            raise RequestError(messages.SESSION_NOT_CONFIRMED(), 422)
        await check_match(request, lambda: self._load(session_id))
        settings = self._archive.settings
        await self._archive.ask(ledger.make_room, settings=settings)
        counts = await self._archive.ask(
            erasure.erase_session, settings=settings, store=self._store, session_id=session_id
        )
        return answer_model(
            request, describe_erasure(self._archive.sentences, request, counts), status=202 if counts.pending else 200
        )

    def _consent(self, wish: schemas.NewConsent) -> Consent:
        at = datetime.now(UTC) if wish.at is None else check_past(wish.at)
        version = wish.text_version or self._archive.settings.consent_version
        return Consent(at=at, by=wish.by.strip(), text_version=version)

    async def _load(self, session_id: str) -> schemas.SessionItem:
        detail = await self._archive.ask(self._store.sessions.get_detail, session_id=session_id)
        current = await self._archive.ask(self._archive.current_analysis, detail=detail)
        return _item(detail.session, current, detail.job, detail.is_withdrawn)

    async def _withdrawn(self, sessions: list[SessionRecord]) -> set[str]:
        """Return the ids of the sessions whose consent was withdrawn."""
        candidates = [session.id for session in sessions if session.consent is None]
        return await self._archive.ask(self._store.sessions.list_withdrawn, session_ids=candidates)


@dataclass(frozen=True)
class _Wish:
    """A change whose values were checked."""

    fields: schemas.SessionChange
    recorded_at: datetime | None
    consent: Consent | None


def _change(archive: Archive, before: SessionRecord, wish: _Wish) -> None:
    """Carry out a change: what shortens what is stored comes last, so that a failure before it loses nothing."""
    sessions = archive.store.sessions
    fields = wish.fields.model_fields_set
    if wish.recorded_at is not None:
        sessions.set_recorded_at(session_id=before.id, recorded_at=wish.recorded_at)
    if wish.consent is not None:
        sessions.record_consent(session_id=before.id, consent=wish.consent)
    elif "consent" in fields and before.consent is not None:
        withdraw_consent(archive.store, before.id)
    if "retain_until" in fields:
        keep_until(archive.store, before.id, wish.fields.retain_until)


def _item(
    session: SessionRecord, analysis: AnalysisSummary | None, job: JobRecord | None, is_withdrawn: bool
) -> schemas.SessionItem:
    consent = session.consent
    return schemas.SessionItem(
        id=session.id,
        subject_id=session.subject_id,
        recorded_at=session.recorded_at,
        original_name=session.original_name,
        duration_s=session.duration_s,
        width=session.width,
        height=session.height,
        codec=session.codec,
        rotation=session.rotation,
        has_audio=session.has_audio,
        sha256=session.media_sha256,
        has_recording=session.media_path is not None,
        consent=consent and schemas.ConsentItem(at=consent.at, by=consent.by, text_version=consent.text_version),
        consent_withdrawn=is_withdrawn,
        retain_until=session.retain_until,
        job=job and schemas.SessionJob(id=job.id, state=job.state),
        analysis_id=analysis and analysis.id,
        is_demo=session.is_demo,
        created_at=session.created_at,
    )
