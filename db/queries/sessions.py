"""Sessions: one recording of one subject, with its consent and retention, and what a list of them shows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from db import messages
from db.engine import ConflictError
from db.queries.base import Queries, get_row, new_id, stored, utc_now
from db.queries.jobs.requests import date_queueing, move_job, queued_job
from db.queries.mapping import (
    WITHDRAWAL,
    analysis_summary,
    is_behind,
    is_newest_job,
    is_past_retention,
    is_withdrawn,
    job_record,
    newest_analysis,
    newest_first,
    newest_job,
    session_record,
    subject_record,
)
from db.queries.review import transcript_row
from db.records import (
    LIVE_STATES,
    Consent,
    DuplicateSessionError,
    ForbiddenError,
    JobPriority,
    JobRecord,
    JobState,
    NewTranscript,
    Position,
    SessionDetail,
    SessionRecord,
    SessionSummary,
)
from db.tables import AnalysisRow, FacePictureRow, JobRow, SessionRow, SubjectRow, TranscriptRow
from db.visibility import unlimited
from fer_phq.core.analysis import RecordingInfo

LIVE = [str(state) for state in LIVE_STATES]


class SessionQueries(Queries):
    """Creating, changing and listing sessions."""

    def create(
        self,
        *,
        subject_id: str,
        recorded_at: datetime,
        recording: RecordingInfo,
        original_name: str,
        media_path: str | None,
        consent: Consent | None = None,
        retain_until: datetime | None = None,
        is_demo: bool = False,
    ) -> SessionRecord:
        """Create a session of a subject.

        Args:
            subject_id: The subject's UUID.
            recorded_at: When it was recorded, timezone-aware.
            recording: What the video file is like.
            original_name: The name that the file came with.
            media_path: Its path, relative to the media folder; None when the recording is not kept.
            consent: The consent to its use; None where none is recorded.
            retain_until: Until when the recording may be kept; None for no limit.
            is_demo: Whether it is made up for demonstrations.

        Raises:
            NotFoundError: There is no such subject.
            DuplicateSessionError: The subject already has this recording (same SHA-256).
        """
        row = _new_session(subject_id, recorded_at, recording, original_name, media_path, retain_until, is_demo)
        _set_consent(row, consent)
        return self._add_session(row, None)[0]

    def create_with_job(
        self,
        *,
        subject_id: str,
        recorded_at: datetime,
        recording: RecordingInfo,
        original_name: str,
        media_path: str,
        consent: Consent | None = None,
        retain_until: datetime | None = None,
        is_demo: bool = False,
        job_settings: dict[str, Any] | None = None,
        job_priority: JobPriority = JobPriority.INTERACTIVE,
        transcript: NewTranscript | None = None,
    ) -> tuple[SessionRecord, JobRecord]:
        """Create a session with its queued job and its transcript, all or nothing.

        So no worker begins before the transcript is there.

        Args:
            subject_id: The subject's UUID.
            recorded_at: When it was recorded, timezone-aware.
            recording: What the video file is like.
            original_name: The name that the file came with.
            media_path: Its path, relative to the media folder.
            consent: The consent to its use; None where none is recorded.
            retain_until: Until when the recording may be kept; None for no limit.
            is_demo: Whether it is made up for demonstrations.
            job_settings: The job's own analysis settings; None leaves all to the installation's.
            job_priority: How soon the job is taken.
            transcript: The session's transcript; None for none.

        Raises:
            NotFoundError: There is no such subject.
            DuplicateSessionError: The subject already has this recording (same SHA-256).
            StoreError: The transcript is empty or too large.
        """
        row = _new_session(subject_id, recorded_at, recording, original_name, media_path, retain_until, is_demo)
        _set_consent(row, consent)
        words = transcript_row(row.id, transcript) if transcript is not None else None
        session, job = self._add_session(row, queued_job(row.id, job_settings, job_priority), words)
        assert job is not None
        return session, job

    def _add_session(
        self, row: SessionRow, job: JobRow | None, transcript: TranscriptRow | None = None
    ) -> tuple[SessionRecord, JobRecord | None]:
        subject_id = row.subject_id
        sha256 = row.media_sha256
        name = row.original_name
        try:
            with self._writing() as session:
                get_row(session, SubjectRow, subject_id)
                session.add(row)
                self._audit(session, "create", "session", row.id)
                record = session_record(stored(session, row))
                if transcript is not None:
                    session.add(transcript)
                    self._audit(session, "set", "transcript", row.id)
                if job is None:
                    return record, None
                date_queueing(session, job)
                session.add(job)
                self._audit(session, "create", "job", job.id, f"session {row.id}")
                return record, job_record(stored(session, job))
        except ConflictError:
            if twin := self.find_by_media(subject_id=subject_id, sha256=sha256):
                raise DuplicateSessionError(messages.DUPLICATE_SESSION(name=name), twin.id) from None
            raise

    def get(self, *, session_id: str) -> SessionRecord:
        """Load a session.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._reading() as session:
            return session_record(get_row(session, SessionRow, session_id))

    def find_by_media(self, *, subject_id: str, sha256: str) -> SessionRecord | None:
        """Find the subject's session of a recording.

        Args:
            subject_id: The subject's UUID.
            sha256: The recording's SHA-256, as 64 hex digits.

        Returns:
            The session; None where there is none.
        """
        query = select(SessionRow).where(SessionRow.subject_id == subject_id, SessionRow.media_sha256 == sha256)
        with self._reading() as session:
            row = session.scalar(query)
            return None if row is None else session_record(row)

    def list_by_recording(self, *, sha256: str) -> list[tuple[SessionRecord, str]]:
        """List all sessions of a recording with their subjects' labels, oldest first.

        Args:
            sha256: The recording's SHA-256, as 64 hex digits.
        """
        query = (
            select(SessionRow, SubjectRow.label)
            .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
            .where(SessionRow.media_sha256 == sha256)
            .order_by(SessionRow.created_at, SessionRow.id)
        )
        with self._reading() as session:
            return [(session_record(row), label) for row, label in session.execute(query)]

    def record_consent(self, *, session_id: str, consent: Consent) -> SessionRecord:
        """Note that consent was given for a session, in place of an earlier consent.

        Args:
            session_id: The session's UUID.
            consent: When it was given, who recorded it, and the version of its text.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._writing() as session:
            row = get_row(session, SessionRow, session_id, lock=True)
            _set_consent(row, consent)
            self._audit(session, "record_consent", "session", session_id, f"text version {consent.text_version}")
            return session_record(stored(session, row))

    def withdraw_consent(self, *, session_id: str, by: str = "") -> SessionRecord:
        """Take a session's consent back, and have its waiting and running jobs stop. The audit keeps that it was there.

        Args:
            session_id: The session's UUID.
            by: Who notes the withdrawal, for the audit; empty where nobody is named.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._writing() as session:
            row = get_row(session, SessionRow, session_id, lock=True)
            for job_id in take_consent_back(session, row):
                self._audit(session, "request_cancel", "job", job_id)
            self._audit(session, WITHDRAWAL, "session", session_id, by=by)
            return session_record(stored(session, row))

    def note_export(self, *, session_id: str, detail: str = "") -> None:
        """Note in the audit that a session's recording is handed out, as it is or masked.

        Args:
            session_id: The session's UUID.
            detail: A few words more, without health data, labels or file names.

        Raises:
            ForbiddenError: The actor reads only: a recording is handed out by who may change its session.
            NotFoundError: There is no such session.
        """
        with self._writing() as session:
            get_row(session, SessionRow, session_id)
            self._audit(session, "export", "recording", session_id, detail)

    def check_recording(self, *, session_id: str) -> None:
        """Check that the actor may see the session's recording; a refusal is noted in the audit.

        Args:
            session_id: The session's UUID.

        Raises:
            ForbiddenError: The actor sees no names, so no recordings.
        """
        actor = self._acting()
        if not actor.sees_names:
            self._note_refusal(actor, "recording", session_id)
            raise ForbiddenError(messages.MAY_NOT_ADMINISTER(role=str(actor.role)))

    def is_withdrawn(self, *, session_id: str) -> bool:
        """Tell whether the session's consent was withdrawn and not given again."""
        query = select(SessionRow.id).where(SessionRow.id == session_id, is_withdrawn())
        with self._reading() as session:
            return session.scalar(query) is not None

    def list_withdrawn(self, *, session_ids: Collection[str]) -> set[str]:
        """List those of some sessions whose consent was withdrawn and not given again.

        Args:
            session_ids: UUIDs of the sessions.
        """
        if not session_ids:
            return set()
        query = select(SessionRow.id).where(SessionRow.id.in_(session_ids), is_withdrawn())
        with self._reading() as session:
            return set(session.scalars(query))

    def set_retention(self, *, session_id: str, retain_until: datetime | None) -> SessionRecord:
        """Set until when the session's recording may be kept.

        Args:
            session_id: The session's UUID.
            retain_until: The moment, timezone-aware; None for no limit.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._writing() as session:
            row = get_row(session, SessionRow, session_id, lock=True)
            row.retain_until = retain_until
            self._audit(session, "set_retention", "session", session_id)
            return session_record(stored(session, row))

    def set_recorded_at(self, *, session_id: str, recorded_at: datetime) -> SessionRecord:
        """Correct when the session was recorded.

        Args:
            session_id: The session's UUID.
            recorded_at: The moment, timezone-aware.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._writing() as session:
            row = get_row(session, SessionRow, session_id, lock=True)
            row.recorded_at = recorded_at
            self._audit(session, "set_recorded_at", "session", session_id)
            return session_record(stored(session, row))

    def set_media_path(self, *, session_id: str, media_path: str | None) -> SessionRecord:
        """Note where the session's recording now is.

        Args:
            session_id: The session's UUID.
            media_path: Its path, relative to the media folder; None when it was removed, while the session's rows stay,
                except the pictures of faces, which are removed too.

        Raises:
            NotFoundError: There is no such session.
        """
        with self._writing() as session:
            row = get_row(session, SessionRow, session_id, lock=True)
            row.media_path = media_path
            analyses = select(AnalysisRow.id).where(AnalysisRow.session_id == session_id)
            pictures = delete(FacePictureRow).where(FacePictureRow.analysis_id.in_(analyses))
            removed = [] if media_path else session.execute(pictures.returning(FacePictureRow.track)).all()
            self._audit(session, "set_media" if media_path else "remove_media", "session", session_id)
            record = session_record(stored(session, row))
        if removed:
            self._clear_erased_bytes()
        return record

    def media_in_use(self, *, media_path: str, besides: Collection[str] = ()) -> bool:
        """Tell whether some session's recording lies at this path of the media folder, whoever may see it.

        Args:
            media_path: The path, relative to the media folder.
            besides: UUIDs of sessions that do not count.
        """
        query = select(SessionRow.id).where(SessionRow.media_path == media_path, SessionRow.id.not_in(besides))
        with self._reading() as session, unlimited(session):
            return session.scalar(query.limit(1)) is not None

    def list_recent(
        self,
        *,
        limit: int = 20,
        offset: int = 0,
        subject_id: str | None = None,
        include_demo: bool = True,
        prefer_model: str | None = None,
        after: Position | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        state: JobState | None = None,
    ) -> list[SessionSummary]:
        """List sessions by recording date, newest first, each with its newest analysis and job; one query.

        Args:
            limit: The most sessions to return.
            offset: How many of the newest to skip.
            subject_id: Only this subject's sessions; None for everybody's.
            include_demo: Whether to list demonstrations.
            prefer_model: The model whose newest analysis stands for a session where it has one; None for no preference.
            after: Only sessions behind this place of the list; None to begin.
            since: Only sessions recorded at or after this moment; None for no limit.
            until: Only sessions recorded before this moment; None for no limit.
            state: Only sessions whose newest job is in this state; None for all.
        """
        query = select(SessionRow, SubjectRow.label, AnalysisRow, JobRow)
        query = query.join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
        if state in (None, JobState.DONE):
            query = query.outerjoin(JobRow, JobRow.id == newest_job())
        else:  # Few jobs are in such a state: the query may begin with them, and asks for no session's newest.
            query = query.join(JobRow, and_(JobRow.session_id == SessionRow.id, is_newest_job()))
        query = (
            query.outerjoin(AnalysisRow, AnalysisRow.id == newest_analysis(prefer_model=prefer_model))
            .order_by(SessionRow.recorded_at.desc(), SessionRow.id)
            .limit(limit)
            .offset(offset)
        )
        if subject_id is not None:
            query = query.where(SessionRow.subject_id == subject_id)
        if not include_demo:
            query = query.where(~SessionRow.is_demo)
        if after is not None:
            query = query.where(is_behind(SessionRow.recorded_at, SessionRow.id, after, descending=True))
        if since is not None:
            query = query.where(SessionRow.recorded_at >= since)
        if until is not None:
            query = query.where(SessionRow.recorded_at < until)
        if state is not None:
            query = query.where(JobRow.state == str(state))
        with self._reading() as session:
            return [
                SessionSummary(
                    session=session_record(row),
                    subject_label=label,
                    analysis=analysis_summary(analysis) if analysis else None,
                    job=job_record(job) if job else None,
                )
                for row, label, analysis, job in session.execute(query)
            ]

    def get_detail(self, *, session_id: str) -> SessionDetail:
        """Load a session with its subject, all analyses and its newest job.

        Raises:
            NotFoundError: There is no such session.
        """
        analyses = select(AnalysisRow).where(AnalysisRow.session_id == session_id).order_by(*newest_first(AnalysisRow))
        newest = select(JobRow).where(JobRow.session_id == session_id).order_by(JobRow.created_at.desc()).limit(1)
        withdrawn = select(SessionRow.id).where(SessionRow.id == session_id, is_withdrawn())
        with self._reading() as session:
            row = get_row(session, SessionRow, session_id)
            job = session.scalar(newest)
            return SessionDetail(
                session=session_record(row),
                subject=subject_record(get_row(session, SubjectRow, row.subject_id)),
                analyses=tuple(analysis_summary(analysis) for analysis in session.scalars(analyses)),
                job=None if job is None else job_record(job),
                is_withdrawn=session.scalar(withdrawn) is not None,
            )

    def list_past_retention(self, *, now: datetime | None = None, with_recording: bool = True) -> list[SessionRecord]:
        """List sessions whose `retain_until` has passed, the longest overdue first.

        Args:
            now: The moment to compare with, timezone-aware; None for the present.
            with_recording: Whether to leave out sessions whose recording was removed.
        """
        at = now or utc_now()
        overdue = is_past_retention(at) if with_recording else SessionRow.retain_until <= at
        query = select(SessionRow).where(overdue).order_by(SessionRow.retain_until, SessionRow.id)
        with self._reading() as session:
            return [session_record(row) for row in session.scalars(query)]


