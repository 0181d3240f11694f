"""`/v1/jobs`: analyses as they run, their changes as events; `/v1/sessions/{id}/analyses`: asking for another."""

from __future__ import annotations

import functools
import json
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from db.records import JobRecord, JobState, Position
from db.store import Store
from service.api import messages
from service.api.v1.answers import schemas as shared
from service.api.v1.answers.bodies import read_model
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.once import Creation, answer_creation, create_once
from service.api.v1.answers.openapi import IDEMPOTENCY_KEY, IF_NONE_MATCH, UNCHANGED, extra, problems
from service.api.v1.answers.paging import DEFAULT_LIMIT, After, Limit, cut_page, read_cursor
from service.api.v1.answers.problems import RequestError, Sentences
from service.api.v1.jobs import schemas
from service.api.v1.jobs.stream import MEDIA_TYPE, JobStream, event_id
from service.api.v1.jobs.watch import JobWatch
from service.jobs import queue
from service.jobs.queue import JobStatus
from service.jobs.speaker import speaker_of_analysis
from service.models.active_model import preferred_model
from service.settings import AppSettings
from service.views.review import default_analysis

JOB = "/v1/jobs/{job_id}"
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An event `job` with the job now, and one with each change; it ends with the job.",
        "content": {MEDIA_TYPE: {"example": "event: job\nid: 1-done\ndata: {...}\n\n"}},
    },
    204: {"description": "The job has ended, and `Last-Event-ID` says that the client knows."},
    **problems(401, 403, 404, 503),
}


def job_routes(settings: AppSettings, store: Store, sentences: Sentences) -> APIRouter:
    """Return the routes. Whose jobs they answer for, the store decides by who asks.

    Args:
        settings: The installation.
        store: Its store, which acts for whoever is behind the request.
        sentences: Writes messages.
    """
    jobs = _Jobs(settings, store, sentences)
    router = APIRouter(tags=["jobs"])
    _add_readings(router, jobs)
    _add_changes(router, jobs)
    return router


def _add_readings(router: APIRouter, jobs: _Jobs) -> None:
    router.get(
        "/v1/jobs",
        response_model=shared.Listing[schemas.Job],
        responses={**UNCHANGED, **problems(401, 403, 422, 503)},
        openapi_extra=extra(IF_NONE_MATCH),
        summary="The jobs, newest first.",
    )(jobs.list_page)
    router.get(
        JOB,
        response_model=schemas.Job,
        responses={**UNCHANGED, **problems(401, 403, 404, 503)},
        openapi_extra=extra(IF_NONE_MATCH),
        summary="Where a job stands.",
    )(jobs.get)
    router.get(f"{JOB}/events", response_class=Response, responses=EVENTS, summary="A job's changes, as they happen.")(
        jobs.events
    )


def _add_changes(router: APIRouter, jobs: _Jobs) -> None:
    router.post(
        f"{JOB}/cancel",
        response_model=schemas.Job,
        responses=problems(401, 403, 404, 503),
        summary="Stop a job: a queued one at once, a running one within about a second.",
    )(jobs.cancel)
    router.post(
        f"{JOB}/retry",
        response_model=schemas.Job,
        responses=problems(401, 403, 404, 409, 503),
        summary="Queue a job again that failed or was cancelled.",
    )(jobs.retry)
    router.post(
        "/v1/sessions/{session_id}/analyses",
        status_code=202,
        response_model=schemas.Job,
        responses=problems(400, 401, 403, 404, 408, 409, 413, 422, 503),
        openapi_extra=extra(IDEMPOTENCY_KEY, body=schemas.AnalysisWish),
        summary="Analyse a session again.",
    )(jobs.analyse)


