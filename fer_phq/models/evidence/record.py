"""All evidence on one head: what its report and an evaluation hold beside errors and agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fer_phq.core.messages import Message, from_json, to_json
from fer_phq.models.evidence.controls import Control, control_from_json, control_to_json
from fer_phq.models.evidence.fields import (
    Bounded,
    bounded_to_json,
    read_count,
    read_figure,
    read_list,
    read_number,
    read_share,
)

ALL = "all"
"""The column of the group that holds everybody."""


@dataclass(frozen=True)
class ModelRank:
    """How often a model is the best when people are drawn anew.

    Attributes:
        model: The model's name.
        first: Share of the bootstrap's samples in which its squared error is the lowest, 0 to 1.
    """

    model: str
    first: float


@dataclass(frozen=True)
class Gap:
    """What is lost from the folds, by which a model was selected, to people who took no part in that.

    Attributes:
        name: The head's modalities, joined by '+'.
        subjects: Number of people held out.
        folds_mae: Mean absolute error in the folds, in points.
        held_out_mae: The same of the people held out.
        difference: The second less the first; above 0 the folds promised too much. Its interval is put together from
            those of both (Zou & Donner, 2008, Stat Med 27:1693-1702): they are of different people.
    """

    name: str
    subjects: int
    folds_mae: float
    held_out_mae: float
    difference: Bounded


@dataclass(frozen=True)
class GroupCoverage:
    """How many scores of a group lie in their interval.

    Attributes:
        column: What makes the group: `all` for everybody, `score` for a range of scores, else a column of the manifest.
        value: The group.
        sessions: Number of sessions.
        subjects: Number of people of these sessions.
        covered: Share of the scores that lie in their interval, 0 to 1; with Wilson's 95 % interval, for which a person
            counts once (Wilson, 1927, J Am Stat Assoc 22:209-212).
        width: Mean width of the intervals in points.
    """

    column: str
    value: str
    sessions: int
    subjects: int
    covered: Bounded
    width: float


@dataclass(frozen=True)
class Shift:
    """How new sessions differ from those that a head was trained on.

    Attributes:
        name: The head's modalities, joined by '+'.
        subjects: Number of new people.
        distance: Root mean square of the differences of the functionals' means, in the training's SD.
        p: Probability of as large a distance without any shift, 0 to 1.
        largest: The functionals that differ most, each with its difference.
        scores: By how many points the new people's scores are higher than the training's on average.
    """

    name: str
    subjects: int
    distance: float
    p: float
    largest: tuple[str, ...]
    scores: Bounded


@dataclass(frozen=True)
class Evidence:
    """Evidence on a head.

    Attributes:
        subjects: Number of people that it rests on.
        ccc: The head's concordance with the scores, -1 to 1.
        above_mean: By how many points the head's RMSE is lower than that of always answering the mean.
        controls: What is told without the subject.
        ranking: How stable the ranking of the compared models is; empty where none were compared.
        gaps: From folds to people held out.
        gap_missing: Why there is no gap; None where there is one.
        level: Nominal level of the prediction intervals, 0 to 1.
        coverage: How many scores lie in their interval, by severity and by group.
        shifts: How these sessions differ from the training; empty of the training itself.
        shift_missing: Why that was looked for and not found out; None where it was, and of the training itself.
    """

    subjects: int
    ccc: Bounded
    above_mean: Bounded
    controls: tuple[Control, ...]
    ranking: tuple[ModelRank, ...] = ()
    gaps: tuple[Gap, ...] = ()
    gap_missing: Message | None = None
    level: float = 0.9
    coverage: tuple[GroupCoverage, ...] = ()
    shifts: tuple[Shift, ...] = ()
    shift_missing: Message | None = None


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """Return evidence as JSON-able values."""
    return {
        "subjects": evidence.subjects,
        "ccc": bounded_to_json(evidence.ccc),
        "above_mean": bounded_to_json(evidence.above_mean),
        "controls": [control_to_json(control) for control in evidence.controls],
        "ranking": [asdict(rank) for rank in evidence.ranking],
        "gaps": [asdict(gap) for gap in evidence.gaps],
        "gap_missing": None if evidence.gap_missing is None else to_json(evidence.gap_missing),
        "level": evidence.level,
        "coverage": [asdict(group) for group in evidence.coverage],
        "shifts": [asdict(shift) for shift in evidence.shifts],
        "shift_missing": None if evidence.shift_missing is None else to_json(evidence.shift_missing),
    }


def evidence_from_json(fields: Mapping[str, Any]) -> Evidence:
    """Read what `evidence_to_json` gave.

    Args:
        fields: The parsed object.

    Raises:
        KeyError: A field is missing.
        TypeError: A value is of another type.
        ValueError: A value lies outside its range.
    """
    missing = fields["gap_missing"]
    shift_missing = fields["shift_missing"]
    return Evidence(
        subjects=read_count(fields, "subjects"),
        ccc=read_figure(fields, "ccc"),
        above_mean=read_figure(fields, "above_mean"),
        controls=tuple(control_from_json(control) for control in read_list(fields, "controls")),
        ranking=tuple(
            ModelRank(str(rank["model"]), read_share(rank, "first")) for rank in read_list(fields, "ranking")
        ),
        gaps=tuple(_gap_from_json(gap) for gap in read_list(fields, "gaps")),
        gap_missing=None if missing is None else from_json(missing),
        level=read_share(fields, "level"),
        coverage=tuple(_coverage_from_json(group) for group in read_list(fields, "coverage")),
        shifts=tuple(_shift_from_json(shift) for shift in read_list(fields, "shifts")),
        shift_missing=None if shift_missing is None else from_json(shift_missing),
    )


def _coverage_from_json(fields: Mapping[str, Any]) -> GroupCoverage:
    return GroupCoverage(
        str(fields["column"]),
        str(fields["value"]),
        read_count(fields, "sessions"),
        read_count(fields, "subjects"),
        read_figure(fields, "covered"),
        read_number(fields, "width"),
    )


def _shift_from_json(fields: Mapping[str, Any]) -> Shift:
    return Shift(
        str(fields["name"]),
        read_count(fields, "subjects"),
        read_number(fields, "distance"),
        read_share(fields, "p"),
        tuple(map(str, read_list(fields, "largest"))),
        read_figure(fields, "scores"),
    )


def _gap_from_json(fields: Mapping[str, Any]) -> Gap:
    return Gap(
        str(fields["name"]),
        read_count(fields, "subjects"),
        read_number(fields, "folds_mae"),
        read_number(fields, "held_out_mae"),
        read_figure(fields, "difference"),
    )
