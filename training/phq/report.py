"""The report of trained PHQ heads: what was compared, how good it is on people left out, and what that does not say.

`report.json` (`fer_phq.models.head_report`), `report.md` and, for the modality set that is asked first, `scatter.png`,
`calibration.png` and `learning_curve.png`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.models.evidence.record import Evidence, Gap
from fer_phq.models.head_report import (
    REPORT,
    RIDGE_ONLY_BELOW,
    GroupError,
    GroupImportance,
    HeadReport,
    Interval,
    ModelReport,
    SetReport,
    report_to_json,
)
from training.phq import messages
from training.phq.controls.comparison import Estimates, bound_ccc, compare_errors
from training.phq.controls.coverage import FEWEST_IN_GROUP, measure_coverage
from training.phq.controls.measuring import measure_controls, refit_shuffled
from training.phq.controls.stability import measure_gap, rank_models
from training.phq.controls.writing import evidence_section
from training.phq.data.dataset import LabelledDataset
from training.phq.importance import importance_rows, permutation_importance
from training.phq.metrics import SCREENING, calibration_bins, error_by_group
from training.phq.plots import calibration_figure, learning_curve_figure, scatter_figure
from training.phq.selection import HeadFit, learning_curve
from training.plots.figures import save_figure
from training.plots.markdown import markdown_table


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """Trained heads with their report.

    Attributes:
        report: The report of all heads, in the order in which they are asked.
        fits: The heads in the same order.
    """

    report: HeadReport
    fits: tuple[HeadFit, ...]


def report_set(fit: HeadFit, data: LabelledDataset, seed: int, quick: bool = False) -> SetReport:
    """Compute the report of one head.

    Args:
        fit: The head with the evidence for it.
        data: The sessions that it was fitted on.
        seed: Seed of the learning curve's folds, and of all that is drawn.
        quick: Whether only ridge regression was tried.
    """
    estimates = fit.selected.estimates.mean(0)
    matrix = fit.data.matrix
    groups = error_by_group(
        estimates, matrix.totals, matrix.subjects, [dict(session.groups) for session in data.sessions]
    )
    return SetReport(
        modalities=fit.head.modalities,
        sessions=len(matrix),
        subjects=matrix.subject_count,
        model=fit.head.model,
        models={
            validation.model: ModelReport(validation.figures, validation.screening) for validation in fit.validations
        },
        interval=fit.interval,
        groups=tuple(group for group in groups if group.subjects >= FEWEST_IN_GROUP),
        calibration=calibration_bins(estimates, matrix.totals),
        learning_curve=learning_curve(matrix, fit.head.model, data.scale, seed),
        importance=permutation_importance(matrix, fit.head.model, data.scale, seed),
        evidence=collect_evidence(fit, data, quick, seed),
    )


def collect_evidence(fit: HeadFit, data: LabelledDataset, quick: bool, seed: int) -> Evidence:
    """Measure what speaks for and against a head.

    Args:
        fit: The head with its validations.
        data: The sessions that it was fitted on.
        quick: Whether only ridge regression was tried.
        seed: Seed of folds, exchanges and bootstrap.
    """
    matrix = fit.data.matrix
    floor = next(validation for validation in fit.validations if validation.model == "floor")
    head = Estimates(fit.selected.estimates, floor.estimates)
    shuffled = refit_shuffled(matrix, head, fit.head.model, data.scale, seed)
    gap = measure_gap(matrix, "+".join(fit.head.modalities), data.scale, quick, seed)
    errors = head.values - matrix.totals
    return Evidence(
        subjects=matrix.subject_count,
        ccc=bound_ccc(head.values, matrix.totals, matrix.subjects, seed),
        above_mean=compare_errors(errors, head.floor - matrix.totals, matrix.subjects, seed),
        controls=measure_controls(data, head, shuffled, seed),
        ranking=rank_models(fit.validations, matrix, seed),
        gaps=(gap,) if isinstance(gap, Gap) else (),
        gap_missing=gap if isinstance(gap, Message) else None,
        level=fit.interval.interval_level,
        coverage=measure_coverage(
            fit.bounds, matrix.totals, matrix.subjects, data.scale, [session.groups for session in data.sessions]
        ),
    )


def write_report(result: TrainingResult, folder: Path) -> None:
    """Write JSON, Markdown and the diagrams.

    Args:
        result: The heads and their report.
        folder: An existing folder.

    Raises:
        FerPhqError: A file cannot be written.
    """
    report = result.report
    first = report.sets[0]
    estimates = result.fits[0].selected.estimates.mean(0)
    scores = result.fits[0].data.matrix.totals
    title = f"{first.name}, {first.model}: people left out of the training"
    maximum = report.scale.maximum
    try:
        (folder / REPORT).write_text(json.dumps(report_to_json(report), indent=2) + "\n", encoding="utf-8")
        (folder / "report.md").write_text(as_markdown(report), encoding="utf-8")
        save_figure(scatter_figure(estimates, scores, maximum, title), folder / "scatter.png")
        save_figure(calibration_figure(first.calibration, maximum, title), folder / "calibration.png")
        floor = first.figures.floor_mae
        save_figure(learning_curve_figure(first.learning_curve, floor, title), folder / "learning_curve.png")
    except OSError as error:
        raise FerPhqError(messages.REPORT_UNWRITABLE(folder=str(folder), strerror=str(error.strerror))) from None


def as_markdown(report: HeadReport) -> str:
    """Write a report for a reader, as Markdown."""
    return "".join(
        (
            f"# PHQ head: {report.scale}, {report.sessions} sessions of {report.subjects} people\n\n",
            "Every figure is of people whom the model had not seen: cross-validation grouped by subject, repeated, "
            "with the model's own settings chosen inside each training part. The model of each set was chosen by "
            f"these figures. In brackets: {report.bootstrap_level:.0%} interval, percentile bootstrap over people. "
            "Floor: always answering the training's mean. **Not a diagnosis.**\n\n",
            _caveats(report),
            *(_set_section(set_report) for set_report in report.sets),
            "\n![Estimates against scores](scatter.png)\n\n![Calibration](calibration.png)\n\n"
            "![Learning curve](learning_curve.png)\n",
        )
    )


def _caveats(report: HeadReport) -> str:
    """Say what so few people, or so little signal, mean."""
    sentences = []
    if report.subjects < RIDGE_ONLY_BELOW:
        sentences.append(
            f"With {report.subjects} people only ridge regression was trained: choosing between models would be "
            "choosing between chances, and every figure below may be far from the truth."
        )
    if report.sets[0].figures.intervals["ccc"].low <= 0:
        sentences.append(
            "The concordance's interval reaches zero: on these sessions the head has not been shown to know anything "
            "beyond the mean."
        )
    sentences += map(str, report.notes)
    return "".join(f"{sentence}\n\n" for sentence in sentences)


def _set_section(report: SetReport) -> str:
    figures = report.figures
    interval = report.interval
    rows = [_figures_row(name, model, name == report.model) for name, model in report.models.items()]
    columns = ["model", "MAE", "RMSE", "CCC", "Pearson", "R²", f"AUC (≥ {SCREENING})", "sensitivity", "specificity"]
    text = (
        f"## {report.name}\n\n{report.sessions} sessions of {report.subjects} people; floor MAE "
        f"{_bracketed(figures.floor_mae, figures.intervals['floor_mae'])}.\n\n"
        + markdown_table(columns, rows)
        + f"\nInterval at {interval.interval_level:.0%}: covers {interval.interval_coverage:.1%}, mean width "
        f"{interval.interval_mean_width:.1f} points.\n\n"
    )
    evidence = evidence_section(report.evidence) if report.evidence is not None else ""
    tables = _importance_table(report.importance) + (_groups_table(report.groups) if report.groups else "")
    return text + evidence + tables


def _importance_table(groups: Sequence[GroupImportance]) -> str:
    if not groups:
        return ""
    head = (
        "What the error on people left out grows by, in points, when a group of features is exchanged for another "
        "person's (mean and SD over folds and exchanges; groups that say the same share their importance):\n\n"
    )
    return head + markdown_table(["features", "MAE", "SD"], importance_rows(groups)) + "\n"


def _figures_row(name: str, model: ModelReport, selected: bool) -> Sequence[str]:
    figures = model.figures
    screening = model.screening
    columns = ("mae", "rmse", "ccc", "pearson", "r2")
    cells = [_bracketed(getattr(figures, column), figures.intervals[column]) for column in columns]
    shares = [_share(value) for value in (screening.auc, screening.sensitivity, screening.specificity)]
    return [f"**{name}**" if selected else name, *cells, *shares]


def _bracketed(value: float, interval: Interval) -> str:
    return f"{value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _groups_table(groups: Sequence[GroupError]) -> str:
    rows = [[g.column, g.value, str(g.n), str(g.subjects), f"{g.mae:.2f}", f"{g.bias:+.2f}"] for g in groups]
    head = "Error by group (bias: mean of estimate less score; few people say little):\n\n"
    return head + markdown_table(["column", "value", "sessions", "people", "MAE", "bias"], rows) + "\n"