def take_consent_back(session: Session, row: SessionRow) -> list[str]:
    """Remove a session's consent and have its waiting and running jobs stop, within a transaction.

    Args:
        session: The open transaction.
        row: The session's row.

    Returns:
        UUIDs of the jobs that stop.
    """
    _set_consent(row, None)
    jobs = session.scalars(select(JobRow).where(JobRow.session_id == row.id, JobRow.state.in_(LIVE))).all()
    for job in jobs:
        job.cancel_requested = True
        job.updated_at = utc_now()
        if job.state == JobState.QUEUED:
            move_job(job, JobState.CANCELLED, None)
    return [job.id for job in jobs]


def _new_session(
    subject_id: str,
    recorded_at: datetime,
    recording: RecordingInfo,
    original_name: str,
    media_path: str | None,
    retain_until: datetime | None,
    is_demo: bool,
) -> SessionRow:
    return SessionRow(
        id=new_id(),
        subject_id=subject_id,
        recorded_at=recorded_at,
        media_sha256=recording.sha256,
        media_path=media_path,
        original_name=original_name,
        duration_s=recording.duration_s,
        width=recording.width,
        height=recording.height,
        codec=recording.codec,
        rotation=recording.rotation,
        has_audio=recording.has_audio,
        retain_until=retain_until,
        is_demo=is_demo,
        created_at=utc_now(),
    )


def _set_consent(row: SessionRow, consent: Consent | None) -> None:
    row.consent_at = consent.at if consent else None
    row.consent_by = consent.by if consent else None
    row.consent_text_version = consent.text_version if consent else None
