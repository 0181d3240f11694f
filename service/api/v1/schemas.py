"""What the API answers, as typed models: the source of its OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fer_phq.core.emotions import EMOTIONS

SUBJECT_EXAMPLE = "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e"
EMOTION_EXAMPLE: dict[str, Any] = dict(zip(EMOTIONS, (0.02, 0.01, 0.03, 0.81, 0.09, 0.02, 0.02), strict=True))
FACE_EXAMPLE: dict[str, Any] = {
    "box": [412.0, 160.5, 655.2, 470.9],
    "score": 0.93,
    "quality": 0.88,
    "emotions": EMOTION_EXAMPLE,
}
RESULT_EXAMPLE: dict[str, Any] = {
    "index": 0,
    "model_id": "fer-vit-convstem-0123abcd",
    "width": 1280,
    "height": 720,
    "faces": [FACE_EXAMPLE],
    "notes": [],
}
PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": "urn:fer-phq:problem:api.no_pictures",
    "title": HTTPStatus(422).phrase,
    "status": 422,
    "detail": "The request holds no picture: send 1 to 32.",
    "code": "api.no_pictures",
    "params": {"most": 32},
}


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROBLEM_EXAMPLE]})

    type: str = Field(description="`urn:fer-phq:problem:` and the code, or about:blank.")
    title: str = Field(description="The name of the HTTP status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence in the language that the request accepts.")
    code: str = Field(description="The message's code, which never changes.")
    params: dict[str, Any] = Field(description="The message's parameters.")


class Note(BaseModel):
    """What a person should know of how something was read."""

    detail: str = Field(description="One sentence in the language that the request accepts.")
    code: str = Field(description="The message's code, which never changes.")
    params: dict[str, Any] = Field(description="The message's parameters.")


class Face(BaseModel):
    """A face of a picture."""

    box: tuple[float, float, float, float] = Field(description="x0, y0, x1, y1 in pixels of the upright picture.")
    score: float = Field(description="How sure it is that this is a face, 0 to 1.")
    quality: float = Field(description="How well the face can be seen, 0 to 1.")
    emotions: dict[str, float] = Field(description="The probability of each of the seven emotions; their sum is 1.")


class PictureResult(BaseModel):
    """A picture's faces, or the problem because of which there are none."""

    model_config = ConfigDict(json_schema_extra={"examples": [RESULT_EXAMPLE]})

    index: int = Field(description="The picture's place in the request, from 0.")
    model_id: str = Field(description="Name and short hash of the model's weights.")
    width: int | None = Field(None, description="Pixels of the upright picture.")
    height: int | None = Field(None, description="Pixels of the upright picture.")
    faces: list[Face] | None = Field(None, description="The faces, the surest first; empty where there is none.")
    notes: list[Note] = Field(description="What is to be known of how the picture was read.")
    problem: Problem | None = Field(None, description="Why the picture could not be read.")


class Prediction(BaseModel):
    """The faces of all pictures of a request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model_id": RESULT_EXAMPLE["model_id"], "results": [RESULT_EXAMPLE], "faces": [FACE_EXAMPLE]}]
        }
    )

    model_id: str = Field(description="Name and short hash of the model's weights.")
    results: list[PictureResult] = Field(description="One for each picture, in their order.")
    faces: list[Face] | None = Field(None, description="The picture's faces, where the request held one picture.")


class Images(BaseModel):
    """Pictures in JSON."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"images": ["iVBORw0KGgo..."]}]})

    images: list[str] = Field(description="The bytes of each picture's file, in base64.")


class Health(BaseModel):
    """That the server answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = Field(description="`ok`.")


class Readiness(BaseModel):
    """Whether the installation can be used; what is wrong is said to programs on this machine alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready"}]})

    status: str = Field(description="`ready` or `not ready`.")
    database: bool | None = Field(None, description="Whether the database answers.")
    tables: bool | None = Field(None, description="Whether its tables are those of this version.")
    folder: bool | None = Field(None, description="Whether the data folder can be written.")


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


class Label(BaseModel):
    """A new label."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"label": "P01"}]})

    label: str = Field(description="The label, which no subject has yet.")


class Subject(BaseModel):
    """A subject."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e", "label": "P01"}]}
    )

    id: str
    label: str = Field(description="The label; a researcher sees a pseudonym.")


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
