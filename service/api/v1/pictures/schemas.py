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
    "presence": 0.9998,
    "points": [[533.12, 352.4, -31.07], [533.9, 330.25, -58.7]],
    "head_pose": {"pitch_deg": -4.1, "yaw_deg": 11.6, "roll_deg": 0.8, "position_cm": [-3.2, 4.0, 61.5]},
    "gaze": {"pitch_deg": -6.3, "yaw_deg": 2.9, "head_pitch_deg": -2.4, "head_yaw_deg": -8.5},
    "blendshapes": {"_neutral": 0.0, "browDownLeft": 0.0312, "mouthSmileLeft": 0.7431},
    "gaps": [],
}
RESULT_EXAMPLE: dict[str, Any] = {
    "index": 0,
    "model_id": "fer-vit-convstem-0123abcd",
    "width": 1280,
    "height": 720,
    "faces": [FACE_EXAMPLE],
    "notes": [],
}


class HeadPose(BaseModel):
    """How a head is turned against the camera's axes, and where it is."""

    pitch_deg: float = Field(description="Positive looks up.")
    yaw_deg: float = Field(description="Positive turns to the person's left.")
    roll_deg: float = Field(description="Positive tilts to the person's right shoulder.")
    position_cm: tuple[float, float, float] = Field(
        description="The head's middle from the camera: to the right of the picture, up, away. It supposes a face of "
        "average size and a field of view of 55 degrees."
    )


class Gaze(BaseModel):
    """Where the eyes look, mean of both."""

    pitch_deg: float = Field(description="Against the camera's axes; positive looks up.")
    yaw_deg: float = Field(description="Against the camera's axes; positive looks to the person's left.")
    head_pitch_deg: float = Field(description="Against the head; positive looks up.")
    head_yaw_deg: float = Field(description="Against the head; positive looks to the person's left.")


class Face(BaseModel):
    """A face of a picture."""

    box: tuple[float, float, float, float] = Field(description="x0, y0, x1, y1 in pixels of the upright picture.")
    score: float = Field(description="How sure it is that this is a face, 0 to 1.")
    quality: float = Field(description="How well the face can be seen, 0 to 1.")
    emotions: dict[str, float] = Field(description="The probability of each of the seven emotions; their sum is 1.")
    presence: float | None = Field(None, description="How sure the face mesh is that it saw a face, 0 to 1.")
    points: list[tuple[float, float, float]] | None = Field(
        None,
        description="The face mesh: 478 points numbered as MediaPipe's; x and y in pixels of the upright picture, "
        "depth in the same unit, smaller towards the camera.",
    )
    head_pose: HeadPose | None = Field(
        None, description="The head pose, unless the face is turned too far or too small."
    )
    gaze: Gaze | None = Field(
        None, description="Where the eyes look, unless they are closed, hidden, too small or turned too far away."
    )
    blendshapes: dict[str, float | None] | None = Field(
        None,
        description="52 movements of the face, 0 to 1; those of the eyes are null where these are hidden. A blendshape "
        "is neither an action unit nor a feeling.",
    )
    gaps: list[Note] = Field(description="Why the mesh, the head pose, the gaze or the blendshapes are missing.")


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
