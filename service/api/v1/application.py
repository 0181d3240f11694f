"""The application: every route of the API for programs, over one installation."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route, WebSocketRoute

from db.store import Store
from fer_phq import __version__
from service.access.answers import ENGLISH, Translate, write_english
from service.access.guard import LIVE_PATH
from service.access.source import PROGRAM_PATHS
from service.api.counters import RequestCounter
from service.api.v1.analyses.routes import analysis_routes
from service.api.v1.analyses.speakers import speaker_routes
from service.api.v1.answers import openapi
from service.api.v1.answers.archive import Archive
from service.api.v1.answers.problems import Sentences, answer_problems
from service.api.v1.exports.reports import WriteReport, report_routes
from service.api.v1.exports.routes import export_routes
from service.api.v1.jobs.routes import job_routes
from service.api.v1.operation.health import operation_routes
from service.api.v1.operation.metrics import metric_routes
from service.api.v1.people.routes import people_routes
from service.api.v1.pictures.live import live_routes
from service.api.v1.pictures.predict import predict_routes
from service.api.v1.pictures.predictor import Predictor
from service.api.v1.records.routes import record_routes
from service.api.v1.uploads.routes import folder_routes, upload_routes
from service.api.v1.uploads.session_transcripts import session_transcript_routes
from service.api.v1.uploads.transcripts import transcript_routes
from service.settings import AppSettings

DESCRIPTION = (
    "For programs: faces and the expressions that a model reads in them, what analyses of sessions hold, and the data "
    "of a person as a whole. Expressions are no feelings, and nothing here is a diagnosis. Errors are problems "
    "(RFC 9457)."
)


def create_api(
    settings: AppSettings,
    store: Store,
    *,
    translate: Translate = write_english,
    languages: Sequence[str] = (ENGLISH,),
    write_report: WriteReport | None = None,
) -> FastAPI:
    """Build the application. `service.access.guard` has to stand before it.

    Args:
        settings: The installation.
        store: Its store, which acts for whoever is behind the request.
        translate: Writes messages in one of `languages`.
        languages: Codes of the languages in which messages can be written.
        write_report: Writes a session's report; None where there is nobody who writes any.
    """
    sentences = Sentences(translate, languages)
    # No pages of documentation: they would load scripts from elsewhere, which the guard's policy refuses.
    app = FastAPI(
        title="fer-phq",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=openapi.PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(operation_routes(settings, store))
    app.include_router(metric_routes(settings, store, sentences))
    predictor = Predictor(settings, store)
    app.include_router(predict_routes(predictor, sentences))
    app.include_router(live_routes(predictor, sentences))
    archive = Archive(settings, store, sentences)
    app.include_router(record_routes(archive))
    app.include_router(people_routes(archive))
    app.include_router(job_routes(settings, store, sentences))
    app.include_router(analysis_routes(archive))
    app.include_router(speaker_routes(archive))
    app.include_router(export_routes(archive))
    if write_report is not None:
        app.include_router(report_routes(archive, write_report))
    app.include_router(session_transcript_routes(archive))
    app.include_router(transcript_routes(settings, store, sentences))
    app.include_router(upload_routes(settings, store, sentences))
    app.include_router(folder_routes(settings, store))
    answer_problems(app, sentences)
    app.add_middleware(RequestCounter)
    app.openapi = functools.cache(lambda: openapi.describe(app))  # type: ignore[method-assign]
    return app


def mounted_routes(api: FastAPI) -> list[BaseRoute]:
    """Return the routes by which another application hands its requests to the API.

    Args:
        api: The application.
    """
    paths = [f"{path}{{rest:path}}" if path.endswith("/") else path for path in PROGRAM_PATHS]
    return [*(Route(path, api) for path in paths), WebSocketRoute(LIVE_PATH, api)]
