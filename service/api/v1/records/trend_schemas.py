"""A subject over time, as typed models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from db.records import QuestionnaireSource
from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.phq import Band, Scale
from fer_phq.features.measures import Basis
from fer_phq.longitudinal.change import Direction
from service.api.v1.analyses.schemas import EXAMPLE as ANALYSIS
from service.api.v1.analyses.schemas import Estimate, NoEstimate
from service.api.v1.answers.schemas import Note
from service.api.v1.records.schemas import EVENT, QUESTIONNAIRE, SESSION_ID, SUBJECT_ID, EventItem

_CHANGE = {
    "is_baseline": False,
    "baseline_answered_at": "2026-01-07T10:00:00Z",
    "difference": -7,
    "rci": -2.13,
    "reliable": True,
    "direction": "improved",
}
EXAMPLE: dict[str, Any] = {
    "subject_id": SUBJECT_ID,
    "sessions": [
        {
            "session_id": SESSION_ID,
            "analysis_id": ANALYSIS["id"],
            "recorded_at": "2026-03-02T09:30:00Z",
            "model_id": ANALYSIS["model_id"],
            "segment": 0,
            "coverage": 0.93,
            "counts_by_frames": False,
            "emotions": ANALYSIS["emotions"],
            "dominant_emotion": "neutral",
            "measures": {"smiling_share": 0.21, "pitch_sd": None},
            "phq": ANALYSIS["phq"],
            "is_demo": False,
            "consent_withdrawn": False,
            "turns_kind": "turns-1-voices",
            "speaker_choice": "mouth",
        }
    ],
    "questionnaires": [
        {
            name: QUESTIONNAIRE[name]
            for name in ("id", "answered_at", "scale", "total", "maximum", "band", "item9_flag", "difficulty", "source")
        }
        | {"segment": 0, "change": _CHANGE}
    ],
    "measures": [
        {
            "name": "smiling_share",
            "title": "Smiling",
            "unit": "share",
            "modality": "face",
            "description": "Share of the time with a face in which it smiles.",
            "direction": "Less when the same people's depression was severe than when it was not (Girard et al. 2014).",
            "source": "Girard et al. 2014, Image Vis Comput 32:641-647",
        }
    ],
    "baseline": None,
    "events": [EVENT],
    "notes": [],
}


class TrendSession(BaseModel):
    """An analysed session: the analysis that stands for it."""

    session_id: str
    analysis_id: str
    recorded_at: datetime
    model_id: str
    segment: int = Field(
        description="Sessions of one segment are of one model and without a long gap: a line may join them. A line of "
        "facial behaviour, voice, words or turn taking may not where `notes` say that it was told in different ways."
    )
    coverage: float = Field(
        description="Time in which the subject's face was seen, divided by the recording's duration, 0 to 1."
    )
    counts_by_frames: bool = Field(
        description="Whether an earlier version counted coverage and shares by frames, not by time."
    )
    emotions: dict[str, float] | None = Field(
        description="Mean probability of each emotion over the time with a face; null without a face."
    )
    dominant_emotion: str | None
    measures: dict[str, float | None] = Field(description="By their names; null where not measured.")
    phq: Annotated[Estimate | NoEstimate, Field(discriminator="state")]
    is_demo: bool
    consent_withdrawn: bool = Field(description="Whether its consent was withdrawn and not given again.")
    turns_kind: str | None = Field(
        description="How it was told who speaks, and by which version: turn taking of two kinds is no one series. Null "
        "where it was not told."
    )
    speaker_choice: SpeakerChoice | None = Field(
        description="How the subject's speaker was found, or why it is not known: then turn taking of the subject is "
        "missing. Null without a turn."
    )


class ChangeItem(BaseModel):
    """A questionnaire against the subject's first one on its scale."""

    is_baseline: bool = Field(description="Whether it is the first one itself.")
    baseline_answered_at: datetime
    difference: int = Field(description="Points since then; negative is better.")
    rci: float = Field(description="Reliable change index (Jacobson & Truax 1991), with the PHQ-9's figures.")
    reliable: bool = Field(description="Whether the difference is more than unreliability explains: |rci| > 1.96.")
    direction: Direction = Field(description="`none` where the change is not reliable.")


class TrendQuestionnaire(BaseModel):
    """A questionnaire that no correction supersedes."""

    id: str
    answered_at: datetime
    scale: Scale
    total: int
    maximum: int
    band: Band
    item9_flag: bool
    difficulty: int | None
    source: QuestionnaireSource
    segment: int = Field(description="Questionnaires of one scale and segment are without a long gap.")
    change: ChangeItem


class MeasureItem(BaseModel):
    """What a measure is."""

    name: str
    title: str
    unit: str
    modality: Basis | None = Field(
        description="What it is computed from: a modality of PHQ heads, or turns; null for a questionnaire."
    )
    description: str
    direction: str = Field(description="What a change means, in the words of the literature.")
    source: str = Field(description="The papers that it and the direction come from.")


class BaselineItem(BaseModel):
    """How far the subject's scores lie above a head's estimates, partially pooled."""

    state: Literal["baseline"] = "baseline"
    phq_model_id: str = Field(
        description="Whose estimates it corrects, and no other's: the head of the last recorded session that has one."
    )
    scale: Scale
    offset: float = Field(description="Points to add to an estimate of that head.")
    error: float = Field(description="Standard error of the offset, in points.")
    pairs: int = Field(description="Sessions with a score near them.")
    mean: float = Field(description="Mean difference of score and estimate, in points.")
    weight: float = Field(description="What partial pooling leaves of the mean, 0 to 1.")


class NoBaselineItem(BaseModel):
    """Why there is no baseline."""

    state: Literal["unavailable"] = "unavailable"
    detail: Note


class Trends(BaseModel):
    """A subject over time, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    subject_id: str
    sessions: list[TrendSession]
    questionnaires: list[TrendQuestionnaire]
    measures: list[MeasureItem] = Field(description="Those that at least one of the sessions has.")
    baseline: Annotated[BaselineItem | NoBaselineItem, Field(discriminator="state")] | None = Field(
        description="Null where no session has an estimate."
    )
    events: list[EventItem]
    notes: list[Note] = Field(description="What a person must read beside the numbers.")
