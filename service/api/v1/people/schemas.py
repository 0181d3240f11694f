"""A person as a whole, as typed models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from service.api.v1.answers.schemas import Note

SUBJECT_EXAMPLE = "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e"


class ErasurePreview(BaseModel):
    """What erasing a person would remove."""

    sessions: int
    recordings: int
    shared_recordings: int = Field(description="Recordings that another subject has too: their files stay.")
    recording_bytes: int = Field(description="Size of the recordings that would be removed.")
    analyses: int
    transcripts: int
    notes: int
    questionnaires: int
    events: int
    heads: list[str] = Field(description="Trained heads that learned from the person, and do not unlearn.")


class Erasure(BaseModel):
    """What was erased."""

    sessions: int
    analyses: int
    questionnaires: int
    files: int = Field(description="Files of recordings.")
    heads: list[str] = Field(description="Trained heads that learned from the person, and do not unlearn.")
    pending: Note | None = Field(None, description="What the erasure waits for; a worker finishes it.")


class Confirmation(BaseModel):
    """That something is meant which cannot be undone."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"confirm": "P01"}]})

    confirm: str = Field(description="The label of the subject who goes.")


class Merging(BaseModel):
    """Into whom a subject is merged."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"into": SUBJECT_EXAMPLE, "confirm": "P01-again"}]},
    )

    into: str = Field(description="The id of the subject who stays.")
    confirm: str | None = Field(None, description="The label of the subject who goes; without it nothing is changed.")


class MergeReport(BaseModel):
    """What a merging does, or did."""

    merged: bool = Field(description="False where this is only what it would do.")
    sessions: int
    questionnaires: int
    events: int
    tags: int
    notes: list[Note] = Field(description="What becomes of what both have, and who sees more by it.")


class Pseudonym(BaseModel):
    """Whom a pseudonym stands for."""

    id: str
    label: str
    pseudonym: str


class Pseudonyms(BaseModel):
    """The key of the pseudonyms."""

    items: list[Pseudonym]
