"""What people add to what was measured: notes and a transcript of a session, events of a subject."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import exists, func, select

from db import messages
from db.queries.base import MAX_TAG, Queries, get_row, new_id, one_line, stored, utc_now
from db.records import MAX_TRANSCRIPT, EventRecord, NewTranscript, NoteRecord, TranscriptRecord
from db.tables import EventRow, NoteRow, SessionRow, SubjectRow, TranscriptRow
from fer_phq.core.errors import StoreError

MAX_EVENT = 200
MAX_NOTE = 4000
"""Characters."""


class NoteQueries(Queries):
    """Notes on moments of a session, with tags."""

    def add(self, *, session_id: str, words: str, time_s: float | None = None, tag: str | None = None) -> NoteRecord:
        """Write a note of a session, or of a moment in it.

        Args:
            session_id: The session's UUID.
            words: The note's text, at most `MAX_NOTE` characters; empty where the tag says it all.
            time_s: The moment, in seconds from the recording's start; None for the whole session.
            tag: A tag of one line, at most `MAX_TAG` characters; None for none.

        Raises:
            NotFoundError: There is no such session.
            StoreError: The note has neither words nor tag, one of them is too long, or the moment is negative.
        """
        now = utc_now()
        row = NoteRow(id=new_id(), session_id=session_id, time_s=time_s, created_at=now, updated_at=now)
        _write_note(row, words, tag)
        if time_s is not None and not time_s >= 0:
            raise StoreError(messages.NOTE_TIME())
        with self._writing() as session:
            get_row(session, SessionRow, session_id, lock=True)
            session.add(row)
            self._audit(session, "create", "note", row.id, f"session {session_id}")
            return _note_record(stored(session, row))

    def change(self, *, note_id: str, words: str, tag: str | None = None) -> NoteRecord:
        """Give a note another text and tag.

        Args:
            note_id: The note's UUID.
            words: Its new text, at most `MAX_NOTE` characters.
            tag: Its new tag, at most `MAX_TAG` characters; None for none.

        Raises:
            NotFoundError: There is no such note.
            StoreError: The note would have neither words nor tag, or one of them is too long.
        """
        with self._writing() as session:
            row = get_row(session, NoteRow, note_id, lock=True)
            _write_note(row, words, tag)
            row.updated_at = utc_now()
            self._audit(session, "change", "note", note_id)
            return _note_record(stored(session, row))

    def remove(self, *, note_id: str) -> None:
        """Erase a note.

        Raises:
            NotFoundError: There is no such note.
        """
        with self._writing() as session:
            session.delete(get_row(session, NoteRow, note_id, lock=True))
            self._audit(session, "erase", "note", note_id)

    def list_by_session(self, *, session_id: str) -> list[NoteRecord]:
        """List a session's notes: those of the whole session first, then by their moment."""
        query = (
            select(NoteRow)
            .where(NoteRow.session_id == session_id)
            .order_by(NoteRow.time_s.asc().nulls_first(), NoteRow.created_at, NoteRow.id)
        )
        with self._reading() as session:
            return [_note_record(row) for row in session.scalars(query)]

    def list_tags(self, *, limit: int = 50) -> list[str]:
        """List the tags that notes have, the most used first."""
        uses = func.count()
        query = select(NoteRow.tag).where(NoteRow.tag.is_not(None)).group_by(NoteRow.tag)
        with self._reading() as session:
            rows = session.scalars(query.order_by(uses.desc(), NoteRow.tag).limit(limit))
            return [tag for tag in rows if tag is not None]


