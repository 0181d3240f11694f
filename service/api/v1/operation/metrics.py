"""`/metrics`: how the installation does, in the text format of Prometheus. It holds no ids and nothing of a person."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from db.actors import Actor, Role
from db.records import JobState
from db.store import Store
from fer_phq import __version__
from fer_phq.core.errors import StoreError
from service.access.control import acting_as, request_actor
from service.access.guard import METRICS_PATH, source_of
from service.access.messages import LOGIN_NEEDED
from service.access.source import read_source, sees_operations
from service.api import messages
from service.api.counters import REGISTRY
from service.api.v1.answers.openapi import problems
from service.api.v1.answers.problems import Sentences
from service.ingest.media import MediaStore
from service.jobs import queue
from service.settings import AppSettings

COUNTING = Actor("api")
"""Who counts: jobs are counted whosever they are, after it was checked who asks."""


def metric_routes(settings: AppSettings, store: Store, sentences: Sentences) -> APIRouter:
    """Return the route.

    Args:
        settings: The installation.
        store: Its store.
        sentences: Writes messages.
    """
    router = APIRouter(tags=["operation"])
    files = MediaStore(settings)

    @router.get(
        METRICS_PATH,
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems(401, 403)},
        summary="How the installation does, for Prometheus.",
    )
    async def metrics(request: Request) -> Response:
        """For programs on this machine, and for administrators. Counters are those of this process."""
        actor = request_actor.get()
        if not sees_operations(source_of(request.scope) or read_source(settings, request.scope)):
            if actor is not None and actor.account_id == "":
                answer = sentences.answer(request, LOGIN_NEEDED(), 401)
                answer.headers["WWW-Authenticate"] = 'Bearer realm="fer-phq"'
                return answer
            if actor is None or actor.role is not Role.ADMINISTRATOR:
                return sentences.answer(request, messages.METRICS_CLOSED(), 403)
        gauges = await anyio.to_thread.run_sync(_write_gauges, settings, store, files)
        return Response(gauges + generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


def _write_gauges(settings: AppSettings, store: Store, files: MediaStore) -> bytes:
    """Measure how the installation is now; where the database is away, what is known without it."""
    registry = CollectorRegistry()
    Gauge("ferphq_info", "The version.", ("version",), registry=registry).labels(__version__).set(1)
    free = Gauge("ferphq_disk_free_bytes", "Bytes that the disk of the recordings has left.", registry=registry)
    free.set(files.free_bytes())
    up = Gauge("ferphq_database_up", "Whether the database answers.", registry=registry)
    try:
        with acting_as(COUNTING):
            counts = store.jobs.count_by_state()
            longest_wait_s = store.jobs.longest_wait()
            workers = queue.workers_alive(settings, store)
    except StoreError:
        up.set(0)
        return generate_latest(registry)
    up.set(1)
    jobs = Gauge("ferphq_jobs", "Jobs by state.", ("state",), registry=registry)
    for state in JobState:
        jobs.labels(str(state)).set(counts.get(state, 0))
    age = Gauge("ferphq_queue_age_seconds", "How long the oldest queued job has waited.", registry=registry)
    if longest_wait_s is not None:
        age.set(longest_wait_s)
    Gauge("ferphq_workers", "Workers that show signs of life.", registry=registry).set(workers)
    return generate_latest(registry)