class _Jobs:
    """The handlers."""

    def __init__(self, settings: AppSettings, store: Store, sentences: Sentences) -> None:
        self._settings = settings
        self._store = store
        self._sentences = sentences
        self._watch = JobWatch(settings, store)

    async def list_page(
        self,
        request: Request,
        state: Annotated[list[JobState] | None, Query(description="Only jobs in this state; may repeat.")] = None,
        session_id: Annotated[str | None, Query(max_length=64, description="Only jobs of this session.")] = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Response:
        """Of somebody else's session, or of one that there is not, there are none."""
        load = functools.partial(queue.list_page, self._settings, self._store, states=state, session_id=session_id)
        load = functools.partial(load, after=read_cursor(after), limit=limit + 1)
        statuses = await anyio.to_thread.run_sync(load)
        page, cursor = cut_page(statuses, limit, lambda status: Position(status.created_at, status.id))
        items = [self._job(request, status) for status in page]
        return answer_model(request, shared.Listing[schemas.Job](items=items, next=cursor))

    async def get(self, job_id: str, request: Request) -> Response:
        """`events` tells it without asking again."""
        return answer_model(request, self._job(request, await self._status(job_id)))

    async def cancel(self, job_id: str, request: Request) -> schemas.Job:
        """A job that has ended stays as it is, and cancelling it again changes nothing."""
        cancel = queue.cancel
        return self._job(request, await anyio.to_thread.run_sync(cancel, self._settings, self._store, job_id))

    async def retry(self, job_id: str, request: Request) -> schemas.Job:
        """A job that waits or runs stays as it is. One that is done is not done again: ask for another analysis."""
        status = await anyio.to_thread.run_sync(queue.retry, self._settings, self._store, job_id)
        if status.state == JobState.DONE:
            raise RequestError(messages.JOB_DONE(session_id=status.session_id), 409)
        return self._job(request, status)

    async def events(self, job_id: str, request: Request) -> Response:
        """Server-sent events; the data of each is the job as JSON. A comment comes when nothing else does.

        A stream lasts five minutes at most; a client that comes again gets the job as it is by then, and 204 where it
        knows the end already.
        """
        status = await self._status(job_id)
        if not status.active and request.headers.get("last-event-id") == event_id(status):
            return Response(status_code=204)
        return JobStream(self._watch, status, lambda newest: self._job(request, newest))

    async def analyse(self, session_id: str, request: Request) -> Response:
        """Earlier analyses stay. Where the session is analysed in this way already, that job is the answer.

        Which speaker is the subject stays as a person chose it, unless `speech` is refused.
        """
        wish = await read_model(request, schemas.AnalysisWish)
        content = json.dumps({**wish.settings(), "priority": wish.priority}, sort_keys=True)
        creation = await create_once(self._store, request, content, functools.partial(self._enqueue, session_id, wish))
        job = self._job(request, await self._status(creation.ids["job"]))
        return answer_creation(request, creation, job, JOB.format(job_id=job.id))

    def _enqueue(self, session_id: str, wish: schemas.AnalysisWish) -> Creation:
        """Queue an analysis. Raises RequestError where another runs, or the recording is gone."""
        detail = self._store.sessions.get_detail(session_id=session_id)
        current = default_analysis(detail.analyses, preferred_model(self._settings, self._store))
        speaker = {} if wish.speech is False else speaker_of_analysis(current)
        options = {**speaker, **wish.settings()}
        session = detail.session
        self._store.sessions.check_recording(session_id=session_id)
        if session.media_path is None:
            raise RequestError(messages.RECORDING_REMOVED(), 409)
        self._check_same(self._store.jobs.latest(session_id=session_id), options)  # before it is moved up
        priority = wish.priority.of_job
        status = queue.enqueue_analysis(self._settings, self._store, session_id, options, priority=priority)
        self._check_same(self._store.jobs.get(job_id=status.id), options)
        return Creation({"job": status.id}, 202)

    def _check_same(self, job: JobRecord | None, options: dict[str, Any]) -> None:
        """Raise RequestError where a session is analysed already, in another way."""
        if job is not None and job.is_live and (job.settings or {}) != options:
            raise RequestError(messages.OTHER_ANALYSIS(job_id=job.id), 409)

    async def _status(self, job_id: str) -> JobStatus:
        return await anyio.to_thread.run_sync(queue.status, self._settings, self._store, job_id)

    def _job(self, request: Request, status: JobStatus) -> schemas.Job:
        return schemas.Job(
            id=status.id,
            session_id=status.session_id,
            state=JobState(status.state),
            priority=schemas.Priority[status.priority.name],
            active=status.active,
            step=status.step,
            done=status.done,
            total=status.total,
            fraction=status.fraction,
            frames_per_s=status.frames_per_s,
            seconds_left=status.seconds_left,
            ahead=status.ahead,
            worker_alive=status.worker_alive,
            message=self._sentences.note(request, status.message),
            error=None if status.error is None else self._sentences.note(request, status.error),
            analysis_id=status.analysis_id,
            attempt=status.attempt,
            created_at=status.created_at,
            started_at=status.started_at,
            finished_at=status.finished_at,
        )
