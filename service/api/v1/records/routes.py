"""The routes of what is stored of people, in the order of the document."""

from __future__ import annotations

from fastapi import APIRouter

from service.api.v1.answers.archive import Archive
from service.api.v1.records.events import event_routes
from service.api.v1.records.models import model_routes
from service.api.v1.records.periods import period_routes
from service.api.v1.records.questionnaires import questionnaire_routes
from service.api.v1.records.sessions import session_routes
from service.api.v1.records.subjects import subject_routes
from service.api.v1.records.trends import trend_routes


def record_routes(archive: Archive) -> APIRouter:
    """Return the routes. Whose records they answer for, the store decides by who asks.

    Args:
        archive: The installation and its store.
    """
    router = APIRouter()
    for routes in (
        *(subject_routes, session_routes, questionnaire_routes, event_routes),
        *(trend_routes, period_routes, model_routes),
    ):
        router.include_router(routes(archive))
    return router
