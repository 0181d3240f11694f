"""Merging two subjects who turned out to be one person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from db import messages
from db.queries.audit import MERGED
from db.queries.base import Queries, get_row
from db.queries.mapping import WITHDRAWAL, is_withdrawn
from db.queries.sessions import take_consent_back
from db.queries.twins import QuestionnaireTwins, earliest, pair_questionnaires, pair_sessions, repeated
from db.records import MergeReport
from db.tables import (
    AccountRow,
    AnalysisRow,
    EventRow,
    NoteRow,
    QuestionnaireRow,
    SessionRow,
    SubjectRow,
    SubjectShareRow,
    SubjectTagRow,
    TranscriptRow,
)
from fer_phq.core.errors import StoreError

Owned = TypeVar("Owned", SessionRow, QuestionnaireRow, EventRow)
Audit = Callable[..., None]


class MergeQueries(Queries):
    """The merging of subjects."""

    def plan(self, *, source_id: str, target_id: str) -> MergeReport:
        """Tell what `merge` would do, and change nothing.

        Args:
            source_id: The subject who would go.
            target_id: The subject who would stay.

        Raises:
            ForbiddenError: The actor may not change anything.
            NotFoundError: There is no such subject.
            StoreError: They cannot be merged, as for `merge`.
        """
        self._refuse_readers()
        with self._reading() as session:
            return _decide(session, source_id, target_id).report

    def merge(self, *, source_id: str, target_id: str) -> MergeReport:
        """Give everything of one subject to another, and remove the first, all or nothing.

        Of a recording that both have, the target's session stays with the notes of both. A consent that was withdrawn
        for either is withdrawn for it, and the earlier end of retention counts. Of a questionnaire that both have, one
        stays, by the rule of an import. Who saw either subject sees the whole.

        Args:
            source_id: The subject who goes.
            target_id: The subject who stays.

        Raises:
            NotFoundError: There is no such subject.
            StoreError: They are the same, one is a demonstration and the other is not, or only the source's session of
                a recording that both have was analysed.
        """
        with self._writing() as session:
            merge = _decide(session, source_id, target_id, lock=True)
            for pair in merge.sessions:
                _join_sessions(session, pair, self._audit)
            _join_questionnaires(session, merge.questionnaires)
            session.execute(delete(EventRow).where(EventRow.id.in_([row.id for row in merge.events])))
            for table in (SessionRow, QuestionnaireRow, EventRow):
                session.execute(update(table).where(table.subject_id == source_id).values(subject_id=target_id))
            session.add_all(SubjectTagRow(subject_id=target_id, tag=tag) for tag in merge.tags)
            self._join_shares(session, source_id, target_id)
            session.flush()
            session.execute(delete(SubjectRow).where(SubjectRow.id == source_id))
            self._audit(session, "merge", "subject", target_id, _detail(source_id, merge.report))
            return merge.report

    def _join_shares(self, session: Session, source_id: str, target_id: str) -> None:
        """Let the accounts that saw the source see the target, owners as owners."""
        for share in session.scalars(select(SubjectShareRow).where(SubjectShareRow.subject_id == source_id)).all():
            present = session.get(SubjectShareRow, (target_id, share.account_id))
            if present is not None:
                present.owner = present.owner or share.owner
                continue
            row = SubjectShareRow(subject_id=target_id, account_id=share.account_id, owner=share.owner, at=share.at)
            session.add(row)
            detail = f"account {share.account_id}, merged from subject {source_id}"
            self._audit(session, "share", "subject", target_id, detail)


@dataclass(frozen=True)
class _SessionPair:
    """Two sessions of one recording.

    Attributes:
        source: The session that goes.
        target: The session that stays.
        notes: Notes of the first that the second has too.
        moves_transcript: Whether the first has a transcript and the second has none.
        loses_transcript: Whether both have one, and they differ.
        analyses: Number of analyses that go with the first.
        is_withdrawn: Whether the consent of either was withdrawn.
    """

    source: SessionRow
    target: SessionRow
    notes: list[NoteRow]
    moves_transcript: bool
    loses_transcript: bool
    analyses: int
    is_withdrawn: bool

    @property
    def loses_consent(self) -> bool:
        """Whether the session that stays has a consent that was withdrawn for the other."""
        return self.is_withdrawn and self.target.consent_at is not None

    @property
    def takes_consent(self) -> bool:
        """Whether the session that stays takes the consent of the other."""
        return not self.is_withdrawn and self.target.consent_at is None and self.source.consent_at is not None

    @property
    def shortens_retention(self) -> bool:
        """Whether the recording is kept shorter than the session that stays says."""
        return earliest(self.source.retain_until, self.target.retain_until) != self.target.retain_until


@dataclass(frozen=True)
class _Merge:
    """What merging two subjects means, before anything is changed."""

    sessions: list[_SessionPair]
    questionnaires: QuestionnaireTwins
    events: list[EventRow]
    tags: list[str]
    report: MergeReport


def _decide(session: Session, source_id: str, target_id: str, *, lock: bool = False) -> _Merge:
    """Decide what becomes of everything that two subjects have.

    Raises:
        NotFoundError: There is no such subject.
        StoreError: They cannot be merged.
    """
    if source_id == target_id:
        raise StoreError(messages.MERGE_WITH_ITSELF())
    source = get_row(session, SubjectRow, source_id, lock=lock)
    target = get_row(session, SubjectRow, target_id, lock=lock)
    if source.is_demo != target.is_demo:
        raise StoreError(messages.MERGE_DEMONSTRATION())
    sessions = _rows(session, SessionRow, source_id)
    pairs = [_pair(session, *pair) for pair in pair_sessions(sessions, _rows(session, SessionRow, target_id))]
    answers = _rows(session, QuestionnaireRow, source_id)
    twins = pair_questionnaires(answers, _rows(session, QuestionnaireRow, target_id))
    events = _rows(session, EventRow, source_id)
    same_events = repeated(events, _rows(session, EventRow, target_id))
    tags = set(session.scalars(select(SubjectTagRow.tag).where(SubjectTagRow.subject_id == source_id)))
    tags -= set(session.scalars(select(SubjectTagRow.tag).where(SubjectTagRow.subject_id == target_id)))
    report = MergeReport(
        sessions=len(sessions) - len(pairs),
        questionnaires=len(answers) - sum(row.subject_id == source_id for row in twins.duplicates),
        events=len(events) - len(same_events),
        tags=len(tags),
        twins=len(pairs),
        same_questionnaires=twins.joined,
        conflicts=twins.conflicts,
        same_events=len(same_events),
        accounts=_accounts_that_see_more(session, source_id, target_id),
    )
    return _Merge(pairs, twins, same_events, sorted(tags), _with_pairs(report, pairs))


def _with_pairs(report: MergeReport, pairs: list[_SessionPair]) -> MergeReport:
    return replace(
        report,
        same_notes=sum(len(pair.notes) for pair in pairs),
        transcripts=sum(pair.loses_transcript for pair in pairs),
        analyses=sum(pair.analyses for pair in pairs),
        withdrawals=sum(pair.loses_consent for pair in pairs),
        consents=sum(pair.takes_consent for pair in pairs),
        retentions=sum(pair.shortens_retention for pair in pairs),
    )


def _pair(session: Session, source: SessionRow, target: SessionRow) -> _SessionPair:
    """Compare two sessions of one recording.

    Raises:
        StoreError: Only the one that goes was analysed.
    """
    analyses = _count_analyses(session, source.id)
    if analyses and not _count_analyses(session, target.id):
        raise StoreError(messages.MERGE_TWINS(name=source.original_name))
    withdrawn = select(SessionRow.id).where(SessionRow.id.in_([source.id, target.id]), is_withdrawn())
    notes = [session.scalars(select(NoteRow).where(NoteRow.session_id == row.id)).all() for row in (source, target)]
    documents = [
        session.execute(
            select(TranscriptRow.sha256, TranscriptRow.speaker).where(TranscriptRow.session_id == row.id)
        ).one_or_none()
        for row in (source, target)
    ]
    return _SessionPair(
        source=source,
        target=target,
        notes=repeated(*notes),
        moves_transcript=documents[0] is not None and documents[1] is None,
        loses_transcript=None not in documents and documents[0] != documents[1],
        analyses=analyses,
        is_withdrawn=session.scalar(withdrawn.limit(1)) is not None,
    )


def _join_sessions(session: Session, pair: _SessionPair, audit: Audit) -> None:
    """Give the session that stays what the other has, and remove the other."""
    goes, stays = pair.source, pair.target
    session.execute(delete(NoteRow).where(NoteRow.id.in_([note.id for note in pair.notes])))
    session.execute(update(NoteRow).where(NoteRow.session_id == goes.id).values(session_id=stays.id))
    if pair.moves_transcript:
        session.execute(update(TranscriptRow).where(TranscriptRow.session_id == goes.id).values(session_id=stays.id))
    if pair.loses_consent:
        for job_id in take_consent_back(session, stays):
            audit(session, "request_cancel", "job", job_id)
    if pair.is_withdrawn:  # also where the other never had any: the withdrawal is what the person said last
        audit(session, WITHDRAWAL, "session", stays.id, f"as for session {goes.id}")
    if pair.takes_consent:
        stays.consent_at, stays.consent_by = goes.consent_at, goes.consent_by
        stays.consent_text_version = goes.consent_text_version
        audit(session, "record_consent", "session", stays.id, f"as for session {goes.id}")
    if pair.shortens_retention:
        stays.retain_until = earliest(goes.retain_until, stays.retain_until)
        audit(session, "set_retention", "session", stays.id, f"as for session {goes.id}")
    if stays.media_path is None:
        stays.media_path = goes.media_path
    session.flush()
    session.execute(delete(SessionRow).where(SessionRow.id == goes.id))
    audit(session, "erase", "session", goes.id, f"{MERGED} {stays.id}")


def _join_questionnaires(session: Session, twins: QuestionnaireTwins) -> None:
    """Remove what both had, and keep that somebody saw the answer to item 9."""
    by_id = {row.id: row for row in session.scalars(_questionnaires(twins.stays)).all()}
    for row_id, stays in twins.stays.items():
        row = by_id[row_id]
        if stays.acknowledged_at is None and row.acknowledged_at is not None:
            stays.acknowledged_at, stays.acknowledged_by = row.acknowledged_at, row.acknowledged_by
    for first in session.scalars(_questionnaires(twins.corrections)).all():
        first.supersedes_id = twins.corrections[first.id]
    session.flush()
    # In one statement: the rows of a chain refer to each other.
    session.execute(delete(QuestionnaireRow).where(QuestionnaireRow.id.in_([row.id for row in twins.duplicates])))


def _questionnaires(ids: Iterable[str]) -> Select[Any]:
    return select(QuestionnaireRow).where(QuestionnaireRow.id.in_(list(ids)))


def _accounts_that_see_more(session: Session, source_id: str, target_id: str) -> tuple[str, ...]:
    """Return the names of the accounts that saw one of two subjects and will see the whole."""
    shares = SubjectShareRow.subject_id.in_([source_id, target_id])
    query = (
        select(AccountRow.name)
        .join(SubjectShareRow, SubjectShareRow.account_id == AccountRow.id)
        .where(shares)
        .group_by(AccountRow.id, AccountRow.name)
        .having(func.count() == 1)
    )
    return tuple(sorted(session.scalars(query)))


def _detail(source_id: str, report: MergeReport) -> str:
    counts = (
        ("sessions", report.sessions),
        ("questionnaires", report.questionnaires),
        ("recordings of both", report.twins),
        ("questionnaires of both", report.same_questionnaires),
        ("accounts that see more", len(report.accounts)),
    )
    return ", ".join((f"subject {source_id}", *(f"{name} {count}" for name, count in counts)))


def _rows(session: Session, table: type[Owned], subject_id: str) -> list[Owned]:
    return list(session.scalars(select(table).where(table.subject_id == subject_id)))


def _count_analyses(session: Session, session_id: str) -> int:
    query = select(func.count()).select_from(AnalysisRow).where(AnalysisRow.session_id == session_id)
    return session.scalar(query) or 0
