"""Signed tokens that expire: what a link may do, with which object, until when.

A token is readable by its holder (it is signed, not encrypted), so it carries ids and no names of subjects.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from db.records import JobPriority
from fer_phq.core.errors import FerPhqError
from service.ingest import messages
from service.settings import AppSettings

UPLOAD_SECONDS = 2 * 3600
"""How long an upload may start after its page was shown."""
UPLOAD_USES = 40
"""Most uploads that one link for any recording begins."""
FILE_USES = 5
"""Most uploads that one link for a single file begins: the file, and trying again."""
MEDIA_SECONDS = 30 * 60
"""How long a media link begins to play; the page that plays makes a new one."""
JOB_SECONDS = 12 * 3600
"""How long a job's progress can be read by its link."""


class TokenError(FerPhqError):
    """A link is missing, expired, forged or meant for something else."""


@dataclass(frozen=True)
class UploadGrant:
    """What an upload is for.

    Attributes:
        subject_id: The subject.
        recorded_at: When it was recorded, with a time zone.
        consent_by: Who recorded the consent; without it no consent is recorded.
        consent_text: Version of the text that was agreed to.
        retain_until: When the recording is removed, with a time zone; None keeps it until it is erased by hand.
        analysis: The job's own settings: `fps`, `key_frames`, `face_rate`, `speech`, `track`, `sound_track`,
            `sound_channel`.
        transcript: Name of the transcript that waits for the recording (`service.ingest.transcripts`).
        must_apply: Whether a recording that is a session already is refused where that session has another date,
            retention or transcript than is said here, or was never analysed in this way. A link never says so: its page
            shows the session.
        priority: How soon its job is taken. A link never says so: somebody waits for what a page uploads.
        is_dated: Whether the sender says when it was recorded; otherwise `recorded_at` is the file's own date.
        keep_days: Days of which the sender says that it is kept; None where `retain_until` is the installation's.
    """

    subject_id: str
    recorded_at: datetime
    consent_by: str | None = None
    consent_text: str | None = None
    retain_until: datetime | None = None
    analysis: Mapping[str, Any] | None = None
    transcript: str | None = None
    must_apply: bool = False
    priority: JobPriority = JobPriority.INTERACTIVE
    is_dated: bool = True
    keep_days: int | None = None

    @property
    def notes_consent(self) -> bool:
        """Whether somebody notes the person's consent with it."""
        return bool(self.consent_by and self.consent_by.strip())

    def __post_init__(self) -> None:
        """Check that times have a time zone."""
        for time in (self.recorded_at, self.retain_until):
            if time is not None and time.tzinfo is None:
                raise ValueError("An upload needs times with a time zone.")


@dataclass(frozen=True)
class UploadLink:
    """What an upload token holds.

    Attributes:
        id: The token's id, 32 hex digits, by which its uses are counted.
        uses: How many uploads it begins at most.
        grant: What they are for.
    """

    id: str
    uses: int
    grant: UploadGrant


def upload_token(settings: AppSettings, grant: UploadGrant, *, uses: int = UPLOAD_USES) -> str:
    """Sign a token that uploads recordings under a grant, for two hours.

    Args:
        settings: The installation, whose key signs.
        grant: What the uploads are for.
        uses: How many uploads it begins at most.
    """
    body = {
        "id": secrets.token_hex(16),
        "uses": uses,
        "subject": grant.subject_id,
        "at": grant.recorded_at.astimezone(UTC).isoformat(),
        "by": grant.consent_by,
        "text": grant.consent_text,
        "until": grant.retain_until.astimezone(UTC).isoformat() if grant.retain_until else None,
        "analysis": dict(grant.analysis) if grant.analysis else None,
        "transcript": grant.transcript,
    }
    return _sign(settings, "upload", body)


def read_upload_token(settings: AppSettings, token: str, *, max_age_s: int = UPLOAD_SECONDS) -> UploadGrant:
    """Read the grant inside an upload token.

    Args:
        settings: The installation, whose key signed.
        token: What the link carries.
        max_age_s: Age in seconds at which the token expires.

    Raises:
        TokenError: The token is missing, expired, forged or made for something else.
    """
    return read_upload_link(settings, token, max_age_s=max_age_s).grant


def read_upload_link(settings: AppSettings, token: str, *, max_age_s: int = UPLOAD_SECONDS) -> UploadLink:
    """Read what an upload token holds.

    Args:
        settings: The installation, whose key signed.
        token: What the link carries.
        max_age_s: Age in seconds at which the token expires.

    Raises:
        TokenError: The token is missing, expired, forged or made for something else.
    """
    body = _read(settings, "upload", token, max_age_s)
    grant = UploadGrant(
        subject_id=body["subject"],
        recorded_at=datetime.fromisoformat(body["at"]),
        consent_by=body["by"],
        consent_text=body["text"],
        retain_until=datetime.fromisoformat(body["until"]) if body["until"] else None,
        analysis=body["analysis"],
        transcript=body.get("transcript"),
    )
    return UploadLink(str(body.get("id", "")), int(body.get("uses", 0)), grant)


def media_token(settings: AppSettings, session_id: str, *, browser: str = "") -> str:
    """Sign a token that plays one session's recording for half an hour.

    Args:
        settings: The installation, whose key signs.
        session_id: The session.
        browser: The browser for which it is made (`service.access.browser`); '' for any.
    """
    return _sign(settings, "media", {"id": session_id, "browser": browser})


