"""What an analysis holds, as typed models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.phq import Band, Modality, Provenance, Scale, UnavailableReason
from service.api.v1.answers.schemas import Note, Table

SHARES = {
    "anger": 0.02,
    "disgust": 0.01,
    "fear": 0.03,
    "happiness": 0.22,
    "neutral": 0.6,
    "sadness": 0.1,
    "surprise": 0.02,
}
EXAMPLE: dict[str, Any] = {
    "id": "5b0d6a0e-9a0c-4f5c-8a55-0c8f4f6f2a11",
    "session_id": "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e",
    "model_id": "fer-vit-convstem-1572f8bb",
    "created_at": "2026-03-02T09:30:00Z",
    "sampling": {"fps": 2.0, "key_frames": False},
    "coverage": 0.93,
    "frames_sampled": 1200,
    "frames_with_face": 1116,
    "emotions": SHARES,
    "dominant_emotion": "neutral",
    "phq": {
        "state": "estimate",
        "score": 7.5,
        "low": 3.1,
        "high": 12.0,
        "level": 0.9,
        "scale": "PHQ-8",
        "bands": ["minimal", "mild", "moderate"],
        "provenance": "simulated",
        "model_id": "fer-vit-convstem-1572f8bb",
        "modalities": ["face"],
        "notes": [],
    },
    "warnings": [],
    "notes": [],
}


class Sampling(BaseModel):
    """Which frames of the recording were analysed."""

    fps: float | None = Field(description="Frames a second; null where the stream's key frames were taken.")
    key_frames: bool


class Estimate(BaseModel):
    """A model's estimate of a PHQ total. It holds only with its interval and its provenance."""

    state: Literal["estimate"] = "estimate"
    score: float = Field(description="Points.")
    low: float = Field(description="Lower end of the interval, in points.")
    high: float = Field(description="Upper end of the interval, in points.")
    level: float = Field(description="Share of new people whose score the interval is meant to hold, 0 to 1.")
    scale: Scale
    bands: list[Band] = Field(description="Every severity band that the interval touches: of several, none is named.")
    provenance: Provenance = Field(
        description="What kind of labels trained the head; with simulated ones the estimate says nothing of anybody."
    )
    model_id: str
    modalities: list[Modality]
    notes: list[Note] = Field(description="What a person must read beside the number.")


class NoEstimate(BaseModel):
    """Why there is no estimate."""

    state: Literal["unavailable"] = "unavailable"
    reason: UnavailableReason
    detail: Note


class AnalysisItem(BaseModel):
    """What one model made of a session, without its frames. An analysis never changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: str
    session_id: str
    model_id: str
    created_at: datetime
    sampling: Sampling
    coverage: float = Field(
        description="Time in which the subject's face was seen, divided by the recording's duration, 0 to 1."
    )
    frames_sampled: int
    frames_with_face: int
    emotions: dict[str, float] | None = Field(
        description="Mean probability of each emotion over the time with a face; null without a face."
    )
    dominant_emotion: str | None = Field(description="The emotion with the highest mean; null without a face.")
    phq: Annotated[Estimate | NoEstimate, Field(discriminator="state")]
    warnings: list[Note] = Field(description="What was hard in this recording.")
    notes: list[Note] = Field(description="That nothing here is a diagnosis.")


class Analyses(BaseModel):
    """The analyses of a session."""

    current: str | None = Field(
        description="The analysis that stands for the session: the newest, or the last one that a person chose; null "
        "without any."
    )
    items: list[AnalysisItem] = Field(description="Newest first.")
    next: str | None = Field(description="The cursor of the next page; null for the last.")


class FaceTrack(BaseModel):
    """A face that was followed without a break."""

    track: int = Field(description="Its number, as `track` of an analysis's options names it.")
    person: int | None = Field(
        description="The number of the person whom the program takes it for, from 0, who is seen most first; null in "
        "analyses of an earlier version."
    )
    is_subject: bool = Field(description="Whether the analysis counts it as the subject's.")
    first_s: float = Field(description="When it was first seen, in seconds from the recording's start.")
    last_s: float = Field(description="When it was last seen.")
    seen_s: float | None = Field(
        description="Seconds for which it was in view; null in analyses of an earlier version."
    )
    frames: int = Field(description="Sampled frames in which it was seen.")
    mean_area: float = Field(description="Mean share of the picture that the face fills, 0 to 1.")


class FaceTracks(BaseModel):
    """The face tracks of an analysis."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "track": 0,
                            "person": 0,
                            "is_subject": True,
                            "first_s": 0.5,
                            "last_s": 598.0,
                            "seen_s": 571.5,
                            "frames": 1143,
                            "mean_area": 0.071,
                        }
                    ],
                    "next": None,
                    "holds_everybody": True,
                }
            ]
        }
    )

    items: list[FaceTrack]
    next: str | None = Field(description="Always null: there are no more.")
    holds_everybody: bool = Field(
        description="Whether everybody's faces are stored, so that others can be chosen as the subject's on the "
        "Session page."
    )


