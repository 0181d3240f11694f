"""Results of a PHQ head's training: the report (`report.json`), the steps of a training that runs, and thresholds.

The training writes them, service and dashboard read them. Nothing here needs PyTorch or scikit-learn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fer_phq.core.errors import ModelError
from fer_phq.core.messages import Message, from_json, to_json
from fer_phq.core.phq import Modality, Scale
from fer_phq.models import messages
from fer_phq.models.evidence.fields import read_count, read_list, read_number, read_share
from fer_phq.models.evidence.record import Evidence, evidence_from_json, evidence_to_json

REPORT = "report.json"
"""The report's file in a checkpoint bundle."""

FEWEST_SESSIONS = 10
FEWEST_SUBJECTS = 5
"""A set of modalities that fewer sessions, or fewer people, have is not trained."""

RIDGE_ONLY_BELOW = 20
"""With fewer people than this only ridge regression is tried: a choice between models would be one between chances."""

DEFAULT_BOOTSTRAP_LEVEL = 0.95
"""The level of reports that were written before they stated it."""


@dataclass(frozen=True)
class Interval:
    """A figure's bootstrap interval.

    Attributes:
        low: Its lower end.
        high: Its upper end.
    """

    low: float
    high: float


@dataclass(frozen=True)
class PhqFigures:
    """Figures of PHQ estimates against scores.

    Attributes:
        n: Number of estimates.
        subjects: Number of people they are of.
        mae: Mean absolute error in points.
        rmse: Root mean squared error in points.
        ccc: Concordance, -1 to 1 (Lin, 1989, Biometrics 45:255-268).
        pearson: Correlation, -1 to 1; 0 where the estimates or the scores do not vary.
        r2: 1 - squared error over that of the scores' own mean.
        floor_mae: MAE of always answering the mean of the training.
        intervals: Percentile bootstrap interval over people of each figure above, by its name.
    """

    n: int
    subjects: int
    mae: float
    rmse: float
    ccc: float
    pearson: float
    r2: float
    floor_mae: float
    intervals: Mapping[str, Interval]


FIGURES = ("mae", "rmse", "ccc", "pearson", "r2", "floor_mae")
"""The names of `PhqFigures` that have an interval."""


@dataclass(frozen=True)
class Screening:
    """Estimates read as a screen at a total of 10.

    Attributes:
        positives: Number of sessions whose score is at the cut or above.
        negatives: Number of sessions below it.
        auc: Area under the ROC curve, 0 to 1; None without positives or without negatives.
        sensitivity: Share of the positives whose estimate is at the cut or above; None without positives.
        specificity: Share of the negatives whose estimate is below it; None without negatives.
    """

    positives: int
    negatives: int
    auc: float | None
    sensitivity: float | None
    specificity: float | None


@dataclass(frozen=True)
class IntervalFigures:
    """Figures of prediction intervals.

    Attributes:
        interval_level: Nominal level, 0 to 1.
        interval_coverage: Share of the scores that lie in their interval.
        interval_mean_width: Mean width in points.
    """

    interval_level: float
    interval_coverage: float
    interval_mean_width: float


@dataclass(frozen=True)
class CalibrationBin:
    """Sessions of similar estimates.

    Attributes:
        n: Number of sessions.
        estimate: Their mean estimate in points.
        score: Their mean score in points.
        standard_error: Standard error of the mean score.
    """

    n: int
    estimate: float
    score: float
    standard_error: float


@dataclass(frozen=True)
class GroupError:
    """Errors within one group of sessions.

    Attributes:
        column: The group's column in the manifest, such as 'sex'.
        value: The group's value in that column.
        n: Number of sessions.
        subjects: Number of people.
        mae: Mean absolute error in points.
        bias: Mean of estimate - score in points.
    """

    column: str
    value: str
    n: int
    subjects: int
    mae: float
    bias: float


@dataclass(frozen=True)
class LearningCurvePoint:
    """What a model reaches on people left out when it is trained on fewer people.

    Attributes:
        subjects: Number of people in the training.
        mae: Mean absolute error in points.
        ccc: Concordance, -1 to 1.
    """

    subjects: int
    mae: float
    ccc: float


@dataclass(frozen=True)
class GroupImportance:
    """What a model loses on people left out when a group of its features is exchanged for another person's.

    Groups that say the same share their importance.

    Attributes:
        name: A block of functionals, such as `behaviour.head_movement`, or a modality.
        increase: Mean increase of the absolute error in points; around 0 for a group that the model does not use.
        spread: SD of the increase over folds and exchanges, in points.
    """

    name: str
    increase: float
    spread: float


@dataclass(frozen=True)
class ModelReport:
    """One model's figures in cross-validation over people.

    Attributes:
        figures: Errors and agreement.
        screening: The estimates read as a screen.
    """

    figures: PhqFigures
    screening: Screening


