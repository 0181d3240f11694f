"""Records as typed models. What an answer holds is read from the store; what a request holds refuses other fields."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from db.records import JobState, QuestionnaireSource
from fer_phq.core.phq import Band, Scale
from service.api.v1.records.moments import StoredMoment

LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
"""One line that is not empty."""
SUBJECT_ID = "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e"
SESSION_ID = "7d1b3c52-90f4-4f0b-8a44-0d9a5f1c2e77"
SUBJECT = {
    "id": SUBJECT_ID,
    "label": "P01",
    "tags": ["arm-b"],
    "sessions": 3,
    "analysed_sessions": 3,
    "last_recorded_at": "2026-03-02T09:30:00Z",
    "questionnaires": 2,
    "last_answered_at": "2026-03-02T10:00:00Z",
    "is_demo": False,
    "created_at": "2026-01-07T08:00:00Z",
}
SESSION: dict[str, Any] = {
    "id": SESSION_ID,
    "subject_id": SUBJECT_ID,
    "recorded_at": "2026-03-02T09:30:00Z",
    "original_name": "session-3.mp4",
    "duration_s": 612.4,
    "width": 1280,
    "height": 720,
    "codec": "h264",
    "rotation": 0,
    "has_audio": True,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "has_recording": True,
    "consent": {"at": "2026-03-02T09:35:00Z", "by": "Dr M", "text_version": "1"},
    "consent_withdrawn": False,
    "retain_until": None,
    "job": {"id": "5f0d6a0e-9a0c-4f5c-8a55-0c8f4f6f2a11", "state": "done"},
    "analysis_id": "5b0d6a0e-9a0c-4f5c-8a55-0c8f4f6f2a11",
    "is_demo": False,
    "created_at": "2026-03-02T09:36:00Z",
}
QUESTIONNAIRE = {
    "id": "3b5c1d7e-1f0a-4b57-9a39-6c1d2e3f4a5b",
    "subject_id": SUBJECT_ID,
    "scale": "PHQ-9",
    "items": [1, 2, 1, 2, 0, 1, 1, 0, 0],
    "total": 8,
    "maximum": 27,
    "band": "mild",
    "item9_flag": False,
    "difficulty": 1,
    "answered_at": "2026-03-02T10:00:00Z",
    "source": "entered",
    "supersedes_id": None,
    "superseded": False,
    "acknowledged_at": None,
    "created_at": "2026-03-02T10:01:00Z",
}
EVENT = {
    "id": "c2a6f7d0-2b3c-4d5e-8f90-a1b2c3d4e5f6",
    "subject_id": SUBJECT_ID,
    "at": "2026-02-01T12:00:00Z",
    "words": "Therapy begun",
    "created_at": "2026-02-01T15:12:00Z",
}


def _answer(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


def _request(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class SubjectItem(BaseModel):
    """A subject, with the counts and last dates of what is stored."""

    model_config = _answer(SUBJECT)

    id: str
    label: str = Field(description="The label; a researcher sees a pseudonym.")
    tags: list[str]
    sessions: int
    analysed_sessions: int
    last_recorded_at: datetime | None
    questionnaires: int = Field(description="Without those that a later one corrects.")
    last_answered_at: datetime | None
    is_demo: bool = Field(description="Whether the subject is made up for demonstrations.")
    created_at: datetime


class NewSubject(BaseModel):
    """A subject to be added."""

    model_config = _request({"label": "P01"})

    label: str = Field(description="One line of 1 to 200 characters, which no subject has yet.")


class ConsentItem(BaseModel):
    """A consent that was recorded."""

    at: datetime
    by: str = Field(description="Who recorded it; empty for researchers.")
    text_version: str


class SessionJob(BaseModel):
    """The newest job of a session."""

    id: str
    state: JobState


class SessionItem(BaseModel):
    """A session: one recording of one subject. What was read in it is in its analyses."""

    model_config = _answer(SESSION)

    id: str
    subject_id: str
    recorded_at: datetime
    original_name: str = Field(description="The name that the file came with; empty for researchers.")
    duration_s: float
    width: int = Field(description="Pixels as displayed.")
    height: int = Field(description="Pixels as displayed.")
    codec: str
    rotation: int = Field(description="Degrees clockwise: 0, 90, 180 or 270.")
    has_audio: bool
    sha256: str = Field(description="Of the recording's file.")
    has_recording: bool = Field(
        description="Whether there is a recording for who asks: it may have been removed, and researchers see none."
    )
    consent: ConsentItem | None
    consent_withdrawn: bool = Field(description="Whether a consent was withdrawn and not given again.")
    retain_until: datetime | None = Field(description="Until when the recording may be kept; null for no limit.")
    job: SessionJob | None = Field(description="The newest job; null without one, and for researchers.")
    analysis_id: str | None = Field(description="The analysis that stands for the session; null without one.")
    is_demo: bool
    created_at: datetime


class NewConsent(BaseModel):
    """A consent to be recorded."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(min_length=1, max_length=80, pattern=LINE, description="Who records it.")
    at: StoredMoment | None = Field(None, description="When it was given; now where it is left out.")
    text_version: str | None = Field(
        None,
        min_length=1,
        max_length=80,
        pattern=LINE,
        description="Version of its text; the installation's where it is left out.",
    )


