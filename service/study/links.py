"""The address of a study's download, which holds what the study is made of."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from db.records import CohortFilter
from service.ingest.tokens import read_study_token, study_token
from service.settings import AppSettings
from service.study.selection import StudyRequest


def study_url(settings: AppSettings, request: StudyRequest, *, browser: str = "", prefix: str = "/api") -> str:
    """Return the relative address of a study as a ZIP.

    Args:
        settings: The installation, whose key signs.
        request: What the study is made of.
        browser: The browser for which it is made; '' for any.
        prefix: Where the routes are mounted.
    """
    body: dict[str, Any] = asdict(request)
    for edge in ("since", "until"):
        at = getattr(request.cohort, edge)
        body["cohort"][edge] = None if at is None else at.isoformat()
    return f"{prefix}/study?token={study_token(settings, body, browser=browser)}"


def read_study_request(settings: AppSettings, token: str, *, browser: str = "") -> StudyRequest:
    """Read what a study is made of from the token of its address.

    Args:
        settings: The installation, whose key signed.
        token: What the address carries.
        browser: The browser that asks.

    Raises:
        TokenError: The token is missing, expired, forged, or made for something else or for another browser.
    """
    body = read_study_token(settings, token, browser=browser)
    cohort = dict(body["cohort"])
    for edge in ("since", "until"):
        cohort[edge] = None if cohort[edge] is None else datetime.fromisoformat(cohort[edge])
    cohort["tags"] = tuple(cohort["tags"])
    return StudyRequest(CohortFilter(**cohort), body["prefer_model"], body["title"], tuple(body["authors"]))
