"""Recordings that come in, as typed models."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Annotated, Any

from pydantic import Base64Encoder, BaseModel, ConfigDict, EncodedBytes, Field, ValidationInfo, field_validator

from fer_phq.core.errors import FieldError
from service.api import messages
from service.api.v1.answers.schemas import Note
from service.api.v1.jobs.schemas import AnalysisOptions, Priority
from service.api.v1.records.moments import Moment

SPEAKER = (
    "Who of the transcript's speakers is the subject, in any case. It may be left out where there is but one, or one "
    "whose name says so, such as Patient."
)
FACTS_EXAMPLE: dict[str, Any] = {
    "subject_id": "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e",
    "recorded_at": "2026-11-03T14:05:00+01:00",
    "consent_by": "Dr Meyer",
    "consent_version": "1",
}
SESSION_EXAMPLE: dict[str, Any] = {
    "session_id": "7d2c4c1e-9f7b-4f0a-8a55-2f0b7b6f9d10",
    "job_id": "5f0f7a1c-2d0b-4a53-8f0e-0a3b6f1d2c4e",
    "duplicate": False,
}


VTT_EXAMPLE = b"WEBVTT\n\n00:01.000 --> 00:03.000\n<v Patient>Good morning.\n"
TRANSCRIPT_EXAMPLE: dict[str, Any] = {
    "name": "P01-first.vtt",
    "document": base64.b64encode(VTT_EXAMPLE).decode(),
    "speaker": "Patient",
}
TRANSCRIPT_ID = f"{FACTS_EXAMPLE['subject_id']}.8f14e45fceea167a5a36dedd4bea2543"


class RecordingFacts(AnalysisOptions):
    """Whose recording it is, what was agreed, and how it is analysed."""

    model_config = ConfigDict(extra="forbid")

    subject_id: str = Field(max_length=64, description="The subject, who must exist.")
    recorded_at: Moment | None = Field(None, description="When it was recorded, with its time zone.")
    consent_by: str | None = Field(
        None,
        min_length=1,
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        description="Who noted the person's consent to the text of FERPHQ_CONSENT_TEXT; nothing is taken in without, "
        "except for demonstrations.",
    )
    consent_version: str | None = Field(
        None,
        max_length=40,
        description="The version of the text that was agreed to; another than the present is refused.",
    )
    priority: Priority = Field(
        Priority.INTERACTIVE,
        description="`batch` is behind everybody else's; a recording for which somebody waits later is moved up.",
    )
    keep_days: int | None = Field(
        None,
        ge=1,
        le=36500,
        description="Days until the recording is erased; else as the installation keeps recordings.",
    )


class UploadFacts(RecordingFacts):
    """What an upload's `Upload-Metadata` says."""

    recorded_at: Moment = Field(description="When it was recorded, with its time zone.")
    filename: str = Field("", max_length=1000, description="The file's name.")
    transcript: str | None = Field(
        None, min_length=1, max_length=100, description="The `id` of the transcript that was sent before."
    )


class FolderRecording(RecordingFacts):
    """A recording in the server's folder that becomes a session."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"path": "2026/P01-first.mp4", **FACTS_EXAMPLE},
                {
                    "path": "2026/P01-first.mp4",
                    **FACTS_EXAMPLE,
                    "transcript": "2026/P01-first.vtt",
                    "speaker": "Patient",
                    "sound_channel": 2,
                    "priority": "batch",
                },
            ]
        },
    )

    path: str = Field(
        min_length=1,
        max_length=1000,
        description="The file below FERPHQ_IMPORT_DIR, with '/'; without a date, the file's own counts.",
    )
    transcript: str | None = Field(
        None, min_length=1, max_length=1000, description="Its transcript below the same folder; none is taken unnamed."
    )
    speaker: str | None = Field(None, min_length=1, max_length=200, description=SPEAKER)

    @field_validator("speaker")
    @classmethod
    def _check_speaker(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Refuse a speaker without a transcript."""
        if value is not None and info.data.get("transcript") is None:
            raise FieldError(messages.SPEAKER_ALONE())
        return value