@dataclass(frozen=True)
class SetReport:
    """The report of the head of one set of modalities.

    Attributes:
        modalities: What the head takes.
        sessions: Number of sessions it was trained on.
        subjects: Number of people of these sessions.
        model: Name of the selected model, a key of `models`; 'chosen' in the file.
        models: Every model that was compared, by its name.
        interval: Figures of the prediction interval.
        groups: Errors by group.
        calibration: Bins of rising estimates.
        learning_curve: Figures over a growing number of people.
        importance: Of each group of features, the one that matters most first; empty in reports of an earlier version.
        evidence: Controls and what else speaks for or against the head; None in reports of an earlier version.
    """

    modalities: tuple[Modality, ...]
    sessions: int
    subjects: int
    model: str
    models: Mapping[str, ModelReport]
    interval: IntervalFigures
    groups: tuple[GroupError, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    learning_curve: tuple[LearningCurvePoint, ...] = ()
    importance: tuple[GroupImportance, ...] = ()
    evidence: Evidence | None = None

    @property
    def name(self) -> str:
        """The set's modalities, joined by '+'."""
        return "+".join(self.modalities)

    @property
    def figures(self) -> PhqFigures:
        """The figures of the selected model."""
        return self.models[self.model].figures

    @property
    def relative_rmse(self) -> float:
        """The selected model's RMSE as a share of the floor's on the same sessions: below 1 it knows something."""
        return self.figures.rmse / max(self.models["floor"].figures.rmse, 1e-9)


@dataclass(frozen=True)
class HeadReport:
    """The report of a bundle's PHQ heads.

    Attributes:
        scale: The scale of scores and estimates.
        sessions: Number of labelled sessions.
        subjects: Number of people of these sessions.
        sets: One report a head, in the order in which the heads are asked.
        bootstrap_level: Level of the figures' intervals, 0 to 1.
        seed: Seed of the folds, where it is known.
        quick: Whether only ridge regression was tried, once; None where it is not known.
        notes: What to know of the sessions, such as what of them was not used.
    """

    scale: Scale
    sessions: int
    subjects: int
    sets: tuple[SetReport, ...]
    bootstrap_level: float = DEFAULT_BOOTSTRAP_LEVEL
    seed: int | None = None
    quick: bool | None = None
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class TrainingStep:
    """How far the cross-validation of a model is: a line of the training's `--steps` file.

    Attributes:
        modalities: The set of modalities that is trained.
        model: The model under validation.
        folds: Number of folds that are done.
        total_folds: Number of all folds of this model; 'of' in the file.
        rmse: The model's RMSE so far, in points.
        floor: RMSE so far of always answering the mean of the training, in points.
    """

    modalities: tuple[Modality, ...]
    model: str
    folds: int
    total_folds: int
    rmse: float
    floor: float


def report_to_json(report: HeadReport) -> dict[str, Any]:
    """Return a report as the JSON-able values of `report.json`."""
    options = {"seed": report.seed, "quick": report.quick}
    return {
        "scale": str(report.scale),
        "sessions": report.sessions,
        "subjects": report.subjects,
        **{name: value for name, value in options.items() if value is not None},
        "bootstrap_level": report.bootstrap_level,
        **({"notes": [to_json(note) for note in report.notes]} if report.notes else {}),
        "sets": [_set_to_json(modality_set) for modality_set in report.sets],
    }


def _set_to_json(report: SetReport) -> dict[str, Any]:
    return {
        "modalities": [str(modality) for modality in report.modalities],
        "sessions": report.sessions,
        "subjects": report.subjects,
        "chosen": report.model,
        "models": {
            name: asdict(model.figures) | {"screening": asdict(model.screening)}
            for name, model in report.models.items()
        },
        "interval": asdict(report.interval),
        "groups": [asdict(group) for group in report.groups],
        "calibration": [asdict(group) for group in report.calibration],
        "learning_curve": [asdict(point) for point in report.learning_curve],
        "importance": [asdict(group) for group in report.importance],
        **({} if report.evidence is None else {"evidence": evidence_to_json(report.evidence)}),
    }


def read_report(path: Path) -> HeadReport:
    """Read and check a report.

    Args:
        path: A `report.json`.

    Raises:
        ModelError: The file cannot be read, or is not a report.
    """
    try:
        return report_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = type(error).__name__
        raise ModelError(messages.REPORT_UNREADABLE(path=str(path), reason=reason)) from None


def report_from_json(fields: Mapping[str, Any]) -> HeadReport:
    """Read what `report_to_json` gave.

    Args:
        fields: The parsed `report.json`. Keys that this version does not know are passed over.

    Raises:
        KeyError: A key is missing.
        TypeError, AttributeError: A value is of another type.
        ValueError: A value lies outside its range.
    """
    seed = fields.get("seed")
    quick = fields.get("quick")
    return HeadReport(
        sets=tuple(_set_from_json(values) for values in read_list(fields, "sets")),
        scale=Scale(fields["scale"]),
        sessions=read_count(fields, "sessions"),
        subjects=read_count(fields, "subjects"),
        bootstrap_level=read_share({"bootstrap_level": DEFAULT_BOOTSTRAP_LEVEL, **fields}, "bootstrap_level"),
        seed=None if seed is None else int(seed),
        quick=None if quick is None else bool(quick),
        notes=tuple(from_json(note) for note in fields.get("notes", ())),
    )


def _set_from_json(fields: Mapping[str, Any]) -> SetReport:
    models = {str(name): _model_from_json(values) for name, values in fields["models"].items()}
    model = str(fields["chosen"])
    if model not in models:
        raise ValueError(f"the model {model} has no figures")
    interval = fields["interval"]
    return SetReport(
        modalities=tuple(Modality(name) for name in read_list(fields, "modalities")),
        sessions=read_count(fields, "sessions"),
        subjects=read_count(fields, "subjects"),
        model=model,
        models=models,
        interval=IntervalFigures(
            interval_level=read_share(interval, "interval_level"),
            interval_coverage=read_share(interval, "interval_coverage"),
            interval_mean_width=read_number(interval, "interval_mean_width"),
        ),
        groups=tuple(_group_from_json(values) for values in read_list(fields, "groups")),
        calibration=tuple(_bin_from_json(values) for values in read_list(fields, "calibration")),
        learning_curve=tuple(_point_from_json(values) for values in read_list(fields, "learning_curve")),
        importance=tuple(
            _importance_from_json(values) for values in read_list({"importance": [], **fields}, "importance")
        ),
        evidence=evidence_from_json(fields["evidence"]) if "evidence" in fields else None,
    )


def _model_from_json(fields: Mapping[str, Any]) -> ModelReport:
    intervals = {name: fields["intervals"][name] for name in FIGURES}
    screening = fields["screening"]
    shares = ("auc", "sensitivity", "specificity")
    return ModelReport(
        PhqFigures(
            n=read_count(fields, "n"),
            subjects=read_count(fields, "subjects"),
            **{name: read_number(fields, name) for name in FIGURES},
            intervals={
                name: Interval(read_number(ends, "low"), read_number(ends, "high")) for name, ends in intervals.items()
            },
        ),
        Screening(
            positives=read_count(screening, "positives"),
            negatives=read_count(screening, "negatives"),
            **{name: None if screening[name] is None else read_share(screening, name) for name in shares},
        ),
    )


def _group_from_json(fields: Mapping[str, Any]) -> GroupError:
    return GroupError(
        column=str(fields["column"]),
        value=str(fields["value"]),
        n=read_count(fields, "n"),
        subjects=read_count(fields, "subjects"),
        mae=read_number(fields, "mae"),
        bias=read_number(fields, "bias"),
    )


def _importance_from_json(fields: Mapping[str, Any]) -> GroupImportance:
    spread = read_number(fields, "spread")
    if spread < 0:
        raise ValueError(f"spread must be 0 or more, it is {spread:g}")
    return GroupImportance(str(fields["name"]), read_number(fields, "increase"), spread)


def _bin_from_json(fields: Mapping[str, Any]) -> CalibrationBin:
    means = {name: read_number(fields, name) for name in ("estimate", "score", "standard_error")}
    return CalibrationBin(n=read_count(fields, "n"), **means)


def _point_from_json(fields: Mapping[str, Any]) -> LearningCurvePoint:
    return LearningCurvePoint(read_count(fields, "subjects"), read_number(fields, "mae"), read_number(fields, "ccc"))


def step_to_json(step: TrainingStep) -> dict[str, Any]:
    """Return a step as the JSON-able values of a line of the `--steps` file."""
    return {
        "modalities": [str(modality) for modality in step.modalities],
        "model": step.model,
        "folds": step.folds,
        "of": step.total_folds,
        "rmse": step.rmse,
        "floor": step.floor,
    }


def step_from_json(fields: Mapping[str, Any]) -> TrainingStep:
    """Read what `step_to_json` gave.

    Args:
        fields: A parsed line of the `--steps` file.

    Raises:
        KeyError: A key is missing.
        TypeError: A value is of another type.
        ValueError: A value lies outside its range.
    """
    return TrainingStep(
        modalities=tuple(Modality(name) for name in read_list(fields, "modalities")),
        model=str(fields["model"]),
        folds=read_count(fields, "folds"),
        total_folds=read_count(fields, "of"),
        rmse=read_number(fields, "rmse"),
        floor=read_number(fields, "floor"),
    )