class SessionChange(BaseModel):
    """What is changed of a session; what is left out stays."""

    model_config = _request({"recorded_at": "2026-03-02T09:30:00Z", "retain_until": None, "consent": {"by": "Dr M"}})

    recorded_at: StoredMoment = Field(  # type: ignore[assignment]  # it may be left out, and not be null
        None, description="When it was recorded; not null, not in the future."
    )
    retain_until: StoredMoment | None = Field(
        None, description="Until when the recording may be kept, not before now; null for no limit."
    )
    consent: NewConsent | None = Field(
        None,
        description="A consent that was given; null withdraws it: the session's jobs stop, and new ones are refused.",
    )


class SessionConfirmation(BaseModel):
    """That the erasure of a session is meant, which cannot be undone."""

    model_config = _request({"confirm": "P01"})

    confirm: str = Field(description="The label of the session's subject.")


class QuestionnaireItem(BaseModel):
    """A PHQ-8 or PHQ-9 that a person filled in. A correction is another one, which supersedes it."""

    model_config = _answer(QUESTIONNAIRE)

    id: str
    subject_id: str
    scale: Scale
    items: list[int] = Field(description="The answers in the form's order, 0 to 3 each.")
    total: int
    maximum: int
    band: Band = Field(description="Severity band of the total, which is no diagnosis.")
    item9_flag: bool = Field(description="Whether the answer to item 9 was not zero: a person must see it.")
    difficulty: int | None = Field(description="The form's last question, 0 to 3, no part of the total.")
    answered_at: datetime
    source: QuestionnaireSource
    supersedes_id: str | None = Field(description="The questionnaire that this one corrects.")
    superseded: bool = Field(description="Whether a later one corrects it.")
    acknowledged_at: datetime | None = Field(description="When a person noted to have seen the answer to item 9.")
    created_at: datetime


class NewQuestionnaire(BaseModel):
    """A questionnaire to be stored."""

    model_config = _request(
        {"scale": "PHQ-8", "items": [1, 2, 1, 2, 0, 1, 1, 0], "answered_at": "2026-03-02T10:00:00Z", "difficulty": 1}
    )

    scale: Scale
    items: Annotated[list[StrictInt], Field(min_length=8, max_length=9)] = Field(
        description="Every answer in the form's order, 0 to 3: eight of a PHQ-8, nine of a PHQ-9."
    )
    answered_at: StoredMoment = Field(description="When it was answered; not in the future.")
    difficulty: StrictInt | None = Field(
        None, description="The form's last question, 0 to 3, which is asked where an item is above 0."
    )
    supersedes_id: str | None = Field(None, description="The questionnaire of the subject that this one corrects.")


class EventItem(BaseModel):
    """Something that happened to a subject, against which trends are read."""

    model_config = _answer(EVENT)

    id: str
    subject_id: str
    at: datetime
    words: str
    created_at: datetime


class NewEvent(BaseModel):
    """An event to be stored."""

    model_config = _request({"at": "2026-02-01T12:00:00Z", "words": "Therapy begun"})

    at: StoredMoment
    words: str = Field(description="What happened: one line of at most 200 characters.")