class _Base64(Base64Encoder):
    """Base64 of which no letter is passed over: what came in another alphabet would be another document."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        try:
            return base64.b64decode(data, validate=True)
        except ValueError:
            raise FieldError(messages.NOT_BASE64()) from None


class TranscriptDocument(BaseModel):
    """A transcript."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [TRANSCRIPT_EXAMPLE]})

    name: str = Field(min_length=1, max_length=1000, description="The file's name.")
    document: Annotated[bytes, EncodedBytes(encoder=_Base64)] = Field(
        description="The file in base64, at most 16 MiB: WebVTT, SRT, a table with start, end, speaker and text, or "
        "Whisper's or WhisperX's JSON."
    )
    speaker: str | None = Field(None, min_length=1, max_length=200, description=SPEAKER)


class TranscriptFile(TranscriptDocument):
    """A transcript that waits for its recording."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"subject_id": FACTS_EXAMPLE["subject_id"], **TRANSCRIPT_EXAMPLE}]},
    )

    subject_id: str = Field(max_length=64, description="Whose words they are: the subject of the recording.")


class SessionTranscript(BaseModel):
    """The transcript of a session, without its words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "session_id": SESSION_EXAMPLE["session_id"],
                    "name": "P01-first.vtt",
                    "speaker": "Patient",
                    "speakers": ["Therapist", "Patient"],
                    "utterances": 212,
                    "sha256": hashlib.sha256(VTT_EXAMPLE).hexdigest(),
                    "created_at": "2026-11-03T15:20:00Z",
                    "analysis_id": None,
                    "is_analysed": False,
                    "notes": [
                        {
                            "detail": str(messages.ANALYSES_STAY()),
                            "code": "api.analyses_stay",
                            "params": {},
                        }
                    ],
                }
            ]
        }
    )

    session_id: str
    name: str = Field(description="The file's name.")
    speaker: str | None = Field(description="Who of the speakers is the subject; null where all words are.")
    speakers: list[str] = Field(description="The speakers by first appearance.")
    utterances: int
    sha256: str = Field(description="The file's SHA-256 in hex.")
    created_at: datetime = Field(description="When it was given.")
    analysis_id: str | None = Field(description="The newest analysis that was made with it; null where none was.")
    is_analysed: bool = Field(description="Whether the analysis that stands for the session was made with it.")
    notes: list[Note] = Field(description="What is to be known of it, and what becomes of the session's analyses.")


class WaitingTranscript(BaseModel):
    """A transcript that can be read, and waits for its recording."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": TRANSCRIPT_ID,
                    "speaker": "Patient",
                    "speakers": ["Therapist", "Patient"],
                    "utterances": 212,
                    "expires_at": "2026-11-04T14:05:00Z",
                    "notes": [],
                }
            ]
        }
    )

    id: str = Field(description="What `transcript` of `Upload-Metadata` names.")
    speaker: str | None = Field(description="Who of the speakers is the subject; null where all words are.")
    speakers: list[str] = Field(description="The speakers by first appearance.")
    utterances: int
    expires_at: datetime = Field(description="When it goes, unless an upload that names it has begun.")
    notes: list[Note] = Field(description="What a person should know of it.")


class NewSession(BaseModel):
    """The session that a recording became."""

    model_config = ConfigDict(json_schema_extra={"examples": [SESSION_EXAMPLE]})

    session_id: str
    job_id: str | None = Field(description="Its analysis.")
    duplicate: bool = Field(
        description="Whether the subject had this very recording already, as it is said to be: it is that session."
    )


class Upload(BaseModel):
    """An upload."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "9f2b6d0c-9a51-4f0e-b0f3-0f4f6d1f1a11",
                    "size": 52428800,
                    "offset": 52428800,
                    "expires_at": "2026-11-04T14:05:00Z",
                    "session": SESSION_EXAMPLE,
                    "problem": None,
                }
            ]
        }
    )

    id: str
    size: int = Field(description="Bytes of the whole recording.")
    offset: int = Field(description="Bytes that have come; never all of them where there is a `problem`.")
    expires_at: datetime = Field(description="When the upload goes, whatever has come of it.")
    session: NewSession | None = Field(description="The session that it became.")
    problem: Note | None = Field(description="Why it cannot become a session.")
