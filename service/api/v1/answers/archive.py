"""What the handlers share: the installation, its store, the sentences, and the entries of the audit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import anyio.to_thread
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from db import messages
from db.records import AnalysisSummary, NotFoundError, SessionDetail
from db.store import Store
from service.api.v1.answers.conditions import answer_model
from service.api.v1.answers.once import Creation, answer_creation
from service.api.v1.answers.openapi import UNCHANGED, problems
from service.api.v1.answers.problems import Sentences
from service.models.active_model import preferred_model
from service.settings import AppSettings
from service.views.review import default_analysis

READS = {**UNCHANGED, **problems(401, 403, 404, 422, 503)}
CREATES = problems(400, 401, 403, 404, 408, 409, 413, 422, 503)
CHANGES = problems(400, 401, 403, 404, 408, 409, 412, 413, 422, 503)
T = TypeVar("T")


class _Identified(Protocol):
    """A record with an id."""

    @property
    def id(self) -> str: ...


Record = TypeVar("Record", bound=_Identified)


@dataclass(frozen=True)
class Archive:
    """An installation and its store, as the handlers use them.

    Attributes:
        settings: The installation.
        store: Its store, which acts for whoever is behind the request.
        sentences: Writes messages.
    """

    settings: AppSettings
    store: Store
    sentences: Sentences

    async def ask(self, query: Callable[..., T], **values: object) -> T:
        """Call a query of the store, or what stands on it, in a thread.

        Args:
            query: What is called.
            **values: Its arguments by name.
        """
        return await anyio.to_thread.run_sync(functools.partial(query, **values))

    async def note_read(self, kind: str, object_id: str, detail: str = "") -> None:
        """Note in the audit that somebody's data is read.

        Args:
            kind: What is read: `session` or `subject`.
            object_id: Its id, or `all` of a list.
            detail: A few words more, without health data, labels or file names.
        """
        add = self.store.audit.add
        await self.ask(add, action="read", object_kind=kind, object_id=object_id, detail=detail)

    def current_analysis(self, detail: SessionDetail) -> AnalysisSummary | None:
        """Return the analysis that stands for a session, as its page chooses it; None without any. Call in a thread.

        Args:
            detail: The session with its analyses.
        """
        return default_analysis(detail.analyses, preferred_model(self.settings, self.store))

    async def answer_read(self, request: Request, model: BaseModel, kind: str, object_id: str, detail: str) -> Response:
        """Answer what is read, and note it.

        Args:
            request: The request.
            model: The answer.
            kind: What is read: `session` or `subject`.
            object_id: Its id, or `all` of a list.
            detail: A few words more, for the audit.
        """
        await self.note_read(kind, object_id, detail)
        return answer_model(request, model)

    async def answer_new(
        self, request: Request, creation: Creation, model: BaseModel, location: str, subject_id: str
    ) -> Response:
        """Answer what was created; a request that is repeated reads it, which is noted.

        Args:
            request: The request.
            creation: What it made.
            model: The answer.
            location: The path at which it is read.
            subject_id: Whose it is.
        """
        if creation.is_repeated:
            await self.note_read("subject", subject_id, "a repeated request")
        return answer_creation(request, creation, model, location)


def pick(records: Sequence[Record], record_id: str, table: str) -> Record:
    """Return the record of a subject that has an id.

    Args:
        records: Those of the subject: what is another's is not among them, as what does not exist.
        record_id: The id.
        table: The table's name.

    Raises:
        NotFoundError: None has it.
    """
    for record in records:
        if record.id == record_id:
            return record
    raise NotFoundError(messages.NO_ROW(kind=messages.KINDS[table](), row_id=record_id[:60]))
