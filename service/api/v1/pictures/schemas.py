"""Pictures and their faces, as typed models: the source of their part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fer_phq.core.emotions import EMOTIONS
from service.api.v1.answers.schemas import Note, Problem

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


class LiveResult(PictureResult):
    """The answer to a picture of a live connection. `model_id` is empty where nothing was computed."""

    dropped: int = Field(description="Pictures that came since the last answer and were not looked at.")


class LiveEnd(BaseModel):
    """The last message of a live connection that the server closes."""

    problem: Problem = Field(description="Why; its code is the reason of the closing, too.")


class Images(BaseModel):
    """Pictures in JSON."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"images": ["iVBORw0KGgo..."]}]})

    images: list[str] = Field(description="The bytes of each picture's file, in base64.")
