"""Jobs, as typed models."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from db.records import JobPriority, JobState
from fer_phq.core.analysis import MOST_FACE_RATE, Step
from fer_phq.core.errors import FieldError
from service.api import messages
from service.api.v1.answers.schemas import Note

JOB_EXAMPLE: dict[str, Any] = {
    "id": "5f0f7a1c-2d0b-4a53-8f0e-0a3b6f1d2c4e",
    "session_id": "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e",
    "state": "running",
    "priority": "interactive",
    "active": True,
    "step": "faces",
    "done": 240,
    "total": 1200,
    "fraction": 0.16,
    "frames_per_s": 31.5,
    "seconds_left": 30.5,
    "ahead": 0,
    "worker_alive": True,
    "message": {
        "detail": "Finding faces: 240 of about 1200 frames, 31.5 frames/s, about 30 s left.",
        "code": "jobs.faces_left",
        "params": {
            "done": 240,
            "total": 1200,
            "pace": 31.5,
            "left": {"code": "jobs.seconds", "params": {"seconds": 30}},
        },
    },
    "error": None,
    "analysis_id": None,
    "attempt": 1,
    "created_at": "2026-11-03T14:05:00Z",
    "started_at": "2026-11-03T14:05:02Z",
    "finished_at": None,
}


class Priority(StrEnum):
    """How soon a recording is analysed."""

    INTERACTIVE = "interactive"
    BATCH = "batch"

    @property
    def of_job(self) -> JobPriority:
        """The priority of its job."""
        return JobPriority[self.name]


class Job(BaseModel):
    """An analysis of a session: where it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [JOB_EXAMPLE]})

    id: str
    session_id: str
    state: JobState = Field(description="`done`, `failed` and `cancelled` are ends.")
    priority: Priority = Field(description="How soon it is taken: `batch` is behind everybody else's.")
    active: bool = Field(description="Whether it waits or runs.")
    step: Step | None = Field(description="What the analysis is at; null before its first step.")
    done: int = Field(description="How much of the step is done: frames, or seconds of sound, or utterances.")
    total: int | None = Field(description="How much of it there is, possibly an estimate; null while that is unknown.")
    fraction: float | None = Field(description="How much of the whole job is done, 0 to 1; null while that is unknown.")
    frames_per_s: float | None = Field(description="How quickly faces are found; null at other steps.")
    seconds_left: float | None = Field(description="Time left of the step; null while that is unknown.")
    ahead: int = Field(description="Queued jobs that come before it.")
    worker_alive: bool = Field(
        description="Whether its worker shows signs of life; for a queued job, whether any does."
    )
    message: Note = Field(description="Where it stands.")
    error: Note | None = Field(description="Why it failed.")
    analysis_id: str | None = Field(description="The analysis that it led to.")
    attempt: int = Field(description="1 at first; each retry adds one.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class AnalysisOptions(BaseModel):
    """How a recording is analysed; what is left out is as the installation analyses."""

    fps: float | None = Field(None, gt=0, le=240, description="Frames a second that are looked at.")
    key_frames: bool | None = Field(
        None, description="Whether key frames alone are looked at, which is quicker; not together with `fps`."
    )
    face_rate: float | None = Field(
        None,
        ge=0,
        le=MOST_FACE_RATE,
        description="Frames a second in which the subject's face is followed for head pose, eyes and blendshapes; 0 "
        "for none. A recording with fewer frames gives all it has. Of key frames alone it is not followed.",
    )
    speech: bool | None = Field(None, description="Whether it is told who speaks when.")
    track: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="The number of one of the subject's face tracks, as an analysis of the same recording at the same "
        "sampling has it. A recording without it is not analysed.",
    )
    sound_track: int | None = Field(
        None, ge=1, le=64, description="The sound track that is heard alone, counted from 1. It has to be there."
    )
    sound_channel: int | None = Field(
        None,
        ge=1,
        le=64,
        description="The channel that is heard alone, counted from 1, which is the left one of two. It has to be "
        "there; of several sound tracks, `sound_track` says of which.",
    )

    @field_validator("key_frames")
    @classmethod
    def _check_sampling(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        """Refuse two ways to choose the frames."""
        if value and info.data.get("fps") is not None:
            raise FieldError(messages.TWO_SAMPLINGS())
        return value

    def settings(self) -> dict[str, Any]:
        """Return those that are set, as a job's own settings."""
        return self.model_dump(include=set(AnalysisOptions.model_fields), exclude_none=True)


class AnalysisWish(AnalysisOptions):
    """How a session is to be analysed; what is left out is as the installation analyses."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{}, {"fps": 5, "sound_track": 1, "sound_channel": 2}, {"fps": 5, "priority": "batch"}]
        },
    )

    priority: Priority = Field(
        Priority.INTERACTIVE,
        description="`batch` is behind everybody else's; a job that waits so is moved up by a wish for it that is not.",
    )
