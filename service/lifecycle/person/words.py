"""Words about a person that are removed or replaced: a label, a note, an event, a transcript, and what databases keep.

The store overwrites the row; SQLite may still hold older copies of the text in its file and its write-ahead log.
"""

from __future__ import annotations

from db.records import NoteRecord, SubjectRecord, TranscriptRecord
from db.store import Store
from service.lifecycle.consent import check_not_withdrawn
from service.lifecycle.erasure import clear_remains
from service.settings import AppSettings


def rename_subject(settings: AppSettings, store: Store, subject_id: str, label: str) -> SubjectRecord:
    """Give a subject another label, and remove what the database keeps of the old one.

    Args:
        settings: The installation.
        store: Where the subject is.
        subject_id: The subject.
        label: The new label.

    Raises:
        NotFoundError: There is no such subject.
        StoreError: The label is taken or cannot be used.
    """
    record = store.subjects.rename(subject_id=subject_id, label=label)
    clear_remains(settings, store, subject_id)
    return record


def remove_note(settings: AppSettings, store: Store, note_id: str) -> None:
    """Erase a note, and what the database keeps of its text.

    Args:
        settings: The installation.
        store: Where the note is.
        note_id: The note.

    Raises:
        NotFoundError: There is no such note.
    """
    store.notes.remove(note_id=note_id)
    clear_remains(settings, store, note_id)


def change_note(settings: AppSettings, store: Store, note_id: str, words: str, tag: str | None) -> NoteRecord:
    """Give a note another text and tag, and remove what the database keeps of the old ones.

    Args:
        settings: The installation.
        store: Where the note is.
        note_id: The note.
        words: Its new text.
        tag: Its new tag; None for none.

    Raises:
        NotFoundError: There is no such note.
        StoreError: The note would be empty or too long.
    """
    record = store.notes.change(note_id=note_id, words=words, tag=tag)
    clear_remains(settings, store, note_id)
    return record


def remove_event(settings: AppSettings, store: Store, event_id: str) -> None:
    """Erase an event, and what the database keeps of its words.

    Args:
        settings: The installation.
        store: Where the event is.
        event_id: The event.

    Raises:
        NotFoundError: There is no such event.
    """
    store.events.remove(event_id=event_id)
    clear_remains(settings, store, event_id)


def remove_transcript(settings: AppSettings, store: Store, session_id: str) -> None:
    """Erase a session's transcript, and what the database keeps of it; analyses that were made with it stay.

    Args:
        settings: The installation.
        store: Where the session is.
        session_id: The session.
    """
    store.transcripts.remove(session_id=session_id)
    clear_remains(settings, store, session_id)


def save_transcript(
    settings: AppSettings, store: Store, session_id: str, original_name: str, document: bytes, speaker: str | None
) -> TranscriptRecord:
    """Store a session's transcript, and remove what the database keeps of the one that it replaces.

    Args:
        settings: The installation.
        store: Where the session is.
        session_id: The session.
        original_name: The name of the file.
        document: The file's bytes.
        speaker: The subject's name in the transcript; None where it is not known.

    Raises:
        ConsentError: The session's consent was withdrawn.
        NotFoundError: There is no such session.
        StoreError: The transcript is empty or too large.
    """
    check_not_withdrawn(store, session_id)
    replaces = store.transcripts.exists(session_id=session_id)
    record = store.transcripts.save(
        session_id=session_id, original_name=original_name, document=document, speaker=speaker
    )
    if replaces:
        clear_remains(settings, store, session_id)
    return record
