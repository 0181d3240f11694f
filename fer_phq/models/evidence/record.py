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
    """

    subjects: int
    ccc: Bounded
    above_mean: Bounded
    controls: tuple[Control, ...]
    ranking: tuple[ModelRank, ...] = ()
    gaps: tuple[Gap, ...] = ()
    gap_missing: Message | None = None


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
    )


def _gap_from_json(fields: Mapping[str, Any]) -> Gap:
    return Gap(
        str(fields["name"]),
        read_count(fields, "subjects"),
        read_number(fields, "folds_mae"),
        read_number(fields, "held_out_mae"),
        read_figure(fields, "difference"),
    )
