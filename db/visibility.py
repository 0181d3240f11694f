"""Which rows an actor sees: every statement of a transaction is limited to them, so that no query can forget to.

A row that the actor may not see is, for every query, a row that is not there: nothing tells whether its id exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, event, false, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from db import messages
from db.actors import Actor
from db.records import NotFoundError
from db.tables import (
    AnalysisRow,
    Base,
    BehaviourRow,
    ChannelRow,
    EmbeddingRow,
    EventRow,
    FaceChoiceRow,
    FacePictureRow,
    FaceTableRow,
    FrameRow,
    JobRow,
    MeasureRow,
    NoteRow,
    QuestionnaireRow,
    SessionRow,
    SubjectRow,
    SubjectShareRow,
    SubjectTagRow,
    TimelineRow,
    TranscriptionRow,
    TranscriptRow,
    TurnsRow,
)

OF_SUBJECT = (SessionRow, QuestionnaireRow, EventRow, SubjectTagRow)
OF_SESSION = (AnalysisRow, JobRow, NoteRow, TranscriptRow)
OF_ANALYSIS = (
    *(FrameRow, TimelineRow, EmbeddingRow, FaceTableRow, FacePictureRow, ChannelRow, BehaviourRow),
    *(TurnsRow, TranscriptionRow, FaceChoiceRow, MeasureRow),
)
FREE_TEXTS_AND_PICTURES = (NoteRow, TranscriptRow, TranscriptionRow, EventRow, FacePictureRow, JobRow)
"""What a reader of pseudonyms does not see at all: words and pictures say who somebody is, as do a job's errors."""
PARENTS = ((SubjectRow, "subject_id"), (SessionRow, "session_id"), (AnalysisRow, "analysis_id"))
"""Whose rows other rows are, and the column that says so."""
_LIMITS = "limits"


class LimitedSession(Session):
    """A session whose statements see only what its actor may see."""


def limit_to(session: Session, actor: Actor) -> None:
    """Limit every statement of a session, and what it adds, to what an actor may see.

    Args:
        session: The session, before its first statement.
        actor: The actor.
    """
    limits: tuple[ExecutableOption, ...] = ()
    if not actor.sees_everybody:
        limits += _own_and_shared(actor.account_id or "")
    if not actor.sees_names:
        limits += _without_texts_and_pictures()
    session.info[_LIMITS] = limits


def is_limited(session: Session) -> bool:
    """Return whether the session's statements see less than everything.

    Args:
        session: The session.
    """
    return bool(session.info.get(_LIMITS))


@contextmanager
def unlimited(session: Session) -> Iterator[None]:
    """Let the statements within the block see everybody's rows; nothing of these may be shown.

    Args:
        session: The session.
    """
    limits = session.info.get(_LIMITS, ())
    session.info[_LIMITS] = ()
    try:
        yield
    finally:
        session.info[_LIMITS] = limits


@event.listens_for(LimitedSession, "do_orm_execute")
def _limit_statement(state: ORMExecuteState) -> None:
    limits = state.session.info.get(_LIMITS, ())
    if limits and not state.is_insert:
        state.statement = state.statement.options(*limits)


@event.listens_for(LimitedSession, "before_flush")
def _limit_additions(session: Session, _context: Any, _instances: Any) -> None:
    """Refuse rows of a subject, session or analysis that the session's actor does not see."""
    if not is_limited(session):
        return
    with session.no_autoflush:
        for row in session.new:
            if not isinstance(row, SubjectShareRow):  # a new subject is seen once its owner's share is there
                _refuse_hidden_parent(session, row)


def _refuse_hidden_parent(session: Session, row: Any) -> None:
    for table, column in PARENTS:
        parent_id = getattr(row, column, None)
        if parent_id is None or any(isinstance(new, table) and new.id == parent_id for new in session.new):
            continue
        if session.scalar(select(table.id).where(table.id == parent_id)) is None:
            raise NotFoundError(messages.NO_ROW(kind=table.__tablename__.removesuffix("s"), row_id=parent_id))


@lru_cache(maxsize=256)
def _own_and_shared(account_id: str) -> tuple[ExecutableOption, ...]:
    """Limit every table with a person's data to the subjects of an account.

    The subqueries name tables, not classes: a limit would otherwise apply to itself.
    """
    shares = _table(SubjectShareRow)
    sessions = _table(SessionRow)
    analyses = _table(AnalysisRow)
    subject_ids = select(shares.c.subject_id).where(shares.c.account_id == account_id)
    session_ids = select(sessions.c.id).where(sessions.c.subject_id.in_(subject_ids))
    analysis_ids = select(analyses.c.id).where(analyses.c.session_id.in_(session_ids))
    return (
        _limit(SubjectRow, SubjectRow.id.in_(subject_ids)),
        *(_limit(row, row.subject_id.in_(subject_ids)) for row in OF_SUBJECT),
        *(_limit(row, row.session_id.in_(session_ids)) for row in OF_SESSION),
        *(_limit(row, row.analysis_id.in_(analysis_ids)) for row in OF_ANALYSIS),
    )


@lru_cache(maxsize=1)
def _without_texts_and_pictures() -> tuple[ExecutableOption, ...]:
    return tuple(_limit(row, false()) for row in FREE_TEXTS_AND_PICTURES)


def _limit(row: type[Base], condition: ColumnElement[bool]) -> ExecutableOption:
    return with_loader_criteria(row, condition, include_aliases=True)


def _table(row: type[Base]) -> Table:
    return cast(Table, row.__table__)
