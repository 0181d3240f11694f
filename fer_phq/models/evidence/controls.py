"""Controls of a PHQ head: how well the same scores are told without looking at the subject.

A head that is no better than one of them has not been shown to read the subject. The interviewer's questions alone
predict the scores of a corpus (Burdisso et al., 2024, arXiv:2404.14463); so may a session's length, or a person's age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fer_phq.core.messages import Message, from_json, to_json
from fer_phq.models.evidence.fields import (
    Bounded,
    bounded_to_json,
    read_bounded,
    read_count,
    read_figure,
    read_list,
    read_number,
)


class ControlName(StrEnum):
    """What a control reads in place of the subject."""

    INTERVIEWER = "interviewer"
    """The speech of those who are not the subject."""
    LENGTH = "length"
    """How long the session lasts, and how long the subject is seen and heard."""
    GROUP = "group"
    """Sex, age and site."""
    SHUFFLED = "shuffled"
    """The head's own features, with scores that were exchanged between people; the model is fitted to these."""
    EXCHANGED = "exchanged"
    """The estimates of a head that is not fitted again, beside scores that were exchanged between people."""


@dataclass(frozen=True)
class ControlFigures:
    """What a control tells of people left out, beside the head, on the same sessions.

    Attributes:
        sessions: Number of sessions.
        subjects: Number of people of these sessions.
        columns: What the control reads.
        mae: Its mean absolute error in points.
        rmse: Its root mean squared error in points.
        ccc: Its concordance with the scores, -1 to 1; of scores that were exchanged with these.
        head_rmse: The head's root mean squared error on the same sessions in points.
        above_mean: By how many points its RMSE is lower than that of always answering the mean.
        head_gain: By how many points the head's RMSE is lower than the control's.
        beyond: Partial correlation of the head's estimate with the score, the control's estimate held constant; None
            where scores were exchanged.
    """

    sessions: int
    subjects: int
    columns: tuple[str, ...]
    mae: float
    rmse: float
    ccc: Bounded
    head_rmse: float
    above_mean: Bounded
    head_gain: Bounded
    beyond: Bounded | None

    @property
    def tells(self) -> bool:
        """Whether the control is shown to tell the scores: its concordance has an interval above 0."""
        return self.ccc.is_positive


@dataclass(frozen=True)
class Control:
    """A control, or why there is none. One of `figures` and `missing` is None.

    Attributes:
        name: What it reads.
        figures: What it tells.
        missing: Why it could not be measured.
    """

    name: ControlName
    figures: ControlFigures | None = None
    missing: Message | None = None


def control_to_json(control: Control) -> dict[str, Any]:
    """Return a control as JSON-able values."""
    if control.figures is None:
        return {"name": str(control.name), "missing": to_json(control.missing) if control.missing else None}
    figures = control.figures
    numbers = {name: getattr(figures, name) for name in ("sessions", "subjects", "mae", "rmse", "head_rmse")}
    intervals = {name: bounded_to_json(getattr(figures, name)) for name in ("ccc", "above_mean", "head_gain", "beyond")}
    return {"name": str(control.name), "columns": list(figures.columns), **numbers, **intervals}


def control_from_json(fields: Mapping[str, Any]) -> Control:
    """Read what `control_to_json` gave.

    Args:
        fields: The parsed object.

    Raises:
        KeyError: A field is missing.
        TypeError: A value is of another type.
        ValueError: A value lies outside its range.
    """
    name = ControlName(fields["name"])
    if "missing" in fields:
        return Control(name, missing=from_json(fields["missing"]))
    figures = ControlFigures(
        sessions=read_count(fields, "sessions"),
        subjects=read_count(fields, "subjects"),
        columns=tuple(map(str, read_list(fields, "columns"))),
        mae=read_number(fields, "mae"),
        rmse=read_number(fields, "rmse"),
        ccc=read_figure(fields, "ccc"),
        head_rmse=read_number(fields, "head_rmse"),
        above_mean=read_figure(fields, "above_mean"),
        head_gain=read_figure(fields, "head_gain"),
        beyond=read_bounded(fields, "beyond"),
    )
    return Control(name, figures)
