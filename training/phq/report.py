"""The report of a trained PHQ head: what was tried, how good it is on people left out, and what that does not say.

`report.json`, `report.md` and, for the modality set that serves first, `scatter.png`, `calibration.png` and
`learning_curve.png`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import Scale
from training.emotion.metrics import Interval
from training.phq.data.tables import Gathered
from training.phq.metrics import (
    LEVEL,
    SCREENING,
    CalibrationBin,
    GroupError,
    calibration_bins,
    error_by_group,
)
from training.phq.plots import calibration_figure, learning_curve_figure, scatter_figure
from training.phq.selection import RIDGE_ONLY_BELOW, CurvePoint, FittedSet, Judged, learning_curve
from training.plots.figures import save
from training.plots.markdown import markdown_table

FEWEST_IN_GROUP = 5
"""Smaller groups are not reported: they say little of errors, and much of the one person in them."""


@dataclass(frozen=True, eq=False)
class SetReport:
    """One modality set: its fit, and what is told of its chosen model."""

    fit: FittedSet
    groups: tuple[GroupError, ...]
    calibration: tuple[CalibrationBin, ...]
    curve: tuple[CurvePoint, ...]

    @property
    def name(self) -> str:
        """The set's modalities, joined."""
        return "+".join(self.fit.head.modalities)

    @property
    def chosen(self) -> Judged:
        """The chosen model's figures."""
        return self.fit.chosen

    @property
    def gain(self) -> float:
        """Its RMSE as a share of the floor's on the same sessions: below 1 it knows something."""
        floor = next(one for one in self.fit.judged if one.model == "floor")
        return self.chosen.figures.rmse / max(floor.figures.rmse, 1e-9)


@dataclass(frozen=True, eq=False)
class PhqReport:
    """All sets, the one that serves first at the front. facts: what the data were and how it was made."""

    scale: Scale
    sets: tuple[SetReport, ...]
    sessions: int
    subjects: int
    facts: Mapping[str, Any]


def report_set(fit: FittedSet, data: Gathered, seed: int) -> SetReport:
    """What is told of one set's chosen model. `data`: the sessions that have the set's modalities."""
    given = fit.chosen.given.mean(0)
    table = fit.data.table
    groups = error_by_group(given, table.totals, table.subjects, [dict(s.groups) for s in data.sessions])
    return SetReport(
        fit=fit,
        groups=tuple(group for group in groups if group.subjects >= FEWEST_IN_GROUP),
        calibration=calibration_bins(given, table.totals),
        curve=learning_curve(table, fit.head.model, data.scale, seed),
    )


def write_report(report: PhqReport, folder: Path) -> None:
    """Write JSON, Markdown and the diagrams. Raises FerPhqError when that is not possible."""
    first = report.sets[0]
    given = first.chosen.given.mean(0)
    table = first.fit.data.table
    title = f"{first.name}, {first.chosen.model}: people left out of the training"
    maximum = report.scale.maximum
    try:
        (folder / "report.json").write_text(json.dumps(as_dict(report), indent=2) + "\n", encoding="utf-8")
        (folder / "report.md").write_text(as_markdown(report), encoding="utf-8")
        save(scatter_figure(given, table.totals, maximum, title), folder / "scatter.png")
        save(calibration_figure(first.calibration, maximum, title), folder / "calibration.png")
        floor = first.chosen.figures.floor_mae
        save(learning_curve_figure(first.curve, floor, title), folder / "learning_curve.png")
    except OSError as error:
        raise FerPhqError(f"The report cannot be written to {folder}: {error.strerror}.") from None


def as_dict(report: PhqReport) -> dict[str, Any]:
    """The report as JSON-able values."""
    return {
        "scale": str(report.scale),
        "sessions": report.sessions,
        "subjects": report.subjects,
        **report.facts,
        "bootstrap_level": LEVEL,
        "sets": [_set_dict(one) for one in report.sets],
    }