class Speaker(BaseModel):
    """Somebody who is heard."""

    speaker: int = Field(description="The number of the speaker in this analysis, from 1; in another it means nothing.")
    is_subject: bool | None = Field(
        description="Whether the analysis takes the speaker for the subject; null where it does not know who is."
    )
    speech_s: float = Field(description="Seconds in which the speaker speaks.")
    speech_share: float = Field(description="That of the speech of all speakers added up, 0 to 1.")
    turns: int
    sample_start_s: float | None = Field(
        description="From when the speaker is heard alone, for three seconds at most, in seconds from the recording's "
        "start; null where never for half a second."
    )
    sample_end_s: float | None = Field(description="Until when.")


class Speakers(BaseModel):
    """Who is heard in an analysis."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "speaker": 1,
                            "is_subject": True,
                            "speech_s": 241.6,
                            "speech_share": 0.62,
                            "turns": 41,
                            "sample_start_s": 73.2,
                            "sample_end_s": 76.2,
                        }
                    ],
                    "next": None,
                    "has_turns": True,
                    "chosen_by": "mouth",
                    "unknown_because": None,
                }
            ]
        }
    )

    items: list[Speaker]
    next: str | None = Field(description="Always null: there are no more.")
    has_turns: bool = Field(
        description="Whether the analysis holds who speaks when; without, there is nobody to choose."
    )
    chosen_by: SpeakerChoice | None = Field(
        description="How the subject's speaker was found: `transcript`, `mouth` or `hand`, which is a person's choice; "
        "null where it is not known."
    )
    unknown_because: SpeakerChoice | None = Field(
        description="Why it is not known; null where it is, and where nobody speaks."
    )


class SpeakerWish(BaseModel):
    """Which speaker of an analysis is the subject."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"speaker": 2}, {"speaker": None}]})

    speaker: int | None = Field(
        ge=1, le=1000, description="The number of the speaker; null leaves the choice to the program again."
    )


class ChosenSpeaker(BaseModel):
    """What a choice led to: one of both is null."""

    job_id: str | None = Field(description="The job that analyses the session with the chosen voice.")
    analysis_id: str | None = Field(
        description="The analysis with it that was there already, and from now on stands for the session."
    )


class Series(BaseModel):
    """A feature series that is stored."""

    name: str = Field(description="What it is of: voice, words, behaviour or turns.")
    kind: str = Field(description="What measured it; numbers of two kinds are not compared.")


class SeriesList(BaseModel):
    """The feature series of an analysis."""

    items: list[Series]
    next: str | None = Field(description="Always null: there are no more.")


class Frame(BaseModel):
    """A sampled frame. In a gap, where the subject's face was not seen, everything but the times is null."""

    time_s: float = Field(description="Seconds from the recording's start, as its container gives them.")
    duration_s: float = Field(description="Seconds that the frame stands for: until the next one.")
    anger: float | None
    disgust: float | None
    fear: float | None
    happiness: float | None
    neutral: float | None
    sadness: float | None
    surprise: float | None
    x0: float | None = Field(description="The face's box in pixels of the recording as it is displayed: left.")
    y0: float | None = Field(description="Top.")
    x1: float | None = Field(description="Right.")
    y1: float | None = Field(description="Bottom.")
    detection_score: float | None = Field(description="How sure the face detector is, 0 to 1.")
    quality: float | None = Field(description="Quality of the face crop, 0 to 1.")


class Timeline(Table):
    """The emotion timeline of an analysis: a row for each sampled frame, gaps included."""

    items: list[Frame]  # type: ignore[assignment]