class TranscriptQueries(Queries):
    """Transcripts of sessions, one a session."""

    def save(
        self, *, session_id: str, original_name: str, document: bytes, speaker: str | None = None
    ) -> TranscriptRecord:
        """Store a session's transcript, in place of an earlier one. Whether it can be read is the caller's to check.

        Args:
            session_id: The session's UUID.
            original_name: The name of the file.
            document: The file's bytes, at most `MAX_TRANSCRIPT`.
            speaker: The subject's name in the transcript; None where it is not known.

        Raises:
            NotFoundError: There is no such session.
            StoreError: The transcript is empty or too large.
        """
        row = transcript_row(session_id, NewTranscript(original_name, document, speaker))
        with self._writing() as session:
            get_row(session, SessionRow, session_id, lock=True)
            merged = session.merge(row)
            self._audit(session, "set", "transcript", session_id)
            return _transcript_record(stored(session, merged))

    def get(self, *, session_id: str) -> TranscriptRecord | None:
        """Load the session's transcript; None where it has none."""
        with self._reading() as session:
            row = session.get(TranscriptRow, session_id)
            return None if row is None else _transcript_record(row)

    def exists(self, *, session_id: str) -> bool:
        """Tell whether the session has a transcript, without reading it."""
        with self._reading() as session:
            return bool(session.scalar(select(exists().where(TranscriptRow.session_id == session_id))))

    def remove(self, *, session_id: str) -> None:
        """Erase the session's transcript, if it has one; analyses that were made with it stay."""
        with self._writing() as session:
            row = session.get(TranscriptRow, session_id, with_for_update=True)
            if row is not None:
                session.delete(row)
                self._audit(session, "erase", "transcript", session_id)


class EventQueries(Queries):
    """Events in a subject's life."""

    def add(self, *, subject_id: str, at: datetime, words: str) -> EventRecord:
        """Note what happened to a subject and when.

        Args:
            subject_id: The subject's UUID.
            at: When it happened, timezone-aware.
            words: What happened: one line of at most `MAX_EVENT` characters.

        Raises:
            NotFoundError: There is no such subject.
            StoreError: The words are empty, too long, or not one line.
        """
        line = one_line(words, MAX_EVENT, messages.WHAT_HAPPENED())
        row = EventRow(id=new_id(), subject_id=subject_id, at=at, words=line, created_at=utc_now())
        with self._writing() as session:
            get_row(session, SubjectRow, subject_id, lock=True)
            session.add(row)
            self._audit(session, "create", "event", row.id, f"subject {subject_id}")
            return _event_record(stored(session, row))

    def remove(self, *, event_id: str) -> None:
        """Erase an event.

        Raises:
            NotFoundError: There is no such event.
        """
        with self._writing() as session:
            session.delete(get_row(session, EventRow, event_id, lock=True))
            self._audit(session, "erase", "event", event_id)

    def list_by_subject(self, *, subject_id: str) -> list[EventRecord]:
        """List a subject's events, oldest first."""
        query = select(EventRow).where(EventRow.subject_id == subject_id).order_by(EventRow.at, EventRow.id)
        with self._reading() as session:
            return [_event_record(row) for row in session.scalars(query)]


def transcript_row(session_id: str, transcript: NewTranscript) -> TranscriptRow:
    """Build the row of a session's transcript.

    Args:
        session_id: The session's UUID.
        transcript: The file, its name and the subject's name in it.

    Raises:
        StoreError: The transcript is empty or larger than `MAX_TRANSCRIPT`.
    """
    if not 0 < len(transcript.document) <= MAX_TRANSCRIPT:
        raise StoreError(messages.TRANSCRIPT_SIZE(mib=MAX_TRANSCRIPT // 2**20))
    return TranscriptRow(
        session_id=session_id,
        original_name=transcript.original_name,
        speaker=transcript.speaker,
        document=transcript.document,
        sha256=hashlib.sha256(transcript.document).hexdigest(),
        created_at=utc_now(),
    )


def _write_note(row: NoteRow, words: str, tag: str | None) -> None:
    row.words = words.strip()
    row.tag = one_line(tag, MAX_TAG, messages.A_TAG()) if tag and tag.strip() else None
    if not row.words and row.tag is None:
        raise StoreError(messages.NOTE_EMPTY())
    if len(row.words) > MAX_NOTE or "\0" in row.words:
        raise StoreError(messages.NOTE_TOO_LONG(longest=MAX_NOTE))


def _note_record(row: NoteRow) -> NoteRecord:
    return NoteRecord(
        id=row.id,
        session_id=row.session_id,
        time_s=row.time_s,
        words=row.words,
        tag=row.tag,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _transcript_record(row: TranscriptRow) -> TranscriptRecord:
    return TranscriptRecord(
        session_id=row.session_id,
        original_name=row.original_name,
        speaker=row.speaker,
        document=row.document,
        sha256=row.sha256,
        created_at=row.created_at,
    )


def _event_record(row: EventRow) -> EventRecord:
    return EventRecord(id=row.id, subject_id=row.subject_id, at=row.at, words=row.words, created_at=row.created_at)