def check_media_token(
    settings: AppSettings, token: str, session_id: str, *, browser: str = "", max_age_s: int = MEDIA_SECONDS
) -> None:
    """Check that a token plays a session's recording.

    Args:
        settings: The installation, whose key signed.
        token: What the link carries.
        session_id: The session.
        browser: The browser that asks.
        max_age_s: Age in seconds at which the token expires.

    Raises:
        TokenError: The token is missing, expired, forged, or made for something else or for another browser.
    """
    body = _read(settings, "media", token, max_age_s)
    _check_id(body, session_id)
    if body.get("browser", "") not in ("", browser):
        raise TokenError(messages.LINK_FOR_ANOTHER())


def export_token(settings: AppSettings, subject_id: str, *, browser: str = "") -> str:
    """Sign a token that downloads everything that is stored of one subject, for half an hour.

    Args:
        settings: The installation, whose key signs.
        subject_id: The subject.
        browser: The browser for which it is made (`service.access.browser`); '' for any.
    """
    return _sign(settings, "export", {"id": subject_id, "browser": browser})


def check_export_token(settings: AppSettings, token: str, subject_id: str, *, browser: str = "") -> None:
    """Check that a token downloads everything of a subject.

    Args:
        settings: The installation, whose key signed.
        token: What the link carries.
        subject_id: The subject.
        browser: The browser that asks.

    Raises:
        TokenError: The token is missing, expired, forged, or made for something else or for another browser.
    """
    body = _read(settings, "export", token, MEDIA_SECONDS)
    _check_id(body, subject_id)
    if body.get("browser", "") not in ("", browser):
        raise TokenError(messages.LINK_FOR_ANOTHER())


def study_token(settings: AppSettings, request: Mapping[str, Any], *, browser: str = "") -> str:
    """Sign a token that downloads a study, for half an hour.

    Args:
        settings: The installation, whose key signs.
        request: What the study is made of, as JSON-able values.
        browser: The browser for which it is made (`service.access.browser`); '' for any.
    """
    return _sign(settings, "study", {"request": dict(request), "browser": browser})


def read_study_token(settings: AppSettings, token: str, *, browser: str = "") -> Mapping[str, Any]:
    """Return what a study is made of, as its token says.

    Args:
        settings: The installation, whose key signed.
        token: What the link carries.
        browser: The browser that asks.

    Raises:
        TokenError: The token is missing, expired, forged, or made for something else or for another browser.
    """
    body = _read(settings, "study", token, MEDIA_SECONDS)
    if body.get("browser", "") not in ("", browser):
        raise TokenError(messages.LINK_FOR_ANOTHER())
    return cast(Mapping[str, Any], body["request"])


def job_token(settings: AppSettings, job_id: str) -> str:
    """Sign a token that reads one job's progress for twelve hours.

    Args:
        settings: The installation, whose key signs.
        job_id: The job.
    """
    return _sign(settings, "job", {"id": job_id})


def check_job_token(settings: AppSettings, token: str, job_id: str, *, max_age_s: int = JOB_SECONDS) -> None:
    """Check that a token reads a job's progress.

    Args:
        settings: The installation, whose key signed.
        token: What the link carries.
        job_id: The job.
        max_age_s: Age in seconds at which the token expires.

    Raises:
        TokenError: The token is missing, expired, forged or made for something else.
    """
    _check_id(_read(settings, "job", token, max_age_s), job_id)


def media_url(settings: AppSettings, session_id: str, *, browser: str = "", prefix: str = "/api") -> str:
    """Return the relative address of a session's recording, for a video element.

    Args:
        settings: The installation, whose key signs.
        session_id: The session.
        browser: The browser for which it is made; '' for any.
        prefix: Where the routes are mounted.
    """
    return f"{prefix}/media/{quote(session_id, safe='')}?token={media_token(settings, session_id, browser=browser)}"


def export_url(settings: AppSettings, subject_id: str, *, browser: str = "", prefix: str = "/api") -> str:
    """Return the relative address of the ZIP with everything that is stored of a subject.

    Args:
        settings: The installation, whose key signs.
        subject_id: The subject.
        browser: The browser for which it is made; '' for any.
        prefix: Where the routes are mounted.
    """
    token = export_token(settings, subject_id, browser=browser)
    return f"{prefix}/subjects/{quote(subject_id, safe='')}/export?token={token}"


def job_url(settings: AppSettings, job_id: str, *, prefix: str = "/api") -> str:
    """Return the relative address of a job's progress as JSON.

    Args:
        settings: The installation, whose key signs.
        job_id: The job.
        prefix: Where the routes are mounted.
    """
    return f"{prefix}/jobs/{quote(job_id, safe='')}?token={job_token(settings, job_id)}"


def _sign(settings: AppSettings, purpose: str, body: Mapping[str, Any]) -> str:
    serializer: URLSafeTimedSerializer = URLSafeTimedSerializer(settings.secret_key, salt=f"fer-phq.{purpose}")
    token: str = serializer.dumps(dict(body))
    return token


def _read(settings: AppSettings, purpose: str, token: str, max_age_s: int) -> dict[str, Any]:
    if not token:
        raise TokenError(messages.LINK_WITHOUT_TOKEN())
    serializer: URLSafeTimedSerializer = URLSafeTimedSerializer(settings.secret_key, salt=f"fer-phq.{purpose}")
    try:
        return cast(dict[str, Any], serializer.loads(token, max_age=max_age_s))
    except SignatureExpired as error:
        raise TokenError(messages.LINK_EXPIRED()) from error
    except BadSignature as error:
        raise TokenError(messages.LINK_INVALID()) from error


def _check_id(body: Mapping[str, Any], object_id: str) -> None:
    if body["id"] != object_id:
        raise TokenError(messages.LINK_FOR_ANOTHER())
