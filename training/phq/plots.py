"""Diagrams of a PHQ head's report: tidy values in, a Matplotlib figure out. Nothing here computes a metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fer_phq.core.phq import BAND_STARTS
from fer_phq.models.head_report import CalibrationBin, LearningCurvePoint
from training.plots.figures import BLUE, DPI, GREY, ORANGE, create_figure, style_axes

Float = npt.NDArray[np.float64]


def scatter_figure(estimates: Float, scores: Float, maximum: int, title: str = "") -> Figure:
    """Draw estimates of left-out people against their scores, with the severity bands' cuts and the diagonal.

    Args:
        estimates: (n,) float64, in points.
        scores: (n,) float64, the questionnaires' totals.
        maximum: The scale's highest total.
        title: The figure's title.
    """
    figure, axes = create_figure(5.6, 5.6, title)
    axes.plot([0, maximum], [0, maximum], color=GREY, linestyle="--", linewidth=1, label="estimate = score")
    for start, _ in BAND_STARTS[1:]:
        axes.axvline(start, color=GREY, linewidth=0.5, linestyle=":")
        axes.axhline(start, color=GREY, linewidth=0.5, linestyle=":")
    axes.plot(scores, estimates, "o", color=BLUE, alpha=0.5, markersize=4, label="a session")
    axes.set(xlabel="PHQ score (questionnaire)", ylabel="PHQ estimate (model)")
    axes.set(xlim=(-0.5, maximum + 0.5), ylim=(-0.5, maximum + 0.5), aspect="equal")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    style_axes(axes)
    return figure


def calibration_figure(bins: Sequence[CalibrationBin], maximum: int, title: str = "") -> Figure:
    """Draw the mean score against the mean estimate of each bin, with the standard error of the mean score.

    Args:
        bins: Groups of rising estimates.
        maximum: The scale's highest total.
        title: The figure's title.
    """
    figure, axes = create_figure(5.6, 5.2, title)
    axes.plot([0, maximum], [0, maximum], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    axes.errorbar(
        [b.estimate for b in bins],
        [b.score for b in bins],
        yerr=[b.standard_error for b in bins],
        color=BLUE,
        marker="o",
        capsize=3,
        label="sessions of like estimates",
    )
    axes.set(xlabel="Mean PHQ estimate", ylabel="Mean PHQ score", xlim=(0, maximum), ylim=(0, maximum))
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    style_axes(axes)
    return figure


def learning_curve_figure(points: Sequence[LearningCurvePoint], floor_mae: float, title: str = "") -> Figure:
    """Draw error and concordance on left-out people against the number of people in the training.

    Args:
        points: The learning curve, by rising number of people.
        floor_mae: MAE of always answering the training's mean, drawn as a line.
        title: The figure's title.
    """
    figure = Figure(figsize=(6.0, 5.6), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title, size=10)
    subjects = [point.subjects for point in points]
    top.plot(subjects, [point.mae for point in points], color=BLUE, marker="o", label="model")
    top.axhline(floor_mae, color=ORANGE, linestyle="--", linewidth=1, label="always the training's mean")
    top.set_ylabel("MAE (points)")
    top.legend(frameon=False, fontsize=8)
    bottom.plot(subjects, [point.ccc for point in points], color=BLUE, marker="o")
    bottom.set(xlabel="People in the training", ylabel="CCC", xscale="log")
    bottom.set_xticks(subjects, [str(count) for count in subjects])
    bottom.minorticks_off()
    for axes in (top, bottom):
        style_axes(axes)
    return figure
