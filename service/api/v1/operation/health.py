"""`/healthz` and `/readyz`: whether the server lives, and whether the installation can be used."""

from __future__ import annotations

import os

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from db.migrate import current_revision, head_revision
from db.store import Store
from fer_phq.core.errors import StoreError
from service.access.guard import source_of
from service.access.source import read_source, sees_operations
from service.api.v1.answers.openapi import problems
from service.api.v1.operation import schemas
from service.settings import AppSettings


def operation_routes(settings: AppSettings, store: Store) -> APIRouter:
    """Return the routes, which need no login and say nothing of anybody.

    Args:
        settings: The installation.
        store: Its store.
    """
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", response_model=schemas.Health, responses=problems(403), summary="Whether the server lives.")
    async def healthz() -> schemas.Health:
        """Nothing is looked at: who restarts a server by this does not restart it because of its database."""
        return schemas.Health(status="ok")

    @router.get(
        "/readyz",
        response_model=schemas.Readiness,
        response_model_exclude_none=True,
        responses={503: {"model": schemas.Readiness}, **problems(403)},
        summary="Whether the installation can be used.",
    )
    def readyz(request: Request, response: Response) -> schemas.Readiness:
        """The database answers with the tables of this version, and the data folder can be written."""
        database, tables = _examine_database(settings, store)
        folder = os.access(settings.media_dir, os.W_OK | os.X_OK)
        ready = database and tables and folder
        response.status_code = 200 if ready else 503
        answer = schemas.Readiness(status="ready" if ready else "not ready")
        if sees_operations(source_of(request.scope) or read_source(settings, request.scope)):
            answer.database = database
            answer.tables = tables
            answer.folder = folder
        return answer

    return router


def _examine_database(settings: AppSettings, store: Store) -> tuple[bool, bool]:
    """Return whether the database answers, and whether its tables are those of this version."""
    try:
        store.accounts.exist()
        return True, current_revision(settings.database_url) == head_revision()
    except StoreError:
        return False, False