def _set_dict(one: SetReport) -> dict[str, Any]:
    return {
        "modalities": [str(modality) for modality in one.fit.head.modalities],
        "sessions": len(one.fit.data.table),
        "subjects": one.fit.data.table.subject_count,
        "chosen": one.fit.head.model,
        "models": {
            judged.model: dataclasses.asdict(judged.figures) | {"screening": dataclasses.asdict(judged.screening)}
            for judged in one.fit.judged
        },
        "interval": dataclasses.asdict(one.fit.interval),
        "groups": [dataclasses.asdict(group) for group in one.groups],
        "calibration": [dataclasses.asdict(group) for group in one.calibration],
        "learning_curve": [dataclasses.asdict(point) for point in one.curve],
    }


def as_markdown(report: PhqReport) -> str:
    """The report for a reader."""
    return "".join(
        (
            f"# PHQ head: {report.scale}, {report.sessions} sessions of {report.subjects} people\n\n",
            "Every figure is of people whom the model had not seen: cross-validation grouped by subject, repeated, "
            "with the model's own settings chosen inside each training part. The model of each set was chosen by "
            f"these figures. In brackets: {LEVEL:.0%} interval, percentile bootstrap over people. Floor: always "
            "answering the training's mean. **Not a diagnosis.**\n\n",
            _honesty(report),
            *(_set_section(one) for one in report.sets),
            "\n![Estimates against scores](scatter.png)\n\n![Calibration](calibration.png)\n\n"
            "![Learning curve](learning_curve.png)\n",
        )
    )


def _honesty(report: PhqReport) -> str:
    """What so few people, or so little signal, mean."""
    said = []
    if report.subjects < RIDGE_ONLY_BELOW:
        said.append(
            f"With {report.subjects} people only ridge regression was trained: choosing between models would be "
            "choosing between chances, and every figure below may be far from the truth."
        )
    first = report.sets[0].chosen.figures
    if first.intervals["ccc"].low <= 0:
        said.append(
            "The concordance's interval reaches zero: on these sessions the head has not been shown to know anything "
            "beyond the mean."
        )
    return "".join(f"{sentence}\n\n" for sentence in said)


def _set_section(one: SetReport) -> str:
    interval = one.fit.interval
    chosen = one.chosen
    table = one.fit.data.table
    rows = [_figures_row(judged, judged.model == chosen.model) for judged in one.fit.judged]
    columns = ["model", "MAE", "RMSE", "CCC", "Pearson", "R²", f"AUC (≥ {SCREENING})", "sensitivity", "specificity"]
    text = (
        f"## {one.name}\n\n{len(table)} sessions of {table.subject_count} people; floor MAE "
        f"{_bracketed(chosen.figures.floor_mae, chosen.figures.intervals['floor_mae'])}.\n\n"
        + markdown_table(columns, rows)
        + f"\nInterval at {interval.interval_level:.0%}: covers {interval.interval_coverage:.1%}, mean width "
        f"{interval.interval_mean_width:.1f} points.\n\n"
    )
    return text + (_groups(one.groups) if one.groups else "")


def _figures_row(judged: Judged, chosen: bool) -> Sequence[str]:
    figures = judged.figures
    screen = judged.screening
    names = ("mae", "rmse", "ccc", "pearson", "r2")
    cells = [_bracketed(getattr(figures, name), figures.intervals[name]) for name in names]
    shares = [_share(value) for value in (screen.auc, screen.sensitivity, screen.specificity)]
    return [f"**{judged.model}**" if chosen else judged.model, *cells, *shares]


def _bracketed(value: float, interval: Interval) -> str:
    return f"{value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _groups(groups: Sequence[GroupError]) -> str:
    rows = [[g.column, g.value, str(g.n), str(g.subjects), f"{g.mae:.2f}", f"{g.bias:+.2f}"] for g in groups]
    head = "Error by group (bias: mean of estimate less score; few people say little):\n\n"
    return head + markdown_table(["column", "value", "sessions", "people", "MAE", "bias"], rows) + "\n"
