"""What is said of a recording that comes in, checked before any of it is taken."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from db.store import Store
from fer_phq.core.errors import field_message
from service.api import messages
from service.api.v1.answers.problems import RequestError
from service.api.v1.uploads.schemas import RecordingFacts, UploadFacts
from service.ingest.session_csv import EARLIEST
from service.ingest.tokens import UploadGrant
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
    until = settings.retain_until(now) if facts.keep_days is None else now + timedelta(days=facts.keep_days)
    return UploadGrant(
        subject_id=facts.subject_id,
        recorded_at=recorded_at,
        consent_by=None if facts.consent_by is None else facts.consent_by.strip(),
        consent_text=settings.consent_version,
        retain_until=until,
    )


def _read_pairs(header: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in header.split(","))):
        name, _, encoded = part.partition(" ")
        try:
            pairs[name] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError):
            raise RequestError(messages.METADATA(name=name[:40]), 422) from None
    return pairs
