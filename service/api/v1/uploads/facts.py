"""What is said of a recording that comes in, checked before any of it is taken."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from db.records import NewTranscript
from db.store import Store
from fer_phq.core.errors import FerPhqError, StoreError, field_message
from service.access.control import request_actor
from service.api import messages
from service.api.v1.answers.problems import RequestError
from service.api.v1.uploads.schemas import RecordingFacts, UploadFacts
from service.ingest.session_csv import EARLIEST
from service.ingest.tokens import UploadGrant
from service.ingest.transcripts import CheckedTranscript
from service.lifecycle.consent import ConsentError
from service.settings import AppSettings

UNUSED = ("filetype", "type", "relativePath")
"""What clients of tus send of their own accord, and nothing here needs."""


def read_metadata(header: str) -> UploadFacts:
    """Read the facts in a header `Upload-Metadata`: names with values in base64.

    Args:
        header: Such as 'subject_id MGM5YWUx..., filename UDAxLm1wNA=='.

    Raises:
        RequestError: It is no such header, or says something that cannot be used.
    """
    values = _read_pairs(header)
    if "name" in values:
        values.setdefault("filename", values["name"])
    facts = {name: value for name, value in values.items() if name not in (*UNUSED, "name")}
    try:
        return UploadFacts.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(
            messages.UNUSABLE_REQUEST(field=str(first["loc"][-1]), reason=field_message(first)), 422
        ) from None


def grant_of(settings: AppSettings, store: Store, facts: RecordingFacts, latest: datetime) -> UploadGrant:
    """Return what a recording is for, as whoever sends it may have it.

    Args:
        settings: The installation.
        store: Its store, which acts for whoever sends.
        facts: What is said of the recording.
        latest: The date where none is said.

    Raises:
        RequestError: The date or the version of the consent cannot be.
        ConsentError: Nobody is named who noted the consent.
        SettingsError: It cannot be analysed in this way.
        NotFoundError: There is no such subject.
        ForbiddenError: The sender reads only.
    """
    store.subjects.check_change(subject_id=facts.subject_id)
    subject = store.subjects.get(subject_id=facts.subject_id)
    now = datetime.now(UTC)
    recorded_at = (facts.recorded_at or min(latest, now)).astimezone(UTC)
    if not EARLIEST <= recorded_at <= now:
        raise RequestError(messages.RECORDED_AT(), 422)
    if facts.consent_version not in (None, settings.consent_version):
        raise RequestError(messages.CONSENT_VERSION(version=settings.consent_version), 422)
    if facts.consent_by is None and not subject.is_demo:
        raise ConsentError(messages.CONSENT_NEEDED())
    options = facts.settings()
    settings.analysis_settings(options)
    until = settings.retain_until(now) if facts.keep_days is None else now + timedelta(days=facts.keep_days)
    return UploadGrant(
        subject_id=facts.subject_id,
        recorded_at=recorded_at,
        consent_by=None if facts.consent_by is None else facts.consent_by.strip(),
        consent_text=settings.consent_version,
        retain_until=until,
        analysis=options or None,
        must_apply=True,
        priority=facts.priority.of_job,
        is_dated=facts.recorded_at is not None,
        keep_days=facts.keep_days,
    )


def check_words(checked: CheckedTranscript, speaker: str | None) -> NewTranscript:
    """Return a transcript with the speaker who is its subject.

    Args:
        checked: The transcript.
        speaker: The speaker; None where the transcript says who it is.

    Raises:
        RequestError: It has no such speaker, or several of whom nobody is known to be the subject.
    """
    if speaker is None and checked.needs_speaker:
        raise RequestError(messages.SPEAKER_NEEDED(name=checked.name, speakers=checked.names), 422)
    with unusable_transcript():
        return checked.with_speaker(speaker)


@contextmanager
def unusable_transcript() -> Iterator[None]:
    """Refuse the request where a transcript cannot be used.

    Raises:
        RequestError: It cannot.
        StoreError: It cannot be read now.
    """
    try:
        yield
    except (StoreError, RequestError):
        raise
    except FerPhqError as error:
        raise RequestError(error.message, 422) from error


def account_id() -> str:
    """Return the account behind the request; '' where there are no accounts."""
    actor = request_actor.get()
    return "" if actor is None else actor.account_id or ""


def _read_pairs(header: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in header.split(","))):
        name, _, encoded = part.partition(" ")
        try:
            pairs[name] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError):
            raise RequestError(messages.METADATA(name=name[:40]), 422) from None
    return pairs
